"""A target group of an Application Load Balancer, whose targets are instances.

AWS never changes protocol, port or VPC of a target group. A listener that was just deleted may still hold it for some
minutes. Sources: Elastic Load Balancing API reference (2015-12-01).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine import tags as tagging
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError, error_code
from ansible_collections.stateful.aws.plugins.module_utils._engine.naming import fit
from ansible_collections.stateful.aws.plugins.module_utils._engine.placeholder import has_unknown
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Observed, Resource, Retry, Step
from botocore.exceptions import ClientError

NAME_LIMIT = 32
GONE = "TargetGroupNotFound"
IN_USE = Retry(
    "ResourceInUse", "currently in use by a listener or a rule", 180, "terraform-provider-aws elbv2/target_group.go"
)
DELAY = "deregistration_delay.timeout_seconds"

# AWS's parameters of a health check, by our suboption; the matcher has a shape of its own.
HEALTH = {
    "path": "HealthCheckPath",
    "port": "HealthCheckPort",
    "protocol": "HealthCheckProtocol",
    "interval_seconds": "HealthCheckIntervalSeconds",
    "timeout_seconds": "HealthCheckTimeoutSeconds",
    "healthy_threshold": "HealthyThresholdCount",
    "unhealthy_threshold": "UnhealthyThresholdCount",
}
LIMITS = {
    "interval_seconds": (5, 300),
    "timeout_seconds": (2, 120),
    "healthy_threshold": (2, 10),
    "unhealthy_threshold": (2, 10),
}
IMMUTABLE = ("protocol", "port", "vpc_id", "target_type")


class Elbv2TargetGroup(Resource):
    """Target group."""

    name = "elbv2_target_group"
    title = "Target group"
    iam_actions = {
        "read": (
            "elasticloadbalancing:DescribeTargetGroups",
            "elasticloadbalancing:DescribeTargetGroupAttributes",
            "elasticloadbalancing:DescribeTags",
        ),
        "write": (
            "elasticloadbalancing:CreateTargetGroup",
            "elasticloadbalancing:ModifyTargetGroup",
            "elasticloadbalancing:ModifyTargetGroupAttributes",
            "elasticloadbalancing:AddTags",
            "elasticloadbalancing:RemoveTags",
        ),
        "delete": ("elasticloadbalancing:DeleteTargetGroup",),
    }
    options = {
        "name": {"type": "str", "required": True},
        "protocol": {"type": "str", "choices": ["HTTP", "HTTPS"]},
        "port": {"type": "int"},
        "vpc_id": {"type": "str"},
        "target_type": {"type": "str", "choices": ["instance"], "default": "instance"},
        "health_check": {
            "type": "dict",
            "options": {
                "path": {"type": "str"},
                "port": {"type": "str"},
                "protocol": {"type": "str", "choices": ["HTTP", "HTTPS"]},
                "interval_seconds": {"type": "int"},
                "timeout_seconds": {"type": "int"},
                "healthy_threshold": {"type": "int"},
                "unhealthy_threshold": {"type": "int"},
                "matcher": {"type": "str"},
            },
        },
        "deregistration_delay_seconds": {"type": "int"},
    }
    constraints = {"required_if": [("state", "present", ("protocol", "port", "vpc_id"))]}
    given_by_aws = ("target_group_arn",)

    def __init__(self, options: Mapping[str, Any], aws: Any) -> None:
        super().__init__(options, aws)
        self._health: dict[str, Any] = {}

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None:
        """Refuse names, ports, delays and health checks that Elastic Load Balancing refuses."""
        check_name(options["name"])
        if options.get("port") is not None and not 1 <= options["port"] <= 65535:
            raise ResourceError(f"port is {options['port']}; a target group's port is 1 to 65535.")
        delay = options.get("deregistration_delay_seconds")
        if delay is not None and not 0 <= delay <= 3600:
            raise ResourceError(f"deregistration_delay_seconds is {delay}; AWS accepts 0 to 3600.")
        _check_health({key: value for key, value in (options.get("health_check") or {}).items() if value is not None})

    def identifier(self) -> str:
        """The name, cut to 32 characters."""
        return fit(str(self.option("name")), NAME_LIMIT)

    def observe(self) -> Observed | None:
        """Return the target group of this name, or None."""
        elb = self.aws.client("elbv2")
        try:
            found = elb.describe_target_groups(Names=[self.identifier()])["TargetGroups"][0]
        except ClientError as error:
            if error_code(error) == GONE:
                return None
            raise
        arn = found["TargetGroupArn"]
        self._health = {key: found[parameter] for key, parameter in HEALTH.items() if parameter in found}
        self._health["matcher"] = (found.get("Matcher") or {}).get("HttpCode")
        pairs = elb.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"]
        return {
            "name": found["TargetGroupName"],
            "target_group_arn": arn,
            "protocol": found["Protocol"],
            "port": found["Port"],
            "vpc_id": found["VpcId"],
            "target_type": found["TargetType"],
            "health_check": dict(self._health),
            "deregistration_delay_seconds": self._delay(arn),
            "load_balancer_arns": sorted(found.get("LoadBalancerArns") or []),
            "tags": tagging.to_dict(pairs),
        }

    def _delay(self, arn: str) -> int | None:
        if self.option("deregistration_delay_seconds") is None:
            return None
        answer = self.aws.client("elbv2").describe_target_group_attributes(TargetGroupArn=arn)
        return int(next(each["Value"] for each in answer["Attributes"] if each["Key"] == DELAY))

    def desired(self) -> dict[str, Any]:
        """Return what the options say; what a health check does not name stays as it is."""
        health = {key: value for key, value in (self.option("health_check") or {}).items() if value is not None}
        return {
            "name": self.identifier(),
            **{prop: self.option(prop) for prop in IMMUTABLE},
            "health_check": {**self._health, **health} if health else None,
            "deregistration_delay_seconds": self.option("deregistration_delay_seconds"),
        }

    def plan(self, observed: Observed | None) -> list[Step]:
        """Create the group, then its delay; or change health check, delay and tags."""
        different = self.differences(observed)
        if observed is None:
            return self._plan_new(different)
        for prop in IMMUTABLE:
            if prop in different:
                present, wanted = different[prop]
                raise ResourceError(
                    f"{self.title} {self.identifier()} has {prop} {present}, and {wanted} is wanted; AWS cannot change "
                    "that. Delete the target group first (its listeners before it), or give another name."
                )
        arn = observed["target_group_arn"]
        steps: list[Step] = []
        if "health_check" in different:
            health = {"health_check": different["health_check"]}
            params = {"TargetGroupArn": arn, **self._health_parameters()}
            steps.append(self.change("elbv2", "modify_target_group", params, "check its targets' health", health))
        if "deregistration_delay_seconds" in different:
            steps.append(self._set_delay(different["deregistration_delay_seconds"]))
        put, drop, tags = self.tag_changes(observed)
        if put:
            params = {"ResourceArns": [arn], "Tags": tagging.to_pairs(put)}
            steps.append(self.change("elbv2", "add_tags", params, "tag the target group", tags))
        if drop:
            params = {"ResourceArns": [arn], "TagKeys": drop}
            steps.append(self.change("elbv2", "remove_tags", params, "remove tags", tags))
        return steps

    def _plan_new(self, different: dict[str, tuple[Any, Any]]) -> list[Step]:
        tags = self.wanted_tags(None)
        delay = different.pop("deregistration_delay_seconds", None)
        params = {
            "Name": self.identifier(),
            "Protocol": self.option("protocol"),
            "Port": self.option("port"),
            "VpcId": self.option("vpc_id"),
            "TargetType": self.option("target_type"),
            "Tags": tagging.to_pairs(tags),
            **self._health_parameters(),
        }
        create = self.change(
            "elbv2",
            "create_target_group",
            params,
            "gather the cluster's backends behind its load balancer",
            {**different, "tags": (None, tags)},
            learn=lambda answer: {"target_group_arn": answer["TargetGroups"][0]["TargetGroupArn"]},
            repeatable=False,
        )
        return [create, self._set_delay(delay)] if delay else [create]

    def _health_parameters(self) -> dict[str, Any]:
        given = {key: value for key, value in (self.option("health_check") or {}).items() if value is not None}
        params = {parameter: given[key] for key, parameter in HEALTH.items() if key in given}
        if "matcher" in given:
            params["Matcher"] = {"HttpCode": given["matcher"]}
        return params

    def _set_delay(self, pair: tuple[Any, Any]) -> Step:
        return self.change(
            "elbv2",
            "modify_target_group_attributes",
            lambda facts: {
                "TargetGroupArn": facts["target_group_arn"],
                "Attributes": [{"Key": DELAY, "Value": str(pair[1])}],
            },
            "let requests end before a backend leaves",
            {"deregistration_delay_seconds": pair},
        )

    def plan_absent(self, observed: Observed) -> list[Step]:
        """Delete the group as soon as no listener uses it any more."""
        before = {prop: observed[prop] for prop in ("name", "target_group_arn")}
        params = {"TargetGroupArn": observed["target_group_arn"]}
        return [
            Step(
                "elbv2", "delete_target_group", params, "delete the target group", before, retry=(IN_USE,), done=(GONE,)
            )
        ]


def check_name(name: str, what: str = "target group") -> None:
    """Refuse a name that Elastic Load Balancing refuses, its length apart.

    Raises:
        ResourceError: other characters than letters, digits and hyphens, or a hyphen at an edge.
    """
    if not has_unknown(name) and not re.fullmatch(r"(?!-)[A-Za-z0-9-]+(?<!-)", name):
        raise ResourceError(
            f"name {name!r}: a {what}'s name holds only letters, digits and hyphens, and no hyphen at its ends."
        )


def _check_health(health: Mapping[str, Any]) -> None:
    for key, (low, high) in LIMITS.items():
        if key in health and not low <= health[key] <= high:
            raise ResourceError(f"health_check.{key} is {health[key]}; AWS accepts {low} to {high}.")
    if health.get("timeout_seconds", 0) >= health.get("interval_seconds", 301):
        raise ResourceError("health_check.timeout_seconds must be smaller than health_check.interval_seconds.")
    path, port, matcher = (health.get(key) for key in ("path", "port", "matcher"))
    if path is not None and not re.fullmatch(r"/\S{0,1023}", path):
        raise ResourceError(f"health_check.path {path!r} must begin with / and have at most 1024 characters, no space.")
    if port is not None and port != "traffic-port" and not (port.isdecimal() and 1 <= int(port) <= 65535):
        raise ResourceError(f"health_check.port {port!r} must be traffic-port or 1 to 65535.")
    if matcher is not None and not re.fullmatch(r"[2-4]\d\d([,-][2-4]\d\d)*", matcher):
        raise ResourceError(f"health_check.matcher {matcher!r} must be HTTP codes such as 200, 200,204 or 200-299.")


RESOURCE = Elbv2TargetGroup
