"""Puts the functions' root where their runtime has it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "lambda_files"))


@pytest.fixture
def document() -> dict[str, Any]:
    """A settings document as the import writes it."""
    return {
        "schema": 1,
        "cluster": "demo",
        "engine": "weka",
        "version": "1.0.0",
        "subnet_id": "subnet-0123456789abcdef0",
        "security_group_ids": ["sg-0123456789abcdef0"],
        "instance_type": "i3en.2xlarge",
        "tags": {},
        "weka": {"scheme": "https", "port": 14000, "validate_certs": True, "certificate": None},
    }
