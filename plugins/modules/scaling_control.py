#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module stateful.aws.scaling_control."""

from __future__ import annotations

DOCUMENTATION = r"""
module: scaling_control
short_description: Pause and resume the scaling of a cluster
version_added: 1.0.0
description:
  - Writes who paused a cluster's scaling, when and why, into the cluster's table. Every pass reads it before it changes
    anything, and again before it terminates anything.
  - After pausing it waits until no pass is at work, so that on return nothing acts any more. A pass that died counts as
    at work until its lease expires, two minutes at most.
  - Without O(paused) it only reads.
  - With O(state=absent) the item is deleted, which is the same as not paused.
options:
  table:
    description: Name of the cluster's DynamoDB table.
    type: str
    required: true
  paused:
    description:
      - Whether scaling shall be paused.
      - When it is paused already, who, when and why stay as they are recorded.
    type: bool
  reason:
    description: Why it is paused, in up to 256 characters.
    type: str
    default: by hand
  replaces:
    description:
      - Reason of the one pause that this task may end, or put its own in the place of.
      - A pause for another reason then stays, also with O(paused=false).
    type: str
notes:
  - "IAM actions: C(dynamodb:BatchGetItem); to write C(dynamodb:PutItem); to delete C(dynamodb:DeleteItem)."
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
- name: Pause the scaling of demo
  stateful.aws.scaling_control:
    cluster: demo
    table: stateful-demo
    paused: true
    reason: the network is being changed

- name: Let it go on
  stateful.aws.scaling_control:
    cluster: demo
    table: stateful-demo
    paused: false

- name: Is it paused
  stateful.aws.scaling_control:
    cluster: demo
    table: stateful-demo
  register: control
"""

RETURN = r"""
scaling_control:
  description: What is recorded; empty when there is no table.
  returned: always
  type: dict
  contains:
    table:
      description: Name of the table.
      type: str
    paused:
      description: Whether scaling is paused.
      type: bool
    since:
      description: Since when, in UTC.
      type: str
      sample: "2026-11-21T05:15:06Z"
    by:
      description: ARN of who paused it.
      type: str
    reason:
      description: Why.
      type: str
    lease_holder:
      description: The execution that is at work, if any.
      type: str
actions:
  description: The AWS calls that changed something, or in check mode would, each with its reason.
  returned: always
  type: list
  elements: dict
  sample: [{"action": "dynamodb:PutItem", "reason": "let no pass change anything"}]
api_calls:
  description: Number of AWS calls made, reads included.
  returned: always
  type: int
"""

from ansible_collections.stateful.aws.plugins.module_utils._engine.run import run_module
from ansible_collections.stateful.aws.plugins.module_utils._resources.scaling_control import RESOURCE


def main() -> None:
    """Run the module."""
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
