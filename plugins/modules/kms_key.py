#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module stateful.aws.kms_key."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kms_key
short_description: Manage a KMS key and its alias
version_added: 1.0.0
description:
  - Creates, changes or deletes a symmetric KMS key together with its alias.
  - A key found under the alias that does not carry the cluster's tag is refused, never changed.
options:
  alias:
    description: Alias of the key, with or without C(alias/).
    type: str
    required: true
  description:
    description: Description of the key.
    type: str
  policy:
    description: The key policy; compared by meaning, not as text. AWS's default policy when absent at creation.
    type: json
  rotation:
    description: Whether AWS rotates the key every year.
    type: bool
  deletion_window:
    description: Days (7 to 30) that a deleted key stays recoverable.
    type: int
    default: 7
notes:
  - "IAM actions: C(kms:DescribeKey), C(kms:GetKeyPolicy), C(kms:GetKeyRotationStatus), C(kms:ListResourceTags),
    C(tag:GetResources); to write C(kms:CreateKey), C(kms:CreateAlias), C(kms:EnableKey), C(kms:EnableKeyRotation),
    C(kms:DisableKeyRotation), C(kms:PutKeyPolicy), C(kms:UpdateKeyDescription), C(kms:TagResource),
    C(kms:UntagResource); to delete C(kms:DeleteAlias), C(kms:ScheduleKeyDeletion)."
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
- name: A key for the cluster's credentials
  stateful.aws.kms_key:
    cluster: demo
    component: credentials
    alias: alias/stateful-demo
    description: Credentials of the WEKA cluster demo
    rotation: true

- name: Schedule the key for deletion in 30 days
  stateful.aws.kms_key:
    cluster: demo
    alias: alias/stateful-demo
    deletion_window: 30
    state: absent
"""

RETURN = r"""
kms_key:
  description: The key; empty when it is absent.
  returned: always
  type: dict
  contains:
    alias:
      description: The alias.
      type: str
      sample: alias/stateful-demo
    key_id:
      description: Id of the key.
      type: str
    key_arn:
      description: ARN of the key.
      type: str
    description:
      description: Its description.
      type: str
    state:
      description: Its state.
      type: str
      sample: Enabled
    policy:
      description: The key policy, when one was given.
      type: dict
    rotation:
      description: Whether it rotates, when that was given.
      type: bool
    tags:
      description: Its tags.
      type: dict
actions:
  description: The AWS calls that changed something, or in check mode would, each with its reason.
  returned: always
  type: list
  elements: dict
  sample: [{"action": "kms:CreateKey", "reason": "encrypt the cluster's credentials and table"}]
api_calls:
  description: Number of AWS calls made, reads included.
  returned: always
  type: int
"""

from ansible_collections.stateful.aws.plugins.module_utils._engine.run import run_module
from ansible_collections.stateful.aws.plugins.module_utils._resources.kms_key import RESOURCE


def main() -> None:
    """Run the module."""
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
