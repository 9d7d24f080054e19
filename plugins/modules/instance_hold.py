#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module stateful.aws.instance_hold."""

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_hold
short_description: Hold instances of a cluster, or release them
version_added: 1.0.0
description:
  - Puts the tag C(stateful:hold) on members of a cluster's Auto Scaling group, or takes it off. A machine that bears it is
    not drained, removed, terminated or detached, by the next pass on.
  - When one of the instances is unknown, not of this cluster or not in the group, nothing is done.
options:
  group:
    description: Name of the cluster's Auto Scaling group.
    type: str
    required: true
  instance_ids:
    description: The instances.
    type: list
    elements: str
    required: true
  reason:
    description:
      - Why they are held, the tag's value, in up to 256 characters; C(by hand) when absent.
      - An instance that is held already keeps its reason when none is given.
    type: str
notes:
  - "IAM actions: C(autoscaling:DescribeAutoScalingGroups), C(ec2:DescribeInstances); to hold C(ec2:CreateTags); to release
    C(ec2:DeleteTags)."
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
- name: Let no pass touch a machine that is being looked at
  stateful.aws.instance_hold:
    cluster: demo
    group: stateful-demo
    instance_ids: [i-0123456789abcdef0]
    reason: its network card is being looked at

- name: Release it
  stateful.aws.instance_hold:
    cluster: demo
    group: stateful-demo
    instance_ids: [i-0123456789abcdef0]
    state: absent
"""

RETURN = r"""
instance_hold:
  description: The holds.
  returned: always
  type: dict
  contains:
    group:
      description: Name of the group.
      type: str
    held:
      description: Those of the instances that are held, and why.
      type: dict
      sample: {"i-0123456789abcdef0": "its network card is being looked at"}
    released:
      description: With O(state=absent) the instances whose hold was taken off.
      type: list
      elements: str
actions:
  description: The AWS calls that changed something, or in check mode would, each with its reason.
  returned: always
  type: list
  elements: dict
  sample: [{"action": "ec2:CreateTags", "reason": "let no pass touch 1 instances"}]
api_calls:
  description: Number of AWS calls made, reads included.
  returned: always
  type: int
"""

from ansible_collections.stateful.aws.plugins.module_utils._engine.run import run_module
from ansible_collections.stateful.aws.plugins.module_utils._resources.instance_hold import RESOURCE


def main() -> None:
    """Run the module."""
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
