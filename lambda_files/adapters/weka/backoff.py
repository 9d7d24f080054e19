"""When a login may be tried again after others were refused or got no answer.

Imports nothing, so that playbooks can tell it too. WEKA locks an account for two minutes after five refused logins in
a row; how long it remembers one is not known, so the fifth is not tried at all.
"""

from __future__ import annotations

PAUSE_SECONDS = 1800
# Refused ones, and those without an answer, which may have been refused.
MOST = 4
# So many may be without an answer before there is a pause.
UNHEARD = 3


def no_login_before(refused_at: int, refused: int, tried_at: int, unheard: int) -> int | None:
    """The moment before which no login is tried, in seconds like the two given moments; None: never with this password.

    `refused` logins in a row were refused, the last one at `refused_at`: half an hour without an attempt, doubled by
    each, until there is none left. To `unheard` others, the last of them sent at `tried_at`, no answer came: from the
    third on half an hour each.
    """
    if refused and refused + unheard >= MOST:
        return None
    after_refusal = refused_at + PAUSE_SECONDS * 2 ** (refused - 1) if refused else 0
    return max(after_refusal, tried_at + PAUSE_SECONDS if unheard >= UNHEARD else 0)
