"""Instances that no pass may touch, told by a tag that every pass reads.

The tag is a person's word about one machine: passes never write it, and they keep a machine that bears it.
Source: EC2 API reference, CreateTags (up to 1000 resources at once).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine import tags as tagging
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._engine.naming import fit
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Observed, Resource, Step
from ansible_collections.stateful.aws.plugins.module_utils._resources import _groups as groups
from ansible_collections.stateful.aws.plugins.module_utils._resources import _instances as instances
from ansible_collections.stateful.aws.plugins.module_utils._resources.autoscaling_group import AutoscalingGroup

HOLD = "stateful:hold"
USUAL = "by hand"
TAGGED_AT_ONCE = 1000


class InstanceHold(Resource):
    """Holds on members of an Auto Scaling group."""

    name = "instance_hold"
    title = "Hold on members of Auto Scaling group"
    tagged = False
    iam_actions = {
        "read": ("autoscaling:DescribeAutoScalingGroups", "ec2:DescribeInstances"),
        "write": ("ec2:CreateTags",),
        "delete": ("ec2:DeleteTags",),
    }
    options = {
        "group": {"type": "str", "required": True},
        "instance_ids": {"type": "list", "elements": "str", "required": True},
        "reason": {"type": "str"},
    }

    def __init__(self, options: Mapping[str, Any], aws: Any) -> None:
        super().__init__(options, aws)
        self.ids = sorted(set(options["instance_ids"]))
        self._released: set[str] = set()

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None:
        """Refuse an empty list, and a reason that is no tag's value."""
        if not options["instance_ids"]:
            raise ResourceError("instance_ids is empty; name at least one instance.")
        if len(options.get("reason") or "") > 256:
            raise ResourceError(f"reason has {len(options['reason'])} characters; AWS allows 256 in a tag's value.")

    def identifier(self) -> str:
        """The group's name, as autoscaling_group cuts it."""
        return fit(str(self.option("group")), groups.NAME_LIMIT)

    def observe(self) -> Observed:
        """Return which of the instances are held, and why."""
        group = groups.describe(self.aws, self.identifier())
        known = instances.describe(self.aws, self.ids)
        return {
            "group": self.identifier(),
            "held": {name: known[name].tags[HOLD] for name in self.ids if name in known and HOLD in known[name].tags},
            "_group": groups.read(group) if group else None,
            "_instances": known,
        }

    def refuse_foreign(self, observed: Observed | None) -> None:
        """Refuse a group that is not the cluster's, and all instances when one is not a member of ours."""
        seen, cluster = observed or {}, self.option("cluster")
        if seen["_group"] is None:
            raise ResourceError(
                f"There is no Auto Scaling group {self.identifier()} in {self.aws.region}. Check the cluster's name and the "
                "region."
            )
        AutoscalingGroup({"cluster": cluster, "name": self.option("group")}, self.aws).refuse_foreign(seen["_group"])
        members = {each["instance_id"] for each in seen["_group"]["members"]}
        wrong = [reason for name in self.ids if (reason := _wrong(name, seen["_instances"], members, cluster))]
        if wrong:
            raise ResourceError(f"Nothing was done, because {'; '.join(wrong)}. Leave these instances out.")

    def desired(self) -> dict[str, Any]:
        """Return why each is held; a hold that is there keeps its reason unless another is given."""
        return {"held": dict.fromkeys(self.ids, self.option("reason") or USUAL)}

    def _differing(self, held: Mapping[str, str]) -> list[str]:
        reason = self.option("reason")
        return [name for name in self.ids if name not in held or reason not in (None, held[name])]

    def plan(self, observed: Observed | None) -> list[Step]:
        """Tag those that are not held, or are for another reason."""
        held = (observed or {})["held"]
        after = self._after(held)
        return [
            self.change(
                "ec2",
                "create_tags",
                {"Resources": batch, "Tags": tagging.to_pairs({HOLD: self.option("reason") or USUAL})},
                f"let no pass touch {len(batch)} instances",
                {"held": (held, after)},
            )
            for batch in instances.batches(self._differing(held), TAGGED_AT_ONCE)
        ]

    def _after(self, held: Mapping[str, str]) -> dict[str, str]:
        return {**held, **dict.fromkeys(self._differing(held), self.option("reason") or USUAL)}

    def predicted(self, observed: Observed | None) -> dict[str, Any]:
        """Return the instances as they will be held."""
        return {**(observed or {}), "held": self._after((observed or {})["held"])}

    def ready(self, observed: Observed | None) -> bool:
        """EC2 shows the tags."""
        return not self._differing((observed or {})["held"])

    def gone(self, observed: Observed | None) -> bool:
        """None is held."""
        return not (observed or {})["held"]

    def plan_absent(self, observed: Observed) -> list[Step]:
        """Remove the tag, whatever its value."""
        held = observed["held"]
        self._released.update(held)
        return [
            self.change(
                "ec2",
                "delete_tags",
                {"Resources": batch, "Tags": [{"Key": HOLD}]},
                f"let the passes decide on {len(batch)} instances again",
                {"held": (held, {})},
            )
            for batch in instances.batches(held, TAGGED_AT_ONCE)
        ]

    def departed(self) -> dict[str, Any]:
        """Who was released."""
        return {"group": self.identifier(), "held": {}, "released": sorted(self._released)}


def _wrong(name: str, known: Mapping[str, instances.Instance], members: set[str], cluster: str) -> str | None:
    if name not in known:
        return f"EC2 knows no instance {name}"
    if known[name].tags.get(tagging.CLUSTER) != cluster:
        return f"{name} does not carry the tag {tagging.CLUSTER}={cluster}"
    return None if name in members else f"{name} is not in the group"


RESOURCE = InstanceHold
