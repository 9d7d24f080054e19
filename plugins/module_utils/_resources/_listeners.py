"""The listeners of a load balancer, each known by its port."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Resource, Retry, Step
from ansible_collections.stateful.aws.plugins.module_utils._engine.tags import to_pairs

OPTIONS: dict[str, dict[str, Any]] = {
    "port": {"type": "int", "required": True},
    "protocol": {"type": "str", "choices": ["HTTP", "HTTPS"], "default": "HTTP"},
    "target_group_arn": {"type": "str", "required": True},
    "certificate_arn": {"type": "str"},
    "ssl_policy": {"type": "str"},
}
# A certificate that was just made or imported may not be seen yet.
CERTIFICATE = Retry("CertificateNotFound", "", 120, "terraform-provider-aws elbv2/listener.go")
GONE = "ListenerNotFound"

Listener = dict[str, Any]


def check(given: Sequence[Mapping[str, Any]] | None) -> None:
    """Refuse ports that are wrong or given twice, and a certificate without HTTPS or the reverse."""
    ports = [item["port"] for item in given or []]
    for item in given or []:
        port = item["port"]
        if not 1 <= port <= 65535:
            raise ResourceError(f"listeners: port {port} is not 1 to 65535.")
        if ports.count(port) > 1:
            raise ResourceError(f"listeners: port {port} is given twice; a load balancer has one listener a port.")
        if (item["protocol"] == "HTTPS") != bool(item.get("certificate_arn")):
            raise ResourceError(f"listeners: port {port} needs a certificate_arn with HTTPS, and none with HTTP.")
        if item.get("ssl_policy") and item["protocol"] != "HTTPS":
            raise ResourceError(f"listeners: port {port} has an ssl_policy; only HTTPS has one.")


def of(described: Sequence[Mapping[str, Any]]) -> list[Listener]:
    """Return AWS's listeners as the options write them, by port, each with its ARN."""
    found = []
    for each in described:
        certificates = each.get("Certificates") or [{}]
        listener = {
            "port": each["Port"],
            "protocol": each["Protocol"],
            "target_group_arn": _target(each.get("DefaultActions") or []),
            "certificate_arn": certificates[0].get("CertificateArn"),
            "ssl_policy": each.get("SslPolicy"),
            "listener_arn": each["ListenerArn"],
        }
        found.append({key: value for key, value in listener.items() if value})
    return sorted(found, key=lambda listener: int(listener["port"]))


def _target(actions: Sequence[Mapping[str, Any]]) -> str | None:
    """A forward to one group reads back as TargetGroupArn and as ForwardConfig; to several, as the latter alone."""
    for action in actions:
        groups = (action.get("ForwardConfig") or {}).get("TargetGroups") or []
        if action["Type"] == "forward" and len(actions) == 1 and len(groups) < 2:
            return str(action.get("TargetGroupArn") or groups[0]["TargetGroupArn"])
    return None


def wanted(given: Sequence[Mapping[str, Any]] | None) -> list[Listener] | None:
    """Return the option's listeners by port, without what is not set."""
    if given is None:
        return None
    plain = [{key: value for key, value in item.items() if value is not None} for item in given]
    return sorted(plain, key=lambda listener: int(listener["port"]))


def same(present: Sequence[Listener] | None, given: Sequence[Listener]) -> bool:
    """Tell whether the listeners are those wanted; what is not set does not matter."""
    by_port = {listener["port"]: listener for listener in present or []}
    return set(by_port) == {item["port"] for item in given} and all(
        item.items() <= by_port[item["port"]].items() for item in given
    )


def kept(present: Sequence[Listener], given: Sequence[Mapping[str, Any]] | None) -> set[str]:
    """Return the ARNs of the listeners that stay."""
    ports = None if given is None else {item["port"] for item in given}
    return {listener["listener_arn"] for listener in present if ports is None or listener["port"] in ports}


def steps(
    resource: Resource, present: Sequence[Listener], pair: tuple[Any, Any], tags: Mapping[str, str]
) -> list[Step]:
    """Return the steps from the present listeners to the wanted ones: surplus ones go first."""
    by_port = {listener["port"]: listener for listener in present}
    difference = {"listeners": (pair[0], pair[1])}
    ports = {item["port"] for item in pair[1]}
    found = [
        resource.change("elbv2", "delete_listener", {"ListenerArn": arn}, reason, difference, done=(GONE,))
        for arn, reason in _surplus(present, ports)
    ]
    for item in pair[1]:
        there = by_port.get(item["port"])
        if there is None:
            found.append(
                resource.change(
                    "elbv2",
                    "create_listener",
                    partial(_creation, item, tags),
                    f"listen on port {item['port']}",
                    difference,
                    retry=(CERTIFICATE,),
                    repeatable=False,
                    doubt=("DuplicateListener",),
                )
            )
        elif not item.items() <= there.items():
            params = {"ListenerArn": there["listener_arn"], **_parameters(item)}
            reason = f"change the listener on port {item['port']}"
            found.append(resource.change("elbv2", "modify_listener", params, reason, difference, retry=(CERTIFICATE,)))
    return found


def _surplus(present: Sequence[Listener], ports: set[int]) -> list[tuple[str, str]]:
    return [
        (listener["listener_arn"], f"stop listening on port {listener['port']}")
        for listener in present
        if listener["port"] not in ports
    ]


def _creation(item: Listener, tags: Mapping[str, str], facts: Mapping[str, Any]) -> dict[str, Any]:
    balancer = {"LoadBalancerArn": facts["load_balancer_arn"], "Port": item["port"]}
    return {**balancer, **_parameters(item), "Tags": to_pairs(tags)}


def _parameters(item: Listener) -> dict[str, Any]:
    params: dict[str, Any] = {
        "Protocol": item["protocol"],
        "DefaultActions": [{"Type": "forward", "TargetGroupArn": item["target_group_arn"]}],
    }
    if item.get("certificate_arn"):
        params["Certificates"] = [{"CertificateArn": item["certificate_arn"]}]
    if item.get("ssl_policy"):
        params["SslPolicy"] = item["ssl_policy"]
    return params


def deletions(present: Sequence[Listener]) -> list[Step]:
    """Return the steps that delete all listeners."""
    return [
        Step("elbv2", "delete_listener", {"ListenerArn": arn}, reason, {"listeners": list(present)}, done=(GONE,))
        for arn, reason in _surplus(present, set())
    ]
