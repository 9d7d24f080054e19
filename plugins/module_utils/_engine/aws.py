"""One task's view of AWS: clients that share their service models, who is calling, and a count of the calls."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

import boto3
import botocore.loaders
import botocore.session
from ansible_collections.amazon.aws.plugins.module_utils.botocore import _aws_connection_info
from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleBotocoreError
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError, explain
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

SERVICES = (
    "apigateway",
    "autoscaling",
    "cloudformation",
    "cloudwatch",
    "dynamodb",
    "ec2",
    "elbv2",
    "events",
    "iam",
    "kms",
    "lambda",
    "logs",
    "resourcegroupstaggingapi",
    "route53",
    "sns",
    "stepfunctions",
    "sts",
)

# The prefix under which IAM and the documentation know an action, where boto3's service name differs.
IAM_PREFIX = {"elbv2": "elasticloadbalancing", "stepfunctions": "states", "resourcegroupstaggingapi": "tag"}

# Enough attempts for a throttling storm: botocore's standard mode waits up to 20 s between two of them.
ATTEMPTS = 12

_READS = re.compile(r"(BatchGet|Query|Scan|Get|List|Describe|Decrypt|Search|Validate|Lookup|Test)")

LOADER = botocore.loaders.create_loader()


def preload() -> None:
    """Read the models of our services into the shared loader; an action plugin does so once, before Ansible forks."""
    for service in SERVICES:
        for kind in ("service-2", "endpoint-rule-set-1", "paginators-1", "waiters-2"):
            try:
                LOADER.load_service_model(service, kind)
            except (botocore.exceptions.UnknownServiceError, botocore.exceptions.DataNotFoundError):
                continue
    for data in ("endpoints", "partitions", "sdk-default-configuration", "_retry"):
        LOADER.load_data(data)


def is_write(operation: str) -> bool:
    """Tell whether an AWS operation (``CreateKey``) may change something."""
    return not _READS.match(operation)


def action_name(service: str, operation: str) -> str:
    """Return an operation as IAM writes it, for example ``elasticloadbalancing:CreateListener``."""
    return f"{IAM_PREFIX.get(service, service)}:{operation}"


def _unusable(reason: object) -> ResourceError:
    return ResourceError(f"These connection options cannot be used: {str(reason).rstrip('.')}.")


class Aws:
    """Clients, identity and call count of one task. Safe to share between threads."""

    def __init__(self, options: Mapping[str, Any], check_mode: bool = False) -> None:
        """Read amazon.aws's connection options; nothing is called yet.

        Raises:
            ResourceError: the options contradict each other, or no region is known.
        """
        try:
            region, self._endpoint, self._connection = _aws_connection_info(dict(options))
        except AnsibleBotocoreError as error:
            raise _unusable(error.message) from error
        except TypeError as error:
            raise _unusable(f"aws_config: {error}") from error
        self._config = self._connection.pop("aws_config", None)
        self._verify = self._connection.pop("verify", None)
        self.check_mode = check_mode
        self.calls: Counter[str] = Counter()
        self._clients: dict[tuple[str, bool], Any] = {}
        self._lock = threading.RLock()
        self._identity: dict[str, str] | None = None
        if bool(self._connection["aws_access_key_id"]) != bool(self._connection["aws_secret_access_key"]):
            raise _unusable("Give access_key and secret_key together")
        core = botocore.session.get_session()
        core.register_component("data_loader", LOADER)
        try:
            self._session = boto3.session.Session(
                botocore_session=core, region_name=region or None, **{k: v for k, v in self._connection.items() if v}
            )
            found = self._session.region_name
        except BotoCoreError as error:
            raise _unusable(error) from error
        if not found:
            raise ResourceError("No region is known. Set the option region, or AWS_REGION, or a profile that has one.")

    @property
    def region(self) -> str:
        """The region in which every call of this task is made."""
        return str(self._session.region_name)

    def client(self, service: str, resend: bool = True) -> Any:
        """Return the client of a service. ``resend=False`` gives one that never sends a request twice by itself."""
        with self._lock:
            key = (service, resend)
            if key not in self._clients:
                config = Config(
                    retries={"mode": "standard", "total_max_attempts": ATTEMPTS if resend else 1},
                    user_agent_extra="stateful.aws",
                    max_pool_connections=16,
                )
                try:
                    client = self._session.client(
                        service,
                        endpoint_url=self._endpoint,
                        verify=self._verify,
                        config=self._config.merge(config) if self._config else config,
                    )
                except (BotoCoreError, ValueError) as error:
                    raise _unusable(error) from error
                client.meta.events.register("before-call.*.*", self._count)
                self._clients[key] = client
            return self._clients[key]

    def _count(self, model: Any, **_: Any) -> None:
        name = action_name(self._service_of(model), model.name)
        if self.check_mode and is_write(model.name):
            raise ResourceError(f"{name} was about to be called in check mode, which never writes. Please report this.")
        with self._lock:
            self.calls[name] += 1

    @staticmethod
    def _service_of(model: Any) -> str:
        return str(model.service_model.service_name)

    def pages(self, service: str, method: str, key: str, **params: Any) -> list[Any]:
        """Return all items under ``key`` of every page of a list or describe call."""
        found: list[Any] = []
        for page in self.client(service).get_paginator(method).paginate(**params):
            found.extend(page.get(key, []))
        return found

    @property
    def identity(self) -> dict[str, str]:
        """``account``, ``partition`` and ``arn`` of the caller; asked once a task."""
        with self._lock:
            if self._identity is None:
                try:
                    answer = self.client("sts").get_caller_identity()
                except (ClientError, BotoCoreError) as error:
                    raise ResourceError(explain("Asking AWS who is calling (sts:GetCallerIdentity)", error)) from error
                self._identity = {
                    "account": answer["Account"],
                    "arn": answer["Arn"],
                    "partition": answer["Arn"].split(":")[1],
                }
            return self._identity

    def arn(self, service: str, resource: str, region: bool = True) -> str:
        """Return the ARN of a resource of ours; the partition and account are the caller's."""
        me = self.identity
        return f"arn:{me['partition']}:{service}:{self.region if region else ''}:{me['account']}:{resource}"
