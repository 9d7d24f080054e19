"""Network interfaces: addresses of their own, DeleteOnTermination, and the refusals for one that is in use."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import EC2ClientError, InvalidNetworkAttachmentIdError
from moto.ec2.models.elastic_network_interfaces import NetworkInterface, NetworkInterfaceBackend
from moto.ec2.responses.elastic_network_interfaces import ElasticNetworkInterfaces

from .. import patching
from ..patching import Replacement

GAP = (
    "moto draws interfaces' addresses at random, ignores their DeleteOnTermination, keeps the primary one after "
    "termination, and attaches or deletes one that is in use"
)
MOTO = "5.2.5"

_create = NetworkInterfaceBackend.create_network_interface
_modify = ElasticNetworkInterfaces.modify_network_interface_attribute


def create_network_interface(
    self: NetworkInterfaceBackend, subnet: Any, private_ip_address: Any, *args: Any, **kwargs: Any
) -> NetworkInterface:
    """An interface without an address gets the subnet's next free one."""
    subnet = self.get_subnet(subnet) if isinstance(subnet, str) else subnet  # type: ignore[attr-defined]
    several = args[0] if args else kwargs.get("private_ip_addresses")
    if private_ip_address or several:
        return _create(self, subnet, private_ip_address, *args, **kwargs)
    address = subnet.get_available_subnet_ip(instance=None)
    interface = _create(self, subnet, address, *args, **kwargs)
    subnet._subnet_ips[address] = interface
    return interface


def delete_network_interface(self: ElasticNetworkInterfaces) -> ActionResult:
    """Refused while attached; its address becomes free."""
    self.error_on_dryrun()
    interface = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
    if interface.instance is not None:
        raise EC2ClientError(
            "InvalidNetworkInterface.InUse", f"Network interface '{interface.id}' is currently in use."
        )
    interface.delete()
    return EmptyResult()


def attach_network_interface(self: NetworkInterfaceBackend, eni_id: str, instance_id: str, device_index: int) -> Any:
    """Refused when the interface is attached, the index is taken, or the zones differ."""
    interface = self.get_network_interface(eni_id)
    instance = self.get_instance(instance_id)  # type: ignore[attr-defined]
    if interface.instance is not None:
        raise EC2ClientError("InvalidNetworkInterface.InUse", f"Network interface '{eni_id}' is currently in use.")
    if int(device_index) in instance.nics:
        raise EC2ClientError(
            "InvalidParameterValue",
            f"Instance '{instance_id}' already has an interface attached at device index '{device_index}'.",
        )
    if interface.availability_zone != instance.availability_zone:
        raise EC2ClientError(
            "InvalidParameterCombination",
            "You may not attach a network interface to an instance if they are not in the same availability zone",
        )
    if instance.state not in ("pending", "running", "stopped"):
        raise EC2ClientError("IncorrectState", f"The instance '{instance_id}' is not in a valid state for attaching.")
    instance.attach_eni(interface, device_index)
    return interface.attachment


def modify_network_interface_attribute(self: ElasticNetworkInterfaces) -> ActionResult:
    """Also changes DeleteOnTermination of an attachment."""
    attachment = self._get_param("Attachment", {})
    if not attachment:
        return _modify(self)
    self.error_on_dryrun()
    interface = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
    if interface.attachment_id is None or attachment.get("AttachmentId") != interface.attachment_id:
        raise InvalidNetworkAttachmentIdError(attachment.get("AttachmentId"))
    interface.delete_on_termination = str(attachment.get("DeleteOnTermination")).lower() == "true"
    return EmptyResult()


REPLACED = (
    Replacement(NetworkInterfaceBackend, "create_network_interface", create_network_interface),
    Replacement(NetworkInterfaceBackend, "attach_network_interface", attach_network_interface),
    Replacement(ElasticNetworkInterfaces, "delete_network_interface", delete_network_interface),
    Replacement(ElasticNetworkInterfaces, "modify_network_interface_attribute", modify_network_interface_attribute),
)


def install() -> None:
    """Close the gap."""
    patching.install(REPLACED)


def check() -> None:
    """Raise NameMoved when moto's names have moved."""
    patching.check(REPLACED)
