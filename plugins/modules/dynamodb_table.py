#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module stateful.aws.dynamodb_table."""

from __future__ import annotations

DOCUMENTATION = r"""
module: dynamodb_table
short_description: Manage a DynamoDB table on demand
version_added: 1.0.0
description:
  - Creates, changes or deletes a DynamoDB table with one hash key, paid on demand.
  - Every change waits until the table is active again, because DynamoDB takes one at a time.
  - A table of that name that does not carry the cluster's tag is refused, never changed.
options:
  name:
    description: Name of the table; longer than 255 characters it is cut, with a hash of the whole.
    type: str
    required: true
  hash_key:
    description: Name of the hash key, a string. It cannot be changed later.
    type: str
    default: Key
  kms_key_arn:
    description: ARN of the KMS key that encrypts the table; DynamoDB's own key when not set at creation.
    type: str
  point_in_time_recovery:
    description: Whether the table can be restored to any second of the last 35 days.
    type: bool
  deletion_protection:
    description: Whether DynamoDB refuses to delete the table. With O(state=absent) the module lifts it first.
    type: bool
notes:
  - "IAM actions: C(dynamodb:DescribeTable), C(dynamodb:DescribeContinuousBackups), C(dynamodb:ListTagsOfResource); to
    write C(dynamodb:CreateTable), C(dynamodb:UpdateTable), C(dynamodb:UpdateContinuousBackups),
    C(dynamodb:TagResource), C(dynamodb:UntagResource), and with a key C(kms:DescribeKey), C(kms:CreateGrant),
    C(kms:Encrypt), C(kms:Decrypt), C(kms:GenerateDataKey*); to delete C(dynamodb:UpdateTable),
    C(dynamodb:DeleteTable)."
  - DynamoDB keeps a backup of a deleted table that had point-in-time recovery for 35 days.
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
- name: A table for the cluster's record
  stateful.aws.dynamodb_table:
    cluster: demo
    component: credentials
    name: stateful-demo
    kms_key_arn: "{{ key.kms_key.key_arn }}"
    point_in_time_recovery: true
    deletion_protection: true

- name: Delete the table, its protection lifted
  stateful.aws.dynamodb_table:
    cluster: demo
    name: stateful-demo
    state: absent
"""

RETURN = r"""
dynamodb_table:
  description: The table; empty when it is absent.
  returned: always
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: stateful-demo
    table_arn:
      description: Its ARN, known in check mode too.
      type: str
      sample: arn:aws:dynamodb:us-east-1:123456789012:table/stateful-demo
    status:
      description: Its status.
      type: str
      sample: ACTIVE
    hash_key:
      description: Name of its hash key.
      type: str
    billing_mode:
      description: How it is paid.
      type: str
      sample: PAY_PER_REQUEST
    kms_key_arn:
      description: ARN of the key that encrypts it; nothing with DynamoDB's own key.
      type: str
    point_in_time_recovery:
      description: Whether it can be restored to a point in time, when that was given.
      type: bool
    deletion_protection:
      description: Whether it is protected from deletion.
      type: bool
    tags:
      description: Its tags.
      type: dict
actions:
  description: The AWS calls that changed something, or in check mode would, each with its reason.
  returned: always
  type: list
  elements: dict
  sample: [{"action": "dynamodb:CreateTable", "reason": "keep the cluster's record"}]
api_calls:
  description: Number of AWS calls made, reads included.
  returned: always
  type: int
"""

from ansible_collections.stateful.aws.plugins.module_utils._engine.run import run_module
from ansible_collections.stateful.aws.plugins.module_utils._resources.dynamodb_table import RESOURCE


def main() -> None:
    """Run the module."""
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
