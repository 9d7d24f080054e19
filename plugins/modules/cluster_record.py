#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module stateful.aws.cluster_record."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_record
short_description: Record a cluster's settings and its WEKA user
version_added: 1.0.0
description:
  - Writes, compares or deletes the items of a cluster's table. The settings are a document; the WEKA user is encrypted
    by KMS with the cluster's name as encryption context.
  - With neither O(document) nor O(username) it only reads and returns the settings. A table that does not exist yet
    holds no record.
  - The credentials are never returned.
options:
  table:
    description: Name of the cluster's DynamoDB table, whose hash key is C(Key).
    type: str
    required: true
  kms_key_arn:
    description: ARN of the key under which the credentials are encrypted. Required with O(username).
    type: str
  document:
    description:
      - The settings, compared with the recorded ones as data.
      - Its C(schema) and C(cluster) are filled in, and refused when they are others.
    type: dict
  immutable:
    description:
      - Keys of O(document) whose value may not change once it is recorded.
      - When one differs, nothing is written and the module fails, saying what is recorded.
    type: list
    elements: str
    default: []
  username:
    description:
      - WEKA user of the functions. Never returned.
      - Given again as it is recorded it says that user and password are right, so that the functions try them again
        although logins were refused.
    type: str
  password:
    description: Its password. Never returned. Required with O(username).
    type: str
notes:
  - "IAM actions: C(dynamodb:BatchGetItem), C(kms:Decrypt); to write C(dynamodb:PutItem), C(dynamodb:DeleteItem),
    C(kms:Encrypt); to delete C(dynamodb:DeleteItem)."
  - Deleting the record also deletes what the functions keep beside it, such as their lease.
extends_documentation_fragment:
  - stateful.aws.resource
  - stateful.aws.resource.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
author:
  - The stateful.aws maintainers
"""

EXAMPLES = r"""
- name: Record a cluster
  stateful.aws.cluster_record:
    cluster: demo
    table: stateful-demo
    kms_key_arn: "{{ key.kms_key.key_arn }}"
    document:
      subnet_id: subnet-0123456789abcdef0
      max_size: 42
    immutable: [subnet_id]
    username: "{{ weka_username }}"
    password: "{{ weka_password }}"

- name: Read the settings of an imported cluster
  stateful.aws.cluster_record:
    cluster: demo
    table: stateful-demo
  register: record

- name: Forget the cluster
  stateful.aws.cluster_record:
    cluster: demo
    table: stateful-demo
    state: absent
"""

RETURN = r"""
cluster_record:
  description: The record without the credentials; empty when there is none.
  returned: always
  type: dict
  contains:
    table:
      description: Name of the table.
      type: str
      sample: stateful-demo
    settings:
      description: The settings document.
      type: dict
      sample: {"schema": 1, "cluster": "demo", "max_size": 42}
actions:
  description: The AWS calls that changed something, or in check mode would, each with its reason.
  returned: always
  type: list
  elements: dict
  sample: [{"action": "dynamodb:PutItem", "reason": "record the settings"}]
api_calls:
  description: Number of AWS calls made, reads included.
  returned: always
  type: int
"""

from ansible_collections.stateful.aws.plugins.module_utils._engine.run import run_module
from ansible_collections.stateful.aws.plugins.module_utils._resources.cluster_record import RESOURCE


def main() -> None:
    """Run the module."""
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
