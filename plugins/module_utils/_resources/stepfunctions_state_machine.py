"""A Standard state machine of Step Functions.

Its ARN is made of its name. Changes and deletion are asynchronous; running executions keep the definition that they
started with, and a machine that is deleted ends them only at their next transition, so they are stopped before.
Execution data is never logged. Sources: Step Functions API reference and developer guide.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine import tags as tagging
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError, error_code
from ansible_collections.stateful.aws.plugins.module_utils._engine.naming import fit
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Observed, Resource, Retry, Step
from botocore.exceptions import ClientError

TERRAFORM = "terraform-provider-aws sfn/state_machine.go"
NOT_YET = (
    Retry("AccessDeniedException", "authorized to assume the provided role", 300, TERRAFORM),
    Retry("AccessDeniedException", "not authorized to access the Log Destination", 300, TERRAFORM),
    Retry("StateMachineDeleting", "", 300, TERRAFORM),
    Retry("ConflictException", "", 60, "Step Functions API reference, UpdateStateMachine: concurrent updates"),
)
GONE = "StateMachineDoesNotExist"
LARGEST_DEFINITION = 1024 * 1024
PAUSE = 1.0
LOGGING = ("log_group_arn", "log_level", "log_execution_data")


class StateMachine(Resource):
    """Step Functions state machine."""

    name = "stepfunctions_state_machine"
    title = "State machine"
    iam_actions = {
        "read": ("states:DescribeStateMachine", "states:ListTagsForResource", "states:ListExecutions"),
        "write": (
            "states:CreateStateMachine",
            "states:UpdateStateMachine",
            "states:TagResource",
            "states:UntagResource",
            "iam:PassRole",
        ),
        "delete": ("states:StopExecution", "states:DeleteStateMachine"),
    }
    options = {
        "name": {"type": "str", "required": True},
        "role": {"type": "str"},
        "definition": {"type": "json"},
        "log_group_arn": {"type": "str"},
        "log_level": {"type": "str", "choices": ["ALL", "ERROR", "FATAL"], "default": "ERROR"},
        "tracing": {"type": "bool"},
        "wait_for_executions": {"type": "int", "default": 0},
    }
    constraints = {"required_if": [("state", "present", ("role", "definition"))]}
    documents = ("definition",)

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None:
        """Refuse a name, a definition or a wait that cannot be right."""
        name, definition = options["name"], options.get("definition")
        # With logging AWS accepts no other characters (Step Functions API reference, CreateStateMachine).
        if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
            raise ResourceError(f"name {name!r}: a state machine's name holds letters, digits, hyphen and underscore.")
        if options["wait_for_executions"] < 0:
            raise ResourceError("wait_for_executions is a number of seconds, 0 or more.")
        if definition is None:
            return
        try:
            found = json.loads(definition)
        except ValueError as error:
            raise ResourceError(f"definition is not JSON: {error}.") from error
        if not isinstance(found, dict) or "StartAt" not in found or "States" not in found:
            raise ResourceError("definition is not a state machine: it has no StartAt or no States.")
        if len(definition.encode()) > LARGEST_DEFINITION:
            raise ResourceError(f"definition has {len(definition.encode())} bytes; Step Functions accepts 1 MiB.")

    def identifier(self) -> str:
        """The machine's name, cut to 80 characters."""
        return fit(str(self.option("name")), 80)

    @cached_property
    def _arn(self) -> str:
        return self.aws.arn("states", f"stateMachine:{self.identifier()}")

    def predict(self) -> dict[str, Any]:
        """The ARN is made of the name."""
        return {"name": self.identifier(), "state_machine_arn": self._arn, "status": "ACTIVE", "type": "STANDARD"}

    def observe(self) -> Observed | None:
        """Return the machine; one that is about to be deleted with its running executions."""
        client = self.aws.client("stepfunctions")
        try:
            found = client.describe_state_machine(stateMachineArn=self._arn)
            tags = tagging.to_dict(client.list_tags_for_resource(resourceArn=self._arn)["tags"], "key", "value")
        except ClientError as error:
            if error_code(error) in (GONE, "ResourceNotFound"):
                return None
            raise
        leaving = self.option("state") == "absent"
        if found["status"] == "DELETING" and not leaving:
            return None
        logging = found.get("loggingConfiguration") or {}
        groups = [
            destination["cloudWatchLogsLogGroup"]["logGroupArn"] for destination in logging.get("destinations") or []
        ]
        stoppable = leaving and found["status"] != "DELETING" and tags.get(tagging.CLUSTER) == self.option("cluster")
        return {
            "name": found["name"],
            "state_machine_arn": found["stateMachineArn"],
            "type": found["type"],
            "status": found["status"],
            "role": found["roleArn"],
            "definition": json.loads(found["definition"]),
            "log_group_arn": groups[0].removesuffix(":*") if groups else "",
            "log_level": logging.get("level", "OFF"),
            "log_execution_data": logging.get("includeExecutionData", False),
            "tracing": (found.get("tracingConfiguration") or {}).get("enabled", False),
            "tags": tags,
            "_running": self._running() if stoppable else [],
        }

    @cached_property
    def _deadline(self) -> float:
        return time.monotonic() + (0 if self.aws.check_mode else self.option("wait_for_executions"))

    def _running(self) -> list[str]:
        """Return the executions that still run when none does any more, or when the time to wait for them is over."""
        while True:
            found = self.aws.pages(
                "stepfunctions", "list_executions", "executions", stateMachineArn=self._arn, statusFilter="RUNNING"
            )
            if not found or time.monotonic() >= self._deadline:
                return [execution["executionArn"] for execution in found]
            time.sleep(PAUSE)

    def desired(self) -> dict[str, Any]:
        """Return role, definition, tracing and, when a log group is given or refused, logging."""
        group, definition = self.option("log_group_arn"), self.option("definition")
        return {
            "role": self.option("role"),
            "definition": None if definition is None else json.loads(definition),
            "tracing": self.option("tracing"),
            "log_group_arn": None if group is None else group.removesuffix(":*"),
            "log_level": None if group is None else self.option("log_level") if group else "OFF",
            "log_execution_data": None if group is None else False,
        }

    def plan(self, observed: Observed | None) -> list[Step]:
        """Create the machine whole, or change it in one call."""
        if observed is None:
            return [self._create()]
        different = self.differences(observed)
        steps: list[Step] = []
        if different:
            # AWS wants the definition or the role in every update.
            params = {"stateMachineArn": self._arn, **self._parameters(different), **self._core()}
            steps.append(
                self.change(
                    "stepfunctions",
                    "update_state_machine",
                    params,
                    "run the present definition",
                    different,
                    retry=NOT_YET,
                    settle=True,
                )
            )
        put, drop, tags = self.tag_changes(observed)
        arn = {"resourceArn": self._arn}
        if put:
            pairs = tagging.to_pairs(put, "key", "value")
            steps.append(self.change("stepfunctions", "tag_resource", {**arn, "tags": pairs}, "tag the machine", tags))
        if drop:
            steps.append(self.change("stepfunctions", "untag_resource", {**arn, "tagKeys": drop}, "remove tags", tags))
        return steps

    def _create(self) -> Step:
        wanted = {prop: value for prop, value in self.desired().items() if value is not None}
        tags = self.wanted_tags(None)
        return Step(
            "stepfunctions",
            "create_state_machine",
            {
                "name": self.identifier(),
                "type": "STANDARD",
                "tags": tagging.to_pairs(tags, "key", "value"),
                **self._parameters(wanted),
                **self._core(),
            },
            "carry out each pass of scaling",
            after={**wanted, "tags": tags},
            retry=NOT_YET,
            repeatable=False,
            doubt=("StateMachineAlreadyExists",),
        )

    def _core(self) -> dict[str, Any]:
        return {"definition": self.option("definition"), "roleArn": self.option("role")}

    def _parameters(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        wanted, params = self.desired(), {}
        if any(prop in properties for prop in LOGGING):
            # Step Functions wants the group's ARN with its ":*" (developer guide, logging).
            groups = [f"{wanted['log_group_arn']}:*"] if wanted["log_group_arn"] else []
            params["loggingConfiguration"] = {
                "level": wanted["log_level"],
                "includeExecutionData": False,
                "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group}} for group in groups],
            }
        if "tracing" in properties:
            params["tracingConfiguration"] = {"enabled": wanted["tracing"]}
        return params

    def plan_absent(self, observed: Observed) -> list[Step]:
        """Stop what runs, then delete; nothing when AWS is deleting it already."""
        if observed["status"] == "DELETING":
            return []
        steps = [
            Step(
                "stepfunctions",
                "stop_execution",
                {"executionArn": execution, "cause": "The state machine is being deleted."},
                "end a running execution, which deletion alone would let go on",
                done=("ExecutionDoesNotExist",),
            )
            for execution in observed["_running"]
        ]
        before = {"state_machine_arn": observed["state_machine_arn"], "definition": observed["definition"]}
        params = {"stateMachineArn": observed["state_machine_arn"]}
        delete = Step("stepfunctions", "delete_state_machine", params, "delete the machine", before, done=(GONE,))
        return [*steps, delete]

    def ready(self, observed: Observed | None) -> bool:
        """AWS shows the wanted definition; it may show the old one for a while after an update."""
        return observed is not None and observed["status"] == "ACTIVE" and not self.differences(observed)


RESOURCE = StateMachine
