"""AWS error answers in each protocol's own shape, with each service's own codes for throttling and breakdown."""

from __future__ import annotations

import json
import uuid
from xml.sax.saxutils import escape

from .calls import Call

# (code, HTTP status, message); sources: the services' "common errors" pages and botocore's service models.
THROTTLE = {
    "ec2": ("RequestLimitExceeded", 503, "Request limit exceeded."),
    "lambda": ("TooManyRequestsException", 429, "Rate exceeded"),
    "apigateway": ("TooManyRequestsException", 429, "Too Many Requests"),
    "s3": ("SlowDown", 503, "Please reduce your request rate."),
    "sns": ("ThrottledException", 429, "Rate exceeded"),
    "dynamodb": ("ThrottlingException", 400, "Rate of requests exceeds the allowed throughput."),
}
THROTTLE_BY_PROTOCOL = {
    "query": ("Throttling", 400, "Rate exceeded"),
    "rest-xml": ("Throttling", 400, "Rate exceeded"),
    "json": ("ThrottlingException", 400, "Rate exceeded"),
    "cbor": ("ThrottlingException", 400, "Rate exceeded"),
    "rest-json": ("ThrottlingException", 429, "Rate exceeded"),
}
BROKEN = {
    "ec2": ("InternalError", 500, "An internal error has occurred."),
    "dynamodb": ("InternalServerError", 500, "The request processing has failed because of an unknown error."),
    "lambda": ("ServiceException", 500, "The service encountered an internal error."),
    "kms": ("KMSInternalException", 500, "The request was rejected because an internal exception occurred."),
    "logs": ("ServiceUnavailableException", 503, "The service cannot complete the request."),
    "events": ("InternalException", 500, "This exception occurs due to unexpected causes."),
}
BROKEN_BY_PROTOCOL = ("ServiceUnavailable", 503, "The request has failed due to a temporary failure of the server.")

Answer = tuple[int, list[tuple[str, str]], bytes]


def throttled(call: Call) -> Answer:
    """The answer of `call`'s service to too many requests."""
    return answer(call, *(THROTTLE.get(call.service) or THROTTLE_BY_PROTOCOL[call.protocol]))


def broken(call: Call) -> Answer:
    """The answer of `call`'s service when it fails by itself."""
    return answer(call, *(BROKEN.get(call.service) or BROKEN_BY_PROTOCOL))


def answer(call: Call, code: str, status: int, message: str) -> Answer:
    """An error in the wire shape of `call`'s protocol: status, headers, body."""
    request_id = str(uuid.uuid4())
    headers = [("x-amzn-RequestId", request_id)]
    if call.protocol == "ec2":
        text = (
            f"<Response><Errors><Error><Code>{code}</Code><Message>{escape(message)}</Message></Error></Errors>"
            f"<RequestID>{request_id}</RequestID></Response>"
        )
        return status, [*headers, ("Content-Type", "text/xml")], text.encode()
    if call.service == "s3":
        text = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        return status, [*headers, ("Content-Type", "application/xml")], text.encode()
    if call.protocol in ("query", "rest-xml"):
        text = (
            f"<ErrorResponse><Error><Type>{'Sender' if status < 500 else 'Receiver'}</Type><Code>{code}</Code>"
            f"<Message>{escape(message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return status, [*headers, ("Content-Type", "text/xml")], text.encode()
    if call.protocol == "cbor":
        headers += [("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")]
        return status, headers, _cbor_map({"__type": code, "message": message})
    headers += [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-ErrorType", code)]
    return status, headers, json.dumps({"__type": code, "message": message, "Message": message}).encode()


def _cbor_map(values: dict[str, str]) -> bytes:
    """A map of short texts in CBOR (RFC 8949, section 3.1: major type 5 of pairs of major type 3)."""
    out = bytes([0xA0 + len(values)])
    for text in (text for pair in values.items() for text in pair):
        data = text.encode()
        out += bytes([0x78, len(data)]) + data
    return out
