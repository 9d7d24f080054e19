"""The packages that Lambda's own Python runtime offers a function: awslambdaric and boto3, and nothing else."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

OFFERED = ("awslambdaric", "boto3")


def distributions() -> list[str]:
    """The offered distributions and what they require, by name."""
    found: list[str] = []
    waiting = list(OFFERED)
    while waiting:
        name = waiting.pop(0)
        if name in found:
            continue
        found.append(name)
        for requirement in distribution(name).requires or []:
            if "extra ==" not in requirement:
                waiting.append(_name(requirement))
    return found


def _name(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    if match is None:
        raise PackageNotFoundError(requirement)
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def link_into(folder: Path) -> Path:
    """Fill `folder` with links to the offered packages of the running environment, at its versions."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in distributions():
        installed = distribution(name)
        for top in {file.parts[0] for file in installed.files or [] if file.parts[0] not in ("..", "__pycache__")}:
            link = folder / top
            if not link.exists():
                link.symlink_to(Path(str(installed.locate_file(top))).resolve())
    return folder
