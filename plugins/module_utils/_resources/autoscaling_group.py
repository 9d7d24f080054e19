"""An Auto Scaling group, created empty and never deleted with members in it.

SuspendProcesses is a call of its own, so a group is made with no room for instances, its processes are suspended, and
only then it gets its sizes; max_size 0 tells a later run that this did not come to its end. Once a group has sizes they
belong to whoever scales it. Sources: Auto Scaling API reference and user guide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine import tags as tagging
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._engine.naming import fit
from ansible_collections.stateful.aws.plugins.module_utils._engine.placeholder import has_unknown, unknown
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Observed, Resource, Retry, Step
from ansible_collections.stateful.aws.plugins.module_utils._resources import _group_steps as parts
from ansible_collections.stateful.aws.plugins.module_utils._resources import _groups as groups

TERRAFORM = "terraform-provider-aws autoscaling/group.go"
NOT_YET = (
    Retry(groups.VALIDATION, "Invalid IAM Instance Profile", 120, TERRAFORM),
    Retry(groups.VALIDATION, "Target Groups may not be valid", 60, "a target group that was just made"),
    Retry(groups.VALIDATION, "launch template does not exist", 60, "a launch template that was just made"),
    Retry("ServiceLinkedRoleFailure", "", 60, "the account's first group makes AWSServiceRoleForAutoScaling"),
    *groups.BUSY,
)
STILL_THERE = Retry("AlreadyExists", "", 300, "a group of that name is still being deleted")
NOT_EMPTY = Retry("ResourceInUse", "", 300, "members that leave are counted until they are gone")
PROCESSES = (
    "AZRebalance",
    "AddToLoadBalancer",
    "AlarmNotification",
    "HealthCheck",
    "InstanceRefresh",
    "Launch",
    "ReplaceUnhealthy",
    "ScheduledActions",
    "Terminate",
)
LEAVING = ("Terminating", "Terminating:Wait", "Terminating:Proceed", "Terminated", "Detaching", "Detached")
# Newer than the oldest boto3 that this collection runs with.
RECENT = {"instance_lifecycle_policy": "InstanceLifecyclePolicy", "deletion_protection": "DeletionProtection"}


class AutoscalingGroup(Resource):
    """Auto Scaling group."""

    name = "autoscaling_group"
    title = "Auto Scaling group"
    iam_actions = {
        "read": (
            "autoscaling:DescribeAutoScalingGroups",
            "autoscaling:DescribeLoadBalancerTargetGroups",
            "ec2:DescribeLaunchTemplates",
        ),
        "write": (
            "autoscaling:CreateAutoScalingGroup",
            "autoscaling:UpdateAutoScalingGroup",
            "autoscaling:SuspendProcesses",
            "autoscaling:ResumeProcesses",
            "autoscaling:AttachLoadBalancerTargetGroups",
            "autoscaling:DetachLoadBalancerTargetGroups",
            "autoscaling:CreateOrUpdateTags",
            "autoscaling:DeleteTags",
            "ec2:RunInstances",
            "ec2:CreateTags",
            "iam:PassRole",
        ),
        "delete": ("autoscaling:UpdateAutoScalingGroup", "autoscaling:DeleteAutoScalingGroup"),
    }
    options = {
        "name": {"type": "str", "required": True},
        "launch_template_id": {"type": "str"},
        "launch_template_version": {"type": "str"},
        "min_size": {"type": "int"},
        "max_size": {"type": "int"},
        "desired_capacity": {"type": "int"},
        "resize": {"type": "bool", "default": False},
        "departing": {"type": "list", "elements": "str", "default": []},
        "vpc_zone_identifier": {"type": "list", "elements": "str"},
        "target_group_arns": {"type": "list", "elements": "str"},
        "new_instances_protected_from_scale_in": {"type": "bool"},
        "suspended_processes": {"type": "list", "elements": "str", "choices": list(PROCESSES)},
        "health_check_type": {"type": "str", "choices": ["EC2", "ELB"]},
        "health_check_grace_period": {"type": "int"},
        "instance_lifecycle_policy": {
            "type": "dict",
            "options": {
                "terminate_hook_abandon": {"type": "str", "choices": ["retain", "terminate"], "required": True}
            },
        },
        "deletion_protection": {"type": "str", "choices": ["none", "prevent-force-deletion", "prevent-all-deletion"]},
        "default_cooldown": {"type": "int"},
        "termination_policies": {"type": "list", "elements": "str"},
        "instance_tags": {"type": "dict"},
    }
    given_by_aws = ("group_arn",)

    def __init__(self, options: Mapping[str, Any], aws: Any) -> None:
        super().__init__(options, aws)
        self._version: str | None = self.option("launch_template_version")
        self._sizing = True
        self._watching = False

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None:
        """Refuse names, sizes and tags that Auto Scaling refuses."""
        name = options["name"]
        if not re.fullmatch(r"[!-9;-~]+", name):
            raise ResourceError(f"name {name!r}: a group's name has visible ASCII characters only, and no colon.")
        sizes = [options.get(key) for key in ("min_size", "desired_capacity", "max_size")]
        given = [size for size in sizes if size is not None]
        if any(size < 0 for size in given) or given != sorted(given):
            raise ResourceError("Sizes must be 0 or more, with min_size <= desired_capacity <= max_size.")
        for option in ("health_check_grace_period", "default_cooldown"):
            if (options.get(option) or 0) < 0:
                raise ResourceError(f"{option} is {options[option]}; it is a number of seconds.")
        if options.get("vpc_zone_identifier") == []:
            raise ResourceError("vpc_zone_identifier is empty; a group needs a subnet.")
        tagging.check_tags(options.get("instance_tags"))
        user = options.get("tags") or {}
        for key, value in (options.get("instance_tags") or {}).items():
            if str(user.get(key, value)) != str(value):
                raise ResourceError(f"Tag {key!r} has one value in tags and another in instance_tags; a group has one.")

    def identifier(self) -> str:
        """The name, cut to 255 characters."""
        return fit(str(self.option("name")), groups.NAME_LIMIT)

    def observe(self) -> Observed | None:
        """Return the group of this name, or None; one that AWS is deleting is none that we could have."""
        group = groups.describe(self.aws, self.identifier())
        present = self.option("state") == "present"
        if present and self._version is None:
            self._version = self._latest_version()
        if group is None or (present and group.get("Status")):
            return None
        observed = {**groups.read(group), "_deleting": bool(group.get("Status")), "_targets": self._target_states()}
        self._sizing = observed["max_size"] == 0 or bool(self.option("resize"))
        return observed

    def _latest_version(self) -> str | None:
        template = self.option("launch_template_id")
        if template is None:
            return None
        if has_unknown(template):
            return unknown("ec2_launch_template latest_version")
        found = self.aws.client("ec2").describe_launch_templates(LaunchTemplateIds=[template])["LaunchTemplates"]
        return str(found[0]["LatestVersionNumber"])

    def _target_states(self) -> list[str]:
        if not self._watching:
            return []
        key, name = "LoadBalancerTargetGroups", self.identifier()
        found = self.aws.pages("autoscaling", "describe_load_balancer_target_groups", key, AutoScalingGroupName=name)
        return [each["State"] for each in found]

    def desired(self) -> dict[str, Any]:
        """Return what the options say and this boto3 knows; sizes only where they are ours to set."""
        unordered = {
            name: sorted(self.option(name)) if self.option(name) is not None else None
            for name in ("vpc_zone_identifier", "target_group_arns", "suspended_processes")
        }
        model = self.aws.client("autoscaling").meta.service_model.operation_model("CreateAutoScalingGroup")
        unsupported = [prop for prop, name in RECENT.items() if name not in model.input_shape.members]
        left_alone = [*unsupported, *(() if self._sizing else groups.SIZES)]
        return {
            "name": self.identifier(),
            "launch_template_id": self.option("launch_template_id"),
            "launch_template_version": self._version,
            **{prop: self.option(prop) for prop in (*groups.PLAIN, "instance_lifecycle_policy")},
            **unordered,
            **dict.fromkeys(left_alone),
        }

    def predict(self) -> dict[str, Any]:
        """A new group is empty."""
        return {"members": [], "instance_tags": self.instance_tags(None)}

    # -- tags ----------------------------------------------------------------------------------------------------

    def instance_tags(self, observed: Observed | None) -> dict[str, str]:
        """Return the tags that members should get from the group."""
        given = self.option("instance_tags")
        if given is None:
            return dict((observed or {}).get("instance_tags", {}))
        return {key: str(value) for key, value in given.items()}

    def wanted_tags(self, observed: Observed | None) -> dict[str, str]:
        """The group's own tags and those that its members get; AWS keeps both in one list."""
        propagated, present = (observed or {}).get("instance_tags", {}), (observed or {}).get("tags", {})
        own = {"tags": {key: value for key, value in present.items() if key not in propagated}}
        return {**super().wanted_tags(own), **self.instance_tags(observed)}

    # -- plan ----------------------------------------------------------------------------------------------------

    def plan(self, observed: Observed | None) -> list[Step]:
        """Suspend first, resume last; settings, target groups and tags between them."""
        different = self.differences(observed)
        if observed is None:
            return self._plan_new(different)
        self._refuse_sizes(observed)
        processes = different.pop("suspended_processes", None)
        targets = different.pop("target_group_arns", None)
        suspend, resume = parts.processes(self, processes)
        settings = self._write("update_auto_scaling_group", "change its settings", different)
        attach = parts.target_groups(self, targets, NOT_YET, self._watch)
        return [*suspend, *settings, *parts.tags(self, observed, self.instance_tags(observed)), *attach, *resume]

    def _plan_new(self, different: dict[str, tuple[Any, Any]]) -> list[Step]:
        missing = [
            option
            for option in ("launch_template_id", "vpc_zone_identifier", "max_size")
            if self.option(option) is None
        ]
        if missing:
            raise ResourceError(
                f"{self.title} {self.identifier()} does not exist, and to create it {', '.join(missing)} must be given."
            )
        tags, propagated = self.wanted_tags(None), self.instance_tags(None)
        sizes = {prop: different.pop(prop) for prop in groups.SIZES if prop in different}
        processes = different.pop("suspended_processes", None)
        params = {
            **groups.write({prop: pair[1] for prop, pair in different.items()}),
            "AutoScalingGroupName": self.identifier(),
            "MinSize": 0,
            "MaxSize": 0,
            "Tags": groups.tag_pairs(self.identifier(), tags, propagated),
        }
        if self.option("target_group_arns"):
            params["TargetGroupARNs"] = self.option("target_group_arns")
        create = self.change(
            "autoscaling",
            "create_auto_scaling_group",
            params,
            "hold the cluster's backends, as yet without room for any",
            {**different, "tags": (None, tags), **({"instance_tags": (None, propagated)} if propagated else {})},
            learn=self._watch,
            retry=(*NOT_YET, STILL_THERE),
            repeatable=False,
            doubt=("AlreadyExists",),
        )
        suspend, _ = parts.processes(self, processes)
        return [create, *suspend, *self._write("update_auto_scaling_group", "give it its sizes", sizes)]

    def _watch(self, answer: dict[str, Any]) -> dict[str, Any]:
        """From now on the target groups' own state is read too: they are added and removed after the answer."""
        self._watching = True
        return {}

    def _write(self, method: str, reason: str, different: dict[str, tuple[Any, Any]]) -> list[Step]:
        if not different:
            return []
        wanted = {prop: pair[1] for prop, pair in different.items()}
        if any(prop in different for prop in groups.TEMPLATE):
            wanted.update({prop: self.desired()[prop] for prop in groups.TEMPLATE})
        params = {"AutoScalingGroupName": self.identifier(), **groups.write(wanted)}
        return [self.change("autoscaling", method, params, reason, different, retry=NOT_YET)]

    def _refuse_sizes(self, observed: Observed) -> None:
        most = self.option("max_size")
        count = len(observed["members"])
        wanted = self.option("desired_capacity")
        capacity = observed["desired_capacity"] if wanted is None else wanted
        if self.option("resize") and most is not None and most < max(capacity, count):
            raise ResourceError(
                f"max_size {most} is too small for {self.title} {self.identifier()}: it has {count} members and a "
                f"desired capacity of {capacity}. Scale the cluster in first, or give a larger max_size."
            )

    def plan_absent(self, observed: Observed) -> list[Step]:
        """Close an empty group, lift its protection and delete it, never by force, which would terminate members."""
        if observed["_deleting"]:
            return []
        staying = [
            each["instance_id"]
            for each in observed["members"]
            if each["lifecycle_state"] not in LEAVING and each["instance_id"] not in self.option("departing")
        ]
        if staying:
            raise ResourceError(
                f"{self.title} {self.identifier()} is not deleted, because it has {len(staying)} members: "
                f"{', '.join(staying)}. Detach them first (autoscaling_attachment with state=absent)."
            )
        closed = {**dict.fromkeys(groups.SIZES, 0), "deletion_protection": "none"}
        different = {prop: (observed[prop], value) for prop, value in closed.items() if observed[prop] != value}
        name = {"AutoScalingGroupName": self.identifier()}
        before = {prop: observed[prop] for prop in ("name", "group_arn")}
        return [
            *self._write("update_auto_scaling_group", "close it and let it be deleted", different),
            Step(
                "autoscaling",
                "delete_auto_scaling_group",
                name,
                "delete the empty group",
                before,
                retry=(*groups.BUSY, NOT_EMPTY),
                doubt=(groups.VALIDATION,),
            ),
        ]

    def ready(self, observed: Observed | None) -> bool:
        """Whether the group exists and its target groups are neither being added nor removed."""
        return observed is not None and not {"Adding", "Removing"} & set(observed["_targets"])


RESOURCE = AutoscalingGroup
