"""The whole story in front of one's eyes: import, grow, shrink, lose a machine, destroy.

Each step prints what it does and is judged from the simulated cluster's and AWS's own state, never from what a
playbook says of itself. The process ends with status 1 when anything is not as it should be.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .account import leftovers
from .client import ROOT, Cloud, start
from .weka.hooks import PASSWORD, USERNAME

STACK = "demo"
GROUP = f"stateful-{STACK}"
SPEED = 15
"""A minute of the schedule takes 60 / SPEED seconds."""
POLICY = '{"scaling_policy": {"kick_out_after_minutes": 0.1, "join_grace_minutes": 10}}'


class Wrong(Exception):
    """Something is not as the story says; the text tells what."""


def check(true: Any, sentence: str) -> None:
    """Raise Wrong unless `true`, else print the sentence."""
    if not true:
        raise Wrong(f"not so: {sentence}")
    print(f"    {sentence}", flush=True)


class Story:
    """One cloud, one cluster, and how they are looked at."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.began = time.monotonic()

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Announce a step and tell how long it took."""
        print(f"\n[{time.monotonic() - self.began:5.1f} s] {title}", flush=True)
        began = time.monotonic()
        yield
        print(f"    ({time.monotonic() - began:.1f} s)", flush=True)

    def until(self, reached: Callable[[], Any], what: str, seconds: float = 60) -> Any:
        """Wait until `reached` is true and return it. Raises Wrong, with what the last pass said, after `seconds`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := reached():
                return found
            time.sleep(0.5)
        raise Wrong(f"{what}: not within {seconds:.0f} s. Members: {self.members()}. {self.last_failure()}")

    # -- what AWS and the cluster say ----------------------------------------------------------------------------

    def members(self) -> dict[str, str]:
        """Members of the group and their lifecycle states; empty without a group."""
        groups = self.cloud.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])
        return {
            each["InstanceId"]: each["LifecycleState"] for g in groups["AutoScalingGroups"] for each in g["Instances"]
        }

    def weka(self) -> dict[str, Any]:
        """The simulated cluster's state."""
        return dict(self.cloud.control(f"weka/{STACK}"))

    def backends_up(self) -> set[str]:
        """Instances of which every container is an active, running backend with drives in use."""
        state = self.weka()
        hosts = {key: host for key, host in state["hosts"].items() if host["mode"] == "backend"}
        up: dict[str, bool] = {}
        for host in hosts.values():
            name = host["aws"]["instance_id"]
            up[name] = up.get(name, True) and host["status"] == "UP" and host["state"] == "ACTIVE"
        with_drives = {
            hosts[drive["host_id"]]["aws"]["instance_id"]
            for drive in state["drives"].values()
            if drive["status"] == "ACTIVE" and drive["host_id"] in hosts
        }
        return {name for name, good in up.items() if good and name in with_drives}

    def lost_data(self) -> list[Any]:
        """Events of drives that were lost while they held data."""
        return [event for event in self.weka()["events"] if event.get("type") == "DrivesLostWithData"]

    def instance_states(self, ids: set[str]) -> dict[str, str]:
        """EC2's states of instances."""
        answer = self.cloud.client("ec2").describe_instances(Filters=[{"Name": "instance-id", "Values": sorted(ids)}])
        return {i["InstanceId"]: i["State"]["Name"] for r in answer["Reservations"] for i in r["Instances"]}

    def stack(self) -> dict[str, Any]:
        """What CloudFormation says of the stack, and what EC2 says of its running instances."""
        cloudformation, ec2 = self.cloud.client("cloudformation"), self.cloud.client("ec2")
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=STACK)
        resources = [item for page in pages for item in page["StackResourceSummaries"]]
        ids = {r["PhysicalResourceId"] for r in resources if r["ResourceType"] == "AWS::EC2::Instance"}
        answer = ec2.describe_instances(Filters=[{"Name": "instance-id", "Values": sorted(ids)}])
        instances = {
            instance["InstanceId"]: {
                "tags": sorted((tag["Key"], tag["Value"]) for tag in instance.get("Tags", [])),
                "protected": ec2.describe_instance_attribute(
                    InstanceId=instance["InstanceId"], Attribute="disableApiTermination"
                )["DisableApiTermination"]["Value"],
            }
            for reservation in answer["Reservations"]
            for instance in reservation["Instances"]
            if instance["State"]["Name"] == "running"
        }
        return {
            "status": cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"],
            "resources": sorted(
                (r["LogicalResourceId"], r["PhysicalResourceId"], r["ResourceStatus"]) for r in resources
            ),
            "instances": instances,
        }

    def last_failure(self) -> str:
        """What the newest failed execution said."""
        states = self.cloud.client("stepfunctions")
        for machine in states.list_state_machines()["stateMachines"]:
            failed = states.list_executions(
                stateMachineArn=machine["stateMachineArn"], statusFilter="FAILED", maxResults=1
            )
            for execution in failed["executions"]:
                told = states.describe_execution(executionArn=execution["executionArn"])
                return f"The last failed pass said {told.get('error')}: {told.get('cause')}"
        return "No pass has failed."

    # -- what the story does -------------------------------------------------------------------------------------

    def playbook(self, name: str, *arguments: str) -> tuple[str, float]:
        """Run a playbook as a user would; return what it printed and how long it took. Raises Wrong when it fails."""
        certificate = self.cloud.log.with_suffix(".pem")
        certificate.write_text(self.weka()["certificate"])
        environment = {
            **os.environ,
            **self.cloud.env,
            "WEKA_USERNAME": USERNAME,
            "WEKA_PASSWORD": PASSWORD,
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        }
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            f"playbooks/{name}.yml",
            "-e",
            f"cluster={STACK}",
        ]
        if name == "import":
            command += [
                "-e",
                POLICY,
                "-e",
                f"weka_certificate={{{{ lookup('ansible.builtin.file', '{certificate}') }}}}",
            ]
        began = time.monotonic()
        done = subprocess.run(
            [*command, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        certificate.unlink()
        if done.returncode:
            raise Wrong(f"{name}.yml failed:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
        return done.stdout, time.monotonic() - began

    def scale(self, desired: int) -> None:
        """Set the group's desired capacity, as a user does."""
        self.cloud.client("autoscaling").set_desired_capacity(AutoScalingGroupName=GROUP, DesiredCapacity=desired)


def recap(output: str) -> dict[str, int]:
    """Return the counts of a playbook's last line."""
    line = next(line for line in reversed(output.splitlines()) if line.startswith("localhost "))
    return {name: int(value) for name, _, value in (word.partition("=") for word in line.split() if "=" in word)}


def tell(story: Story) -> None:
    """Tell the story. Raises Wrong at the first thing that is not so."""
    with story.step("A CloudFormation stack with a WEKA cluster of 6 backends and 2 clients"):
        story.until(lambda: len(story.backends_up()) == 6, "6 backends are up")
        before = story.stack()
        check(before["status"] == "CREATE_COMPLETE", f"stack {STACK} is created; 6 backends are up in WEKA")
        story.cloud.control(f"weka/{STACK}/set", {"phase_out_s": 3})
    with story.step("import.yml"):
        output, seconds = story.playbook("import")
        print("    " + "\n    ".join(line for line in output.splitlines() if '"' in line)[:2500])
        check(len(story.members()) == 6, f"import took {seconds:.1f} s; the group has 6 members")
    with story.step("import.yml again"):
        output, seconds = story.playbook("import")
        check(recap(output)["changed"] == 0, f"a second import changes nothing and takes {seconds:.1f} s")
    with story.step("Desired capacity 6 -> 8: two instances boot, call the join API and join"):
        story.scale(8)
        story.until(lambda: len(story.backends_up()) == 8, "8 backends are up", 75)
        check(len(story.members()) == 8, "8 members, 8 backends up in WEKA")
    with story.step("Desired capacity 8 -> 6: the state machine drains two machines and terminates them"):
        members = set(story.members())
        story.scale(6)
        story.until(
            lambda: any(d["status"] == "PHASING_OUT" for d in story.weka()["drives"].values()), "drives phase out"
        )
        check(len(story.members()) == 8, "drives are phasing out, and nothing is terminated yet")
        story.until(lambda: len(story.members()) == 6 and len(story.backends_up()) == 6, "two members have left", 75)
        gone = members - set(story.members())
        story.until(lambda: set(story.instance_states(gone).values()) <= {"terminated"}, "both are terminated")
        check(not story.lost_data(), f"{' and '.join(sorted(gone))} were drained, then terminated; no drive held data")
    with story.step("One backend dies and is replaced"):
        victim = sorted(story.members())[0]
        story.cloud.control(f"instances/{victim}/die", method="POST")
        story.until(
            lambda: victim not in story.members() and len(story.backends_up() & set(story.members())) == 6,
            "the dead backend is replaced",
            75,
        )
        check(len(story.members()) == 6, f"{victim} died, another instance joined in its place; 6 backends are up")
    with story.step("destroy.yml, keeping the backends"):
        members = set(story.members())
        _, seconds = story.playbook("destroy", "-e", f"confirm={STACK}", "-e", "keep_instances=true")
        check(
            set(story.instance_states(members).values()) == {"running"},
            f"destroy took {seconds:.1f} s; all backends run",
        )
        check(len(story.backends_up()) == 6, "6 backends are up in WEKA")
        left = leftovers(story.cloud, STACK)
        check(not left, "nothing of ours is left" if not left else f"nothing of ours is left, but {left} is")
        after = story.stack()
        check(
            (after["status"], after["resources"]) == (before["status"], before["resources"])
            and all(before["instances"][name] == seen for name, seen in after["instances"].items()),
            "the stack, its instances' tags and their protection are as before",
        )


def main() -> int:
    """Run the demo; return the process's status."""
    print("stateful.aws: the whole story on an embedded AWS", flush=True)
    with start(stack=STACK, mode="realtime", speed=SPEED) as cloud:
        story = Story(cloud)
        try:
            tell(story)
        except Wrong as wrong:
            print(f"\nFAILED: {wrong}", flush=True)
            return 1
        print(f"\nAll of it is so, in {time.monotonic() - story.began:.0f} s.", flush=True)
        return 0


if __name__ == "__main__":
    sys.exit(main())
