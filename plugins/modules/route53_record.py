#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module stateful.aws.route53_record."""

from __future__ import annotations

DOCUMENTATION = r"""
module: route53_record
short_description: Manage an alias record that leads to a load balancer
version_added: 1.0.0
description:
  - Creates, changes or deletes an A record that is an alias to a load balancer.
  - Records bear no tags. One that exists under the name and leads elsewhere is refused, never changed or deleted.
options:
  name:
    description: Full DNS name of the record.
    type: str
    required: true
  zone_id:
    description: Id of the hosted zone.
    type: str
    required: true
  alias_dns_name:
    description: DNS name of the load balancer.
    type: str
    required: true
  alias_zone_id:
    description: Hosted zone of the load balancer, its canonical hosted zone id.
    type: str
    required: true
  evaluate_target_health:
    description: Whether Route 53 looks at the load balancer's health.
    type: bool
    default: false
notes:
  - "IAM actions: C(route53:ListResourceRecordSets), C(route53:GetChange); to write and delete
    C(route53:ChangeResourceRecordSets)."
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
- name: Clients find the cluster under a name of ours
  stateful.aws.route53_record:
    cluster: demo
    name: weka.example.com
    zone_id: Z0123456789ABCDEFGHIJ
    alias_dns_name: "{{ balancer.elbv2_load_balancer.dns_name }}"
    alias_zone_id: "{{ balancer.elbv2_load_balancer.canonical_hosted_zone_id }}"
"""

RETURN = r"""
route53_record:
  description: The record; empty when it is absent.
  returned: always
  type: dict
  contains:
    name:
      description: Its name, lower case, without a trailing dot.
      type: str
    type:
      description: Its type.
      type: str
      sample: A
    alias_dns_name:
      description: Where it leads.
      type: str
actions:
  description: The AWS calls that changed something, or in check mode would, each with its reason.
  returned: always
  type: list
  elements: dict
api_calls:
  description: Number of AWS calls made, reads included.
  returned: always
  type: int
"""

from ansible_collections.stateful.aws.plugins.module_utils._engine.run import run_module
from ansible_collections.stateful.aws.plugins.module_utils._resources.route53_record import RESOURCE


def main() -> None:
    """Run the module."""
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
