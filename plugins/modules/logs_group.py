#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module stateful.aws.logs_group."""

from __future__ import annotations

DOCUMENTATION = r"""
module: logs_group
short_description: Manage a CloudWatch Logs log group
version_added: 1.0.0
description:
  - Creates, changes or deletes a log group with its retention and key.
  - A group of that name that does not carry the cluster's tag is refused, never changed. So is one that AWS made again
    without tags because log lines arrived late.
options:
  name:
    description: Name of the log group; longer than 512 characters it is cut, with a hash of the whole.
    type: str
    required: true
  retention:
    description:
      - How many days logs are kept; one of the values that CloudWatch Logs accepts, or V(0) for ever.
      - The present retention stays untouched when this is not set.
    type: int
  kms_key_id:
    description:
      - ARN of the KMS key that encrypts the logs; an empty string means AWS's own key.
      - The key's policy must admit C(logs.REGION.amazonaws.com).
    type: str
notes:
  - "IAM actions: C(logs:DescribeLogGroups), C(logs:ListTagsForResource); to write C(logs:CreateLogGroup),
    C(logs:PutRetentionPolicy), C(logs:DeleteRetentionPolicy), C(logs:AssociateKmsKey), C(logs:DisassociateKmsKey),
    C(logs:TagResource), C(logs:UntagResource); to delete C(logs:DeleteLogGroup)."
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
- name: Keep a function's logs for a month
  stateful.aws.logs_group:
    cluster: demo
    component: scaling
    name: /aws/lambda/stateful-demo-fetch
    retention: 30

- name: Delete the group with its logs
  stateful.aws.logs_group:
    cluster: demo
    name: /aws/lambda/stateful-demo-fetch
    state: absent
"""

RETURN = r"""
logs_group:
  description: The log group; empty when it is absent.
  returned: always
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: /aws/lambda/stateful-demo-fetch
    log_group_arn:
      description: Its ARN without C(:*), known in check mode too.
      type: str
      sample: arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/stateful-demo-fetch
    log_group_stream_arn:
      description: Its ARN with C(:*), as policies and Step Functions want it.
      type: str
      sample: arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/stateful-demo-fetch:*
    retention:
      description: Days that logs are kept; 0 means for ever.
      type: int
    kms_key_id:
      description: ARN of the key, or an empty string.
      type: str
    tags:
      description: Its tags.
      type: dict
actions:
  description: The AWS calls that changed something, or in check mode would, each with its reason.
  returned: always
  type: list
  elements: dict
  sample: [{"action": "logs:CreateLogGroup", "reason": "have the group before its first line"}]
api_calls:
  description: Number of AWS calls made, reads included.
  returned: always
  type: int
"""

from ansible_collections.stateful.aws.plugins.module_utils._engine.run import run_module
from ansible_collections.stateful.aws.plugins.module_utils._resources.logs_group import RESOURCE


def main() -> None:
    """Run the module."""
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
