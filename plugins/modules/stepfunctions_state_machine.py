#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module stateful.aws.stepfunctions_state_machine."""

from __future__ import annotations

DOCUMENTATION = r"""
module: stepfunctions_state_machine
short_description: Manage a Standard state machine of Step Functions
version_added: 1.0.0
description:
  - Creates, changes or deletes a Standard state machine.
  - Before it deletes a machine it stops the executions that still run.
  - A machine of that name that does not carry the cluster's tag is refused, never changed.
options:
  name:
    description: Name of the machine; longer than 80 characters it is cut, with a hash of the whole.
    type: str
    required: true
  role:
    description: ARN of the role under which executions run. Required when O(state=present).
    type: str
  definition:
    description: The definition in Amazon States Language; compared as data. Required when O(state=present).
    type: json
  log_group_arn:
    description:
      - ARN of the log group, with or without C(:*). An empty string turns logging off.
      - Input, output and other data of executions are never logged.
      - Logging stays untouched when this is not set.
    type: str
  log_level:
    description: Which events are logged.
    type: str
    choices: [ALL, ERROR, FATAL]
    default: ERROR
  tracing:
    description: Whether X-Ray traces executions.
    type: bool
  wait_for_executions:
    description: How many seconds a deletion waits for running executions to end by themselves before it stops them.
    type: int
    default: 0
notes:
  - Running executions keep the definition that they started with.
  - "IAM actions: C(states:DescribeStateMachine), C(states:ListTagsForResource); to write
    C(states:CreateStateMachine), C(states:UpdateStateMachine), C(states:TagResource), C(states:UntagResource),
    C(iam:PassRole) on the role; to delete C(states:ListExecutions), C(states:StopExecution) on the executions,
    C(states:DeleteStateMachine)."
  - "With logging the machine's role needs C(logs:CreateLogDelivery), C(logs:GetLogDelivery),
    C(logs:UpdateLogDelivery), C(logs:DeleteLogDelivery), C(logs:ListLogDeliveries), C(logs:PutResourcePolicy),
    C(logs:DescribeResourcePolicies) and C(logs:DescribeLogGroups) on all resources."
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
- name: The machine that carries out each pass of scaling
  stateful.aws.stepfunctions_state_machine:
    cluster: demo
    component: scaling
    name: stateful-demo
    role: arn:aws:iam::123456789012:role/stateful/demo/stateful-demo-states
    definition: "{{ lookup('template', 'state_machine.asl.json.j2') }}"
    log_group_arn: arn:aws:logs:us-east-1:123456789012:log-group:/aws/vendedlogs/states/stateful-demo

- name: Delete it; give a running pass five minutes to end
  stateful.aws.stepfunctions_state_machine:
    cluster: demo
    name: stateful-demo
    wait_for_executions: 300
    state: absent
"""

RETURN = r"""
stepfunctions_state_machine:
  description: The state machine; empty when it is absent.
  returned: always
  type: dict
  contains:
    name:
      description: Its real name.
      type: str
      sample: stateful-demo
    state_machine_arn:
      description: Its ARN.
      type: str
      sample: arn:aws:states:us-east-1:123456789012:stateMachine:stateful-demo
    type:
      description: Its type.
      type: str
      sample: STANDARD
    status:
      description: Its status.
      type: str
      sample: ACTIVE
    role:
      description: ARN of its role.
      type: str
    definition:
      description: Its definition.
      type: dict
    log_group_arn:
      description: ARN of its log group without C(:*); empty when it does not log.
      type: str
    log_level:
      description: What it logs.
      type: str
      sample: ERROR
    log_execution_data:
      description: Whether data of executions is logged.
      type: bool
      sample: false
    tracing:
      description: Whether X-Ray traces executions.
      type: bool
    tags:
      description: Its tags.
      type: dict
actions:
  description: The AWS calls that changed something, or in check mode would, each with its reason.
  returned: always
  type: list
  elements: dict
  sample: [{"action": "states:CreateStateMachine", "reason": "carry out each pass of scaling"}]
api_calls:
  description: Number of AWS calls made, reads included.
  returned: always
  type: int
"""

from ansible_collections.stateful.aws.plugins.module_utils._engine.run import run_module
from ansible_collections.stateful.aws.plugins.module_utils._resources.stepfunctions_state_machine import RESOURCE


def main() -> None:
    """Run the module."""
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
