#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module stateful.aws.iam_role."""

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_role
short_description: Manage an IAM role with its trust and inline policies
version_added: 1.0.0
description:
  - Creates, changes or deletes an IAM role, its inline policies and its permissions boundary.
  - Policies are compared by meaning, not as text; a changed policy is put before another one is removed.
  - A role of that name that does not carry the cluster's tag is refused, never changed.
options:
  name:
    description: Name of the role; longer than 64 characters it is cut, with a hash of the whole.
    type: str
    required: true
  path:
    description: Path of the role. It cannot be changed later.
    type: str
    default: /
  description:
    description: Description of the role.
    type: str
  assume_role_policy:
    description: Who may assume the role, as a policy document. Required when O(state=present).
    type: json
  inline_policies:
    description:
      - Policy documents by name. Inline policies that are not listed are removed.
      - Existing ones stay untouched when this is not set.
    type: dict
  permissions_boundary:
    description: ARN of the managed policy that bounds the role's rights; an empty string lifts the boundary.
    type: str
  max_session_duration:
    description: Longest session in seconds, 3600 to 43200.
    type: int
notes:
  - "Deleting the role also takes it out of its instance profiles and off its managed policies. IAM does not tell
    whether somebody still uses the role."
  - "IAM actions: C(iam:GetRole), C(iam:ListRolePolicies), C(iam:GetRolePolicy); to write C(iam:CreateRole),
    C(iam:UpdateRole), C(iam:UpdateAssumeRolePolicy), C(iam:PutRolePolicy), C(iam:DeleteRolePolicy),
    C(iam:PutRolePermissionsBoundary), C(iam:DeleteRolePermissionsBoundary), C(iam:TagRole), C(iam:UntagRole); to
    delete C(iam:ListInstanceProfilesForRole), C(iam:RemoveRoleFromInstanceProfile),
    C(iam:ListAttachedRolePolicies), C(iam:DetachRolePolicy), C(iam:DeleteRolePolicy), C(iam:DeleteRole)."
extends_documentation_fragment:
  - stateful.aws.resource
  - stateful.aws.resource.tags
  - stateful.aws.resource.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
author:
  - The stateful.aws maintainers
"""

EXAMPLES = r"""
- name: A role for the function that fetches
  stateful.aws.iam_role:
    cluster: demo
    component: scaling
    name: stateful-demo-fetch
    path: /stateful/demo/
    assume_role_policy:
      Version: "2012-10-17"
      Statement:
        - Effect: Allow
          Principal: {Service: lambda.amazonaws.com}
          Action: sts:AssumeRole
    inline_policies:
      fetch:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action: autoscaling:DescribeAutoScalingGroups
            Resource: "*"

- name: Delete the role and everything on it
  stateful.aws.iam_role:
    cluster: demo
    name: stateful-demo-fetch
    state: absent
"""

RETURN = r"""
iam_role:
  description: The role; empty when it is absent.
  returned: always
  type: dict
  contains:
    name:
      description: Its name as IAM has it.
      type: str
      sample: stateful-demo-fetch
    role_arn:
      description: Its ARN, known in check mode too.
      type: str
      sample: arn:aws:iam::123456789012:role/stateful/demo/stateful-demo-fetch
    path:
      description: Its path.
      type: str
    description:
      description: Its description.
      type: str
    assume_role_policy:
      description: Who may assume it.
      type: dict
    inline_policies:
      description: Its inline policies by name, when they were given.
      type: dict
    permissions_boundary:
      description: ARN of its permissions boundary, or an empty string.
      type: str
    max_session_duration:
      description: Longest session in seconds.
      type: int
    tags:
      description: Its tags.
      type: dict
actions:
  description: The AWS calls that changed something, or in check mode would, each with its reason.
  returned: always
  type: list
  elements: dict
  sample: [{"action": "iam:CreateRole", "reason": "give one part its rights"}]
api_calls:
  description: Number of AWS calls made, reads included.
  returned: always
  type: int
"""

from ansible_collections.stateful.aws.plugins.module_utils._engine.run import run_module
from ansible_collections.stateful.aws.plugins.module_utils._resources.iam_role import RESOURCE


def main() -> None:
    """Run the module."""
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
