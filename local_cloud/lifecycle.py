"""What becomes of instances: who wants to know when one runs or is gone, and how one dies or shuts itself down.

The callbacks run in the thread of whoever changed the instance, with moto's lock held: they must not call this cloud's
AWS endpoint themselves (a thread that they start may).
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from moto.ec2.models import ec2_backends
from moto.ec2.models.instances import Instance, StateReason

from .control import ControlError, ControlRequest, route
from .process import ACCOUNT_ID, cloud

GROUP_TAG = "aws:autoscaling:groupName"
STACK_TAG = "aws:cloudformation:stack-name"


@dataclass(frozen=True)
class InstanceFacts:
    """One machine as the callbacks get it: decoded user data, and the group that launched it or its stack, if any."""

    instance_id: str
    address: str
    instance_type: str
    tags: dict[str, str]
    user_data: str
    profile_arn: str | None
    group: str | None
    stack: str | None
    region: str

    @property
    def launched_by_group(self) -> bool:
        """True when Auto Scaling launched it, false when it came from a stack or RunInstances."""
        return self.group is not None


@dataclass
class Timing:
    """Seconds that an instance stays pending, and that an attached one stays Pending in its group."""

    pending_s: float = 0.5
    attach_s: float = 0.2


Callback = Callable[[InstanceFacts], None]
timing = Timing()
_running: list[Callback] = []
_gone: list[Callback] = []


def on_instance_running(callback: Callback) -> Callback:
    """Call `callback` with the facts of every instance that starts to run, after those of its stack are all made."""
    _running.append(callback)
    return callback


def on_instance_gone(callback: Callback) -> Callback:
    """Call `callback` with the facts of every running instance that is terminated, stopped or dead."""
    _gone.append(callback)
    return callback


def facts(instance: Instance) -> InstanceFacts:
    """The facts of moto's `instance`."""
    tags = {tag["key"]: tag["value"] for tag in instance.get_tags()}
    profile = instance.iam_instance_profile
    return InstanceFacts(
        instance_id=instance.id,
        address=instance.private_ip or "",
        instance_type=instance.instance_type,
        tags=tags,
        user_data=instance.user_data.decode() if instance.user_data else "",
        profile_arn=profile["Arn"] if profile else None,
        group=tags.get(GROUP_TAG) if getattr(instance, "launched_by_group", False) else None,
        stack=tags.get(STACK_TAG),
        region=instance.ec2_backend.region_name,
    )


def announce_running(instance: Instance) -> None:
    """Tell that `instance` runs now; telling it again changes nothing."""
    if getattr(instance, "announced", None) is None and instance.state == "running":
        instance.announced = facts(instance)  # type: ignore[attr-defined]
        _call(_running, instance.announced)  # type: ignore[attr-defined]


def announce_gone(instance: Instance) -> None:
    """Tell that `instance` does not run any more, to those who were told that it did."""
    known = getattr(instance, "announced", None)
    instance.announced = None  # type: ignore[attr-defined]
    if known is not None:
        _call(_gone, known)


def _call(callbacks: list[Callback], about: InstanceFacts) -> None:
    for callback in list(callbacks):
        try:
            callback(about)
        except Exception:
            traceback.print_exc()


def later(seconds: float, action: Callable[[], None]) -> None:
    """Run `action` with moto's lock after `seconds`; at once, in this thread, when there is nothing to wait."""

    def run() -> None:
        with cloud.moto_lock:
            action()

    if seconds <= 0:
        run()
        return
    timer = threading.Timer(seconds, run)
    timer.daemon = True
    timer.start()


def find(instance_id: str) -> Instance:
    """moto's instance with this id, in any region. Raises KeyError when there is none."""
    for backend in list(ec2_backends[ACCOUNT_ID].values()):
        instance = backend.get_instance_by_id(instance_id)
        if instance is not None:
            return instance
    raise KeyError(instance_id)


def die(instance_id: str) -> None:
    """The machine is lost, as after a failed host: EC2 says terminated. Raises KeyError for an unknown id."""
    with cloud.moto_lock:
        instance = find(instance_id)
        if instance.state != "terminated":
            instance.terminate()
            instance._reason = "Server.InternalError"
            instance.state_reason = StateReason(
                "Server.InternalError: Internal error on launch", "Server.InternalError"
            )


def instance_shutdown(instance_id: str) -> str:
    """The instance shuts itself down: stop or terminate, as its InstanceInitiatedShutdownBehavior says.

    API termination protection does not stop this on AWS either. Returns the new state's name; raises KeyError for an
    unknown id.
    """
    with cloud.moto_lock:
        instance = find(instance_id)
        if instance.state in ("pending", "running"):
            if instance.instance_initiated_shutdown_behavior == "terminate":
                instance.terminate()
            else:
                instance.stop()
            instance.state_reason = StateReason(
                "Client.InstanceInitiatedShutdown: Instance initiated shutdown", "Client.InstanceInitiatedShutdown"
            )
        return instance.state


@route("POST", "instances/<instance_id>/die")
def _die(request: ControlRequest) -> Any:
    instance_id = request.params["instance_id"]
    try:
        die(instance_id)
    except KeyError:
        raise ControlError(404, f"There is no instance {instance_id} in this cloud.") from None
    return {"instance_id": instance_id, "state": "terminated"}


@route("POST", "instances/<instance_id>/shutdown")
def _shutdown(request: ControlRequest) -> Any:
    instance_id = request.params["instance_id"]
    try:
        return {"instance_id": instance_id, "state": instance_shutdown(instance_id)}
    except KeyError:
        raise ControlError(404, f"There is no instance {instance_id} in this cloud.") from None


@route("POST", "instances/timing")
def _timing(request: ControlRequest) -> Any:
    for name, value in request.fields().items():
        if name not in ("pending_s", "attach_s"):
            raise ControlError(400, f"There is no timing {name}: pending_s and attach_s are.")
        setattr(timing, name, float(value))
    return vars(timing)
