"""rate() rules fire (see local_cloud/schedule.py, which reads and fires what these names hold)."""

from __future__ import annotations

from . import require

GAP = "schedule rules are stored and never fire"
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
    """Let the control API know the schedule."""
    from .. import schedule  # noqa: F401  (registers its routes)
