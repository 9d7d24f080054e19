"""Last task of a pass that did not go well: give the lease back and fail visibly."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from adapters.wiring import ports
from errors import TransientErrors
from ports.bundle import Ports
from tasks import measure, say, text_of


def handler(event: dict[str, Any], _context: Any) -> NoReturn:
    """Input: execution, and as input what the failed state had: transient_errors, or failure with Error and Cause.

    Always raises TransientErrors, so that the execution fails with the list of what went wrong.
    """
    told = event.get("input") or {}
    transient(text_of(event, "execution"), told.get("transient_errors") or [], told.get("failure"), ports())


def transient(execution: str, errors: list[str], failure: dict[str, str] | None, with_ports: Ports) -> NoReturn:
    """The task itself, on any ports."""
    with_ports.lease.release(execution)
    if failure:
        errors = [*errors, f"{failure.get('Error')}: {_words(failure.get('Cause') or '')}"]
    say("transient errors", execution=execution, errors=errors)
    measure(with_ports.environment.cluster, with_ports.clock.now().timestamp(), FailedPasses=1)
    raise TransientErrors("; ".join(errors) or "A task failed without saying why.")


def _words(cause: str) -> str:
    """What the function said; Lambda wraps it in JSON with a stack trace."""
    try:
        return str(json.loads(cause)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return cause
