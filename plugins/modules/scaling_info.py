#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module stateful.aws.scaling_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: scaling_info
short_description: Read how the scaling of a cluster stands
version_added: 1.0.0
description:
  - Reads what people asked for (a pause, holds, Standby), the group's sizes, the last passes and what holds machines back.
  - What is missing is named in C(missing) and is no failure. The credentials are not read.
options:
  cluster:
    description: Name of the cluster.
    type: str
    required: true
notes:
  - "IAM actions: C(dynamodb:BatchGetItem), C(autoscaling:DescribeAutoScalingGroups), C(ec2:DescribeInstances),
    C(events:DescribeRule), C(states:ListExecutions), C(states:DescribeExecution)."
extends_documentation_fragment:
  - stateful.aws.resource.reading
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
author:
  - The stateful.aws maintainers
"""

EXAMPLES = r"""
- name: How does the scaling of demo stand
  stateful.aws.scaling_info:
    cluster: demo
  register: found

- name: The last pass went well
  ansible.builtin.assert:
    that: found.scaling_info.last_pass.status == 'SUCCEEDED'
"""

RETURN = r"""
scaling_info:
  description: State of the scaling.
  returned: always
  type: dict
  contains:
    missing:
      description: Which of table, group, rule and state machine are not there, or are not the cluster's.
      type: list
      elements: str
    paused:
      description: Who paused it (C(by)), when (C(since)) and why (C(reason)); null when it is not paused.
      type: dict
    policy:
      description: The recorded limits; the filter C(stateful.aws.limits_in_force) fills in the others.
      type: dict
    original_size:
      description: Number of backends when the cluster was imported first.
      type: int
    min_size:
      description: The group's least size; C(max_size) and C(desired_capacity) likewise.
      type: int
    members:
      description: Lifecycle states of the members, by id.
      type: dict
      sample: {"i-0123456789abcdef0": "InService"}
    standby:
      description: Members in Standby.
      type: list
      elements: str
    held:
      description: Members with a hold, and why.
      type: dict
    rule_enabled:
      description: Whether the schedule starts passes.
      type: bool
    lease:
      description: The execution that is at work (C(holder)), and when its lease expires.
      type: dict
    login:
      description:
        - Logins of the stored user since the last one that WEKA accepted. C(refused) in a row were refused, the last
          one at C(refused_at); to C(unheard) others, the last of them sent at C(tried_at), no answer came. Null when
          there is neither.
        - The filter C(stateful.aws.no_login_before) tells until when no login is tried; an empty text means that none is
          until the import stores the user again.
      type: dict
    removed:
      description: Instances that were removed from WEKA and are not terminated yet.
      type: list
      elements: str
    last_report:
      description:
        - What the last pass saw (C(desired), C(members), C(gate), C(errors), C(counts)) and when.
        - A report that says the same as the one before is written again after a quarter of an hour.
      type: dict
    should_leave:
      description: Machines that should leave.
      type: list
      elements: str
    may_leave:
      description: Those of them that are allowed to.
      type: list
      elements: str
    held_back:
      description: The others, each with the C(invariant) that holds it back and the C(reason).
      type: list
      elements: dict
      sample: [{"machine": "i-0123456789abcdef0", "invariant": "S2 floor", "reason": "5 healthy members would stay"}]
    last_pass:
      description: The newest execution that has ended, with its C(status) and what it said when it failed.
      type: dict
    running:
      description: Number of executions that run.
      type: int
    executions:
      description: The last ten executions, the newest first.
      type: list
      elements: dict
api_calls:
  description: Number of AWS calls made.
  returned: always
  type: int
"""

from ansible_collections.stateful.aws.plugins.module_utils._engine.run import run_module
from ansible_collections.stateful.aws.plugins.module_utils._resources.scaling_info import RESOURCE


def main() -> None:
    """Run the module."""
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
