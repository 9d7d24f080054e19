"""boto3 clients that give up in time for the function to report."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config

CONFIG = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 5})


def client(service: str) -> Any:
    """A client of the service in the function's own region."""
    return boto3.client(service, config=CONFIG)
