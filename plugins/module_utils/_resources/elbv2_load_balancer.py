"""An Application Load Balancer with its listeners.

AWS never changes scheme or type of a load balancer; what listeners and attributes do not name stays as it is. Its
network interfaces outlive it for some minutes and are not waited for.
Sources: Elastic Load Balancing API reference (2015-12-01).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine import tags as tagging
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError, error_code
from ansible_collections.stateful.aws.plugins.module_utils._engine.naming import fit
from ansible_collections.stateful.aws.plugins.module_utils._engine.placeholder import has_unknown
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Observed, Resource, Retry, Step
from ansible_collections.stateful.aws.plugins.module_utils._resources import _listeners as listeners
from ansible_collections.stateful.aws.plugins.module_utils._resources.elbv2_target_group import NAME_LIMIT, check_name
from botocore.exceptions import ClientError

GONE = "LoadBalancerNotFound"
BUSY = Retry("ResourceInUse", "", 120, "terraform-provider-aws elbv2/load_balancer.go")
TAGS_A_CALL = 20
ATTRIBUTES = {"idle_timeout": "idle_timeout.timeout_seconds", "deletion_protection": "deletion_protection.enabled"}


class Elbv2LoadBalancer(Resource):
    """Application Load Balancer with its listeners."""

    name = "elbv2_load_balancer"
    title = "Load balancer"
    iam_actions = {
        "read": (
            "elasticloadbalancing:DescribeLoadBalancers",
            "elasticloadbalancing:DescribeLoadBalancerAttributes",
            "elasticloadbalancing:DescribeListeners",
            "elasticloadbalancing:DescribeTags",
        ),
        "write": (
            "elasticloadbalancing:CreateLoadBalancer",
            "elasticloadbalancing:SetSubnets",
            "elasticloadbalancing:SetSecurityGroups",
            "elasticloadbalancing:ModifyLoadBalancerAttributes",
            "elasticloadbalancing:CreateListener",
            "elasticloadbalancing:ModifyListener",
            "elasticloadbalancing:DeleteListener",
            "elasticloadbalancing:AddTags",
            "elasticloadbalancing:RemoveTags",
        ),
        "delete": (
            "elasticloadbalancing:ModifyLoadBalancerAttributes",
            "elasticloadbalancing:DeleteListener",
            "elasticloadbalancing:DeleteLoadBalancer",
        ),
    }
    options = {
        "name": {"type": "str", "required": True},
        "scheme": {"type": "str", "choices": ["internal", "internet-facing"], "default": "internal"},
        "subnets": {"type": "list", "elements": "str"},
        "security_groups": {"type": "list", "elements": "str"},
        "listeners": {"type": "list", "elements": "dict", "options": listeners.OPTIONS},
        "idle_timeout": {"type": "int"},
        "deletion_protection": {"type": "bool"},
    }
    given_by_aws = ("load_balancer_arn", "dns_name", "canonical_hosted_zone_id")

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None:
        """Refuse names, subnets, timeouts and listeners that Elastic Load Balancing refuses."""
        name, subnets = options["name"], options.get("subnets")
        check_name(name, "load balancer")
        if name.startswith("internal-"):
            raise ResourceError(f"name {name!r}: AWS reserves names that begin with internal-; choose another.")
        if subnets is not None and not has_unknown(subnets) and len(set(subnets)) < 2:
            raise ResourceError("subnets: a load balancer needs two or more subnets, each in another zone.")
        timeout = options.get("idle_timeout")
        if timeout is not None and not 1 <= timeout <= 4000:
            raise ResourceError(f"idle_timeout is {timeout}; AWS accepts 1 to 4000 seconds.")
        listeners.check(options.get("listeners"))

    def identifier(self) -> str:
        """The name, cut to 32 characters."""
        return fit(str(self.option("name")), NAME_LIMIT)

    def observe(self) -> Observed | None:
        """Return the load balancer of this name with its listeners, or None."""
        elb = self.aws.client("elbv2")
        try:
            found = elb.describe_load_balancers(Names=[self.identifier()])["LoadBalancers"][0]
            arn = found["LoadBalancerArn"]
            doors = listeners.of(self.aws.pages("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=arn))
            tags = self._tags([arn, *(door["listener_arn"] for door in doors)])
        except ClientError as error:
            if error_code(error) == GONE:
                return None
            raise
        return {
            "name": found["LoadBalancerName"],
            "load_balancer_arn": arn,
            "dns_name": found["DNSName"],
            "canonical_hosted_zone_id": found["CanonicalHostedZoneId"],
            "scheme": found["Scheme"],
            "vpc_id": found["VpcId"],
            "state": found["State"]["Code"],
            "subnets": sorted(zone["SubnetId"] for zone in found["AvailabilityZones"]),
            "security_groups": sorted(found.get("SecurityGroups") or []),
            "listeners": doors,
            **self._attributes(arn),
            "tags": tags.pop(arn),
            "_listener_tags": tags,
            "_why": found["State"].get("Reason", ""),
        }

    def _attributes(self, arn: str) -> dict[str, Any]:
        absent = self.option("state") == "absent"
        if not absent and self.option("idle_timeout") is None and self.option("deletion_protection") is None:
            return {}
        answer = self.aws.client("elbv2").describe_load_balancer_attributes(LoadBalancerArn=arn)
        values = {each["Key"]: str(each["Value"]).lower() for each in answer["Attributes"]}
        return {
            "idle_timeout": int(values.get(ATTRIBUTES["idle_timeout"], "60")),
            "deletion_protection": values.get(ATTRIBUTES["deletion_protection"]) == "true",
        }

    def _tags(self, arns: list[str]) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for start in range(0, len(arns), TAGS_A_CALL):
            answer = self.aws.client("elbv2").describe_tags(ResourceArns=arns[start : start + TAGS_A_CALL])
            found.update({each["ResourceArn"]: tagging.to_dict(each["Tags"]) for each in answer["TagDescriptions"]})
        return found

    def desired(self) -> dict[str, Any]:
        """Return what the options say; listeners by port."""
        unordered = {
            name: sorted(self.option(name)) if self.option(name) is not None else None
            for name in ("subnets", "security_groups")
        }
        return {
            "name": self.identifier(),
            "scheme": self.option("scheme"),
            **unordered,
            "listeners": listeners.wanted(self.option("listeners")),
            "idle_timeout": self.option("idle_timeout"),
            "deletion_protection": self.option("deletion_protection"),
        }

    def _equal(self, prop: str, present: Any, value: Any) -> bool:
        return listeners.same(present, value) if prop == "listeners" else super()._equal(prop, present, value)

    def plan(self, observed: Observed | None) -> list[Step]:
        """Create the balancer; then, as for one that exists, network, attributes, listeners and tags that differ."""
        different = self.differences(observed)
        if observed is None:
            return self._plan_new(different)
        if "scheme" in different:
            raise ResourceError(
                f"{self.title} {self.identifier()} is {observed['scheme']}, and {self.option('scheme')} is wanted; AWS "
                "cannot change that. Delete the load balancer first, or give another name."
            )
        steps = []
        for prop, method, parameter, reason in (
            ("subnets", "set_subnets", "Subnets", "stand in these subnets"),
            ("security_groups", "set_security_groups", "SecurityGroups", "let these security groups guard it"),
        ):
            if prop in different:
                params = {"LoadBalancerArn": observed["load_balancer_arn"], parameter: different[prop][1]}
                steps.append(self.change("elbv2", method, params, reason, {prop: different[prop]}))
        return [*steps, *self._tag(observed, different), *self._further(observed, different)]

    def _plan_new(self, different: dict[str, tuple[Any, Any]]) -> list[Step]:
        if not self.option("subnets"):
            raise ResourceError(
                f"{self.title} {self.identifier()} does not exist, and the option subnets is missing to create it. Give "
                "two or more subnets, each in another zone."
            )
        tags = self.wanted_tags(None)
        params = {
            "Name": self.identifier(),
            "Type": "application",
            "Scheme": self.option("scheme"),
            "Subnets": self.option("subnets"),
            "Tags": tagging.to_pairs(tags),
        }
        if self.option("security_groups"):
            params["SecurityGroups"] = self.option("security_groups")
        later = {prop: different.pop(prop) for prop in (*ATTRIBUTES, "listeners") if prop in different}
        create = self.change(
            "elbv2",
            "create_load_balancer",
            params,
            "give the cluster's clients one address",
            {**different, "tags": (None, tags)},
            learn=lambda answer: {"load_balancer_arn": answer["LoadBalancers"][0]["LoadBalancerArn"]},
            repeatable=False,
        )
        return [create, *self._further(None, later)]

    def _further(self, observed: Observed | None, different: Mapping[str, tuple[Any, Any]]) -> list[Step]:
        attributes = {prop: different[prop] for prop in ATTRIBUTES if prop in different}
        steps = []
        if attributes:
            values = [{"Key": ATTRIBUTES[prop], "Value": str(pair[1]).lower()} for prop, pair in attributes.items()]
            steps.append(
                self.change(
                    "elbv2",
                    "modify_load_balancer_attributes",
                    lambda facts: {"LoadBalancerArn": facts["load_balancer_arn"], "Attributes": values},
                    "set its attributes",
                    attributes,
                )
            )
        if "listeners" in different:
            present = (observed or {}).get("listeners") or []
            steps += listeners.steps(self, present, different["listeners"], self.wanted_tags(observed))
        return steps

    def _tag(self, observed: Observed, different: Mapping[str, Any]) -> list[Step]:
        put, drop, tags = self.tag_changes(observed)
        target = self.wanted_tags(observed)
        kept = listeners.kept(observed["listeners"], self.option("listeners"))
        bare = {arn: present for arn, present in observed["_listener_tags"].items() if arn in kept}
        to_tag = [arn for arn, present in bare.items() if not target.items() <= present.items()]
        to_strip = sorted({key for present in bare.values() for key in present if key not in target} | set(drop))
        if to_tag or to_strip:
            tags = tags or {"listener_tags": (sorted(bare.items()), target)}
        arn, steps = observed["load_balancer_arn"], []
        if put or to_tag:
            params = {"ResourceArns": [*([arn] if put else []), *to_tag], "Tags": tagging.to_pairs(target)}
            steps.append(self.change("elbv2", "add_tags", params, "tag the balancer and its listeners", tags))
        if to_strip:
            params = {"ResourceArns": [*([arn] if drop else []), *bare], "TagKeys": to_strip}
            steps.append(self.change("elbv2", "remove_tags", params, "remove tags", tags))
        return steps

    def plan_absent(self, observed: Observed) -> list[Step]:
        """Lift the protection, delete the listeners, which free their target groups, then the balancer."""
        arn = {"LoadBalancerArn": observed["load_balancer_arn"]}
        steps = []
        if observed["deletion_protection"]:
            values = [{"Key": ATTRIBUTES["deletion_protection"], "Value": "false"}]
            steps.append(
                self.change(
                    "elbv2",
                    "modify_load_balancer_attributes",
                    {**arn, "Attributes": values},
                    "lift its deletion protection",
                    {"deletion_protection": (True, False)},
                )
            )
        steps += listeners.deletions(observed["listeners"])
        before = {prop: observed[prop] for prop in ("name", "load_balancer_arn", "dns_name")}
        steps.append(
            Step("elbv2", "delete_load_balancer", arn, "delete the load balancer", before, retry=(BUSY,), done=(GONE,))
        )
        return steps

    def ready(self, observed: Observed | None) -> bool:
        """Active, or active with fewer resources than it wants; failed is final."""
        if observed is None:
            return False
        if observed["state"] == "failed":
            raise ResourceError(
                f"{self.title} {self.identifier()} failed: {observed['_why']} Delete it (state=absent), put that right "
                "and run it again."
            )
        return observed["state"] in ("active", "active_impaired")


RESOURCE = Elbv2LoadBalancer
