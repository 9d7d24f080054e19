"""Placement groups: the EC2 calls and the CloudFormation type."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from moto.cloudformation import parsing
from moto.core.common_models import CloudFormationModel
from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import ec2_backends
from moto.ec2.responses import EC2Response
from moto.moto_api._internal import mock_random

from .. import patching
from ..patching import Replacement

GAP = "moto has no placement groups"
MOTO = "5.2.5"


@dataclass
class Group:
    """One placement group, with the names that moto's serializer looks for."""

    group_name: str
    strategy: str = "cluster"
    state: str = "available"
    tags: list[dict[str, str]] = field(default_factory=list)
    group_id: str = field(default_factory=lambda: f"pg-{mock_random.get_random_hex(17)}")


def _groups(backend: Any) -> dict[str, Group]:
    return backend.__dict__.setdefault("placement_groups", {})


def _create(backend: Any, group: Group) -> Group:
    if group.group_name in _groups(backend):
        raise EC2ClientError(
            "InvalidPlacementGroup.Duplicate", f"The Placement Group '{group.group_name}' already exists."
        )
    _groups(backend)[group.group_name] = group
    return group


def _delete(backend: Any, name: str) -> None:
    if name not in _groups(backend):
        raise EC2ClientError("InvalidPlacementGroup.Unknown", f"The Placement Group '{name}' is unknown.")
    if any(each.placement.group_name == name for each in backend.all_instances() if each.state != "terminated"):
        raise EC2ClientError("InvalidPlacementGroup.InUse", f"The placement group '{name}' is in use.")
    del _groups(backend)[name]


def create_placement_group(self: Any) -> ActionResult:
    self.error_on_dryrun()
    tags = self._parse_tag_specification().get("placement-group", {})
    group = Group(
        self._get_param("GroupName"),
        self._get_param("Strategy") or "cluster",
        tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )
    return ActionResult({"PlacementGroup": _create(self.ec2_backend, group)})


def describe_placement_groups(self: Any) -> ActionResult:
    groups = _groups(self.ec2_backend)
    names = self._get_param("GroupNames", [])
    unknown = [name for name in names if name not in groups]
    if unknown:
        raise EC2ClientError("InvalidPlacementGroup.Unknown", f"The Placement Group '{unknown[0]}' is unknown.")
    wanted = [each for each in groups.values() if not names or each.group_name in names]
    return ActionResult({"PlacementGroups": wanted})


def delete_placement_group(self: Any) -> ActionResult:
    self.error_on_dryrun()
    _delete(self.ec2_backend, self._get_param("GroupName"))
    return EmptyResult()


class PlacementGroup(CloudFormationModel):
    """AWS::EC2::PlacementGroup; its physical id is the group's name."""

    def __init__(self, group: Group) -> None:
        self.group = group

    @property
    def physical_resource_id(self) -> str:
        return self.group.group_name

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::EC2::PlacementGroup"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> PlacementGroup:
        strategy = cloudformation_json.get("Properties", {}).get("Strategy", "cluster")
        return cls(_create(ec2_backends[account_id][region_name], Group(resource_name, strategy)))

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource: Any, new_resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> PlacementGroup:
        original_resource.delete(account_id, region_name)
        return cls.create_from_cloudformation_json(new_resource_name, cloudformation_json, account_id, region_name)

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> None:
        _delete(ec2_backends[account_id][region_name], resource_name)

    def delete(self, account_id: str, region_name: str) -> None:
        """What deleting the stack calls."""
        _delete(ec2_backends[account_id][region_name], self.group.group_name)


_cached = (parsing.get_model_list, parsing.get_model_map, parsing.get_name_type_map)

REPLACED = (
    Replacement(EC2Response, "create_placement_group", create_placement_group, new=True),
    Replacement(EC2Response, "describe_placement_groups", describe_placement_groups, new=True),
    Replacement(EC2Response, "delete_placement_group", delete_placement_group, new=True),
)


def install() -> None:
    """Close the gap; CloudFormation finds the model among the subclasses, whose list moto keeps."""
    patching.install(REPLACED)
    for cached in _cached:
        cached.cache_clear()


def check() -> None:
    """Raise NameMoved when moto's names have moved."""
    patching.check(REPLACED)
    assert "AWS::EC2::PlacementGroup" not in {
        model.cloudformation_type() for model in CloudFormationModel.__subclasses__() if model is not PlacementGroup
    }
