"""The numbers that bound what a pass may do, with their defaults and their validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any


class PolicyInvalid(ValueError):
    """The limits cannot be used; the text names the one."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits of one cluster. Every field may be overridden in the settings document under `policy`.

    `strict` is a preset: one machine at a time, never fewer than at the import, and full protection before and after.
    """

    strict: bool = False
    min_members: int = 5
    unhealthy_after_minutes: float = 120
    kick_out_after_minutes: float = 180
    drive_grace_minutes: float = 5
    join_grace_minutes: float = 30
    capacity_threshold: float = 0.95
    max_leaving: int = 2
    max_replacing: int = 2
    max_removals_per_pass: int = 2
    max_removals_per_hour: int = 20
    max_terminations_per_pass: int = 50
    max_detachments_per_pass: int = 100

    @property
    def unhealthy_after(self) -> timedelta:
        """How long a container must be down before its machine counts as unhealthy."""
        return timedelta(minutes=self.unhealthy_after_minutes)

    @property
    def kick_out_after(self) -> timedelta:
        """How long a machine outside the group must be down before it is deactivated."""
        return timedelta(minutes=self.kick_out_after_minutes)

    @property
    def drive_grace(self) -> timedelta:
        """How long a new machine may have drives that are not active yet."""
        return timedelta(minutes=self.drive_grace_minutes)

    @property
    def join_grace(self) -> timedelta:
        """How long a new instance may stay unknown to the cluster before it is reported."""
        return timedelta(minutes=self.join_grace_minutes)


# Below these the number no longer protects anything, above them it no longer limits anything.
LIMITS: dict[str, tuple[float, float]] = {
    "min_members": (1, 10_000),
    "unhealthy_after_minutes": (0, 100_000),
    "kick_out_after_minutes": (0, 100_000),
    "drive_grace_minutes": (0, 100_000),
    "join_grace_minutes": (0, 100_000),
    "capacity_threshold": (0.1, 1.0),
    "max_leaving": (0, 4),
    "max_replacing": (0, 4),
    "max_removals_per_pass": (0, 20),
    "max_removals_per_hour": (0, 1000),
    "max_terminations_per_pass": (0, 50),
    "max_detachments_per_pass": (0, 500),
}

ONE_AT_A_TIME = ("max_leaving", "max_replacing", "max_removals_per_pass")


def policy_from_settings(document: Mapping[str, Any]) -> Policy:
    """Policy from the settings document's `policy` object.

    Raises PolicyInvalid for an unknown name, a value of another type or one outside its limits.
    """
    given = document.get("policy") or {}
    if not isinstance(given, Mapping):
        raise PolicyInvalid("The settings' policy must be an object of names and numbers.")
    types = {field.name: type(field.default) for field in fields(Policy)}
    unknown = sorted(set(given) - set(types))
    if unknown:
        raise PolicyInvalid(f"The settings' policy has unknown names: {', '.join(unknown)}.")
    policy = Policy(**{name: _checked(name, types[name], value) for name, value in given.items()})
    return (
        replace(policy, **{name: min(1, getattr(policy, name)) for name in ONE_AT_A_TIME}) if policy.strict else policy
    )


def _checked(name: str, kind: type, value: Any) -> Any:
    if kind is bool:
        if not isinstance(value, bool):
            raise PolicyInvalid(f"policy.{name} must be true or false, not {value!r}.")
        return value
    whole = name not in _FRACTIONS
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise PolicyInvalid(f"policy.{name} must be a {'whole ' if whole else ''}number, not {value!r}.")
    low, high = LIMITS[name]
    if not low <= value <= high:
        raise PolicyInvalid(f"policy.{name} is {value}; it must be between {low} and {high}.")
    return value


_FRACTIONS = {name for name in LIMITS if name.endswith("_minutes")} | {"capacity_threshold"}
