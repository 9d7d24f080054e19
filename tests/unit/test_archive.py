"""The zip of a function's code."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine import archive
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    files = ("handler.py", "core/model.py", "core/__pycache__/model.pyc", "tests/test.py", "policy.json.j2", ".hidden")
    for name in files:
        path = tmp_path / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n")
    return tmp_path / "source"


def members(built: archive.Archive) -> list[zipfile.ZipInfo]:
    return zipfile.ZipFile(io.BytesIO(built.data)).infolist()


def test_the_same_content_gives_the_same_bytes_whatever_its_times_and_modes(source: Path) -> None:
    first = archive.build(str(source), ["requests"])
    archive._built.clear()
    for path in source.rglob("*.py"):
        os.utime(path, (0, 0))
        path.chmod(0o600)
    second = archive.build(str(source), ["requests"])
    assert second is not first
    assert second.data == first.data
    names = [member.filename for member in members(first)]
    assert names == sorted(names)
    assert {member.external_attr >> 16 & 0o777 for member in members(first)} == {0o644}


def test_what_does_not_belong_in_it_is_left_out(source: Path) -> None:
    kept = [member.filename for member in members(archive.build(str(source), exclude=["*.j2"]))]
    assert kept == ["core/model.py", "handler.py"]
    assert "handler.py" not in [m.filename for m in members(archive.build(str(source), exclude=["handler.py"]))]


def test_other_content_gives_another_hash(source: Path) -> None:
    before = archive.build(str(source)).sha256
    (source / "core/model.py").write_text("changed\n")
    assert archive.build(str(source)).sha256 != before


def test_functions_of_one_directory_build_it_once(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zipped: list[int] = []
    real = archive._zipped

    def counted(files: dict[str, bytes]) -> bytes:
        zipped.append(len(files))
        return real(files)

    monkeypatch.setattr(archive, "_zipped", counted)
    with ThreadPoolExecutor(5) as pool:
        built = list(pool.map(lambda _: archive.build(str(source), ["idna"]), range(5)))
    assert len(zipped) == 1
    assert len({id(one) for one in built}) == 1


def test_requirements_come_with_what_they_need_and_run_without_compiled_code(source: Path, tmp_path: Path) -> None:
    built = archive.build(str(source), ["requests"])
    names = [member.filename for member in members(built)]
    assert {"requests/api.py", "urllib3/__init__.py", "idna/core.py", "certifi/cacert.pem"} <= set(names)
    assert not [name for name in names if name.endswith(archive.COMPILED) or "dist-info" in name]
    unpacked = tmp_path / "unpacked"
    zipfile.ZipFile(io.BytesIO(built.data)).extractall(unpacked)
    script = f"import sys; sys.path.insert(0, {str(unpacked)!r}); import requests; print(requests.__file__)"
    # -I and -S: neither this environment's packages nor its variables.
    run = subprocess.run([sys.executable, "-ISc", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(unpacked / "requests/__init__.py")


def test_the_runtimes_own_packages_are_not_added(source: Path) -> None:
    names = [member.filename for member in members(archive.build(str(source), ["boto3", "botocore"]))]
    assert not [name for name in names if name.startswith(("boto", "s3transfer"))]


@pytest.mark.parametrize(
    ("requirement", "words"),
    [
        ("no-such-distribution", "is not installed"),
        ("requests<1", "is installed"),
        ("cryptography", "needs compiled code"),
        ("not a requirement", "is not a requirement"),
    ],
)
def test_requirements_that_cannot_be_added_are_refused(source: Path, requirement: str, words: str) -> None:
    with pytest.raises(ResourceError, match=words):
        archive.build(str(source), [requirement])


def test_a_missing_directory_is_refused() -> None:
    with pytest.raises(ResourceError, match="is not a directory"):
        archive.build("/nowhere/at/all")
