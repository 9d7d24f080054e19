#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module stateful.aws.sns_topic."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sns_topic
short_description: Manage an SNS topic
version_added: 1.0.0
description:
  - Creates, changes or deletes a standard topic with its policy and key. Its subscriptions stay untouched.
  - A topic of that name that does not carry the cluster's tag is refused, never changed.
options:
  name:
    description: Name of the topic, at most 256 characters.
    type: str
    required: true
  policy:
    description:
      - Who may publish and subscribe, as a policy document.
      - The present policy stays untouched when this is not set.
    type: json
  kms_key_id:
    description:
      - Id, ARN or alias of the KMS key that encrypts the messages; an empty string means none.
      - The key's policy must admit C(cloudwatch.amazonaws.com), or alarms are lost. AWS's own key cannot, and is refused.
    type: str
notes:
  - "IAM actions: C(sns:GetTopicAttributes), C(sns:ListTagsForResource); to write C(sns:CreateTopic),
    C(sns:SetTopicAttributes), C(sns:TagResource), C(sns:UntagResource); to delete C(sns:DeleteTopic)."
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
- name: Have somewhere to send alarms
  stateful.aws.sns_topic:
    cluster: demo
    component: alarms
    name: stateful-demo

- name: Delete the topic with its subscriptions
  stateful.aws.sns_topic:
    cluster: demo
    name: stateful-demo
    state: absent
"""

RETURN = r"""
sns_topic:
  description: The topic; empty when it is absent.
  returned: always
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: stateful-demo
    topic_arn:
      description: Its ARN, known in check mode too.
      type: str
      sample: arn:aws:sns:us-east-1:123456789012:stateful-demo
    policy:
      description: Its policy.
      type: dict
    kms_key_id:
      description: Its key, or an empty string.
      type: str
    tags:
      description: Its tags.
      type: dict
actions:
  description: The AWS calls that changed something, or in check mode would, each with its reason.
  returned: always
  type: list
  elements: dict
  sample: [{"action": "sns:CreateTopic", "reason": "have somewhere to send alarms"}]
api_calls:
  description: Number of AWS calls made, reads included.
  returned: always
  type: int
"""

from ansible_collections.stateful.aws.plugins.module_utils._engine.run import run_module
from ansible_collections.stateful.aws.plugins.module_utils._resources.sns_topic import RESOURCE


def main() -> None:
    """Run the module."""
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
