#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module stateful.aws.resources."""

from __future__ import annotations

DOCUMENTATION = r"""
module: resources
short_description: Reconcile a list of resources of any types concurrently
version_added: 1.0.0
description:
  - Takes resources that do not depend on each other and reconciles them at the same time.
  - The options of every resource are validated before the first call; a failure of one lets the others finish.
  - Options of this module besides O(resources) and O(threads) are defaults of every item.
options:
  resources:
    description:
      - Each item is a dictionary with one key, the name of a module of this collection, and that module's options.
    type: list
    elements: dict
    required: true
  threads:
    description: How many resources are worked on at the same time.
    type: int
    default: 8
  cluster:
    description: Name of the cluster, for every item that does not say otherwise.
    type: str
    required: false
extends_documentation_fragment:
  - stateful.aws.resource
  - stateful.aws.resource.tags
  - stateful.aws.resource.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
notes:
  - "IAM actions: those of the items' modules."
author:
  - The stateful.aws maintainers
"""

EXAMPLES = r"""
- name: Two log groups and a role at the same time
  stateful.aws.resources:
    cluster: demo
    component: scaling
    resources:
      - logs_group:
          name: /aws/lambda/stateful-demo-fetch
          retention: 30
      - logs_group:
          name: /aws/lambda/stateful-demo-scale
          retention: 30
      - iam_role:
          name: stateful-demo-fetch
          assume_role_policy: "{{ trust }}"
"""

RETURN = r"""
results:
  description: One result each, in the order of O(resources); what the item's own module returns, and its type.
  returned: always
  type: list
  elements: dict
api_calls:
  description: Number of AWS calls made, reads included.
  returned: success
  type: int
"""

from ansible_collections.stateful.aws.plugins.module_utils._engine.run import run_list_module


def main() -> None:
    """Run the module."""
    run_list_module()


if __name__ == "__main__":
    main()
