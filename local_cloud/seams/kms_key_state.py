"""A key that is disabled or pending deletion does no cryptography."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.kms.models import KmsBackend

from . import require

GAP = "keys that are disabled or pending deletion still encrypt and decrypt"
MOTO = "5.2.5"
BY_KEY_ID = ("encrypt", "generate_data_key")


def check() -> None:
    """The names that are replaced or read."""
    require(KmsBackend, "decrypt", "any_id_to_key_id", "schedule_key_deletion", "disable_key", *BY_KEY_ID)


def install() -> None:
    """Ask the key's state first."""
    for name in BY_KEY_ID:
        setattr(KmsBackend, name, _guarded(getattr(KmsBackend, name)))
    original = KmsBackend.decrypt

    def checked(self: Any, *args: Any, **named: Any) -> Any:
        plaintext, arn = original(self, *args, **named)
        refuse_unusable(self.keys.get(self.any_id_to_key_id(arn)))
        return plaintext, arn

    KmsBackend.decrypt = checked  # type: ignore[method-assign]


def _guarded(original: Callable[..., Any]) -> Callable[..., Any]:
    def checked(self: Any, key_id: str, *args: Any, **named: Any) -> Any:
        refuse_unusable(self.keys.get(self.any_id_to_key_id(key_id)))
        return original(self, key_id, *args, **named)

    return checked


def refuse_unusable(key: Any) -> None:
    """Raise KMS's own error unless the key is Enabled; a missing key is moto's to refuse."""
    if key is None:
        return
    if key.key_state == "PendingDeletion":
        raise JsonRESTError("KMSInvalidStateException", f"{key.arn} is pending deletion.")
    if key.key_state == "Disabled":
        raise JsonRESTError("DisabledException", f"{key.arn} is disabled.")
