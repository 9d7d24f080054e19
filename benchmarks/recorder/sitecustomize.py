"""Python runs this file at start when its directory is in PYTHONPATH: every boto3 call is written to $RECORD_CALLS.

A record is the pickle of (service, operation, parameters, answer or None when the call failed), appended by one write,
which Linux does not interleave with those of other threads and processes.
"""

from __future__ import annotations

import os
import pickle
from typing import Any

from botocore.client import BaseClient

_call = BaseClient._make_api_call
_log = os.open(os.environ["RECORD_CALLS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _recorded(self: Any, operation: str, parameters: dict[str, Any]) -> Any:
    answer = None
    try:
        answer = _call(self, operation, parameters)
    finally:
        told = {k: v for k, v in (answer or {}).items() if k != "ResponseMetadata"} if answer is not None else None
        os.write(_log, pickle.dumps((self.meta.service_model.service_name, operation, parameters, told)))
    return answer


BaseClient._make_api_call = _recorded
