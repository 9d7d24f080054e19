"""Replacements of moto's private names, one gap a file.

Every module here has GAP (what moto lacks), MOTO (the version it was written for), install() and check(): check()
says, before anything is replaced, what is missing from the names that install() will replace or read.
"""

from __future__ import annotations

import importlib
import pkgutil
from importlib.metadata import version
from types import ModuleType


class SeamMoved(Exception):
    """moto is not what a seam was written for; the message says which seam and what to do."""


def modules() -> list[ModuleType]:
    """Every seam, by name. Modules and folders whose name starts with an underscore are their helpers."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
    try:
        return [importlib.import_module(f"{__name__}.{name}") for name in names]
    except ImportError as error:
        raise SeamMoved(
            f"A seam in local_cloud/seams imports a name that moto {version('moto')} does not have: {error}"
        ) from error


def install() -> list[str]:
    """Check all seams, then install them; returns their gaps. Raises SeamMoved before anything is replaced."""
    running = version("moto")
    seams = modules()
    for seam in seams:
        where = f"local_cloud/seams/{seam.__name__.rpartition('.')[2]}.py ({seam.GAP})"
        if running != seam.MOTO:
            raise SeamMoved(
                f"moto {running} is installed, but {where} was written for moto {seam.MOTO}. "
                f"Install moto=={seam.MOTO}, or read the seam against the new moto and raise its version."
            )
        try:
            seam.check()
        except (AttributeError, ImportError, AssertionError, TypeError) as error:
            raise SeamMoved(f"The names that {where} replaces have moved in moto {running}: {error}") from error
    for seam in seams:
        seam.install()
    return [seam.GAP for seam in seams]


def require(owner: object, *names: str) -> None:
    """For check(): raise AttributeError naming the first of `names` that `owner` lacks."""
    for name in names:
        if not hasattr(owner, name):
            raise AttributeError(f"{getattr(owner, '__name__', owner)!s} has no {name}")
