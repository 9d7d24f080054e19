"""Target health from the target itself: its health check is asked, when it listens on this machine."""

from __future__ import annotations

import http.client
import ipaddress
from typing import Any

from moto.elbv2.models import ELBv2Backend, FakeHealthStatus, FakeTargetGroup, elbv2_backends

from .. import patching
from ..patching import Replacement

GAP = "moto calls every registered target healthy"
MOTO = "5.2.5"
TIMEOUT_S = 0.5

_health_for = FakeTargetGroup.health_for


def _answers(group: FakeTargetGroup, address: str, port: int) -> tuple[bool, str]:
    """Whether the health check succeeds, else AWS's reason code."""
    connection = http.client.HTTPConnection(address, port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", group.health_check_path or "/", headers={"User-Agent": "ELB-HealthChecker/2.0"})
        status = connection.getresponse().status
    except TimeoutError:
        return False, "Target.Timeout"
    except (OSError, http.client.HTTPException):
        return False, "Target.FailedHealthChecks"
    finally:
        connection.close()
    return _matches(str(group.matcher.get("HttpCode", "200")), status), "Target.ResponseCodeMismatch"


def _matches(codes: str, status: int) -> bool:
    for each in codes.split(","):
        low, _, high = each.partition("-")
        if int(low) <= status <= int(high or low):
            return True
    return False


def health_for(self: FakeTargetGroup, target: dict[str, Any], ec2_backend: Any) -> FakeHealthStatus:
    """AWS's order: not registered or stopped, then unused until a listener forwards to the group, then the check."""
    status = _health_for(self, target, ec2_backend)
    if status.status != "healthy":
        return status
    port = int(self.targets[target["Id"]]["Port"] or 0)
    if not elbv2_backends[self.account_id][self.region_name]._any_listener_using(self.arn):
        return FakeHealthStatus(
            target["Id"], port, self.health_check_port, "unused", "Target.NotInUse",
            "Target group is not configured to receive traffic from the load balancer",
        )  # fmt: skip
    instance = ec2_backend.get_instance_by_id(target["Id"])
    address = instance.private_ip if instance else target["Id"]
    checked = str(self.health_check_protocol).upper() == "HTTP" and self.health_check_enabled
    if not checked or not address or not ipaddress.ip_address(address).is_loopback:
        return status
    check_port = port if self.health_check_port == "traffic-port" else int(self.health_check_port or port)
    healthy, reason = _answers(self, address, check_port)
    if healthy:
        return status
    return FakeHealthStatus(target["Id"], port, self.health_check_port, "unhealthy", reason, "Health checks failed")


REPLACED = (Replacement(FakeTargetGroup, "health_for", health_for),)


def install() -> None:
    """Close the gap."""
    patching.install(REPLACED)


def check() -> None:
    """Raise NameMoved when moto's names have moved."""
    patching.check(REPLACED)
    assert hasattr(ELBv2Backend, "_any_listener_using")
