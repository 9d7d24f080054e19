"""ModifyInstanceAttribute: InstanceInitiatedShutdownBehavior, and nothing else touched when nothing fits."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import EC2ClientError, InvalidParameterCombination
from moto.ec2.models.instances import InstanceBackend
from moto.ec2.responses.instances import InstanceResponse

from .. import lifecycle, patching
from ..patching import Replacement

GAP = (
    "moto removes all security groups when it does not know the attribute to change, sets several attributes at "
    "once, and RunInstances ignores DisableApiTermination and the placement group"
)
MOTO = "5.2.5"

ATTRIBUTES = (
    "BlockDeviceMappings", "DisableApiStop", "DisableApiTermination", "EbsOptimized", "EnaSupport", "Groups",
    "InstanceInitiatedShutdownBehavior", "InstanceType", "Kernel", "Ramdisk", "SourceDestCheck", "UserData",
)  # fmt: skip

_modify = InstanceResponse.modify_instance_attribute
_run = InstanceResponse.run_instances
_describe = InstanceBackend.describe_instance_attribute


def modify_instance_attribute(self: InstanceResponse) -> ActionResult:
    """One attribute a call, as on AWS."""
    if self._get_param("Attribute"):
        return _modify(self)
    given = [name for name in ATTRIBUTES if self._get_param(name) is not None]
    if len(given) > 1:
        raise InvalidParameterCombination("Fields for multiple attribute types specified: " + ", ".join(given))
    if not given:
        raise InvalidParameterCombination("No attributes specified.")
    if given == ["InstanceInitiatedShutdownBehavior"]:
        self.error_on_dryrun()
        value = self._get_param("InstanceInitiatedShutdownBehavior.Value")
        if value not in ("stop", "terminate"):
            raise EC2ClientError(
                "InvalidParameterValue", f"Value ({value}) for parameter instanceInitiatedShutdownBehavior is invalid."
            )
        self.ec2_backend.modify_instance_attribute(
            self._get_param("InstanceId"), "instance_initiated_shutdown_behavior", value
        )
        return EmptyResult()
    return _modify(self)


def run_instances(self: InstanceResponse) -> ActionResult:
    """What moto drops of the request is set afterwards; then the instances are announced."""
    result = _run(self)
    protected = str(self._get_param("DisableApiTermination")).lower() == "true"
    asked = {int(each.get("DeviceIndex", 0)): each for each in self._get_param("NetworkInterfaces", [])}
    for instance in result.result.instances:  # type: ignore[union-attr]
        instance.disable_api_termination = instance.disable_api_termination or protected
        instance.placement.group_name = self._get_param("Placement.GroupName") or ""
        for index, interface in instance.nics.items():
            keep = asked.get(index, {}).get("DeleteOnTermination")
            interface.delete_on_termination = keep is None or str(keep).lower() == "true"
        lifecycle.announce_running(instance)
    return result


def describe_instance_attribute(self: InstanceBackend, instance_id: str, attribute: str) -> tuple[Any, Any]:
    """Booleans as booleans, however they were set."""
    instance, value = _describe(self, instance_id, attribute)
    return instance, {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


REPLACED = (
    Replacement(InstanceResponse, "modify_instance_attribute", modify_instance_attribute),
    Replacement(InstanceResponse, "run_instances", run_instances),
    Replacement(InstanceBackend, "describe_instance_attribute", describe_instance_attribute),
)


def install() -> None:
    """Close the gap."""
    patching.install(REPLACED)


def check() -> None:
    """Raise NameMoved when moto's names have moved."""
    patching.check(REPLACED)
