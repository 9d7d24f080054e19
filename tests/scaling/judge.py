"""What every case asks in the end: was anything touched, did anything end that should not, was the target reached."""

from __future__ import annotations

from typing import Any

from cloud import Cloud


def protections(cloud: Cloud, instance_id: str) -> tuple[bool, bool]:
    """Scale-in protection and termination protection of a member."""
    return cloud.members()[instance_id].protected_from_scale_in, cloud.instance(instance_id).disable_api_termination


def in_order(cloud: Cloud) -> list[str]:
    """The first instances in the order in which they are asked, and chosen to leave where all else is equal."""
    return sorted(cloud.ids, key=lambda i: cloud.weka.machines[i].address)


def leaving(cloud: Cloud) -> list[str]:
    """Instances that the cluster has been told to let go, in the order of their addresses."""
    found = {c.machine.spec.instance_id for c in cloud.weka.backends() if c.state != "ACTIVE"}
    for drive in cloud.weka.present_drives():
        if not drive.should_be_active and drive.host_id is not None:
            found.add(cloud.weka.containers[drive.host_id].machine.spec.instance_id)
    return sorted(found, key=lambda i: cloud.weka.machines[i].address)


def running(cloud: Cloud) -> set[str]:
    """Members that EC2 says are running."""
    return {i for i in cloud.members() if cloud.ec2_state(i) == "running"}


def assert_untouched(cloud: Cloud, but: tuple[str, ...] = ()) -> None:
    """No machine but these was told to leave, ended or unprotected, and no data was lost."""
    assert set(leaving(cloud)) <= set(but)
    for instance_id in set(cloud.ids) - set(but):
        assert cloud.ec2_state(instance_id) == "running"
        assert protections(cloud, instance_id) == (True, True)
    assert_no_data_lost(cloud)


def assert_none_ended(cloud: Cloud) -> None:
    """Machines may be leaving, but each of the first instances runs and has both protections."""
    for instance_id in cloud.ids:
        assert cloud.ec2_state(instance_id) == "running"
        assert protections(cloud, instance_id) == (True, True)
    assert_no_data_lost(cloud)


def assert_no_data_lost(cloud: Cloud) -> None:
    """No machine ended while the cluster still counted on its drives; the simulated cluster tells of each."""
    assert [event["description"] for event in cloud.weka.events if event["type"] == "DrivesLostWithData"] == []


def unrest(cloud: Cloud, count: int) -> str | None:
    """What is not yet as it should be: `count` members run, are protected and are the cluster's backends."""
    lost = [drive.uuid for drive in cloud.weka.present_drives() if drive.host_id is None]
    if leaving(cloud) or lost:
        return f"{leaving(cloud)} are leaving, the drives {lost} have no container"
    members = cloud.members()
    alive = {i for i in members if cloud.ec2_state(i) == "running"}
    if len(alive) != count or set(members) != alive or cloud.in_cluster() != alive:
        return f"members {sorted(members)}, running {sorted(alive)}, in the cluster {sorted(cloud.in_cluster())}"
    open_ = [i for i in alive if not members[i].protected_from_scale_in]
    open_ += [i for i in alive & set(cloud.ids) if protections(cloud, i) != (True, True)]
    return f"without protection: {open_}" if open_ else None


def assert_at_rest(cloud: Cloud, count: int) -> None:
    """The target is reached and nothing is on its way."""
    assert unrest(cloud, count) is None
    assert_no_data_lost(cloud)


def reach(cloud: Cloud, count: int, passes: int = 9) -> list[dict[str, Any]]:
    """Passes two minutes apart, in which new members join, until the target is reached; fails when it never is."""
    results = []
    while len(results) < passes:
        cloud.ticker.seconds += 60
        results.append(cloud.run_pass(f"reach-{cloud.ticker.seconds}"))
        cloud.let_join()
        cloud.ticker.seconds += 60
        if unrest(cloud, count) is None:
            break
    assert unrest(cloud, count) is None, (unrest(cloud, count), [result["failed"] for result in results])
    return results
