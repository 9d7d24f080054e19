"""GET /join?instance_id=i-...: the join script of a launching instance as text, or a refusal as JSON."""

from __future__ import annotations

import json
import logging
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from errors import ClusterError, StatefulError

from .admission import Refused, requested_instance
from .wiring import join_script_of

log = logging.getLogger(__name__)
log.setLevel(logging.INFO)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """API Gateway's proxy event to its proxy answer; anything but the script has a status of 400 or more."""
    try:
        instance_id = requested_instance(event.get("queryStringParameters"))
        script = join_script_of(instance_id)
    except Refused as refusal:
        return _answer(refusal.status, str(refusal))
    except (ClusterError, ClientError, BotoCoreError) as error:
        return _answer(503, f"The join function could not ask: {error}")
    except StatefulError as error:
        return _answer(500, f"The join function cannot work: {error}")
    except Exception:
        log.exception("join failed")
        return _answer(500, "The join function failed unexpectedly; its log says why.")
    log.info("%s may join", instance_id)
    return _answer(200, script)


def _answer(status: int, text: str) -> dict[str, Any]:
    kind, body = ("text/plain", text) if status == 200 else ("application/json", json.dumps({"error": text}))
    log.info("answered %s%s", status, "" if status == 200 else f": {text}")
    return {"statusCode": status, "headers": {"Content-Type": kind, "Cache-Control": "no-store"}, "body": body}
