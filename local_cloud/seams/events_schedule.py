"""rate() rules fire (see local_cloud/schedule.py, which reads and fires what these names hold)."""

from __future__ import annotations

from typing import Any

from . import require

GAP = "schedule rules are stored and never fire, and rate(1 minutes) is accepted"
MOTO = "5.2.5"


def check() -> None:
    """The names that the schedule reads."""
    from moto.events.models import EventsBackend, Rule, events_backends

    require(EventsBackend, "list_rules")
    require(Rule, "arn", "put_targets")
    rule = Rule("probe", "1", "us-east-1", None, None, "rate(1 minute)", None, "default", None)
    require(rule, "scheduled_expression", "state", "targets", "role_arn")
    assert callable(events_backends.__getitem__)


def install() -> None:
    """Let the control API know the schedule, and refuse the rates that EventBridge refuses."""
    from moto.core.exceptions import JsonRESTError
    from moto.events.models import EventsBackend

    from ..schedule import sound

    put = EventsBackend.put_rule

    def put_rule(self: Any, name: str, **named: Any) -> Any:
        if not sound(named.get("scheduled_expression")):
            raise JsonRESTError("ValidationException", "Parameter ScheduleExpression is not valid.")
        return put(self, name, **named)

    EventsBackend.put_rule = put_rule  # type: ignore[method-assign]
