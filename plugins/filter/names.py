"""The names of a cluster's resources, for roles."""

from __future__ import annotations

from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine.naming import names

DOCUMENTATION = r"""
name: names
short_description: Names of a cluster's resources
version_added: 1.0.0
description:
  - Returns the name that every resource of a cluster bears, cut to its service's limit with a stable hash.
options:
  _input:
    description: Name of the cluster.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the name of the cluster's table
  ansible.builtin.debug:
    msg: "{{ ('demo' | stateful.aws.names).table }}"
"""

RETURN = r"""
_value:
  description: Names by kind of resource; C(roles), C(functions) and C(function_log_groups) are dictionaries.
  type: dict
"""


class FilterModule:
    """Filters of the collection."""

    def filters(self) -> dict[str, Any]:
        return {"names": names}
