"""How many calls a pass makes, of AWS and of WEKA: they grow with the batches, not with the machines."""

from __future__ import annotations

from collections import Counter

import pytest
from cloud import cloud

IDLE_AWS = {
    "dynamodb:UpdateItem": 2,
    "dynamodb:BatchGetItem": 1,
    "autoscaling:DescribeAutoScalingGroups": 2,
    "ec2:DescribeInstances": 1,
}
LOOKED_AT_AGAIN = {"dynamodb:BatchGetItem": 2, "autoscaling:DescribeAutoScalingGroups": 3, "ec2:DescribeInstances": 2}
# Another member is looked at before anything begins, and the gates alone right before the drain.
TOLD = {
    "status": 3,
    "manual_override_list": 3,
    "hosts_list": 2,
    "disks_list": 2,
    "containers/deactivation-check": 1,
    "cluster_deactivate_drives": 1,
    "interface_group_list": 1,
    "cluster_deactivate_hosts": 1,
    "events_trigger_custom": 1,
}
IDLE_WEKA = {"status": 1, "manual_override_list": 1, "hosts_list": 1, "disks_list": 1}


def calls(made, run):
    """Calls of AWS and of WEKA that the run made, by name."""
    before = len(made.wire.seen)
    run()
    names = Counter(call.names[0].split(" ")[0] for _, call in made.wire.seen[before:])
    weka = {name.removeprefix("weka:"): count for name, count in names.items() if name.startswith("weka:")}
    return {name: count for name, count in names.items() if not name.startswith("weka:")}, weka


@pytest.fixture(scope="module", params=[7, 100])
def sized(request):
    with cloud(request.param) as made:
        made.run_pass("first")
        made.ticker.seconds += 60
        yield request.param, made


def test_an_idle_pass_makes_the_fewest_calls(sized):
    _, made = sized
    aws, weka = calls(made, lambda: made.run_pass("idle"))
    assert aws == IDLE_AWS
    assert weka == IDLE_WEKA


def test_a_drain_makes_as_many_calls_whatever_the_size(sized):
    size, made = sized
    made.desire(size - 1)
    results = []
    aws, weka = calls(made, lambda: results.append(made.run_pass("drain")))
    assert results[0]["counts"]["drain"] == 1
    assert aws == {**IDLE_AWS, **LOOKED_AT_AGAIN, "dynamodb:UpdateItem": 5, "dynamodb:PutItem": 2}
    assert weka == {**IDLE_WEKA, **TOLD}
