"""The one flow of every resource type, on the wire, with a clock that a test can turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine import aws, flow
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Observed, Resource, Retry, Step
from ansible_collections.stateful.aws.plugins.module_utils._engine.run import kind_of, validate

from tests.unit.harness import Runner

MISSING = "ParameterNotFound"


class Parameter(Resource):
    """An SSM parameter, the smallest thing that AWS keeps; a test sets what happens to it besides."""

    name = "parameter"
    title = "Parameter"
    tagged = False
    iam_actions = {"read": ("ssm:GetParameters",), "write": ("ssm:PutParameter",), "delete": ("ssm:DeleteParameter",)}
    options = {"name": {"type": "str", "required": True}, "value": {"type": "str"}}
    more: dict[str, Any] = {}
    """More of the step that writes the parameter."""
    others: tuple[Step, ...] = ()
    """Steps after that one."""
    usable: Callable[[Observed | None], bool] | None = None

    def observe(self) -> Observed | None:
        found = self.aws.client("ssm").get_parameters(Names=[self.identifier()])["Parameters"]
        return {"value": found[0]["Value"], "version": found[0]["Version"]} if found else None

    def desired(self) -> dict[str, Any]:
        return {"value": self.option("value")}

    def plan(self, observed: Observed | None) -> list[Step]:
        different = self.differences(observed)
        params = {"Name": self.identifier(), "Value": self.option("value"), "Type": "String", "Overwrite": True}
        if not different:
            return []
        return [
            self.change("ssm", "put_parameter", params, "keep the value", different, **type(self).more),
            *type(self).others,
        ]

    def plan_absent(self, observed: Observed) -> list[Step]:
        return [Step("ssm", "delete_parameter", {"Name": self.identifier()}, "delete it", before=dict(observed))]

    def ready(self, observed: Observed | None) -> bool:
        usable = type(self).usable
        return usable(observed) if usable else super().ready(observed)

    def departed(self) -> dict[str, Any]:
        return {"name": self.identifier()}


class Clock:
    """Time that passes only while the flow sleeps; ``then`` runs at the end of each sleep."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps: list[float] = []
        self.then: Callable[[], Any] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.sleeps.append(seconds)
        self.then()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The flow's clock; botocore does not wait and try again by itself."""
    made = Clock()
    monkeypatch.setattr(flow, "time", SimpleNamespace(monotonic=lambda: made.now))
    monkeypatch.setattr(aws, "ATTEMPTS", 1)
    return made


@pytest.fixture
def faults(runner: Runner) -> Iterator[Callable[..., Any]]:
    """Sets the cloud's faults; they end with the test."""
    yield lambda only, **what: runner.cloud.control("faults", {"only": [only], **what})
    runner.cloud.control("faults", method="DELETE")


def kind(**attributes: Any) -> type[Parameter]:
    return type("Parameter", (Parameter,), attributes)


def flow_of(of: type[Resource] | str, clock: Clock, check: bool = False, **options: Any) -> flow.Flow:
    found: Any = kind_of(of) if isinstance(of, str) else of
    checked, _ = validate(found, {"cluster": "flow", **options})
    return flow.Flow(found(checked, aws.Aws(checked, check)), check, clock.sleep)


def taken(result: dict[str, Any]) -> list[str]:
    return [step["action"] for step in result["actions"]]


def delete(name: str, **more: Any) -> Step:
    return Step("ssm", "delete_parameter", {"Name": name}, "delete another", **more)


# -- before anything is written ------------------------------------------------------------------------------------


def test_a_foreign_resource_is_refused_before_any_write(runner: Runner) -> None:
    runner.client("logs").create_log_group(logGroupName="/flow/foreign", tags={"stateful:cluster": "another"})
    text = runner.check_refused("logs_group", {"cluster": "flow", "name": "/flow/foreign", "retention": 1}, "'another'")
    assert "stays untouched" in text
    (group,) = runner.client("logs").describe_log_groups(logGroupNamePrefix="/flow/foreign")["logGroups"]
    assert "retentionInDays" not in group


def test_check_mode_says_what_a_real_run_does_and_writes_nothing(runner: Runner, clock: Clock) -> None:
    planned, written = runner.writes(lambda: flow_of(Parameter, clock, True, name="checked", value="1").run())
    assert written == [] and planned["changed"]
    done = flow_of(Parameter, clock, name="checked", value="1").run()
    assert (done["diff"], done["actions"]) == (planned["diff"], planned["actions"])
    assert done["parameter"] == {"value": "1", "version": 1}


def test_a_type_that_tries_to_write_in_check_mode_is_stopped(runner: Runner, clock: Clock) -> None:
    def observe(self: Parameter) -> None:
        self.aws.client("ssm").put_parameter(Name="forbidden", Value="1", Type="String")

    def attempt() -> None:
        with pytest.raises(ResourceError, match="ssm:PutParameter was about to be called in check mode"):
            flow_of(kind(observe=observe), clock, True, name="forbidden", value="1").run()

    _, written = runner.writes(attempt)
    assert written == []


def test_what_is_gone_shows_what_the_type_says_of_it(runner: Runner, clock: Clock) -> None:
    flow_of(Parameter, clock, name="gone", value="1").run()
    for check in (True, False):
        result = flow_of(Parameter, clock, check, name="gone", state="absent").run()
        assert result["changed"] and result["parameter"] == {"name": "gone"}
    again = flow_of(Parameter, clock, name="gone", state="absent").run()
    assert not again["changed"] and again["parameter"] == {"name": "gone"}


# -- answers that are lost -----------------------------------------------------------------------------------------


def keys(runner: Runner, cluster: str) -> list[str]:
    filters = [{"Key": "stateful:cluster", "Values": [cluster]}]
    found = runner.client("resourcegroupstaggingapi").get_resources(TagFilters=filters)["ResourceTagMappingList"]
    return [each["ResourceARN"] for each in found]


def test_a_lost_reply_of_a_creation_makes_one_resource(runner: Runner, clock: Clock, faults: Any) -> None:
    faults("kms:CreateKey", drop_reply_after_write=1)
    result = flow_of("kms_key", clock, cluster="lost", alias="stateful-lost").run()
    assert result["changed"] and taken(result) == ["kms:CreateKey", "kms:CreateAlias"]
    assert keys(runner, "lost") == [result["kms_key"]["key_arn"]]


def test_a_lost_creation_that_reads_do_not_show_yet_is_waited_for(runner: Runner, clock: Clock, faults: Any) -> None:
    """Nobody finds a key by its tags for a moment after CreateKey: KMS and the tagging API are eventually consistent."""
    hidden = iter([True] * 3)
    kms = kind_of("kms_key")

    def tagged_keys(self: Any) -> list[str]:
        return [] if next(hidden, False) else kms._tagged_keys(self)  # type: ignore[attr-defined]

    lagging = type("Lagging", (kms,), {"_tagged_keys": tagged_keys})
    faults("kms:CreateKey", drop_reply_after_write=1)
    result = flow_of(lagging, clock, cluster="lagging", alias="stateful-lagging").run()
    assert taken(result) == ["kms:CreateKey", "kms:CreateAlias"]
    assert keys(runner, "lagging") == [result["kms_key"]["key_arn"]]
    assert clock.sleeps


def test_a_creation_that_never_arrived_is_sent_again(runner: Runner, clock: Clock, faults: Any) -> None:
    faults("kms:CreateKey", error_5xx=1)
    clock.then = lambda: runner.cloud.control("faults", method="DELETE")
    result = flow_of("kms_key", clock, cluster="broken", alias="stateful-broken").run()
    assert result["changed"] and keys(runner, "broken") == [result["kms_key"]["key_arn"]]


def test_a_creation_that_never_arrives_ends(runner: Runner, clock: Clock, faults: Any) -> None:
    faults("kms:CreateKey", error_5xx=1)
    with pytest.raises(ResourceError, match="still differs after 6 rounds"):
        flow_of("kms_key", clock, cluster="never", alias="stateful-never").run()
    assert keys(runner, "never") == []


# -- refusals that pass, and those that do not ---------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["kms:CreateKey", "ec2:CreateLaunchTemplate"])
def test_throttles_are_waited_out(runner: Runner, clock: Clock, faults: Any, operation: str) -> None:
    """EC2 throttles with HTTP 503; nothing was written then, so the call is no lost one."""
    faults(operation, throttle=1)

    def recover() -> None:
        if len(clock.sleeps) == 8:
            runner.cloud.control("faults", method="DELETE")

    clock.then = recover
    if operation == "kms:CreateKey":
        result = flow_of("kms_key", clock, cluster="slow", alias="stateful-slow").run()
    else:
        options = {"image_id": "ami-04681a1dbd79675a5", "instance_type": "i3en.2xlarge"}
        result = flow_of("ec2_launch_template", clock, cluster="slow", name="stateful-slow", **options).run()
    assert taken(result).count(operation) == 1
    assert len(clock.sleeps) == 8 and clock.sleeps[0] < 1 < max(clock.sleeps) <= 15


def test_throttles_without_end_are_told_with_awss_words(runner: Runner, clock: Clock, faults: Any) -> None:
    faults("ssm:PutParameter", throttle=1)
    with pytest.raises(ResourceError, match=r"ThrottlingException: Rate exceeded\. AWS is still throttling") as failure:
        flow_of(Parameter, clock, name="stormy", value="1").run()
    assert "ssm:PutParameter on Parameter stormy (tried for 300 s), to keep the value, failed" in str(failure.value)
    assert 300 <= clock.now < 320


def test_a_named_refusal_is_tried_again(runner: Runner, clock: Clock) -> None:
    later = delete("later", retry=(Retry(MISSING, "not FOUND", 120, "this test"),))

    def appear() -> None:
        if len(clock.sleeps) == 3:
            runner.client("ssm").put_parameter(Name="later", Value="1", Type="String")

    clock.then = appear
    result = flow_of(kind(others=(later,)), clock, name="patient", value="1").run()
    assert taken(result) == ["ssm:PutParameter", "ssm:DeleteParameter"] and len(clock.sleeps) == 3


def test_a_named_refusal_is_tried_for_its_time_only(runner: Runner, clock: Clock) -> None:
    never = delete("never", retry=(Retry(MISSING, "", 120, "this test"),))
    with pytest.raises(ResourceError, match=rf"tried for 120 s.*AWS said {MISSING}") as failure:
        flow_of(kind(others=(never,)), clock, name="bounded", value="1").run()
    assert 120 <= clock.now < 140
    assert taken(failure.value.details) == ["ssm:PutParameter"]


@pytest.mark.parametrize("retry", [(), (Retry(MISSING, "other words", 120, ""),), (Retry("Other", "", 120, ""),)])
def test_any_other_refusal_fails_at_once(runner: Runner, clock: Clock, retry: tuple[Retry, ...]) -> None:
    with pytest.raises(ResourceError) as failure:
        flow_of(kind(others=(delete("none", retry=retry),)), clock, name=f"atonce{len(retry)}", value=str(retry)).run()
    text = str(failure.value)
    assert "ssm:DeleteParameter on Parameter atonce" in text and "to delete another" in text
    assert f"AWS said {MISSING}:" in text and "tried for" not in text
    assert clock.sleeps == []
    assert failure.value.details["actions"] == [{"action": "ssm:PutParameter", "reason": "keep the value"}]


def test_a_refusal_that_says_done_is_success(runner: Runner, clock: Clock) -> None:
    result = flow_of(kind(others=(delete("none", done=(MISSING,)),)), clock, name="done", value="1").run()
    assert taken(result) == ["ssm:PutParameter", "ssm:DeleteParameter"] and clock.sleeps == []


def test_after_a_doubtful_refusal_the_flow_looks_once(runner: Runner, clock: Clock) -> None:
    """Looked at again the value is right, so the refused step is not planned any more."""
    result = flow_of(kind(others=(delete("none", doubt=(MISSING,)),)), clock, name="doubted", value="1").run()
    assert taken(result) == ["ssm:PutParameter"]


def test_a_doubtful_refusal_that_stays_fails(runner: Runner, clock: Clock) -> None:
    def plan(self: Parameter, observed: Observed | None) -> list[Step]:
        return [delete("none", doubt=(MISSING,))]

    def attempt() -> None:
        with pytest.raises(ResourceError, match=MISSING):
            flow_of(kind(plan=plan), clock, name="stays", value="1").run()

    runner.cloud.control("calls/reset", method="POST")
    attempt()
    assert runner.cloud.control("calls")["by"]["ssm:DeleteParameter"] == 2


def test_what_a_type_finds_wrong_in_an_answer_is_a_failure(runner: Runner, clock: Clock) -> None:
    def check(answer: dict[str, Any]) -> None:
        raise ResourceError(f"version {answer['Version']} is not usable.")

    with pytest.raises(ResourceError, match="version 1 is not usable"):
        flow_of(kind(more={"check": check}), clock, name="answered", value="1").run()


def test_what_a_step_learns_is_known_to_the_next(runner: Runner, clock: Clock) -> None:
    second = Step("ssm", "put_parameter", lambda facts: facts["next"], "write what was learnt")
    following = {"Name": "learnt-next", "Type": "String"}
    learn = {"learn": lambda answer: {"next": {**following, "Value": f"after {answer['Version']}"}}}
    flow_of(kind(more=learn, others=(second,)), clock, name="learnt", value="1").run()
    assert runner.client("ssm").get_parameter(Name="learnt-next")["Parameter"]["Value"] == "after 1"


# -- waiting -------------------------------------------------------------------------------------------------------


def version(least: int) -> Callable[[Observed | None], bool]:
    return lambda observed: observed is not None and observed["version"] >= least


def test_a_wait_that_takes_too_long_names_the_last_state(runner: Runner, clock: Clock) -> None:
    with pytest.raises(ResourceError) as failure:
        flow_of(kind(usable=staticmethod(version(9))), clock, name="waits", value="1", wait_timeout=7).run()
    assert str(failure.value) == (
        'Parameter waits did not become ready within 7 s. It was last seen as {"value": "1", "version": 1}.'
    )
    assert taken(failure.value.details) == ["ssm:PutParameter"] and 7 <= clock.now < 15


def test_no_patience_at_all_is_possible(runner: Runner, clock: Clock) -> None:
    with pytest.raises(ResourceError, match="within 0 s"):
        flow_of(kind(usable=staticmethod(version(9))), clock, name="hasty", value="1", wait_timeout=0).run()
    assert clock.sleeps == []


def bump(runner: Runner, name: str) -> Callable[[], Any]:
    return lambda: runner.client("ssm").put_parameter(Name=name, Value="1", Type="String", Overwrite=True)


def test_a_run_after_an_interrupted_one_waits_too(runner: Runner, clock: Clock) -> None:
    flow_of(Parameter, clock, name="resumed", value="1").run()
    clock.then = bump(runner, "resumed")
    result = flow_of(kind(usable=staticmethod(version(3))), clock, name="resumed", value="1").run()
    assert not result["changed"] and result["parameter"]["version"] == 3


def test_who_does_not_want_to_wait_does_not(runner: Runner, clock: Clock) -> None:
    result = flow_of(kind(usable=staticmethod(version(9))), clock, name="unawaited", value="1", wait=False).run()
    assert result["changed"] and result["parameter"] == {"value": "1", "version": 1}
    absent = kind(gone=lambda self, observed: False)
    assert flow_of(absent, clock, name="unawaited", state="absent", wait=False).run()["changed"]
    assert clock.sleeps == []


def test_a_step_that_settles_waits_before_the_next(runner: Runner, clock: Clock) -> None:
    clock.then = bump(runner, "settles")
    seen = kind(
        more={"settle": True}, usable=staticmethod(version(3)), others=(delete("settles-next", done=(MISSING,)),)
    )
    runner.cloud.control("calls/reset", method="POST")
    flow_of(seen, clock, name="settles", value="1").run()
    names = runner.cloud.control("calls")["write_names"]
    assert names == ["ssm:PutParameter"] * 3 + ["ssm:DeleteParameter"]


def test_reading_that_fails_says_what_was_read(runner: Runner, clock: Clock, faults: Any) -> None:
    faults("ssm:GetParameters", error_5xx=1)
    with pytest.raises(ResourceError, match="Reading Parameter unread failed. AWS said ServiceUnavailable"):
        flow_of(Parameter, clock, name="unread", value="1").run()


@pytest.mark.parametrize(
    ("params", "same"),
    [({"StatementId": "a"}, True), ({"StatementId": "b"}, False), (lambda facts: {"StatementId": "b"}, True)],
)
def test_a_call_is_looked_for_by_its_parameters_too(params: Any, same: bool) -> None:
    one, other = (
        Step("lambda", "add_permission", each, "let it be invoked") for each in ({"StatementId": "a"}, params)
    )
    assert flow._same(one, other) is same
