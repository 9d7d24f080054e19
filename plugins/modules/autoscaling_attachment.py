#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module stateful.aws.autoscaling_attachment."""

from __future__ import annotations

DOCUMENTATION = r"""
module: autoscaling_attachment
short_description: Attach running instances to an Auto Scaling group, or detach them
version_added: 1.0.0
description:
  - Makes running instances members of a group, or takes members out of it while they go on running; other members are
    left alone. Instances are attached and detached in batches of 20.
  - What AWS would refuse is refused before the first call, with the name of each instance that stands in the way.
  - A group that does not carry the cluster's tag is refused. With O(state=absent), an instance that is neither a member
    nor carries the cluster's tag stays untouched.
options:
  group:
    description: Name of the group.
    type: str
    required: true
  instance_ids:
    description: The instances.
    type: list
    elements: str
    required: true
  termination_protection:
    description:
      - Whether EC2 shall refuse to terminate the instances by its API, as one boolean for all or as a dictionary of
        instance ids with a boolean each.
      - Instances that are not named stay as they are; it is written only where it differs.
    type: raw
  instance_tags:
    description:
      - Tags to put on the instances, a dictionary. Other tags of theirs stay.
      - With O(state=absent) the tags to remove, of which only the keys count; a list of keys will do.
    type: raw
  decrement:
    description: Whether detaching lowers the group's desired capacity. Otherwise the group launches replacements.
    type: bool
    default: true
  lower_min_size:
    description: Whether the group's smallest size is lowered when it is in the way of detaching.
    type: bool
    default: true
  terminate:
    description:
      - With O(state=absent), terminate the instances once they are detached, their protection lifted right before.
      - Only instances that the group launched, which carry the tags C(stateful:cluster) of this cluster and
        C(stateful:component=member). When O(instance_ids) holds any other that exists, nothing is done at all.
    type: bool
    default: false
notes:
  - "IAM actions: C(autoscaling:DescribeAutoScalingGroups), C(autoscaling:DescribeAutoScalingInstances),
    C(ec2:DescribeInstances), C(ec2:DescribeInstanceAttribute); to write C(autoscaling:AttachInstances),
    C(ec2:ModifyInstanceAttribute), C(ec2:CreateTags); to detach C(autoscaling:DetachInstances),
    C(autoscaling:UpdateAutoScalingGroup), C(ec2:ModifyInstanceAttribute), C(ec2:DeleteTags), and with O(terminate)
    C(ec2:TerminateInstances)."
  - Detaching waits for the target group's deregistration delay.
  - Instances are tagged first and untagged last, so that a run that was stopped is continued by the next one.
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
- name: The cluster's running backends become members
  stateful.aws.autoscaling_attachment:
    cluster: demo
    group: stateful-demo
    instance_ids: [i-0123456789abcdef0, i-0123456789abcdef1]
    termination_protection: true
    instance_tags:
      "stateful:cluster": demo
      "stateful:component": group

- name: Take them out again, running and protected as they were before
  stateful.aws.autoscaling_attachment:
    cluster: demo
    group: stateful-demo
    instance_ids: [i-0123456789abcdef0, i-0123456789abcdef1]
    termination_protection:
      i-0123456789abcdef0: true
      i-0123456789abcdef1: false
    instance_tags: ["stateful:cluster", "stateful:component"]
    state: absent

- name: End the instances that the group launched
  stateful.aws.autoscaling_attachment:
    cluster: demo
    group: stateful-demo
    instance_ids: "{{ launched }}"
    terminate: true
    state: absent
"""

RETURN = r"""
autoscaling_attachment:
  description: The instances' membership.
  returned: always
  type: dict
  contains:
    group:
      description: Name of the group.
      type: str
      sample: stateful-demo
    instance_ids:
      description: Which of the instances are members. Not returned with O(state=absent).
      type: list
      elements: str
    members:
      description: These members as autoscaling_group shows them. Not returned with O(state=absent).
      type: list
      elements: dict
      sample: [{"instance_id": "i-0123456789abcdef0", "lifecycle_state": "InService", "health_status": "Healthy",
        "protected_from_scale_in": true}]
    min_size:
      description: The group's smallest size. Not returned with O(state=absent).
      type: int
    max_size:
      description: The group's largest size. Not returned with O(state=absent).
      type: int
    desired_capacity:
      description: The group's desired capacity. Not returned with O(state=absent).
      type: int
    termination_protection:
      description: Protection by instance id, when it was asked for. Not returned with O(state=absent).
      type: dict
    detached:
      description: Instances that this task detached, or in check mode would. Only with O(state=absent).
      type: list
      elements: str
    terminated:
      description: Instances that this task terminated, or in check mode would. Only with O(state=absent).
      type: list
      elements: str
actions:
  description: The AWS calls that changed something, or in check mode would, each with its reason.
  returned: always
  type: list
  elements: dict
  sample: [{"action": "autoscaling:AttachInstances", "reason": "make 6 running backends members"}]
api_calls:
  description: Number of AWS calls made, reads included.
  returned: always
  type: int
"""

from ansible_collections.stateful.aws.plugins.module_utils._engine.run import run_module
from ansible_collections.stateful.aws.plugins.module_utils._resources.autoscaling_attachment import RESOURCE


def main() -> None:
    """Run the module."""
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
