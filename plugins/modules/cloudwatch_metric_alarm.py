#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module stateful.aws.cloudwatch_metric_alarm."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudwatch_metric_alarm
short_description: Manage a CloudWatch alarm
version_added: 1.0.0
description:
  - Creates, changes or deletes an alarm on one metric, or on an expression over several.
  - An alarm of that name that does not carry the cluster's tag is refused, never changed.
options:
  name:
    description: Name of the alarm; longer than 255 characters it is cut, with a hash of the whole.
    type: str
    required: true
  description:
    description: What to do when it rings. The present one stays untouched when this is not set.
    type: str
  metrics:
    description: The metrics that it looks at. Needed unless O(state=absent).
    type: list
    elements: dict
    suboptions:
      id:
        description: The metric's name in O(expression).
        type: str
        required: true
      namespace:
        description: Namespace of the metric.
        type: str
        required: true
      metric_name:
        description: Name of the metric.
        type: str
        required: true
      dimensions:
        description: Dimensions of the metric, names with values.
        type: dict
        default: {}
      stat:
        description: Statistic over a period.
        type: str
        default: Sum
      period:
        description: Seconds of a period; 10, 20, 30 or a multiple of 60.
        type: int
        default: 60
  expression:
    description: Metric math over O(metrics). Needed when there are several.
    type: str
  comparison_operator:
    description: How the number is compared with O(threshold). Needed unless O(state=absent).
    type: str
    choices:
      - GreaterThanOrEqualToThreshold
      - GreaterThanThreshold
      - LessThanThreshold
      - LessThanOrEqualToThreshold
  threshold:
    description: The number to compare with. Needed unless O(state=absent).
    type: float
  evaluation_periods:
    description: How many periods are looked at. Needed unless O(state=absent).
    type: int
  datapoints_to_alarm:
    description: In how many of them the number must be wrong; in all when this is not set.
    type: int
  treat_missing_data:
    description: What a period without data counts as. The present choice stays untouched when this is not set.
    type: str
    choices: [breaching, notBreaching, ignore, missing]
  alarm_actions:
    description: ARNs of what is told when it rings, at most five. The present ones stay untouched when this is not set.
    type: list
    elements: str
  ok_actions:
    description: ARNs of what is told when all is well again. The present ones stay untouched when this is not set.
    type: list
    elements: str
notes:
  - "IAM actions: C(cloudwatch:DescribeAlarms), C(cloudwatch:ListTagsForResource); to write
    C(cloudwatch:PutMetricAlarm), C(cloudwatch:TagResource), C(cloudwatch:UntagResource); to delete
    C(cloudwatch:DeleteAlarms)."
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
- name: Ring when passes of the state machine fail
  stateful.aws.cloudwatch_metric_alarm:
    cluster: demo
    component: alarms
    name: stateful-demo-failed
    metrics:
      - id: failed
        namespace: AWS/States
        metric_name: ExecutionsFailed
        dimensions:
          StateMachineArn: arn:aws:states:us-east-1:123456789012:stateMachine:stateful-demo
    comparison_operator: GreaterThanOrEqualToThreshold
    threshold: 1
    evaluation_periods: 5
    datapoints_to_alarm: 3
    treat_missing_data: notBreaching

- name: Delete the alarm
  stateful.aws.cloudwatch_metric_alarm:
    cluster: demo
    name: stateful-demo-failed
    state: absent
"""

RETURN = r"""
cloudwatch_metric_alarm:
  description: The alarm; empty when it is absent.
  returned: always
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: stateful-demo-failed
    alarm_arn:
      description: Its ARN, known in check mode too.
      type: str
      sample: arn:aws:cloudwatch:us-east-1:123456789012:alarm:stateful-demo-failed
    metrics:
      description: Its metrics, with the same keys as the option. Its other options are returned likewise.
      type: list
    tags:
      description: Its tags.
      type: dict
actions:
  description: The AWS calls that changed something, or in check mode would, each with its reason.
  returned: always
  type: list
  elements: dict
  sample: [{"action": "cloudwatch:PutMetricAlarm", "reason": "tell when something is wrong"}]
api_calls:
  description: Number of AWS calls made, reads included.
  returned: always
  type: int
"""

from ansible_collections.stateful.aws.plugins.module_utils._engine.run import run_module
from ansible_collections.stateful.aws.plugins.module_utils._resources.cloudwatch_metric_alarm import RESOURCE


def main() -> None:
    """Run the module."""
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
