#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module stateful.aws.owned_resources_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: owned_resources_info
short_description: List everything that carries a cluster's tag
version_added: 1.0.0
description:
  - Lists the resources of every type that carry the tag C(stateful:cluster) with the cluster's name, all pages.
  - KMS keys that are scheduled for deletion are listed apart.
options:
  cluster:
    description: Name of the cluster.
    type: str
    required: true
  threads:
    description: How many types are asked about at the same time.
    type: int
    default: 8
notes:
  - "IAM actions: C(tag:GetResources), C(kms:DescribeKey), C(kms:ListResourceTags), C(dynamodb:DescribeTable),
    C(dynamodb:ListTagsOfResource), C(lambda:GetFunctionConfiguration), C(lambda:GetFunction),
    C(states:DescribeStateMachine), C(states:ListTagsForResource), C(states:ListExecutions),
    C(elasticloadbalancing:DescribeLoadBalancers), C(elasticloadbalancing:DescribeLoadBalancerAttributes),
    C(elasticloadbalancing:DescribeListeners), C(elasticloadbalancing:DescribeTargetGroups),
    C(elasticloadbalancing:DescribeTags), C(iam:ListRoles), C(iam:ListRoleTags), C(events:ListRules),
    C(events:ListTagsForResource), C(logs:DescribeLogGroups), C(logs:ListTagsForResource), C(apigateway:GET),
    C(ec2:DescribeLaunchTemplates), C(ec2:DescribeInstances), C(ec2:DescribeNetworkInterfaces),
    C(autoscaling:DescribeAutoScalingGroups), C(cloudwatch:DescribeAlarms), C(cloudwatch:ListTagsForResource),
    C(sns:GetTopicAttributes), C(sns:ListTagsForResource)."
extends_documentation_fragment:
  - stateful.aws.resource.reading
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
author:
  - The stateful.aws maintainers
"""

EXAMPLES = r"""
- name: What is there of cluster demo
  stateful.aws.owned_resources_info:
    cluster: demo
  register: found

- name: Nothing is left
  ansible.builtin.assert:
    that: found.owned | length == 0
"""

RETURN = r"""
owned:
  description: The resources, sorted by type and name.
  returned: always
  type: list
  elements: dict
  contains:
    type:
      description: The module that manages it; C(ec2_instance) and C(ec2_network_interface) are managed by the group.
      type: str
    name:
      description: Its name, alias or id.
      type: str
    tags:
      description: Its tags.
      type: dict
by_type:
  description: The resources by type, each as an item for M(stateful.aws.resources).
  returned: always
  type: dict
  sample: {"logs_group": [{"logs_group": {"name": "/aws/lambda/stateful-demo-fetch"}}]}
pending_deletion:
  description: Keys that are scheduled for deletion.
  returned: always
  type: list
  elements: dict
api_calls:
  description: Number of AWS calls made.
  returned: always
  type: int
"""

from ansible_collections.stateful.aws.plugins.module_utils._engine.run import run_module
from ansible_collections.stateful.aws.plugins.module_utils._resources.owned_resources_info import RESOURCE


def main() -> None:
    """Run the module."""
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
