"""A service's method names are looked up once, not by inspecting its class for every request."""

from __future__ import annotations

from functools import cache

from moto.core import responses

from . import require

GAP = "every request inspects its whole response class"
MOTO = "5.2.5"


def check() -> None:
    """The name that is replaced."""
    require(responses, "method_names_from_class")
    assert "list_roles" in responses.method_names_from_class(type("Probe", (), {"list_roles": lambda self: None}))


def install() -> None:
    """Remember the names by class."""
    responses.method_names_from_class = cache(responses.method_names_from_class)
