#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module stateful.aws.cluster_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_info
short_description: Read what an import would see of a WEKA cluster
version_added: 1.0.0
description:
  - Reads a CloudFormation stack whole, nested stacks included, or a list of instances, and the cluster's own group.
  - Refuses, with a sentence that says what to do, whatever cannot be imported.
options:
  cluster:
    description: Name of the cluster, which is the name of its stack.
    type: str
    required: true
  instance_ids:
    description: Backends of a cluster that has no stack; then no stack is read.
    type: list
    elements: str
  reference_instance:
    description: The backend that new instances copy, when the backends differ.
    type: str
  group:
    description: Name of the cluster's Auto Scaling group, whose members are backends too.
    type: str
  recorded:
    description: Settings that an earlier import recorded.
    type: dict
    default: {}
  minimum_backends:
    description: The fewest running backends that are accepted.
    type: int
    default: 5
  supported_instance_types:
    description: Instance types that new backends can have; any when absent.
    type: list
    elements: str
  load_balancer_subnet:
    description: Whether a second subnet for a load balancer is looked for.
    type: bool
    default: true
  additional_alb_subnet:
    description: The load balancer's second subnet, instead of one with the same route table in another zone.
    type: str
  load_balancer:
    description: Name of the cluster's load balancer, to tell whether a DNS alias that exists points to it.
    type: str
  dns_alias:
    description: DNS name that shall become an alias of the load balancer; refused when it exists and is not ours.
    type: str
  dns_zone_id:
    description: Hosted zone of O(dns_alias).
    type: str
  weka:
    description: How to log in to the cluster, to find out whether it accepts the credentials.
    type: dict
    suboptions:
      username:
        description: WEKA user; without one nobody logs in.
        type: str
      password:
        description: Its password.
        type: str
      scheme:
        description: Protocol of WEKA's API.
        type: str
        choices: [https, http]
        default: https
      port:
        description: Port of WEKA's API.
        type: int
        default: 14000
      validate_certs:
        description: Whether an untrusted certificate is refused.
        type: bool
        default: true
      certificate:
        description: The certificate to trust, in PEM; alone, and whatever name it bears.
        type: str
      timeout:
        description: Seconds to wait for a backend.
        type: float
        default: 3.0
notes:
  - "IAM actions: C(cloudformation:DescribeStacks), C(cloudformation:ListStackResources), C(ec2:DescribeInstances),
    C(ec2:DescribeInstanceAttribute), C(ec2:DescribeVolumes), C(ec2:DescribeSubnets), C(ec2:DescribeRouteTables),
    C(autoscaling:DescribeAutoScalingGroups), C(elasticloadbalancing:DescribeLoadBalancers),
    C(route53:ListResourceRecordSets)."
extends_documentation_fragment:
  - stateful.aws.resource.reading
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
author:
  - The stateful.aws maintainers
"""

EXAMPLES = r"""
- name: What would an import of the stack demo see
  stateful.aws.cluster_info:
    cluster: demo

- name: The same for a cluster without a stack
  stateful.aws.cluster_info:
    cluster: demo
    instance_ids: [i-0a, i-0b, i-0c, i-0d, i-0e]
"""

RETURN = r"""
cluster_info:
  description: The cluster.
  returned: always
  type: dict
  contains:
    stack_id:
      description: ARN of the stack.
      type: str
    reference_instance:
      description: The backend that new instances copy; its type, image, key and so on follow.
      type: str
    instance_type:
      description: Its instance type.
      type: str
    subnet_id:
      description: Its subnet.
      type: str
    security_group_ids:
      description: Security groups of its primary interface.
      type: list
      elements: str
    block_device_mappings:
      description: Its volumes.
      type: list
      elements: dict
    backends:
      description: The imported backends and whether each was protected from termination before.
      type: list
      elements: dict
    to_attach:
      description: Running backends that are not in the group.
      type: list
      elements: str
    alb_subnet_id:
      description: The load balancer's second subnet.
      type: str
    weka:
      description: Whether the cluster was reached, and its guid and release.
      type: dict
api_calls:
  description: Number of AWS calls made.
  returned: always
  type: int
"""

from ansible_collections.stateful.aws.plugins.module_utils._engine.run import run_module
from ansible_collections.stateful.aws.plugins.module_utils._resources.cluster_info import RESOURCE


def main() -> None:
    """Run the module."""
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
