"""Each function's policy against the calls that it really makes, in both directions."""

from __future__ import annotations

import json

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine.naming import names
from cloud import NAME, cloud
from errors import ClusterError, TransientErrors
from jinja2 import StrictUndefined, Template
from transient.handler import transient

VALUES = {
    "partition": "aws-us-gov",
    "region": "us-gov-west-1",
    "account_id": "123456789012",
    "cluster": NAME,
    "names": names(NAME),
    "key_arn": "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/1",
}
FUNCTIONS = ("fetch", "scale", "terminate", "transient")
# What Lambda itself does with the role, outside the function's code: its log, and its interfaces in the subnet.
BY_LAMBDA = {
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DeleteNetworkInterface",
}
# AWS has no resource level for these (Service Authorization Reference).
ONLY_STAR = {
    "autoscaling:DescribeAutoScalingGroups",
    "ec2:DescribeInstances",
    "ec2:DescribeNetworkInterfaces",
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
}


def rendered(path, **more):
    return json.loads(Template(path.read_text(), undefined=StrictUndefined).render(**VALUES, **more))


def actions(statement):
    return [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]


def allowed(document):
    """Actions, with the table's item where the policy names one."""
    found = set()
    for statement in document["Statement"]:
        keys = statement.get("Condition", {}).get("ForAllValues:StringEquals", {}).get("dynamodb:LeadingKeys")
        for action in actions(statement):
            found |= {f"{action} {key}" for key in keys} if keys else {action}
    return found


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    """Calls of each function over passes that drain, remove, terminate, detach, are refused and fail."""
    with cloud(8, desired=6) as made:
        made.run_pass("one")
        made.ticker.seconds += 60
        made.run_pass("two")
        made.registry.machine_gone(made.ids[0])
        made.fetch("three")
        with pytest.raises(Exception, match="held by"):
            made.fetch("four")
        with pytest.raises(TransientErrors):
            transient("three", ["x"], None, made.as_function("transient"))
        made.credentials("wrong")
        event = made.fetch("five")
        with pytest.raises(ClusterError):
            made.scale(event)
        made.ticker.seconds += 200
        late = made.fetch("six")
        for run in (made.scale, made.terminate):
            with pytest.raises(Exception, match="lost the lease"):
                run({**event, "terminate": [], "detach": []})
        assert late
        return {name: set(made.calls[name]) for name in FUNCTIONS}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_exactly_what_it_does(function, calls, lambda_files):
    policy = allowed(rendered(lambda_files / function / "policy.json.j2")) - BY_LAMBDA
    assert calls[function] - policy == set(), "the policy lacks these"
    assert policy - calls[function] == set(), "the policy has these for nothing"


@pytest.mark.parametrize(
    "path", ["fetch/policy", "scale/policy", "terminate/policy", "transient/policy", "states_policy", "events_policy"]
)
def test_a_star_stands_only_where_aws_has_no_resources(path, lambda_files):
    for statement in rendered(lambda_files / f"{path}.json.j2")["Statement"]:
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        if "*" in resources:
            assert set(actions(statement)) <= ONLY_STAR
        assert all("*" not in action for action in actions(statement))
        assert all(r == "*" or r.startswith("arn:aws-us-gov:") for r in resources)


def test_instances_are_ended_only_with_this_clusters_tag(lambda_files):
    statements = rendered(lambda_files / "terminate" / "policy.json.j2")["Statement"]
    ending = [s for s in statements if "ec2:TerminateInstances" in actions(s)]
    assert len(ending) == 1
    assert ending[0]["Condition"] == {"StringEquals": {"aws:ResourceTag/stateful:cluster": NAME}}


def test_only_scale_may_read_and_decrypt_the_credentials(lambda_files):
    for function in FUNCTIONS:
        may = allowed(rendered(lambda_files / function / "policy.json.j2"))
        assert ("kms:Decrypt" in may) is (function == "scale")
        assert ("dynamodb:GetItem credentials" in may) is (function == "scale")


@pytest.mark.parametrize("service", ["lambda", "states", "events"])
def test_a_role_is_assumed_by_its_service_only(service, lambda_files):
    statement = rendered(lambda_files / "assume_role.json.j2", service=service)["Statement"][0]
    assert statement["Principal"] == {"Service": f"{service}.amazonaws.com"}
    assert ("Condition" in statement) is (service != "lambda")
