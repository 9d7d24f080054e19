"""stateful.aws.elbv2_load_balancer on the wire."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._resources.elbv2_load_balancer import RESOURCE

from tests.unit.harness import Runner
from tests.unit.resources.network import place


@cache
def target_group(cloud: Any, vpc_id: str, name: str = "balanced") -> str:
    made = cloud.client("elbv2").create_target_group(Name=name, Protocol="HTTP", Port=14000, VpcId=vpc_id)
    return str(made["TargetGroups"][0]["TargetGroupArn"])


def listener(runner: Runner, port: int = 14000, group: str = "balanced", **more: Any) -> dict[str, Any]:
    arn = target_group(runner.cloud, place(runner).network.vpc_id, group)
    return {"port": port, "protocol": "HTTP", "target_group_arn": arn, **more}


def certificate(runner: Runner, name: str) -> str:
    return str(runner.client("acm").request_certificate(DomainName=f"{name}.example.org")["CertificateArn"])


def options(runner: Runner, cluster: str, **more: Any) -> dict[str, Any]:
    where = place(runner)
    return {
        "cluster": cluster,
        "component": "load_balancer",
        "name": f"stateful-{cluster}",
        "subnets": where.subnets,
        "security_groups": [where.security_group_ids[0]],
        **more,
    }


def test_a_load_balancer_goes_through_its_whole_life(runner: Runner) -> None:
    where, secure = place(runner), {"protocol": "HTTPS", "certificate_arn": certificate(runner, "first")}
    runner.check_lifecycle(
        "elbv2_load_balancer",
        options(runner, "lb-life", listeners=[listener(runner)], tags={"a": "1"}),
        [
            {"listeners": [listener(runner), listener(runner, 80)]},
            {"listeners": [listener(runner, 80, "other")]},
            {"listeners": [listener(runner, 80, "other", **secure)]},
            {"listeners": [listener(runner, 80, "other", **secure, ssl_policy="ELBSecurityPolicy-TLS13-1-2-2021-06")]},
            {"security_groups": list(where.security_group_ids)},
            {"subnets": [where.network.subnet_id, where.network.sharing_subnet_ids[1]]},
            {"idle_timeout": 120},
            {"deletion_protection": True},
            {"tags": {"b": "2"}},
            {"tags": {"c": "3"}, "purge_tags": False},
        ],
    )
    named = {each["LoadBalancerName"] for each in runner.client("elbv2").describe_load_balancers()["LoadBalancers"]}
    assert "stateful-lb-life" not in named


def test_what_it_answers_and_how_it_is_tagged(runner: Runner) -> None:
    made = runner("elbv2_load_balancer", **options(runner, "lb-facts", listeners=[listener(runner)], idle_timeout=90))
    balancer = made["elbv2_load_balancer"]
    assert balancer["scheme"] == "internal" and balancer["state"] == "active" and balancer["idle_timeout"] == 90
    assert balancer["dns_name"] and balancer["canonical_hosted_zone_id"]
    (door,) = balancer["listeners"]
    tags = runner.client("elbv2").describe_tags(ResourceArns=[balancer["load_balancer_arn"], door["listener_arn"]])
    for each in tags["TagDescriptions"]:
        assert {"Key": "stateful:cluster", "Value": "lb-facts"} in each["Tags"]


def test_it_is_read_by_its_name_alone(runner: Runner) -> None:
    made = runner("elbv2_load_balancer", **options(runner, "lb-read", listeners=[listener(runner)]))
    read = runner("elbv2_load_balancer", check=True, cluster="lb-read", name="stateful-lb-read")
    assert not read["changed"]
    assert read["elbv2_load_balancer"] == made["elbv2_load_balancer"]


def test_one_that_does_not_exist_cannot_be_created_without_subnets(runner: Runner) -> None:
    with pytest.raises(ResourceError, match="subnets is missing"):
        runner("elbv2_load_balancer", cluster="lb-none", name="stateful-lb-none")


def test_a_foreign_load_balancer_is_refused(runner: Runner) -> None:
    elb = runner.client("elbv2")
    elb.create_load_balancer(Name="stateful-lb-foreign", Subnets=place(runner).subnets, Scheme="internal")
    runner.check_refused("elbv2_load_balancer", options(runner, "lb-foreign"), "not ours", "stateful-lb-foreign")
    assert elb.describe_load_balancers(Names=["stateful-lb-foreign"])["LoadBalancers"]


def test_a_listener_that_is_missing_or_bare_is_put_right(runner: Runner) -> None:
    elb, wanted = runner.client("elbv2"), options(runner, "lb-half", listeners=[listener(runner)])
    made = runner("elbv2_load_balancer", **wanted)["elbv2_load_balancer"]
    elb.delete_listener(ListenerArn=made["listeners"][0]["listener_arn"])
    again = runner("elbv2_load_balancer", **wanted)
    assert [step["action"] for step in again["actions"]] == ["elasticloadbalancing:CreateListener"]
    arn = again["elbv2_load_balancer"]["listeners"][0]["listener_arn"]
    elb.remove_tags(ResourceArns=[arn], TagKeys=["stateful:cluster"])
    elb.add_tags(ResourceArns=[arn], Tags=[{"Key": "stray", "Value": "1"}])
    tagged = runner("elbv2_load_balancer", **wanted, tags={})
    assert [step["action"] for step in tagged["actions"]] == [
        "elasticloadbalancing:AddTags",
        "elasticloadbalancing:RemoveTags",
    ]
    assert not runner("elbv2_load_balancer", **wanted, tags={})["changed"]


def test_no_listeners_given_leaves_them_and_an_empty_list_removes_them(runner: Runner) -> None:
    wanted = options(runner, "lb-doors")
    runner("elbv2_load_balancer", **wanted, listeners=[listener(runner)])
    assert len(runner("elbv2_load_balancer", **wanted)["elbv2_load_balancer"]["listeners"]) == 1
    assert runner("elbv2_load_balancer", **wanted, listeners=[])["elbv2_load_balancer"]["listeners"] == []


def test_a_scheme_cannot_be_changed(runner: Runner) -> None:
    runner("elbv2_load_balancer", **options(runner, "lb-scheme"))
    with pytest.raises(ResourceError, match="AWS cannot change that"):
        runner("elbv2_load_balancer", **options(runner, "lb-scheme", scheme="internet-facing"))


def test_a_failed_balancer_is_final_and_told_in_awss_words() -> None:
    balancer = RESOURCE({"name": "x", "cluster": "x"}, None)  # type: ignore[arg-type]
    assert not balancer.ready({"state": "provisioning", "_why": ""})
    assert balancer.ready({"state": "active_impaired", "_why": ""})
    with pytest.raises(ResourceError, match="no free addresses"):
        balancer.ready({"state": "failed", "_why": "There are no free addresses."})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": "under_score"}, "letters, digits and hyphens"),
        ({"name": "internal-x"}, "reserves"),
        ({"subnets": ["subnet-1"]}, "two or more subnets"),
        ({"idle_timeout": 0}, "1 to 4000"),
        ({"listeners": [{"port": 0, "target_group_arn": "x"}]}, "not 1 to 65535"),
        ({"listeners": [{"port": 1, "target_group_arn": "x"}] * 2}, "given twice"),
        ({"listeners": [{"port": 1, "target_group_arn": "x", "protocol": "HTTPS"}]}, "needs a certificate_arn"),
        ({"listeners": [{"port": 1, "target_group_arn": "x", "ssl_policy": "y"}]}, "only HTTPS"),
    ],
)
def test_bad_options_are_refused_before_the_first_call(runner: Runner, wrong: dict[str, Any], words: str) -> None:
    runner.cloud.control("calls/reset", method="POST")
    with pytest.raises(ResourceError, match=words):
        runner("elbv2_load_balancer", **{"cluster": "x", "name": "x", **wrong})
    assert runner.cloud.control("calls")["total"] == 0


def test_check_mode_accepts_what_is_not_made_yet(runner: Runner) -> None:
    group = "(known after apply) elbv2_target_group x target_group_arn"
    doors = [{"port": 14000, "target_group_arn": group}]
    planned = runner("elbv2_load_balancer", check=True, **options(runner, "lb-new", listeners=doors))
    assert planned["elbv2_load_balancer"]["dns_name"].startswith("(known after apply)")
    assert [step["action"] for step in planned["actions"]] == [
        "elasticloadbalancing:CreateLoadBalancer",
        "elasticloadbalancing:CreateListener",
    ]
