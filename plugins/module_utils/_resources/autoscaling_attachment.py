"""Instances as members of an Auto Scaling group: attached while they run, and detached without being ended.

The tag stateful:cluster marks the instances that are ours: it is put on first and removed last, so that a run that was
stopped is continued by the next one. Attaching is asynchronous, and when AWS refuses a batch, membership is read again
before that counts as a failure. Sources: Auto Scaling user guide, "Attach instances" and "Detach instances"; EC2 API
reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.stateful.aws.plugins.module_utils._engine import tags as tagging
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._engine.naming import fit
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Observed, Resource, Retry, Step
from ansible_collections.stateful.aws.plugins.module_utils._resources import _attachable as attachable
from ansible_collections.stateful.aws.plugins.module_utils._resources import _groups as groups
from ansible_collections.stateful.aws.plugins.module_utils._resources import _instances as instances
from ansible_collections.stateful.aws.plugins.module_utils._resources.autoscaling_group import AutoscalingGroup

BATCH = 20
NOT_IN_SERVICE = Retry(groups.VALIDATION, "InService", 300, "Auto Scaling user guide: only InService can be detached")
STILL_PROTECTED = Retry(
    "OperationNotPermitted", "may not be terminated", 60, "the attribute was just changed, EC2 is eventually consistent"
)
RETAINED = "Terminating:Retained"


class AutoscalingAttachment(Resource):
    """Members of an Auto Scaling group."""

    name = "autoscaling_attachment"
    title = "Membership in Auto Scaling group"
    tagged = False
    iam_actions = {
        "read": (
            "autoscaling:DescribeAutoScalingGroups",
            "autoscaling:DescribeAutoScalingInstances",
            "ec2:DescribeInstances",
            "ec2:DescribeInstanceAttribute",
        ),
        "write": ("autoscaling:AttachInstances", "ec2:ModifyInstanceAttribute", "ec2:CreateTags"),
        "delete": (
            "autoscaling:DetachInstances",
            "autoscaling:UpdateAutoScalingGroup",
            "ec2:ModifyInstanceAttribute",
            "ec2:DeleteTags",
            "ec2:TerminateInstances",
        ),
    }
    options = {
        "group": {"type": "str", "required": True},
        "instance_ids": {"type": "list", "elements": "str", "required": True},
        "termination_protection": {"type": "raw"},
        "instance_tags": {"type": "raw"},
        "decrement": {"type": "bool", "default": True},
        "lower_min_size": {"type": "bool", "default": True},
        "terminate": {"type": "bool", "default": False},
    }

    def __init__(self, options: Mapping[str, Any], aws: Any) -> None:
        super().__init__(options, aws)
        self.ids = sorted(set(options["instance_ids"]))
        self._known: dict[str, bool] = {}
        self._asked: set[str] = set()
        self._detached: set[str] = set()
        self._terminated: set[str] = set()

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None:
        """Refuse protection and tags of a wrong shape, and termination of what shall be attached."""
        _protection(options)
        tags = options.get("instance_tags")
        absent = options["state"] == "absent"
        if tags is not None and not isinstance(tags, (dict, list) if absent else dict):
            raise ResourceError("instance_tags is a dictionary of tags; with state=absent it may be a list of keys.")
        if options["terminate"] and not absent:
            raise ResourceError("terminate belongs to state=absent only.")
        if options["terminate"] and options.get("termination_protection") is not None:
            raise ResourceError("terminate and termination_protection exclude each other.")

    def identifier(self) -> str:
        """The group's name, as autoscaling_group cuts it."""
        return fit(str(self.option("group")), groups.NAME_LIMIT)

    @property
    def _absent(self) -> bool:
        return bool(self.option("state") == "absent")

    # -- observe -------------------------------------------------------------------------------------------------

    def observe(self) -> Observed:
        """Return which of the instances are members, and how they are."""
        group = groups.describe(self.aws, self.identifier())
        described = groups.read(group) if group else {}
        members = {each["instance_id"]: each for each in described.get("members", [])}
        present = instances.describe(self.aws, self.ids)
        missing = [] if self._absent else [name for name in self.ids if name not in members]
        lives = {name: each for name, each in present.items() if each.lives}
        if self.option("termination_protection") is not None or self.option("terminate"):
            self._known.update(instances.protection(self.aws, set(lives) - self._asked))
            self._asked.update(lives)
        return {
            "group": self.identifier(),
            "instance_ids": [name for name in self.ids if name in members],
            "members": [members[name] for name in self.ids if name in members],
            **{size: described.get(size) for size in groups.SIZES},
            "termination_protection": dict(sorted(self._known.items())),
            "_exists": group is not None,
            "_group": described,
            "_instances": present,
            "_lives": lives,
            "_elsewhere": instances.groups_of(self.aws, missing) if missing else {},
        }

    def refuse_foreign(self, observed: Observed | None) -> None:
        """Refuse a group that is not the cluster's."""
        if observed and observed["_exists"]:
            names = {"cluster": self.option("cluster"), "name": self.option("group")}
            AutoscalingGroup(names, self.aws).refuse_foreign(observed["_group"])

    def desired(self) -> dict[str, Any]:
        """Return who shall be a member, protected how."""
        return {
            "group": self.identifier(),
            "instance_ids": self.ids,
            "termination_protection": self._wanted_protection(self.ids) or None,
        }

    def _wanted_protection(self, ids: Any) -> dict[str, bool]:
        wanted = _protection(self.options_given)
        if isinstance(wanted, dict):
            return {name: wanted[name] for name in ids if name in wanted}
        return {} if wanted is None else dict.fromkeys(ids, wanted)

    # -- attach --------------------------------------------------------------------------------------------------

    def plan(self, observed: Observed | None) -> list[Step]:
        """Mark, protect and attach; what AWS would refuse is refused before the first call."""
        seen, lives = observed or {}, (observed or {})["_lives"]
        new = [name for name in self.ids if name not in seen["instance_ids"]]
        if new:
            attachable.refuse(self.identifier(), self.option("cluster"), seen, new, self.aws.check_mode)
        tags = {key: str(value) for key, value in (self.option("instance_tags") or {}).items()}
        bare = [name for name in self.ids if name in lives and not tags.items() <= lives[name].tags.items()]
        propagated = seen["_group"].get("instance_tags", {})
        overwritten = new if any(propagated.get(key, value) != value for key, value in tags.items()) else []
        attach = self._batches("attach_instances", new, {}, "make {count} running backends members", seen, groups.BUSY)
        if attach:
            attach[-1].settle = bool(overwritten)
        return [
            *instances.tag(self, bare, lives, tags),
            *instances.protect(self, self._known, self._wanted_protection(lives)).values(),
            *attach,
            # Auto Scaling overwrites an attached instance's tags with the group's own.
            *instances.tag(self, overwritten, lives, tags),
        ]

    def _batches(
        self,
        method: str,
        ids: list[str],
        more: Mapping[str, Any],
        reason: str,
        seen: Observed,
        retry: tuple[Retry, ...],
    ) -> list[Step]:
        staying = set(seen["instance_ids"]) - set(ids)
        after = sorted({*seen["instance_ids"], *ids} if method == "attach_instances" else staying)
        return [
            self.change(
                "autoscaling",
                method,
                {"AutoScalingGroupName": self.identifier(), "InstanceIds": batch, **more},
                reason.format(count=len(batch)),
                {"instance_ids": (seen["instance_ids"], after)},
                retry=retry,
                repeatable=False,
                doubt=(groups.VALIDATION,),
            )
            for batch in instances.batches(ids, BATCH)
        ]

    def ready(self, observed: Observed | None) -> bool:
        """Present: all are members and none is Pending. Absent: none is a member any more."""
        seen = observed or {}
        if self._absent:
            return not seen["instance_ids"]
        arriving = any(each["lifecycle_state"].startswith("Pending") for each in seen["members"])
        return seen["instance_ids"] == self.ids and not arriving

    # -- detach --------------------------------------------------------------------------------------------------

    def _ours(self, observed: Observed) -> dict[str, instances.Instance]:
        """Those that are members or bear the cluster's tag, and neither ended nor to be terminated."""
        return {
            name: each
            for name, each in observed["_lives"].items()
            if not self.option("terminate")
            and (name in observed["instance_ids"] or each.tags.get(tagging.CLUSTER) == self.option("cluster"))
        }

    def gone(self, observed: Observed | None) -> bool:
        """Nobody is a member, and the instances are terminated, or unmarked and protected as asked."""
        seen = observed or {}
        if seen["instance_ids"]:
            return False
        if self.option("terminate"):
            return all(each.state == "terminated" for each in seen["_instances"].values())
        return not self._release(seen)

    def _release(self, seen: Observed) -> list[Step]:
        ours, keys = self._ours(seen), sorted(self.option("instance_tags") or [])
        return [
            *instances.protect(self, self._known, self._wanted_protection(ours)).values(),
            *instances.untag(self, ours, keys),
        ]

    def plan_absent(self, observed: Observed) -> list[Step]:
        """Detach the members; then terminate those that the group launched, or protect as asked and unmark."""
        states = {each["instance_id"]: each["lifecycle_state"] for each in observed["members"]}
        leaving = [name for name, state in states.items() if state in ("InService", "Standby") or "Pending" in state]
        ending: list[str] = sorted(observed["_lives"]) if self.option("terminate") else []
        attachable.refuse_termination(self.option("cluster"), observed["_lives"], ending)
        kept = sorted(name for name, state in states.items() if state == RETAINED and name not in ending)
        if kept:
            raise ResourceError(
                f"{', '.join(kept)} cannot be detached: AWS retained it ({RETAINED}) and lets it leave the group only by "
                "termination. Look at it, then terminate it."
            )
        self._detached.update(leaving)
        self._terminated.update(ending)
        more = {"ShouldDecrementDesiredCapacity": self.option("decrement")}
        retry = (*groups.BUSY, NOT_IN_SERVICE)
        reason = "take {count} members out of the group, running as they are"
        detach = self._batches("detach_instances", leaving, more, reason, observed, retry)
        if detach:
            detach[-1].settle = True
        rest = self._terminate(ending) if self.option("terminate") else self._release(observed)
        return [*self._sizes(observed, sum(states[name] != "Standby" for name in leaving)), *detach, *rest]

    def _sizes(self, seen: Observed, count: int) -> list[Step]:
        if not count or not self.option("decrement"):
            return []
        difference = attachable.fitting_sizes(self.identifier(), seen, count, self.option("lower_min_size"))
        params = {groups.PLAIN[size]: pair[1] for size, pair in difference.items()}
        update = {"AutoScalingGroupName": self.identifier(), **params}
        reason = "let the group become this small"
        change = self.change("autoscaling", "update_auto_scaling_group", update, reason, difference, retry=groups.BUSY)
        return [change] if difference else []

    def _terminate(self, ending: list[str]) -> list[Step]:
        """One at a time: EC2 ends only a part of many when it refuses one."""
        lift = instances.protect(self, self._known, dict.fromkeys(ending, False))
        steps = []
        for name in ending:
            end = self.change(
                "ec2",
                "terminate_instances",
                {"InstanceIds": [name]},
                f"terminate {name}, which the group launched",
                {"terminated": ([], ending)},
                retry=(STILL_PROTECTED,),
                done=instances.GONE,
            )
            steps += [lift[name], end] if name in lift else [end]
        return steps

    def departed(self) -> dict[str, Any]:
        """Who was detached, and who was terminated."""
        return {
            "group": self.identifier(),
            "detached": sorted(self._detached),
            "terminated": sorted(self._terminated),
        }


def _protection(options: Mapping[str, Any]) -> bool | dict[str, bool] | None:
    """Return the option as a boolean, or as one for each instance id."""
    given = options.get("termination_protection")
    try:
        if isinstance(given, dict):
            return {str(name): bool(boolean(value)) for name, value in given.items()}
        return None if given is None else bool(boolean(given))
    except TypeError as error:
        raise ResourceError(
            "termination_protection is true, false, or a dictionary of instance ids with true or false each."
        ) from error


RESOURCE = AutoscalingAttachment
