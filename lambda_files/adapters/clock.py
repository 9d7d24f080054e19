"""The real clock."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """Time of the machine, in UTC."""

    def now(self) -> datetime:
        """The time now."""
        return datetime.now(UTC)
