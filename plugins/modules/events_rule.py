#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module stateful.aws.events_rule."""

from __future__ import annotations

DOCUMENTATION = r"""
module: events_rule
short_description: Manage a scheduled EventBridge rule with one target
version_added: 1.0.0
description:
  - Creates, changes or deletes a scheduled rule on the default event bus and its one target.
  - A new rule is enabled only after it has its target.
  - A rule of that name that does not carry the cluster's tag is refused, never changed.
options:
  name:
    description: Name of the rule; longer than 64 characters it is cut, with a hash of the whole.
    type: str
    required: true
  schedule_expression:
    description:
      - When the rule fires, such as V(rate(1 minute)), V(rate(5 minutes)) or a C(cron) expression.
      - Required, except to disable a rule that may exist (O(enabled=false)); one that does not is then not made.
    type: str
  description:
    description: Description of the rule.
    type: str
  enabled:
    description: Whether the rule fires.
    type: bool
    default: true
  target:
    description:
      - What the rule calls. Other targets of the rule are removed.
      - Targets stay untouched when this is not set.
    type: dict
    suboptions:
      id:
        description: Id of the target, the same in every run.
        type: str
        required: true
      arn:
        description: ARN of the target.
        type: str
        required: true
      role_arn:
        description: ARN of the role under which EventBridge calls the target.
        type: str
      maximum_event_age:
        description: After how many seconds (60 to 86400) an undelivered event is given up.
        type: int
        default: 60
      maximum_retry_attempts:
        description: How often (0 to 185) delivery is tried again.
        type: int
        default: 2
notes:
  - "IAM actions: C(events:DescribeRule), C(events:ListTargetsByRule), C(events:ListTagsForResource); to write
    C(events:PutRule), C(events:PutTargets), C(events:RemoveTargets), C(events:EnableRule), C(events:DisableRule),
    C(events:TagResource), C(events:UntagResource), C(iam:PassRole) on the target's role; to delete
    C(events:RemoveTargets), C(events:DeleteRule)."
  - A target whose role may not call it is accepted by EventBridge; it shows only in the rule's metric
    C(FailedInvocations).
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
- name: Start the state machine every minute
  stateful.aws.events_rule:
    cluster: demo
    component: scaling
    name: stateful-demo
    schedule_expression: rate(1 minute)
    target:
      id: state-machine
      arn: arn:aws:states:us-east-1:123456789012:stateMachine:stateful-demo
      role_arn: arn:aws:iam::123456789012:role/stateful/demo/stateful-demo-events

- name: Stop the schedule, when there is one
  stateful.aws.events_rule:
    cluster: demo
    name: stateful-demo
    enabled: false

- name: Delete the rule and its targets
  stateful.aws.events_rule:
    cluster: demo
    name: stateful-demo
    state: absent
"""

RETURN = r"""
events_rule:
  description: The rule; empty when it is absent.
  returned: always
  type: dict
  contains:
    name:
      description: Its real name.
      type: str
      sample: stateful-demo
    rule_arn:
      description: Its ARN.
      type: str
      sample: arn:aws:events:us-east-1:123456789012:rule/stateful-demo
    schedule_expression:
      description: When it fires.
      type: str
      sample: rate(1 minute)
    description:
      description: Its description.
      type: str
    enabled:
      description: Whether it fires.
      type: bool
    target:
      description: Its target, when one was given, with the same keys as the option.
      type: dict
    other_targets:
      description: Ids of its other targets, when a target was given.
      type: list
    tags:
      description: Its tags.
      type: dict
actions:
  description: The AWS calls that changed something, or in check mode would, each with its reason.
  returned: always
  type: list
  elements: dict
  sample: [{"action": "events:EnableRule", "reason": "start the schedule"}]
api_calls:
  description: Number of AWS calls made, reads included.
  returned: always
  type: int
"""

from ansible_collections.stateful.aws.plugins.module_utils._engine.run import run_module
from ansible_collections.stateful.aws.plugins.module_utils._resources.events_rule import RESOURCE


def main() -> None:
    """Run the module."""
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
