"""Auto Scaling and EC2 behind boto3's calls, on the world's hosts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from botocore.exceptions import ClientError

from .process import Process
from .truth import Host, moment
from .world import NAME

TAG = {"Key": "stateful:cluster", "Value": NAME}


class Pages:
    """A paginator with one page."""

    def __init__(self, read: Callable[..., dict[str, Any]]) -> None:
        self._read = read

    def paginate(self, **arguments: Any) -> Iterable[dict[str, Any]]:
        """The only page."""
        return [self._read(**arguments)]


class Client:
    """What both clients have in common."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._world = process.world

    def get_paginator(self, name: str) -> Pages:
        """A paginator of one of the methods."""
        return Pages(getattr(self, name))

    def _host(self, instance_id: str, operation: str) -> Host:
        host = self._world.hosts.get(instance_id)
        if host is None or host.ec2 is None:
            raise refused("InvalidInstanceID.NotFound", operation)
        return host


def refused(code: str, operation: str) -> ClientError:
    """The error of a refused call."""
    return ClientError({"Error": {"Code": code, "Message": f"{operation} was refused"}}, operation)


class AutoScaling(Client):
    """The client of `autoscaling`."""

    def describe_auto_scaling_groups(self, **_: Any) -> dict[str, Any]:
        """The group, as old as fate wants it."""
        world = self._world

        def read() -> dict[str, Any]:
            members = [
                {
                    "InstanceId": host.iid,
                    "LifecycleState": host.lifecycle,
                    "HealthStatus": "Healthy",
                    "ProtectedFromScaleIn": True,
                }
                for host in world.hosts.values()
                if host.lifecycle
            ]
            group = {
                "AutoScalingGroupName": NAME,
                "AutoScalingGroupARN": "arn",
                "DesiredCapacity": world.desired,
                "MinSize": 0,
                "MaxSize": world.maximum,
                "Instances": members,
            }
            world.groups = [*world.groups[-3:], (world.tick, group)]
            tick, told = world.groups[max(0, len(world.groups) - 1 - self._process.fate.age(self._process, "group"))]
            self._process.served["group"] = tick
            return {"AutoScalingGroups": [told]}

        return self._process.call("autoscaling:DescribeAutoScalingGroups", read, others=True)

    def detach_instances(self, InstanceIds: list[str], **_: Any) -> Any:  # noqa: N803
        """All of them or none; desired stays."""

        def change() -> dict[str, Any]:
            hosts = [self._world.hosts[instance_id] for instance_id in InstanceIds]
            if len(hosts) > 20 or any(host.lifecycle is None for host in hosts):
                raise refused("ValidationError", "DetachInstances")
            for host in hosts:
                self._process.oracle.detaches(self._process, host)
                host.lifecycle = None
                self._world.touch(host)
            return {}

        return self._process.call("autoscaling:DetachInstances", change, ",".join(InstanceIds))


class Ec2(Client):
    """The client of `ec2`."""

    def describe_instances(self, Filters: Any = None, InstanceIds: Any = None, **_: Any) -> dict[str, Any]:  # noqa: N803
        """Those that EC2 knows."""
        wanted = InstanceIds or Filters[0]["Values"]

        def read() -> dict[str, Any]:
            known = [self._world.hosts[i] for i in wanted if i in self._world.hosts]
            found = [self._told(host) for host in known if host.ec2 is not None]
            return {"Reservations": [{"Instances": found}]}

        return self._process.call("ec2:DescribeInstances", read, others=True)

    def _told(self, host: Host) -> dict[str, Any]:
        told = {
            "InstanceId": host.iid,
            "State": {"Name": host.ec2},
            "LaunchTime": moment(host.launched),
            "Tags": [TAG] * host.owned + [{"Key": "stateful:hold", "Value": "why"}] * host.held,
        }
        return {**told, "PrivateIpAddress": host.address} if host.ec2 == "running" else told

    def modify_instance_attribute(self, InstanceId: str, DisableApiTermination: Any, **_: Any) -> Any:  # noqa: N803
        """API termination protection of one instance."""
        on = DisableApiTermination["Value"]

        def change() -> dict[str, Any]:
            host = self._host(InstanceId, "ModifyInstanceAttribute")
            if host.ec2 != "running":
                raise refused("IncorrectInstanceState", "ModifyInstanceAttribute")
            if not on:
                self._process.oracle.opens(self._process, host)
            host.api = on
            self._world.touch(host)
            return {}

        verb = "protects" if on else "unprotects"
        return self._process.call("ec2:ModifyInstanceAttribute", change, f"{verb} {InstanceId}")

    def terminate_instances(self, InstanceIds: list[str], **_: Any) -> Any:  # noqa: N803
        """All of them or none."""

        def change() -> dict[str, Any]:
            hosts = [self._host(instance_id, "TerminateInstances") for instance_id in InstanceIds]
            if any(host.api and host.ec2 == "running" for host in hosts):
                raise refused("OperationNotPermitted", "TerminateInstances")
            for host in hosts:
                self._process.oracle.ends(self._process, host)
                self._world.end(host)
            return {
                "TerminatingInstances": [
                    {"InstanceId": host.iid, "CurrentState": {"Name": host.ec2}, "PreviousState": {"Name": "running"}}
                    for host in hosts
                ]
            }

        return self._process.call("ec2:TerminateInstances", change, ",".join(InstanceIds))
