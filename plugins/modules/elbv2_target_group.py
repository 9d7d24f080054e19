#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module stateful.aws.elbv2_target_group."""

from __future__ import annotations

DOCUMENTATION = r"""
module: elbv2_target_group
short_description: Manage a target group of an Application Load Balancer
version_added: 1.0.0
description:
  - Creates, changes or deletes a target group whose targets are instances.
  - A group of that name which does not carry the cluster's tag is refused, never changed.
options:
  name:
    description: Name of the group; one of more than 32 characters is cut and ends in a hash of the whole.
    type: str
    required: true
  protocol:
    description: Protocol of the targets. Cannot be changed. Required when O(state=present).
    type: str
    choices: [HTTP, HTTPS]
  port:
    description: Port of the targets. Cannot be changed. Required when O(state=present).
    type: int
  vpc_id:
    description: VPC of the targets. Cannot be changed. Required when O(state=present).
    type: str
  target_type:
    description: Kind of the targets.
    type: str
    choices: [instance]
    default: instance
  health_check:
    description: How AWS checks a target's health; what is not set stays untouched.
    type: dict
    suboptions:
      path:
        description: Path that is asked for.
        type: str
      port:
        description: C(traffic-port) or a number.
        type: str
      protocol:
        description: Protocol of the check.
        type: str
        choices: [HTTP, HTTPS]
      interval_seconds:
        description: Seconds between two checks, 5 to 300.
        type: int
      timeout_seconds:
        description: Seconds without an answer that fail a check, 2 to 120, and fewer than the interval.
        type: int
      healthy_threshold:
        description: Successes in a row that make a target healthy, 2 to 10.
        type: int
      unhealthy_threshold:
        description: Failures in a row that make a target unhealthy, 2 to 10.
        type: int
      matcher:
        description: HTTP codes of a success, such as C(200) or C(200-299).
        type: str
  deregistration_delay_seconds:
    description: Seconds for which a target that leaves may still end its requests, 0 to 3600.
    type: int
notes:
  - "IAM actions: C(elasticloadbalancing:DescribeTargetGroups), C(elasticloadbalancing:DescribeTargetGroupAttributes),
    C(elasticloadbalancing:DescribeTags); to write C(elasticloadbalancing:CreateTargetGroup),
    C(elasticloadbalancing:ModifyTargetGroup), C(elasticloadbalancing:ModifyTargetGroupAttributes),
    C(elasticloadbalancing:AddTags), C(elasticloadbalancing:RemoveTags); to delete
    C(elasticloadbalancing:DeleteTargetGroup)."
  - Deleting goes on for three minutes while AWS says that a listener still uses the group.
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
- name: The backends of a WEKA cluster
  stateful.aws.elbv2_target_group:
    cluster: demo
    component: load_balancer
    name: stateful-demo
    protocol: HTTP
    port: 14000
    vpc_id: vpc-0123456789abcdef0
    health_check:
      path: /api/v2/healthcheck/

- name: Delete it
  stateful.aws.elbv2_target_group:
    cluster: demo
    name: stateful-demo
    state: absent
"""

RETURN = r"""
elbv2_target_group:
  description: The target group; empty when it is absent.
  returned: always
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: stateful-demo
    target_group_arn:
      description: Its ARN.
      type: str
    protocol:
      description: Protocol of the targets.
      type: str
      sample: HTTP
    port:
      description: Port of the targets.
      type: int
      sample: 14000
    vpc_id:
      description: VPC of the targets.
      type: str
    target_type:
      description: Kind of the targets.
      type: str
      sample: instance
    health_check:
      description: The health check, named as the option's suboptions are.
      type: dict
      sample: {"path": "/api/v2/healthcheck/", "port": "traffic-port", "protocol": "HTTP", "matcher": "200"}
    deregistration_delay_seconds:
      description: The delay, when one was given.
      type: int
    load_balancer_arns:
      description: ARNs of the load balancers that use the group.
      type: list
      elements: str
    tags:
      description: Its tags.
      type: dict
actions:
  description: The AWS calls that changed something, or in check mode would, each with its reason.
  returned: always
  type: list
  elements: dict
  sample: [{"action": "elasticloadbalancing:ModifyTargetGroup", "reason": "check its targets' health"}]
api_calls:
  description: Number of AWS calls made, reads included.
  returned: always
  type: int
"""

from ansible_collections.stateful.aws.plugins.module_utils._engine.run import run_module
from ansible_collections.stateful.aws.plugins.module_utils._resources.elbv2_target_group import RESOURCE


def main() -> None:
    """Run the module."""
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
