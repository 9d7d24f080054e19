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
        return _error(refusal.status, str(refusal))
    except (ClusterError, ClientError, BotoCoreError) as error:
        return _error(503, f"The join function could not ask: {error}")
    except StatefulError as error:
        return _error(500, f"The join function cannot work: {error}")
    except Exception:
        log.exception("join failed")
        return _error(500, "The join function failed unexpectedly; its log says why.")
    log.info("join script given to %s", instance_id)
    return {"statusCode": 200, "headers": {"Content-Type": "text/plain", "Cache-Control": "no-store"}, "body": script}


def _error(status: int, sentence: str) -> dict[str, Any]:
    log.warning("refused with %s: %s", status, sentence)
    return {"statusCode": status, "headers": {"Content-Type": "application/json"}, "body": json.dumps({"error": sentence})}
