#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module stateful.aws.route53_record."""

from __future__ import annotations

DOCUMENTATION = r"""
module: route53_record
short_description: Manage a DNS alias of a load balancer in Route 53
version_added: 1.0.0
description:
  - Creates, changes or deletes an alias record of type A that points to a load balancer.
  - A record is ours when it is a simple alias to O(alias_dns_name). Anything else that stands at the name is refused,
    with O(state=absent) too.
options:
  name:
    description: Full name of the record.
    type: str
    required: true
  zone_id:
    description: Id of the hosted zone that holds the record.
    type: str
    required: true
  alias_dns_name:
    description: DNS name of the load balancer. With O(state=absent) only an alias to it is deleted.
    type: str
    required: true
  alias_zone_id:
    description: The load balancer's own hosted zone (C(CanonicalHostedZoneId)). Required when O(state=present).
    type: str
  evaluate_target_health:
    description: Whether Route 53 answers only while the load balancer has a healthy target.
    type: bool
    default: false
notes:
  - "IAM actions: C(route53:ListResourceRecordSets), C(route53:GetChange); to write and to delete
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
- name: A name for the load balancer
  stateful.aws.route53_record:
    cluster: demo
    name: weka.example.com
    zone_id: Z0123456789ABCDEFGHIJ
    alias_dns_name: "{{ balancer.elbv2_load_balancer.dns_name }}"
    alias_zone_id: "{{ balancer.elbv2_load_balancer.canonical_hosted_zone_id }}"

- name: Take the name away, if it points to that load balancer
  stateful.aws.route53_record:
    cluster: demo
    name: weka.example.com
    zone_id: Z0123456789ABCDEFGHIJ
    alias_dns_name: "{{ balancer.elbv2_load_balancer.dns_name }}"
    state: absent
"""

RETURN = r"""
route53_record:
  description: The record; empty when it is absent.
  returned: always
  type: dict
  contains:
    name:
      description: Its name in lower case, without the trailing dot.
      type: str
      sample: weka.example.com
    zone_id:
      description: Id of the hosted zone.
      type: str
    alias_dns_name:
      description: Where it points, in lower case, without C(dualstack.) and the trailing dot.
      type: str
    alias_zone_id:
      description: Hosted zone of the load balancer.
      type: str
    evaluate_target_health:
      description: Whether the targets' health decides.
      type: bool
actions:
  description: The AWS calls that changed something, or in check mode would, each with its reason.
  returned: always
  type: list
  elements: dict
  sample: [{"action": "route53:ChangeResourceRecordSets", "reason": "point the name to the load balancer"}]
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
