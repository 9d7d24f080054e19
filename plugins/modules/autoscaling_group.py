#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module stateful.aws.autoscaling_group."""

from __future__ import annotations

DOCUMENTATION = r"""
module: autoscaling_group
short_description: Manage an Auto Scaling group that holds a stateful cluster
version_added: 1.0.0
description:
  - Creates, changes or deletes an Auto Scaling group that uses a launch template.
  - A new group gets its sizes only after its processes are suspended. Once it has sizes they are left alone.
  - A group is never deleted by force, which would terminate its members; one with members is refused.
  - A group of that name which does not carry the cluster's tag is refused, never changed.
options:
  name:
    description: Name of the group; one of more than 255 characters is cut and ends in a hash of the whole.
    type: str
    required: true
  launch_template_id:
    description: Id of the launch template. Needed to create the group.
    type: str
  launch_template_version:
    description: Version of the launch template; its latest number when not set and O(launch_template_id) is.
    type: str
  min_size:
    description: Smallest size, used at creation and with O(resize).
    type: int
  max_size:
    description: Largest size, used at creation, where it is needed, and with O(resize).
    type: int
  desired_capacity:
    description: Number of members wanted, used at creation and with O(resize).
    type: int
  resize:
    description: Whether to set the sizes of a group that has sizes already.
    type: bool
    default: false
  departing:
    description:
      - Instances that leave the group before it is deleted, so that their membership does not stand in the way.
      - In check mode they are still members when a later task plans the group's deletion.
    type: list
    elements: str
    default: []
  vpc_zone_identifier:
    description: Subnets in which members are launched. Needed to create the group.
    type: list
    elements: str
  target_group_arns:
    description: ARNs of exactly the target groups in which members are registered.
    type: list
    elements: str
  new_instances_protected_from_scale_in:
    description: Whether new members, attached ones too, are protected from scale-in.
    type: bool
  suspended_processes:
    description:
      - Exactly the processes that are suspended. Others are resumed.
      - What a resumed process left undone meanwhile is done at once, as for members that are unhealthy already.
    type: list
    elements: str
    choices:
      - AZRebalance
      - AddToLoadBalancer
      - AlarmNotification
      - HealthCheck
      - InstanceRefresh
      - Launch
      - ReplaceUnhealthy
      - ScheduledActions
      - Terminate
  health_check_type:
    description: Whether the load balancer's health checks count too.
    type: str
    choices: [EC2, ELB]
  health_check_grace_period:
    description: Seconds after the start of a member for which failed checks do not count.
    type: int
  instance_lifecycle_policy:
    description: What becomes of members whose lifecycle actions fail. Left alone by a boto3 that does not know it.
    type: dict
    suboptions:
      terminate_hook_abandon:
        description: What becomes of a member whose termination hook is abandoned.
        type: str
        choices: [retain, terminate]
        required: true
  deletion_protection:
    description:
      - What AWS refuses when someone deletes the group. Left alone by a boto3 that does not know it.
      - O(state=absent) lifts it first.
    type: str
    choices: [none, prevent-force-deletion, prevent-all-deletion]
  default_cooldown:
    description: Seconds between two scaling activities.
    type: int
  termination_policies:
    description: How Auto Scaling chooses members to terminate, in order.
    type: list
    elements: str
  instance_tags:
    description: Exactly the tags of the group that its new members get too. Untouched when not set.
    type: dict
notes:
  - "IAM actions: C(autoscaling:DescribeAutoScalingGroups), C(autoscaling:DescribeLoadBalancerTargetGroups),
    C(ec2:DescribeLaunchTemplates); to write C(autoscaling:CreateAutoScalingGroup),
    C(autoscaling:UpdateAutoScalingGroup), C(autoscaling:SuspendProcesses), C(autoscaling:ResumeProcesses),
    C(autoscaling:AttachLoadBalancerTargetGroups), C(autoscaling:DetachLoadBalancerTargetGroups),
    C(autoscaling:CreateOrUpdateTags), C(autoscaling:DeleteTags), for the launch template C(ec2:RunInstances),
    C(ec2:CreateTags) and C(iam:PassRole), and once in an account C(iam:CreateServiceLinkedRole); to delete
    C(autoscaling:UpdateAutoScalingGroup), C(autoscaling:DeleteAutoScalingGroup)."
  - O(tags) are the group's own; members do not get them.
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
- name: A group for the backends of a WEKA cluster
  stateful.aws.autoscaling_group:
    cluster: demo
    component: group
    name: stateful-demo
    launch_template_id: "{{ template.ec2_launch_template.launch_template_id }}"
    max_size: 42
    vpc_zone_identifier: [subnet-0123456789abcdef0]
    target_group_arns: ["{{ backends.elbv2_target_group.target_group_arn }}"]
    new_instances_protected_from_scale_in: true
    suspended_processes: [AZRebalance, ReplaceUnhealthy]
    instance_lifecycle_policy:
      terminate_hook_abandon: retain
    deletion_protection: prevent-force-deletion

- name: Let it grow further
  stateful.aws.autoscaling_group:
    cluster: demo
    name: stateful-demo
    max_size: 60
    resize: true

- name: Delete it when it is empty
  stateful.aws.autoscaling_group:
    cluster: demo
    name: stateful-demo
    state: absent
"""

RETURN = r"""
autoscaling_group:
  description: The group, its properties named as the options are; empty when it is absent.
  returned: always
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: stateful-demo
    group_arn:
      description: Its ARN.
      type: str
    launch_template_id:
      description: Its launch template.
      type: str
    launch_template_version:
      description: The version that it launches.
      type: str
      sample: "2"
    min_size:
      description: Smallest size.
      type: int
    max_size:
      description: Largest size.
      type: int
    desired_capacity:
      description: Number of members wanted.
      type: int
    availability_zones:
      description: Zones of its subnets.
      type: list
      elements: str
    members:
      description: Its members by id.
      type: list
      elements: dict
      contains:
        instance_id:
          description: Id of the instance.
          type: str
        lifecycle_state:
          description: State in the group.
          type: str
          sample: InService
        health_status:
          description: Health as the group sees it.
          type: str
          sample: Healthy
        protected_from_scale_in:
          description: Whether it is protected from scale-in.
          type: bool
    suspended_processes:
      description: Processes that are suspended.
      type: list
      elements: str
    instance_tags:
      description: Tags that new members get.
      type: dict
    tags:
      description: All its tags.
      type: dict
actions:
  description: The AWS calls that changed something, or in check mode would, each with its reason.
  returned: always
  type: list
  elements: dict
  sample: [{"action": "autoscaling:UpdateAutoScalingGroup", "reason": "change its settings"}]
api_calls:
  description: Number of AWS calls made, reads included.
  returned: always
  type: int
"""

from ansible_collections.stateful.aws.plugins.module_utils._engine.run import run_module
from ansible_collections.stateful.aws.plugins.module_utils._resources.autoscaling_group import RESOURCE


def main() -> None:
    """Run the module."""
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
