"""Failures that are written for people."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

HINTS = {
    "AccessDenied": "Give these credentials that right, or use others (option profile or access_key).",
    "AccessDeniedException": "Give these credentials that right, or use others (option profile or access_key).",
    "UnauthorizedOperation": "Give these credentials that right, or use others (option profile or access_key).",
    "ExpiredToken": "Renew the credentials and run the playbook again; it continues where it stopped.",
    "ExpiredTokenException": "Renew the credentials and run the playbook again; it continues where it stopped.",
    "InvalidClientTokenId": "Check the access key and the region.",
    "UnrecognizedClientException": "Check the access key and the region.",
    "Throttling": "AWS is still throttling after many attempts; run the playbook again, it continues.",
    "ThrottlingException": "AWS is still throttling after many attempts; run the playbook again, it continues.",
    "TooManyRequestsException": "AWS is still throttling after many attempts; run the playbook again, it continues.",
    "RequestLimitExceeded": "AWS is still throttling after many attempts; run the playbook again, it continues.",
}


class ResourceError(Exception):
    """A resource could not be reconciled; the text says what was tried, on what, AWS's words and what to do.

    ``details`` are added to the failed result, for example the actions that were carried out before the failure.
    """

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.details = details


def error_code(error: BaseException) -> str:
    """Return AWS's wire code of an error, or an empty string when the error is not AWS's answer."""
    return str(error.response["Error"].get("Code", "")) if isinstance(error, ClientError) else ""


def error_text(error: BaseException) -> str:
    """Return AWS's own words of an error."""
    return str(error.response["Error"].get("Message", "")) if isinstance(error, ClientError) else str(error)


def explain(what: str, error: ClientError | BotoCoreError) -> str:
    """Return one sentence or two: what was tried, AWS's code and words, and what helps where we know it."""
    code = error_code(error)
    said = f"AWS said {code}: {error_text(error)}" if code else str(error)
    hint = HINTS.get(code, "")
    return f"{what} failed. {said.rstrip('.')}.{' ' + hint if hint else ''}"
