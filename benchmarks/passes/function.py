"""One cold function: python -m benchmarks.passes.function fetch|scale|terminate|singly < EVENT.

Prints its answer, the seconds and the peak memory of the whole process, and the calls made of AWS and of WEKA.
`singly` is no function of ours: it reads the group as the deprecated tool's functions did, each instance by a call.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import resource
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

START = time.monotonic()
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lambda_files"))


def singly() -> dict[str, Any]:
    """The group and each of its instances, one call each."""
    import boto3
    from environment import Environment

    group = Environment.from_env().group
    autoscaling, ec2 = boto3.client("autoscaling"), boto3.client("ec2")
    found = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"][0]
    for instance in found["Instances"]:
        ec2.describe_instances(InstanceIds=[instance["InstanceId"]])
    return {"members": len(found["Instances"])}


def together() -> dict[str, Any]:
    """The same by our adapter."""
    from adapters.wiring import ports

    return {"members": len(ports().compute.view().members)}


def main() -> None:
    """Run it and tell."""
    import boto3
    from adapters.weka.rpc import Rpc

    aws: Counter[str] = Counter()
    weka: Counter[str] = Counter()
    boto3.setup_default_session()
    boto3.DEFAULT_SESSION.events.register(
        "before-send.*.*", lambda event_name, **_: aws.update([":".join(event_name.split(".")[1:])])
    )
    exchange = Rpc._exchange

    def counted(rpc: Rpc, url: str, body: Any, token: str | None, what: str, *more: Any) -> Any:
        weka[what.split(" on ")[0]] += 1
        return exchange(rpc, url, body, token, what, *more)

    Rpc._exchange = counted  # type: ignore[method-assign]
    name = sys.argv[1]
    with contextlib.redirect_stdout(io.StringIO()) as log:
        if name in ("singly", "together"):
            answer = globals()[name]()
        else:
            answer = importlib.import_module(f"{name}.handler").handler(json.load(sys.stdin), None)
    told = {
        "answer": answer,
        "state_bytes": len(json.dumps(answer)),
        "log_bytes": len(log.getvalue()),
        "seconds": time.monotonic() - START,
        "cpu_seconds": time.process_time(),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "aws": dict(aws),
        "weka": dict(weka),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
