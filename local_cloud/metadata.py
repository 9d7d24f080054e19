"""The instance metadata service, version 2, for every instance of this cloud on one loopback port.

An instance's endpoint is http://127.0.0.1:PORT/INSTANCE_ID: AWS has one address and knows the caller by its interface.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
from botocore.config import Config
from moto.ec2.models.instances import Instance

from . import lifecycle
from .process import OWN_WORK, cloud

TOKEN_HEADER = "X-aws-ec2-metadata-token"
TTL_HEADER = "X-aws-ec2-metadata-token-ttl-seconds"
LIFETIME = timedelta(hours=1)


class Metadata:
    """The service: `endpoint(instance_id)` is what AWS_EC2_METADATA_SERVICE_ENDPOINT names."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[str, float]] = {}
        self._credentials: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer((cloud.host, 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="metadata", daemon=True).start()

    def endpoint(self, instance_id: str) -> str:
        """The address of one instance's service."""
        return f"http://{cloud.host}:{self._server.server_address[1]}/{instance_id}"

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()

    def new_token(self, instance_id: str, seconds: int) -> str:
        """A session token that is good for this instance and time."""
        token = secrets.token_urlsafe(32)
        self._tokens[token] = (instance_id, time.monotonic() + seconds)
        return token

    def is_valid(self, instance_id: str, token: str) -> bool:
        """Whether the token is this instance's and not expired."""
        owner, until = self._tokens.get(token, ("", 0.0))
        return owner == instance_id and time.monotonic() < until

    def read(self, instance_id: str, path: str) -> str | None:
        """The text under latest/`path`, or None when there is nothing (404)."""
        try:
            instance = lifecycle.find(instance_id)
        except KeyError:
            return None
        if path == "user-data":
            return (instance.user_data or b"").decode() or None
        if path == "dynamic/instance-identity/document":
            return json.dumps(_identity(instance))
        name = path.removeprefix("meta-data/")
        if name.startswith("iam/security-credentials"):
            return self._iam(instance, name.removeprefix("iam/security-credentials").strip("/"))
        return _tree(instance).get(name.rstrip("/")) if name != path else None

    def _iam(self, instance: Instance, role: str) -> str | None:
        profile = instance.iam_instance_profile
        if not profile:
            return None
        with self._lock:
            known = self._credentials.get(instance.id) or self._assume(instance, profile["Arn"])
            self._credentials[instance.id] = known
        if not role:
            return str(known["role"])
        return json.dumps(known["document"]) if role == known["role"] else None

    def _assume(self, instance: Instance, profile_arn: str) -> dict[str, Any]:
        """Credentials of the profile's role, from this cloud's own IAM and STS as they are now."""
        name = profile_arn.rpartition("/")[2]
        role = _client("iam").get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"][0]
        issued = datetime.now(UTC)
        keys = _client("sts").assume_role(
            RoleArn=role["Arn"], RoleSessionName=instance.id, DurationSeconds=int(LIFETIME.total_seconds())
        )["Credentials"]
        document = {
            "Code": "Success",
            "Type": "AWS-HMAC",
            "LastUpdated": f"{issued:%Y-%m-%dT%H:%M:%SZ}",
            "Expiration": f"{issued + LIFETIME:%Y-%m-%dT%H:%M:%SZ}",
            "AccessKeyId": keys["AccessKeyId"],
            "SecretAccessKey": keys["SecretAccessKey"],
            "Token": keys["SessionToken"],
        }
        return {"role": role["RoleName"], "document": document}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                instance_id, path = self._split()
                seconds = self.headers.get(TTL_HEADER, "")
                if path != "api/token" or not seconds.isdigit() or not 1 <= int(seconds) <= 21600:
                    self._answer(400, "Bad Request")
                    return
                self._answer(200, service.new_token(instance_id, int(seconds)), {TTL_HEADER: seconds})

            def do_GET(self) -> None:
                instance_id, path = self._split()
                if not service.is_valid(instance_id, self.headers.get(TOKEN_HEADER, "")):
                    self._answer(401, "Unauthorized")
                    return
                try:
                    text = service.read(instance_id, path)
                except Exception as error:
                    self._answer(500, f"{type(error).__name__}: {error}")
                    return
                self._answer(404 if text is None else 200, "Not Found" if text is None else text)

            def _split(self) -> tuple[str, str]:
                instance_id, _, rest = self.path.lstrip("/").partition("/")
                return instance_id, rest.removeprefix("latest/")

            def _answer(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
                data = text.encode()
                self.send_response(status)
                for name, value in {"Content-Type": "text/plain", **(headers or {})}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                """Stay quiet."""

        return Handler


def _tree(instance: Instance) -> dict[str, str]:
    nics = {int(index): nic for index, nic in instance.nics.items()}
    tree = {
        "instance-id": instance.id,
        "instance-type": instance.instance_type,
        "ami-id": instance.image_id,
        "local-ipv4": instance.private_ip or "",
        "local-hostname": instance.private_dns_name or "",
        "placement/availability-zone": str(instance.availability_zone),
        "placement/region": instance.ec2_backend.region_name,
        "network/interfaces/macs": "".join(f"{nic.mac_address}/\n" for nic in nics.values()),
    }
    if 0 in nics:
        tree["mac"] = nics[0].mac_address
    for index, nic in nics.items():
        prefix = f"network/interfaces/macs/{nic.mac_address}"
        tree[f"{prefix}/device-number"] = str(index)
        tree[f"{prefix}/interface-id"] = nic.id
        tree[f"{prefix}/local-ipv4s"] = nic.private_ip_address or ""
        tree[f"{prefix}/subnet-id"] = nic.subnet.id
    return tree


def _identity(instance: Instance) -> dict[str, str]:
    tree = _tree(instance)
    return {
        "instanceId": instance.id,
        "instanceType": instance.instance_type,
        "imageId": instance.image_id,
        "privateIp": tree["local-ipv4"],
        "availabilityZone": tree["placement/availability-zone"],
        "region": tree["placement/region"],
        "accountId": instance.ec2_backend.account_id,
    }


def _client(service: str) -> Any:
    return boto3.session.Session().client(
        service,
        endpoint_url=cloud.url,
        region_name=cloud.region,
        aws_access_key_id=OWN_WORK,
        aws_secret_access_key=OWN_WORK,
        config=Config(retries={"mode": "standard", "total_max_attempts": 8}),
    )
