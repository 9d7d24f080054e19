"""What an import would see: a WEKA stack, or a list of instances, read once and whole.

CloudFormation's DescribeStackResources returns the first 100 resources only, so ListStackResources is paged; nested
stacks are read too. Instances are found by filter, so that one that is gone does not hide the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine import tags as tagging
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError, error_code, error_text
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Reading
from ansible_collections.stateful.aws.plugins.module_utils._resources._backends import Backends
from ansible_collections.stateful.aws.plugins.module_utils._resources._dns import check_alias
from ansible_collections.stateful.aws.plugins.module_utils._resources._instances import FILTER_VALUES, batches
from ansible_collections.stateful.aws.plugins.module_utils._resources._network import second_subnet
from ansible_collections.stateful.aws.plugins.module_utils._resources._weka_login import LOGIN_OPTIONS, check_login
from botocore.exceptions import ClientError

USABLE = (
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
)


class ClusterInfo(Reading):
    """Stack or instances, and the group that we made of them, as settings of a cluster."""

    name = "cluster_info"
    title = "the cluster"
    iam_actions = {
        "read": (
            "sts:GetCallerIdentity",
            "cloudformation:DescribeStacks",
            "cloudformation:ListStackResources",
            "ec2:DescribeInstances",
            "ec2:DescribeInstanceAttribute",
            "ec2:DescribeVolumes",
            "ec2:DescribeSubnets",
            "ec2:DescribeRouteTables",
            "autoscaling:DescribeAutoScalingGroups",
            "elasticloadbalancing:DescribeLoadBalancers",
            "route53:ListResourceRecordSets",
        )
    }
    options = {
        "cluster": {"type": "str", "required": True},
        "instance_ids": {"type": "list", "elements": "str"},
        "reference_instance": {"type": "str"},
        "group": {"type": "str"},
        "recorded": {"type": "dict", "default": {}},
        "minimum_backends": {"type": "int", "default": 5},
        "supported_instance_types": {"type": "list", "elements": "str"},
        "load_balancer_subnet": {"type": "bool", "default": True},
        "additional_alb_subnet": {"type": "str"},
        "load_balancer": {"type": "str"},
        "dns_alias": {"type": "str"},
        "dns_zone_id": {"type": "str"},
        "weka": {"type": "dict", "options": LOGIN_OPTIONS},
    }
    constraints = {"required_together": [("dns_alias", "dns_zone_id")]}

    def read(self) -> dict[str, Any]:
        """Return ``cluster_info``: ids, the reference backend's settings, subnets, and what WEKA says of itself.

        Raises:
            ResourceError: the cluster cannot be imported; the text says why and what to do.
        """
        stack = None if self.option("instance_ids") else self._stack()
        wanted = self._stack_instances(stack["StackName"]) if stack else self.option("instance_ids")
        members = self._members()
        instances = self._instances({*wanted, *members})
        self._refuse_unknown(instances)
        backends = Backends(self.aws, self.options_given, instances, members)
        reference = backends.reference()
        settings = backends.settings(reference)
        subnet = second_subnet(self.aws, settings, self.options_given) if self.option("load_balancer_subnet") else None
        check_alias(self.aws, self.options_given)
        me = self.aws.identity
        return {
            "cluster_info": {
                "cluster": self.option("cluster"),
                "region": self.aws.region,
                "account_id": me["account"],
                "partition": me["partition"],
                "stack_id": stack["StackId"] if stack else None,
                "instance_ids": sorted(self.option("instance_ids") or []) or None,
                **settings,
                "alb_subnet_id": subnet,
                "weka": check_login(self.option("weka"), [each["PrivateIpAddress"] for each in backends.running]),
            }
        }

    def _stack(self) -> dict[str, Any]:
        name = self.option("cluster")
        try:
            stack = dict(self.aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0])
        except ClientError as error:
            if error_code(error) == "ValidationError" and "does not exist" in error_text(error):
                raise ResourceError(
                    f"There is no CloudFormation stack {name} in {self.aws.region}. Check the name and the region, or "
                    "give instance_ids to import a cluster that has no stack."
                ) from error
            raise
        status = stack["StackStatus"]
        if status in USABLE:
            return stack
        busy = status.endswith("_IN_PROGRESS")
        raise ResourceError(
            f"Stack {name} is in status {status}, so what it will hold is not certain. "
            + (
                "Wait until CloudFormation has finished."
                if busy
                else "Repair the stack first, or import by instance_ids."
            )
        )

    def _stack_instances(self, stack: str) -> list[str]:
        found: list[str] = []
        for item in self.aws.pages("cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=stack):
            if item["ResourceStatus"] == "DELETE_COMPLETE" or not item.get("PhysicalResourceId"):
                continue
            if item["ResourceType"] == "AWS::EC2::Instance":
                found.append(item["PhysicalResourceId"])
            elif item["ResourceType"] == "AWS::CloudFormation::Stack":
                found.extend(self._stack_instances(item["PhysicalResourceId"]))
        return found

    def _members(self) -> list[str]:
        if not self.option("group"):
            return []
        answer = self.aws.client("autoscaling").describe_auto_scaling_groups(
            AutoScalingGroupNames=[self.option("group")]
        )
        return [
            instance["InstanceId"]
            for group in answer["AutoScalingGroups"]
            if tagging.to_dict(group.get("Tags")).get(tagging.CLUSTER) == self.option("cluster")
            for instance in group["Instances"]
        ]

    def _instances(self, ids: Iterable[str]) -> list[dict[str, Any]]:
        found = []
        for batch in batches(ids, FILTER_VALUES):
            filters = [{"Name": "instance-id", "Values": batch}]
            for reservation in self.aws.pages("ec2", "describe_instances", "Reservations", Filters=filters):
                found.extend(reservation["Instances"])
        return found

    def _refuse_unknown(self, instances: list[dict[str, Any]]) -> None:
        known = {each["InstanceId"] for each in instances if each["State"]["Name"] != "terminated"}
        recorded = {each["instance_id"] for each in self.option("recorded").get("backends", [])}
        missing = sorted(set(self.option("instance_ids") or []) - known - recorded)
        if missing:
            raise ResourceError(
                f"EC2 knows no running instance {', '.join(missing)} in {self.aws.region}. Check instance_ids and region."
            )


RESOURCE = ClusterInfo
