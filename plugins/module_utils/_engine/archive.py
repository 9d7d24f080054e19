"""A function's code as a zip: a directory and the pure Python distributions that it needs, the same bytes every time."""

from __future__ import annotations

import base64
import hashlib
import io
import stat
import threading
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath

from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from packaging.requirements import InvalidRequirement, Requirement

# The runtime brings its own (Lambda developer guide, "Runtime-included SDK versions").
PROVIDED = frozenset({"boto3", "botocore"})
COMPILED = (".so", ".pyd", ".dylib", ".dll")
SKIPPED_FOLDERS = frozenset({"__pycache__", "tests"})
# The earliest time that a zip can hold.
TIME = (1980, 1, 1, 0, 0, 0)

_built: dict[str, Archive] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class Archive:
    """The bytes of a zip."""

    data: bytes

    @cached_property
    def sha256(self) -> str:
        """The hash as Lambda shows it in CodeSha256."""
        return base64.b64encode(hashlib.sha256(self.data).digest()).decode()


def build(source: str, requirements: Sequence[str] = (), exclude: Sequence[str] = (), python: str = "3.13") -> Archive:
    """Return the zip of directory ``source`` and of ``requirements`` with what they depend on.

    ``requirements`` are taken from the distributions installed beside this code; ``exclude`` are patterns of paths or
    file names in ``source``; ``python`` is the version that will run it. The result depends on the content alone, and
    is made once a process for the same content.

    Raises:
        ResourceError: no such directory, or a requirement that is not installed or needs compiled code.
    """
    with _lock:
        files = dict(_source_files(Path(source), exclude))
        vendored = dict(_closure(requirements, python))
        key = _digest(files, [f"{name}=={found.version}" for name, found in sorted(vendored.items())])
        if key not in _built:
            for name, found in sorted(vendored.items()):
                files.update(_vendored_files(name, found))
            _built[key] = Archive(_zipped(files))
        return _built[key]


def _source_files(source: Path, exclude: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    if not source.is_dir():
        raise ResourceError(f"source {source} is not a directory; it should hold the function's code.")
    for path in source.rglob("*"):
        name = path.relative_to(source)
        if path.is_file() and not _left_out(name.parts) and not _excluded(name.as_posix(), exclude):
            yield name.as_posix(), path.read_bytes()


def _left_out(parts: Iterable[str]) -> bool:
    return any(part in SKIPPED_FOLDERS or part.startswith(".") or part.endswith(".pyc") for part in parts)


def _excluded(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch(name, pattern) or fnmatch(PurePosixPath(name).name, pattern) for pattern in patterns)


def _closure(requirements: Sequence[str], python: str) -> Iterator[tuple[str, Distribution]]:
    """Every installed distribution that the requirements lead to."""
    environment = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    waiting, seen = list(requirements), set()
    while waiting:
        text = waiting.pop()
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            raise ResourceError(f"requirements: {text!r} is not a requirement: {error}.") from error
        name = requirement.name.lower().replace("_", "-").replace(".", "-")
        if name in PROVIDED or (name, frozenset(requirement.extras)) in seen:
            continue
        seen.add((name, frozenset(requirement.extras)))
        found = _installed(requirement)
        yield name, found
        for line in found.requires or []:
            needed = Requirement(line)
            cases = [{**environment, "extra": extra} for extra in ("", *requirement.extras)]
            if needed.marker is None or any(needed.marker.evaluate(case) for case in cases):
                waiting.append(line.partition(";")[0])


def _installed(requirement: Requirement) -> Distribution:
    try:
        found = distribution(requirement.name)
    except PackageNotFoundError as error:
        raise ResourceError(
            f"requirements: {requirement.name} is not installed beside Ansible, from where it is put into the zip. "
            f"Install it: pip install '{requirement}'."
        ) from error
    if not requirement.specifier.contains(found.version, prereleases=True):
        raise ResourceError(f"requirements: {requirement} is asked for, but {found.version} is installed.")
    return found


def _vendored_files(name: str, found: Distribution) -> Iterator[tuple[str, bytes]]:
    """A distribution's Python and data files. Compiled modules are left out where a Python twin stands beside."""
    if found.files is None:
        raise ResourceError(f"requirements: {name} was installed without a list of its files; install it with pip.")
    names = {file.as_posix() for file in found.files}
    for file in found.files:
        parts = file.parts
        if parts[0] in ("..", "/") or ".dist-info" in parts[0] or _left_out(parts):
            continue
        if file.suffix in COMPILED:
            # mypyc puts its shared runtime beside the modules that it compiles.
            twin = file.parent / f"{file.name.split('.')[0]}.py"
            if not file.name.split(".")[0].endswith("__mypyc") and twin.as_posix() not in names:
                raise ResourceError(
                    f"requirements: {name} needs compiled code ({file}), which cannot be taken from this machine."
                )
            continue
        yield file.as_posix(), Path(str(found.locate_file(file))).read_bytes()


def _digest(files: dict[str, bytes], versions: list[str]) -> str:
    digest = hashlib.sha256("\n".join(versions).encode())
    for name in sorted(files):
        digest.update(f"\0{name}\0{len(files[name])}\0".encode() + files[name])
    return digest.hexdigest()


def _zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, TIME)
            entry.create_system = 3  # Unix, so that Lambda reads the modes
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, files[name], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
