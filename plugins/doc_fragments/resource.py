"""Documentation that all resource modules share."""

from __future__ import annotations


class ModuleDocFragment:
    """Options and attributes of the engine."""

    DOCUMENTATION = r"""
options:
  cluster:
    description:
      - Name of the cluster to which the resource belongs.
      - A resource that exists under the name but lacks the tag C(stateful:cluster) with this value is refused.
    type: str
    required: true
  component:
    description: Part of the cluster to which the resource belongs; becomes the tag C(stateful:component).
    type: str
  engine:
    description: Kind of cluster; becomes the tag C(stateful:engine).
    type: str
    default: weka
  state:
    description: Whether the resource should exist.
    type: str
    choices: [present, absent]
    default: present
  wait:
    description: Whether to wait until the resource can be used, or is gone.
    type: bool
    default: true
  wait_timeout:
    description: How long to wait, in seconds.
    type: int
    default: 600
"""

    TAGS = r"""
options:
  tags:
    description:
      - Tags of the resource besides the collection's own.
      - Existing tags stay untouched when this is not set.
    type: dict
    aliases: [resource_tags]
  purge_tags:
    description: Whether to remove tags that are neither in O(tags) nor the collection's own. Needs O(tags).
    type: bool
    default: true
"""

    ATTRIBUTES = r"""
attributes:
  check_mode:
    support: full
    description: Never writes; says what it would do, with placeholders for values that only AWS can give.
  diff_mode:
    support: full
    description: Shows the properties that change, before and after.
  idempotent:
    support: full
    description: A second run with the same options changes nothing.
  action_group:
    support: full
    description: Use C(group/stateful.aws.aws) in C(module_defaults) to set an option for all modules.
    membership: [stateful.aws.aws]
"""

    READING = r"""
attributes:
  check_mode:
    support: full
    description: Only reads.
  diff_mode:
    support: N/A
    description: Only reads.
  idempotent:
    support: full
    description: Only reads.
  action_group:
    support: full
    description: Use C(group/stateful.aws.aws) in C(module_defaults) to set an option for all modules.
    membership: [stateful.aws.aws]
"""
