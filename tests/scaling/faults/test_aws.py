"""F30 to F38: AWS throttles, refuses, is away, answers oddly, or is in a state that the group does not explain."""

from __future__ import annotations

import json

import pytest
from adapters.aws.compute import AwsCompute
from botocore.exceptions import EndpointConnectionError
from cloud import BASE, NAME, PASSWORD, cloud, forget
from errors import ResultRefused
from ground import free_block, instances
from judge import assert_none_ended, assert_untouched, in_order, leaving, protections, reach, running
from moto import mock_aws
from scaling.invariants import LARGEST_STATE
from tasks import hand_on
from wire import Killed, Wire, refusal, watched_client, wired

from local_cloud.client import start
from tests.unit.harness import Runner
from tests.unit.resources.roles import role_for

BY_QUERY = b"<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>"
BY_EC2 = b"<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>x</Message></Error></Errors></Response>"
BY_JSON = b'{"__type": "ThrottlingException", "message": "Rate exceeded"}'
STORM = {"ec2": BY_EC2, "auto-scaling": BY_QUERY, "dynamodb": BY_JSON, "kms": BY_JSON}


@pytest.fixture
def _no_waiting(monkeypatch):
    """botocore's pauses between its attempts take no time."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)


@pytest.mark.usefixtures("_no_waiting")
def test_f30_a_storm_that_lets_every_third_call_through_is_waited_out(drained):
    """Must not: fail, or do anything twice. Must: end the two machines in this very pass."""
    forget()
    for service, body in STORM.items():
        drained.wire.answers.append((f"before-send.{service}.*", 2, body))
    result = drained.run_pass("storm")
    assert all(left == 0 for _, left, _ in drained.wire.answers)
    assert result["failed"] is None
    assert result["counts"]["terminated"] == 2
    reach(drained, 6)


@pytest.mark.usefixtures("_no_waiting")
@pytest.mark.parametrize("service", sorted(STORM))
def test_f30_a_storm_without_an_end_changes_nothing_and_fails_visibly(surplus, service):
    """Must not: take a throttled read for an empty one. Must: raise AWS's own error, and go on after the storm."""
    event = surplus.fetch("storm") if service != "dynamodb" else None
    surplus.wire.answers.append((f"before-send.{service}.*", 10_000, STORM[service]))
    with pytest.raises(Exception, match="Throttling|RequestLimitExceeded"):
        surplus.scale(event) if event else surplus.fetch("storm")
    assert_untouched(surplus)
    surplus.wire.quiet()
    surplus.ticker.seconds += 121
    reach(surplus, 6)


@pytest.mark.usefixtures("_no_waiting")
def test_f30_a_storm_over_the_terminations_leaves_every_protection_on(drained):
    """Must not: leave a protection off. Must: name each instance that was not ended, and end it later."""
    drained.wire.answers.append(("before-send.ec2.TerminateInstances", 10_000, BY_EC2))
    result = drained.run_pass("storm")
    assert "RequestLimitExceeded" in result["failed"]
    assert_none_ended(drained)
    drained.wire.quiet()
    reach(drained, 6)


@pytest.fixture
def sixty():
    """A group of sixty, and the compute port on it."""
    wire = Wire()
    with mock_aws(), wired(wire), pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        patch.setattr("moto.autoscaling.models.AutoScalingBackend.notify_terminate_instances", lambda *_: None)
        ids, _ = instances(60, free_block()[0])
        yield AwsCompute(watched_client("autoscaling"), watched_client("ec2"), BASE, NAME), ids, wire


def test_f31_of_more_than_fifty_instances_only_the_refused_ones_stay_and_are_protected(sixty):
    """Must not: send more than AWS takes in one call, or leave a refused one open. Must: end all others and name it."""
    compute, ids, wire = sixty
    stubborn = {ids[7], ids[55]}

    def refused(call):
        assert len(call.params["InstanceIds"]) <= 50
        if stubborn & set(call.params["InstanceIds"]):
            raise refusal(call, "OperationNotPermitted")

    wire.when("ec2:TerminateInstances", refused, times=None)
    ended, errors = compute.terminate(ids, lambda: None)
    assert set(ended) == set(ids) - stubborn
    assert len(errors) == 2 and all("OperationNotPermitted" in error for error in errors)
    states = compute.instances(ids)
    assert {i for i in ids if states[i].state == "running"} == stubborn
    group = {i.instance_id: i for i in compute.group().instances}
    assert all(group[i].protected for i in stubborn)
    for instance_id in stubborn:
        flag = watched_client("ec2").describe_instance_attribute(
            InstanceId=instance_id, Attribute="disableApiTermination"
        )
        assert flag["DisableApiTermination"]["Value"] is True


@pytest.mark.parametrize("code", ["OperationNotPermitted", "UnauthorizedOperation", "InternalError"])
def test_f32_a_termination_refused_after_the_protections_went_off_puts_them_on_again(drained, code):
    """Must not: leave an instance open, or lower desired. Must: name both, fail visibly, and end them later."""
    drained.wire.refuse("ec2:TerminateInstances", code)
    result = drained.run_pass("refused")
    assert result["failed"].count(code) == 2
    assert_none_ended(drained)
    assert drained.group().desired_capacity == 6
    drained.wire.quiet()
    reach(drained, 6)


def test_f32_when_a_protection_cannot_be_taken_off_nothing_is_terminated(drained):
    """Must not: terminate beside the protection. Must: leave both on, say so, and end them later."""
    drained.wire.refuse("ec2:ModifyInstanceAttribute", "UnauthorizedOperation", times=2)
    result = drained.run_pass("refused")
    assert "UnauthorizedOperation" in result["failed"]
    assert "ec2:TerminateInstances" not in drained.wire.names()
    assert_none_ended(drained)
    drained.wire.quiet()
    reach(drained, 6)


def test_f33_desired_zero_ends_at_the_floor_and_says_what_holds_the_rest(surplus):
    """Must not: go below what the stripe and its spare need. Must: name the floor in the very pass that meets it."""
    surplus.desire(0)
    for number in range(4):
        surplus.run_pass(f"zero-{number}")
        surplus.ticker.seconds += 60
    result = surplus.run_pass("zero")
    assert "S2 floor" in result["failed"] and "6" in result["failed"]
    assert len(running(surplus)) == 6
    assert leaving(surplus) == []
    assert "drain" not in result["counts"]
    surplus.desire(6)
    reach(surplus, 6)


def test_f33_a_minimum_above_desired_counts_as_desired(surplus):
    """Must not: drain below the group's minimum, which would only be filled up again. Must: keep all eight."""

    def minimum(call):
        call.answer["AutoScalingGroups"][0]["MinSize"] = 8

    surplus.wire.when("autoscaling:DescribeAutoScalingGroups", minimum, after=True, times=None)
    result = surplus.run_pass("minimum")
    assert "drain" not in result["counts"]
    assert_untouched(surplus)
    surplus.wire.quiet()
    reach(surplus, 6)


@pytest.mark.parametrize(
    "lifecycle", ["Warmed:Running", "Warmed:Stopped", "Terminating:Wait", "Terminating:Retained", "Standby"]
)
def test_f34_a_member_that_is_not_in_service_is_neither_drained_nor_ended(surplus, lifecycle):
    """Must not: drain, end, detach or count it as a member. Must: bring the others to desired."""
    victim = in_order(surplus)[0]
    surplus.group_says(victim, lifecycle)
    for number in range(4):
        surplus.run_pass(f"odd-{number}")
        surplus.ticker.seconds += 60
    assert victim not in leaving(surplus)
    assert victim in surplus.members() and victim in surplus.in_cluster()
    assert surplus.ec2_state(victim) == "running" and protections(surplus, victim) == (True, True)
    assert len(running(surplus) - {victim}) == 6
    assert leaving(surplus) == []


def test_f34_a_proven_machine_that_the_group_retains_is_not_ended_beside_it(drained):
    """Must not: end what another one keeps on purpose. Must: say in which state it is, and end the other one."""
    event = drained.scale(drained.fetch("retained"))
    victim, other = event["terminate"]
    drained.group_says(victim, "Terminating:Retained")
    answer = drained.terminate(event)
    assert any(victim in error for error in answer["transient_errors"])
    assert drained.ec2_state(victim) == "running"
    assert drained.ec2_state(other) == "terminated"


EFFECTS = [
    "weka:cluster_deactivate_drives",
    "weka:cluster_deactivate_hosts",
    "weka:events_trigger_custom",
    "dynamodb:PutItem journal",
    "dynamodb:PutItem report",
    "weka:cluster_remove_drives",
    "weka:cluster_remove_host",
    "ec2:ModifyInstanceAttribute",
    "ec2:TerminateInstances",
    "autoscaling:DetachInstances",
]


@pytest.mark.parametrize("name", EFFECTS)
def test_f35_a_function_killed_at_its_timeout_after_any_effect_costs_one_pass(surplus, name):
    """Must not: end a machine with data, or wait for the lease. Must: give it back, and reach the target."""
    surplus.wire.kill(name)
    died = 0
    for number in range(4):
        try:
            surplus.run_pass(f"execution-{number}")
        except Killed:
            died += 1
            surplus.wire.quiet()
            surplus.transient(f"execution-{number}", {"failure": {"Error": "States.Timeout", "Cause": ""}})
        surplus.ticker.seconds += 60
    assert died == 1
    assert "Owner" not in surplus.item("lease")
    reach(surplus, 6)


def test_f36_a_hundred_dead_members_and_every_machine_in_trouble_fit_into_state_data():
    """Must not: hand on an inventory, or let an answer grow with the group. Must: hand on ids and counts, and end."""
    with cloud(6) as made:
        made.desire(126)
        dead = sorted(set(made.members()) - set(made.ids))
        made.client("ec2").terminate_instances(InstanceIds=dead)
        made.wire.refuse("autoscaling:DetachInstances", "ValidationError", "x" * 400)
        event = made.scale(made.fetch())
        assert len(event["detach"]) == 100
        answer = made.terminate(event)
        assert len(json.dumps(answer)) <= LARGEST_STATE
        assert len(answer["transient_errors"]) == 21 and "80 more" in answer["transient_errors"][-1]
        assert_untouched(made)


def test_f36_an_answer_that_is_too_large_or_holds_a_secret_ends_the_pass():
    """Must not: reach Step Functions. Must: be refused with the promise that it breaks."""
    with pytest.raises(ResultRefused, match="S16 bounded payload"):
        hand_on({"terminate": ["i-0123456789abcdef0"] * 2000})
    with pytest.raises(ResultRefused, match="S12 secrets"):
        hand_on({}, [f"login as admin/{PASSWORD} failed"], [PASSWORD])


def test_f36_no_answer_leads_back_to_a_task_that_has_run(drained):
    """Must not: loop until the history's 25,000 events are used up. Must: leave nothing for terminate in its answer."""
    event = drained.scale(drained.fetch())
    answer = drained.terminate(event)
    assert not {"terminate", "detach"} & set(answer)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("kms:Decrypt", "KMSInvalidStateException"),
        ("dynamodb:BatchGetItem*", "InternalServerError"),
        ("dynamodb:PutItem journal", "ProvisionedThroughputExceededException"),
        ("dynamodb:UpdateItem lease", "InternalServerError"),
    ],
)
def test_f37_without_key_table_or_lease_nothing_is_changed(surplus, call, code):
    """Must not: act on what could not be read or noted. Must: fail with AWS's error, and go on when it is back."""
    event = surplus.fetch("away")
    surplus.wire.refuse(call, code)
    with pytest.raises(Exception, match=code):
        surplus.scale(event)
    assert_untouched(surplus)
    surplus.wire.quiet()
    surplus.transient("away", {})
    reach(surplus, 6)


def test_f37_an_item_that_the_table_kept_back_is_not_taken_for_missing(drained):
    """Must not: begin with an empty journal, that is without any memory. Must: ask again, then give up."""
    journal = drained.item("journal")

    def kept_back(call):
        call.answer["Responses"][BASE] = [i for i in call.answer["Responses"][BASE] if i["Key"]["S"] != "journal"]
        call.answer["UnprocessedKeys"] = {BASE: {"Keys": [{"Key": {"S": "journal"}}]}}

    drained.wire.when("dynamodb:BatchGetItem journal", kept_back, after=True, times=None)
    result = drained.run_pass("kept back")
    assert "RecordsUnread" in result["failed"]
    assert drained.item("journal") == journal
    assert len(drained.in_cluster()) == 8
    assert_none_ended(drained)
    drained.wire.quiet()
    reach(drained, 6)


def test_f37_a_table_that_goes_away_before_the_termination_ends_nothing(drained):
    """Must not: end anything without lease and journal. Must: fail, with every protection on."""
    event = drained.scale(drained.fetch("away"))

    def away(_call):
        raise EndpointConnectionError(endpoint_url="https://dynamodb.us-east-1.amazonaws.com")

    drained.wire.when("dynamodb:*", away, times=None)
    with pytest.raises(EndpointConnectionError):
        drained.terminate(event)
    assert_none_ended(drained)
    drained.wire.quiet()
    drained.ticker.seconds += 121
    reach(drained, 6)


def test_f38_a_role_that_cannot_be_assumed_yet_is_waited_for(tmp_path):
    """Must not: fail, or make the function twice. Must: make it once the new role can be assumed."""
    (tmp_path / "handler.py").write_text("def handler(event, context):\n    return event\n")
    with start(stack=None) as made, pytest.MonkeyPatch.context() as patch:
        for name, value in made.env.items():
            patch.setenv(name, value)
        made.control("faults", {"propagation_s": 4})
        runner = Runner(made)
        role = role_for(runner, "fresh", "lambda.amazonaws.com")
        options = {"cluster": NAME, "name": BASE, "role": role, "handler": "handler.handler", "source": str(tmp_path)}
        done, written = runner.writes(lambda: runner("lambda_function", **options))
        assert done["changed"]
        assert written.count("lambda:CreateFunction") > 1, "the first attempt was refused"
        assert [f["FunctionName"] for f in made.client("lambda").list_functions()["Functions"]] == [BASE]
        assert not runner("lambda_function", **options)["changed"]
