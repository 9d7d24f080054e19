"""The policies of the functions and services, put on roles that are assumed, on an emulator that enforces them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine.naming import names
from botocore import xform_name
from botocore.exceptions import ClientError

from tests.iam.cases import (
    INSTANCE_TAGS,
    KEY_CONTEXT,
    LEADING_KEYS,
    LOG_STREAMS,
    NO_CALL,
    OTHER,
    OWN,
    ROLES,
    Case,
    arn,
    cases,
)
from tests.iam.emulator import ACCOUNT, REGION, Ministack, decisions, running
from tests.policies import FUNCTIONS, LOG, NEEDED, allowed, rendered, trust

DENIALS = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
SERVICE = {"states": "stepfunctions"}
OPERATION = {"InvokeFunction": "Invoke"}


class Account:
    """Two clusters' keys and instances, and one cluster's roles."""

    def __init__(self, cloud: Ministack) -> None:
        self.cloud = cloud
        kms, ec2 = cloud.client("kms"), cloud.client("ec2")
        self.keys = {cluster: str(kms.create_key()["KeyMetadata"]["Arn"]) for cluster in (OWN, OTHER)}
        self.instances = {cluster: self.instance(ec2, cluster) for cluster in (OWN, OTHER)}
        self.policies = {role: rendered(role, OWN, "aws", REGION, ACCOUNT, self.keys[OWN]) for role in ROLES}
        # The trust of the states' and events' roles wants the calling account, which only the service itself sends;
        # a function's role can be assumed here, because the emulator takes its root for every service.
        self.sessions = {
            role: cloud.role(role, trust("lambda", ACCOUNT), policy) for role, policy in self.policies.items()
        }
        self.clients: dict[tuple[str, str], Any] = {}

    @staticmethod
    def instance(ec2: Any, cluster: str) -> str:
        tags = [{"ResourceType": "instance", "Tags": [{"Key": "stateful:cluster", "Value": cluster}]}]
        made = ec2.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1, TagSpecifications=tags)
        return str(made["Instances"][0]["InstanceId"])

    def allows(self, case: Case) -> bool:
        """Make the call as the role; an answer that is no denial, be it another error, was allowed."""
        service, operation = case.call.split()[0].split(":")
        service = SERVICE.get(service, service)
        if (case.role, service) not in self.clients:
            self.clients[case.role, service] = self.cloud.client(service, **self.sessions[case.role])
        method = getattr(self.clients[case.role, service], xform_name(OPERATION.get(operation, operation)))
        try:
            method(**case.request.parameters)
        except ClientError as error:
            return error.response["Error"]["Code"] not in DENIALS
        return True

    def question(self, role: str, call: str, resource: str, context: dict[str, Any]) -> dict[str, Any]:
        """One request for decisions()."""
        action = call.split()[0]
        return {"policy": self.policies[role], "action": action, "resource": resource, "context": context}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with running(tmp_path_factory.mktemp("ministack")) as cloud:
        yield Account(cloud)


@pytest.fixture(scope="module")
def table(account: Account) -> list[Case]:
    return cases(account.keys, account.instances)


@pytest.mark.parametrize("role", ROLES)
def test_a_policy_allows_the_calls_it_is_for_and_no_more(role: str, account: Account) -> None:
    assert allowed(account.policies[role], OWN) == NEEDED[role]


@pytest.mark.parametrize("role", ROLES)
def test_the_emulator_lets_a_role_do_its_work_and_refuses_everything_else(
    role: str, account: Account, table: list[Case]
) -> None:
    mine = [case for case in table if case.role == role and case.blind != NO_CALL]
    wrong = [str(case) for case in mine if account.allows(case) is not (case.allowed ^ bool(case.blind))]
    assert wrong == [], "not so on ministack (where it was blind, it may have learnt to see)"
    assert any(not case.allowed and not case.blind for case in mine)


def test_with_the_condition_keys_that_aws_sends_each_policy_decides_every_case(
    account: Account, table: list[Case]
) -> None:
    asked = [(case, resource) for case in table for resource in case.request.resources]
    answers = decisions([account.question(case.role, case.call, on, case.request.context) for case, on in asked])
    verdicts: dict[str, bool] = {}
    for (case, _), answer in zip(asked, answers, strict=True):
        verdicts[str(case)] = verdicts.get(str(case), True) and answer
    assert [str(case) for case in table if verdicts[str(case)] is not case.allowed] == []


def test_the_emulator_is_blind_in_few_and_known_ways(table: list[Case]) -> None:
    """In each other way it must answer as AWS does; what it cannot tell is decided by its evaluation alone, above."""
    assert {case.blind for case in table} == {"", LEADING_KEYS, KEY_CONTEXT, INSTANCE_TAGS, LOG_STREAMS, NO_CALL}
    assert {case.call.split(":")[0] for case in table if case.blind and not case.allowed} == {"dynamodb", "logs"}


def test_what_names_the_wrong_thing_in_part_is_refused_as_a_whole(account: Account) -> None:
    """Requests whose condition keys mix right and wrong, or lack what the policy asks for."""
    own_table = arn("dynamodb", f"table/stateful-{OWN}")
    instance = arn("ec2", f"instance/{account.instances[OWN]}")
    mixed: list[tuple[str, str, str, dict[str, Any]]] = [
        ("transient", "dynamodb:UpdateItem", own_table, {"dynamodb:LeadingKeys": ["lease", "journal"]}),
        ("join", "dynamodb:BatchGetItem", own_table, {"dynamodb:LeadingKeys": ["settings", "control"]}),
        ("terminate", "dynamodb:BatchGetItem", own_table, {"dynamodb:LeadingKeys": ["journal", "report"]}),
        ("terminate", "ec2:TerminateInstances", instance, {}),
        ("terminate", "ec2:ModifyInstanceAttribute", instance, {"aws:ResourceTag/stateful:cluster": OTHER}),
        ("terminate", "ec2:TerminateInstances", instance, {"aws:ResourceTag/cluster": OWN}),
    ]
    context = "kms:EncryptionContext:stateful:cluster"
    for role in (role for role in ROLES if "kms:Decrypt" in NEEDED[role]):
        mixed += [
            (role, "kms:Decrypt", account.keys[OWN], {}),
            (role, "kms:Decrypt", account.keys[OWN], {context: OTHER}),
            (role, "kms:Decrypt", account.keys[OWN], {"kms:EncryptionContext:cluster": OWN}),
            (role, "kms:Decrypt", account.keys[OTHER], {context: OWN}),
        ]
    assert decisions([account.question(*request) for request in mixed]) == [False] * len(mixed)


def test_a_function_writes_no_other_functions_log(account: Account) -> None:
    groups = names(OWN)["function_log_groups"]
    asked = [
        account.question(role, call, arn("logs", f"log-group:{groups[other]}:log-stream:any"), {})
        for role, other, call in itertools.product(FUNCTIONS, FUNCTIONS, sorted(LOG))
    ]
    own = [role == other for role, other, _ in itertools.product(FUNCTIONS, FUNCTIONS, LOG)]
    assert decisions(asked) == own


@pytest.mark.parametrize("service", ["states", "events"])
def test_a_service_assumes_its_role_only_for_this_account(service: str, account: Account) -> None:
    with pytest.raises(ClientError, match="not authorized to perform: sts:AssumeRole"):
        account.cloud.role(f"{service}-for-nobody", trust(service, ACCOUNT))


def test_a_function_cannot_take_another_ones_role(account: Account) -> None:
    other = f"arn:aws:iam::{ACCOUNT}:role/terminate"
    with pytest.raises(ClientError, match="not authorized to perform: sts:AssumeRole"):
        account.cloud.client("sts", **account.sessions["scale"]).assume_role(RoleArn=other, RoleSessionName="tests")
