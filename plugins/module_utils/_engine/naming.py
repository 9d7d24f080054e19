"""Every name that a cluster's resources bear, and how a name too long for its service is cut."""

from __future__ import annotations

import hashlib
from typing import Any

ALARMS = ("failed", "missing", "held-back")
FUNCTIONS = ("join", "fetch", "scale", "terminate", "transient")


def fit(name: str, limit: int) -> str:
    """Return ``name``, or its beginning and a hash of the whole, so that it has at most ``limit`` characters.

    The result depends on the name alone, so a later run finds what an earlier one made.
    """
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: limit - 9].rstrip('-')}-{digest}"


def names(cluster: str) -> dict[str, Any]:
    """Return the names of all resources of ``cluster``; keys are what the roles call them.

    Limits are the services' own: IAM role and function 64, EventBridge rule 64, ALB and target group 32,
    state machine 80, launch template 128, table, group, alias and alarm 255, topic 256.
    """
    base = f"stateful-{cluster}"
    functions = {function: fit(f"{base}-{function}", 64) for function in FUNCTIONS}
    machine = fit(base, 80)
    return {
        "base": base,
        "key_alias": fit(f"alias/{base}", 255),
        "table": fit(base, 255),
        "role_path": f"/stateful/{cluster}/",
        "roles": {part: fit(f"{base}-{part}", 64) for part in (*FUNCTIONS, "states", "events")},
        "functions": functions,
        "function_log_groups": {function: f"/aws/lambda/{name}" for function, name in functions.items()},
        "state_machine": machine,
        # A name under /aws/vendedlogs/ keeps the account's log resource policy short (Step Functions guide, logging).
        "state_machine_log_group": f"/aws/vendedlogs/states/{machine}",
        "alarms": {alarm: fit(f"{base}-{alarm}", 255) for alarm in ALARMS},
        "topic": fit(base, 256),
        "rule": fit(base, 64),
        "rest_api": base,
        "launch_template": fit(base, 128),
        "group": fit(base, 255),
        "load_balancer": fit(base, 32),
        "target_group": fit(base, 32),
    }
