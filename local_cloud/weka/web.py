"""An HTTP answer of a backend, and the small helpers that both protocols build it with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Response:
    """Status, body and content type."""

    status: int
    body: bytes
    content_type: str = "application/json"


def json_response(value: Any, status: int = 200) -> Response:
    """Compact JSON, as WEKA sends it (join scripts cut the release out of it with sed)."""
    return Response(status, json.dumps(value, separators=(",", ":")).encode())


def parse_json(body: bytes) -> Any:
    """The body as JSON, None when empty. ValueError when it is not JSON."""
    return json.loads(body) if body.strip() else None
