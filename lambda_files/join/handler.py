"""GET /join?instance_id=i-...: the join script of a launching instance as text, or a refusal as JSON."""

from __future__ import annotations

import json
import logging
import os
from typing import Any

from adapters.wiring import ports
from botocore.exceptions import BotoCoreError, ClientError
from errors import ClusterError, StatefulError
from tasks import say

from .admission import Refused, requested_instance
from .service import script_for

log = logging.getLogger("stateful")


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """API Gateway's proxy event to its proxy answer; anything but the script has a status of 400 or more."""
    try:
        instance_id = requested_instance(event.get("queryStringParameters"))
        return _answer(200, script_for(instance_id, os.environ["AWS_REGION"], ports()), instance_id)
    except Refused as refusal:
        return _answer(refusal.status, str(refusal))
    except (ClusterError, ClientError, BotoCoreError) as error:
        return _answer(503, f"The join function could not ask: {error}")
    except StatefulError as error:
        return _answer(500, f"The join function cannot work: {error}")
    except Exception:
        log.exception("join failed")
        return _answer(500, "The join function failed unexpectedly; its log says why.")


def _answer(status: int, text: str, joining: str | None = None) -> dict[str, Any]:
    kind, body = ("text/plain", text) if joining else ("application/json", json.dumps({"error": text}))
    say("join", status=status, **({"instance_id": joining} if joining else {"refused": text}))
    return {"statusCode": status, "headers": {"Content-Type": kind, "Cache-Control": "no-store"}, "body": body}
