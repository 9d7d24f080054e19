"""How long no login is tried after one was refused; imports nothing, so that playbooks can tell it too."""

from __future__ import annotations

# WEKA locks an account for two minutes after five refused logins in a row; with these pauses it never comes to that.
PAUSE_SECONDS = 1800
LONGEST_PAUSE_SECONDS = 24 * 3600


def pause_after(count: int) -> int:
    """Seconds without an attempt after so many refusals in a row: half an hour, doubled each time, at most a day."""
    return int(min(PAUSE_SECONDS * 2 ** (count - 1), LONGEST_PAUSE_SECONDS))
