"""Each function's policy against the calls that it really makes, in both directions."""

from __future__ import annotations

import os
from unittest.mock import patch

import pytest
from cloud import NAME, cloud, forget
from errors import ClusterError, LeaseHeld, LeaseLost
from join import handler as join

from tests.policies import BY_LAMBDA, FUNCTIONS, NEEDED, ONLY_STAR, SERVICES, allowed, listed, rendered, trust

ACCOUNT = "123456789012"
KEY = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/1"


def policy(role):
    return rendered(role, NAME, "aws-us-gov", "us-gov-west-1", ACCOUNT, KEY)


def ask_to_join(made, instance_id):
    """The join function's answer to this instance."""
    forget()
    asked = {"queryStringParameters": {"instance_id": instance_id}}
    with (
        patch.object(join, "ports", lambda: made.as_function("join")),
        patch.dict(os.environ, AWS_REGION="us-east-1"),
    ):
        return join.handler(asked, None)["statusCode"]


@pytest.fixture(scope="module")
def calls():
    """Calls of each function, as of processes that know nothing yet: passes that drain, remove, terminate, detach, are
    refused and fail, and joins."""
    with cloud(8, desired=6) as made:
        made.run_pass("drains")
        made.ticker.seconds += 60
        event = made.scale(made.fetch("removes"))
        assert event["terminate"]
        forget()
        made.terminate(event)
        with pytest.raises(LeaseLost):
            made.terminate(event)
        made.registry.machine_gone(made.ids[0])
        made.run_pass("detaches")
        event = made.fetch("holds")
        with pytest.raises(LeaseHeld):
            made.fetch("waits")
        made.transient("holds", {**event, "transient_errors": ["x"]})
        made.settings(instance_type="i3en.2xlarge", subnet_id="subnet-1", security_group_ids=["sg-1"], tags={})
        made.desire(9)
        new = (set(made.members()) - set(made.ids)).pop()
        made.instance(new).launch_time = made.ticker.now().replace(tzinfo=None)
        assert ask_to_join(made, new) == 200
        for password, run in {"one": made.scale, "two": made.terminate}.items():
            made.ticker.seconds += 200
            event = {**made.fetch(password), "terminate": [made.ids[1]], "detach": [], "source": None}
            made.credentials(password)
            forget()
            with pytest.raises(ClusterError):
                run(event)
        made.credentials("three")
        assert ask_to_join(made, new) == 503
        made.ticker.seconds += 200
        made.credentials()
        made.fetch("late")
        forget()
        with pytest.raises(LeaseLost):
            made.scale(event)
        return {name: set(made.calls[name]) for name in FUNCTIONS}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_exactly_what_it_does(function, calls):
    may = allowed(policy(function), NAME)
    assert may == NEEDED[function]
    assert calls[function] - may == set(), "the policy lacks these"
    assert may - BY_LAMBDA - calls[function] == set(), "the policy has these for nothing"


@pytest.mark.parametrize("role", [*FUNCTIONS, *SERVICES])
def test_a_star_stands_only_where_aws_has_no_resources(role):
    for statement in policy(role)["Statement"]:
        resources = listed(statement["Resource"])
        if "*" in resources:
            assert set(listed(statement["Action"])) <= ONLY_STAR
        assert all("*" not in action for action in listed(statement["Action"]))
        assert all(r == "*" or r.startswith("arn:aws-us-gov:") for r in resources)


def test_instances_are_ended_only_with_this_clusters_tag():
    ending = [s for s in policy("terminate")["Statement"] if "ec2:TerminateInstances" in listed(s["Action"])]
    assert len(ending) == 1
    assert ending[0]["Condition"] == {"StringEquals": {"aws:ResourceTag/stateful:cluster": NAME}}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_only_who_asks_the_cluster_may_read_and_decrypt_the_credentials(function):
    may = allowed(policy(function), NAME)
    asks = function in ("scale", "terminate", "join")
    assert ("kms:Decrypt" in may) is asks
    assert ("dynamodb:BatchGetItem credentials" in may) is asks


@pytest.mark.parametrize("service", ["lambda", "states", "events"])
def test_a_role_is_assumed_by_its_service_only(service):
    statement = trust(service, ACCOUNT)["Statement"][0]
    assert statement["Principal"] == {"Service": f"{service}.amazonaws.com"}
    assert ("Condition" in statement) is (service != "lambda")
