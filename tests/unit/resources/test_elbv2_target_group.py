"""stateful.aws.elbv2_target_group on the wire."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError

from tests.unit.harness import Runner
from tests.unit.resources.network import place


def options(runner: Runner, cluster: str, **more: Any) -> dict[str, Any]:
    return {
        "cluster": cluster,
        "component": "load_balancer",
        "name": f"stateful-{cluster}",
        "protocol": "HTTP",
        "port": 14000,
        "vpc_id": place(runner).network.vpc_id,
        **more,
    }


def test_a_target_group_goes_through_its_whole_life(runner: Runner) -> None:
    runner.check_lifecycle(
        "elbv2_target_group",
        options(runner, "tg-life", health_check={"path": "/api/v2/healthcheck/"}, tags={"a": "1"}),
        [
            {"health_check": {"path": "/other"}},
            {"health_check": {"interval_seconds": 20, "timeout_seconds": 4}},
            {"health_check": {"healthy_threshold": 3, "unhealthy_threshold": 3, "matcher": "200-299"}},
            {"health_check": {"port": "14001", "protocol": "HTTPS"}},
            {"deregistration_delay_seconds": 30},
            {"tags": {"b": "2"}},
            {"tags": {"c": "3"}, "purge_tags": False},
        ],
    )


def test_everything_may_be_given_at_creation(runner: Runner) -> None:
    health = {"path": "/x", "port": "81", "interval_seconds": 10, "timeout_seconds": 2, "matcher": "200,204"}
    wanted = options(runner, "tg-full", health_check=health, deregistration_delay_seconds=5)
    made = runner("elbv2_target_group", **wanted)["elbv2_target_group"]
    assert health.items() <= made["health_check"].items()
    assert made["deregistration_delay_seconds"] == 5
    assert made["tags"]["stateful:component"] == "load_balancer"
    runner.check_lifecycle("elbv2_target_group", {**wanted, "cluster": "tg-full2", "name": "tg-full2"})


def test_a_change_of_one_setting_leaves_the_others(runner: Runner) -> None:
    wanted = options(runner, "tg-one", health_check={"path": "/kept"})
    runner("elbv2_target_group", **wanted)
    changed = runner("elbv2_target_group", **{**wanted, "health_check": {"interval_seconds": 15}})
    assert changed["elbv2_target_group"]["health_check"]["path"] == "/kept"


def test_a_long_name_is_cut_and_found_again(runner: Runner) -> None:
    wanted = options(runner, "tg-long", name="stateful-a-cluster-with-a-name-that-is-far-too-long")
    made = runner("elbv2_target_group", **wanted)["elbv2_target_group"]
    assert len(made["name"]) == 32
    assert not runner("elbv2_target_group", **wanted)["changed"]


def test_a_foreign_target_group_is_refused(runner: Runner) -> None:
    elb = runner.client("elbv2")
    arn = elb.create_target_group(
        Name="stateful-tg-foreign", Protocol="HTTP", Port=14000, VpcId=place(runner).network.vpc_id
    )["TargetGroups"][0]["TargetGroupArn"]
    runner.check_refused("elbv2_target_group", options(runner, "tg-foreign"), "not ours", "stateful-tg-foreign")
    assert elb.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"]


@pytest.mark.parametrize(("option", "value"), [("port", 80), ("protocol", "HTTPS"), ("vpc_id", "vpc-other")])
def test_what_aws_cannot_change_is_said(runner: Runner, option: str, value: Any) -> None:
    cluster = f"tg-fixed-{option.partition('_')[0]}"
    runner("elbv2_target_group", **options(runner, cluster))
    _, written = runner.writes(lambda: _refused(runner, options(runner, cluster, **{option: value})))
    assert written == []


def _refused(runner: Runner, wanted: dict[str, Any]) -> None:
    with pytest.raises(ResourceError, match="AWS cannot change that"):
        runner("elbv2_target_group", **wanted)


def test_deleting_waits_until_no_listener_uses_it(runner: Runner) -> None:
    where, elb = place(runner), runner.client("elbv2")
    arn = runner("elbv2_target_group", **options(runner, "tg-used"))["elbv2_target_group"]["target_group_arn"]
    balancer = elb.create_load_balancer(Name="tg-used", Subnets=where.subnets, Scheme="internal")
    listener = elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancers"][0]["LoadBalancerArn"],
        Protocol="HTTP",
        Port=14000,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}],
    )["Listeners"][0]["ListenerArn"]
    later = threading.Timer(0.6, elb.delete_listener, kwargs={"ListenerArn": listener})
    later.start()
    deleted = runner("elbv2_target_group", cluster="tg-used", name="stateful-tg-used", state="absent")
    later.join()
    assert [step["action"] for step in deleted["actions"]] == ["elasticloadbalancing:DeleteTargetGroup"]


def test_a_delay_that_was_never_set_is_set_by_the_next_run(runner: Runner) -> None:
    wanted = options(runner, "tg-half")
    runner("elbv2_target_group", **wanted)
    again = runner("elbv2_target_group", **wanted, deregistration_delay_seconds=60)
    assert [step["action"] for step in again["actions"]] == ["elasticloadbalancing:ModifyTargetGroupAttributes"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": "under_score"}, "letters, digits and hyphens"),
        ({"name": "-edge"}, "no hyphen at its ends"),
        ({"port": 70000}, "1 to 65535"),
        ({"deregistration_delay_seconds": 4000}, "0 to 3600"),
        ({"health_check": {"interval_seconds": 2}}, "5 to 300"),
        ({"health_check": {"timeout_seconds": 10, "interval_seconds": 10}}, "smaller than"),
        ({"health_check": {"unhealthy_threshold": 1}}, "2 to 10"),
        ({"health_check": {"path": "nowhere"}}, "must begin with /"),
        ({"health_check": {"port": "http"}}, "traffic-port"),
        ({"health_check": {"matcher": "OK"}}, "HTTP codes"),
        ({"vpc_id": None}, "vpc_id"),
    ],
)
def test_bad_options_are_refused_before_the_first_call(runner: Runner, wrong: dict[str, Any], words: str) -> None:
    wanted = {key: value for key, value in {**options(runner, "tg-bad"), **wrong}.items() if value is not None}
    runner.cloud.control("calls/reset", method="POST")
    with pytest.raises(ResourceError, match=words):
        runner("elbv2_target_group", **wanted)
    assert runner.cloud.control("calls")["total"] == 0
