"""Puts the functions' code on the path, as Lambda does with the zip's root."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
LAMBDA_FILES = HERE.parents[1] / "lambda_files"
for folder in (str(LAMBDA_FILES), str(HERE)):
    if folder not in sys.path:
        sys.path.insert(0, folder)


@pytest.fixture
def lambda_files() -> Path:
    return LAMBDA_FILES


@pytest.fixture(autouse=True)
def _no_real_account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
