"""Loads moto's services before anyone waits for them: a first call costs up to 300 ms, later ones 2."""

from __future__ import annotations

import contextlib
import threading

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from .process import OWN_WORK, cloud

READS = (
    ("ec2", "describe_vpcs"),
    ("lambda", "list_functions"),
    ("iam", "list_roles"),
    ("apigateway", "get_rest_apis"),
    ("kms", "list_keys"),
    ("dynamodb", "list_tables"),
    ("autoscaling", "describe_auto_scaling_groups"),
    ("elbv2", "describe_load_balancers"),
    ("stepfunctions", "list_state_machines"),
    ("events", "list_rules"),
    ("logs", "describe_log_groups"),
    ("route53", "list_hosted_zones"),
    ("cloudformation", "describe_stacks"),
    ("resourcegroupstaggingapi", "get_resources"),
    ("sts", "get_caller_identity"),
)


def warm() -> None:
    """Make one read of each service, in a thread of its own; what fails is left for its first real caller."""
    threading.Thread(target=_read_all, name="warm", daemon=True).start()


def _read_all() -> None:
    for service, operation in READS:
        client = boto3.session.Session().client(
            service,
            endpoint_url=cloud.url,
            region_name=cloud.region,
            aws_access_key_id=OWN_WORK,
            aws_secret_access_key=OWN_WORK,
            config=Config(retries={"total_max_attempts": 1}),
        )
        with contextlib.suppress(BotoCoreError, ClientError):
            getattr(client, operation)()
