#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module stateful.aws.elbv2_load_balancer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: elbv2_load_balancer
short_description: Manage an Application Load Balancer and its listeners
version_added: 1.0.0
description:
  - Creates, changes or deletes an Application Load Balancer together with its listeners, and waits until it is active.
  - A load balancer of that name which does not carry the cluster's tag is refused, never changed.
options:
  name:
    description: Name of the balancer; one of more than 32 characters is cut and ends in a hash of the whole.
    type: str
    required: true
  scheme:
    description: Whether it has addresses inside the VPC only. Cannot be changed.
    type: str
    choices: [internal, internet-facing]
    default: internal
  subnets:
    description: Two or more subnets, each in another Availability Zone. Needed to create it.
    type: list
    elements: str
  security_groups:
    description: Its security groups; the VPC's default group when not set at creation.
    type: list
    elements: str
  listeners:
    description: All its listeners, one a port. Others are deleted. Existing ones stay untouched when this is not set.
    type: list
    elements: dict
    suboptions:
      port:
        description: Port to listen on.
        type: int
        required: true
      protocol:
        description: Protocol of the clients.
        type: str
        choices: [HTTP, HTTPS]
        default: HTTP
      target_group_arn:
        description: ARN of the target group to which requests go.
        type: str
        required: true
      certificate_arn:
        description: ARN of the certificate; required for HTTPS.
        type: str
      ssl_policy:
        description: Security policy of HTTPS; AWS's default, or what it is, when not set.
        type: str
  idle_timeout:
    description: Seconds after which an idle connection is closed, 1 to 4000.
    type: int
  deletion_protection:
    description: Whether AWS refuses to delete it. O(state=absent) lifts the protection first.
    type: bool
notes:
  - "IAM actions: C(elasticloadbalancing:DescribeLoadBalancers),
    C(elasticloadbalancing:DescribeLoadBalancerAttributes), C(elasticloadbalancing:DescribeListeners),
    C(elasticloadbalancing:DescribeTags); to write C(elasticloadbalancing:CreateLoadBalancer),
    C(elasticloadbalancing:SetSubnets), C(elasticloadbalancing:SetSecurityGroups),
    C(elasticloadbalancing:ModifyLoadBalancerAttributes), C(elasticloadbalancing:CreateListener),
    C(elasticloadbalancing:ModifyListener), C(elasticloadbalancing:DeleteListener), C(elasticloadbalancing:AddTags),
    C(elasticloadbalancing:RemoveTags), and once in an account C(iam:CreateServiceLinkedRole); to delete
    C(elasticloadbalancing:ModifyLoadBalancerAttributes), C(elasticloadbalancing:DeleteListener),
    C(elasticloadbalancing:DeleteLoadBalancer)."
  - A deleted load balancer's network interfaces stay for some minutes and keep its subnets and security groups from
    being deleted meanwhile. They are AWS's and go by themselves; nothing waits for them here.
  - Listeners bear the same tags as their load balancer.
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
- name: One address for the clients of a WEKA cluster
  stateful.aws.elbv2_load_balancer:
    cluster: demo
    component: load_balancer
    name: stateful-demo
    subnets: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
    security_groups: [sg-0123456789abcdef0]
    listeners:
      - port: 14000
        target_group_arn: "{{ group.elbv2_target_group.target_group_arn }}"

- name: Delete it with its listeners
  stateful.aws.elbv2_load_balancer:
    cluster: demo
    name: stateful-demo
    state: absent
"""

RETURN = r"""
elbv2_load_balancer:
  description: The load balancer; empty when it is absent.
  returned: always
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: stateful-demo
    load_balancer_arn:
      description: Its ARN.
      type: str
    dns_name:
      description: The name under which clients reach it.
      type: str
    canonical_hosted_zone_id:
      description: The hosted zone that an alias record to it names.
      type: str
    scheme:
      description: Its scheme.
      type: str
      sample: internal
    vpc_id:
      description: Its VPC.
      type: str
    state:
      description: Its state.
      type: str
      sample: active
    subnets:
      description: Its subnets.
      type: list
      elements: str
    security_groups:
      description: Its security groups.
      type: list
      elements: str
    listeners:
      description: Its listeners by port, named as the option's suboptions are, each with its C(listener_arn).
      type: list
      elements: dict
    idle_timeout:
      description: Seconds, when one of the attributes was given.
      type: int
    deletion_protection:
      description: Whether it is protected, when one of the attributes was given.
      type: bool
    tags:
      description: Its tags.
      type: dict
actions:
  description: The AWS calls that changed something, or in check mode would, each with its reason.
  returned: always
  type: list
  elements: dict
  sample: [{"action": "elasticloadbalancing:CreateListener", "reason": "listen on port 14000"}]
api_calls:
  description: Number of AWS calls made, reads included.
  returned: always
  type: int
"""

from ansible_collections.stateful.aws.plugins.module_utils._engine.run import run_module
from ansible_collections.stateful.aws.plugins.module_utils._resources.elbv2_load_balancer import RESOURCE


def main() -> None:
    """Run the module."""
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
