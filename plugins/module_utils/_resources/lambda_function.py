"""A Lambda function, its code from a directory, and who may invoke it.

AWS works on after it answered: a new function is Pending, a changed one InProgress, a deleted one Deleting, and nothing
else may be changed meanwhile. A function that has no state of its own and could not be created (Failed) is made anew.
Network interfaces of a function in a VPC outlive it by 20 to 45 minutes and are not waited for.
Sources: Lambda API reference; Lambda developer guide, "Lambda function states".
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine import tags as tagging
from ansible_collections.stateful.aws.plugins.module_utils._engine.archive import Archive, build
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError, error_code
from ansible_collections.stateful.aws.plugins.module_utils._engine.naming import fit
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Observed, Resource, Retry, Step
from ansible_collections.stateful.aws.plugins.module_utils._resources import _lambda_options as lambda_options
from ansible_collections.stateful.aws.plugins.module_utils._resources import _lambda_permission as permission
from botocore.exceptions import ClientError

TERRAFORM = "terraform-provider-aws lambda/function.go"
REFUSED = "InvalidParameterValueException"
NOT_YET = (
    Retry(REFUSED, "cannot be assumed by Lambda", 300, TERRAFORM),
    Retry(REFUSED, "execution role does not have permissions", 300, TERRAFORM),
    Retry(REFUSED, "throttled by EC2", 540, TERRAFORM),
    Retry(REFUSED, "KMS key is invalid for CreateGrant", 300, TERRAFORM),
)
# One change at a time (Lambda developer guide, function states; cdkd error list for the last).
BUSY = (
    Retry("ResourceConflictException", "in progress", 300, TERRAFORM),
    Retry("ResourceConflictException", "following state: Pending", 300, TERRAFORM),
    Retry("ResourceConflictException", "delet", 300, "a function of that name is still Deleting"),
    Retry("ResourceConflictException", "concurrent update operation", 300, "cdkd error list"),
)
STILL_THERE = Retry("ResourceConflictException", "already exist", 120, "DeleteFunction is asynchronous")
GONE = "ResourceNotFoundException"

# AWS's parameters that one UpdateFunctionConfiguration carries, by our property.
PLAIN = {
    "role": "Role",
    "handler": "Handler",
    "runtime": "Runtime",
    "timeout": "Timeout",
    "memory_size": "MemorySize",
    "description": "Description",
}
CONFIGURATION = (*PLAIN, "environment", "subnet_ids", "security_group_ids", "log_group", "tracing")


class LambdaFunction(Resource):
    """Lambda function."""

    name = "lambda_function"
    title = "Lambda function"
    iam_actions = {
        "read": ("lambda:GetFunction", "lambda:GetPolicy"),
        "write": (
            "lambda:CreateFunction",
            "lambda:UpdateFunctionCode",
            "lambda:UpdateFunctionConfiguration",
            "lambda:PutFunctionConcurrency",
            "lambda:DeleteFunctionConcurrency",
            "lambda:AddPermission",
            "lambda:RemovePermission",
            "lambda:TagResource",
            "lambda:UntagResource",
            "iam:PassRole",
        ),
        "delete": ("lambda:DeleteFunction",),
    }
    options = lambda_options.OPTIONS
    constraints = {
        "required_if": [("state", "present", ("role", "handler", "source"))],
        "required_together": [("subnet_ids", "security_group_ids")],
    }

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None:
        """Refuse what Lambda refuses: names, limits, environment, a network without groups; and a missing handler."""
        lambda_options.check(options)

    def identifier(self) -> str:
        """The function's name, cut to Lambda's 64 characters."""
        return fit(str(self.option("name")), 64)

    def predict(self) -> dict[str, Any]:
        """The ARN is made of the name."""
        return {
            "function_name": self.identifier(),
            "function_arn": self.aws.arn("lambda", f"function:{self.identifier()}"),
            "state": "Active",
        }

    def observe(self) -> Observed | None:
        """Return the function with Lambda's defaults filled in, or None."""
        answer = self._get("get_function")
        if answer is None:
            return None
        found = answer["Configuration"]
        if found.get("State") == "Deleting" and self.option("state") == "present":
            return None
        network = found.get("VpcConfig") or {}
        return {
            "function_name": found["FunctionName"],
            "function_arn": found["FunctionArn"],
            "state": found.get("State"),
            "code_sha256": found["CodeSha256"],
            **{prop: found.get(parameter) for prop, parameter in PLAIN.items()},
            "description": found.get("Description", ""),
            "architecture": (found.get("Architectures") or ["x86_64"])[0],
            "environment": (found.get("Environment") or {}).get("Variables", {}),
            "subnet_ids": sorted(network.get("SubnetIds") or []),
            "security_group_ids": sorted(network.get("SecurityGroupIds") or []),
            "log_group": (found.get("LoggingConfig") or {}).get("LogGroup", f"/aws/lambda/{found['FunctionName']}"),
            "tracing": (found.get("TracingConfig") or {}).get("Mode", "PassThrough"),
            "reserved_concurrency": (answer.get("Concurrency") or {}).get(
                "ReservedConcurrentExecutions", lambda_options.NO_RESERVATION
            ),
            "permissions": self._permissions(),
            "tags": tagging.visible(answer.get("Tags") or {}),
            "_update": found.get("LastUpdateStatus"),
            "_why": found.get("StateReason") or found.get("LastUpdateStatusReason"),
            "_code": found.get("StateReasonCode") or found.get("LastUpdateStatusReasonCode"),
        }

    def _get(self, method: str) -> dict[str, Any] | None:
        try:
            return dict(getattr(self.aws.client("lambda"), method)(FunctionName=self.identifier()))
        except ClientError as error:
            if error_code(error) == GONE:
                return None
            raise

    def _permissions(self) -> list[dict[str, Any]] | None:
        if self.option("permissions") is None:
            return None
        answer = self._get("get_policy")
        return permission.of_policy(answer["Policy"]) if answer else []

    @cached_property
    def _archive(self) -> Archive:
        python = str(self.option("runtime")).removeprefix("python")
        return build(self.option("source"), self.option("requirements"), self.option("exclude"), python)

    def desired(self) -> dict[str, Any]:
        """Return what the options say; lists that have no order are sorted."""
        environment = self.option("environment")
        unordered = {
            name: sorted(self.option(name)) if self.option(name) is not None else None
            for name in ("subnet_ids", "security_group_ids")
        }
        return {
            **{prop: self.option(prop) for prop in PLAIN},
            **unordered,
            "architecture": self.option("architecture"),
            "code_sha256": self._archive.sha256,
            "environment": None if environment is None else {key: str(value) for key, value in environment.items()},
            "log_group": self.option("log_group"),
            "tracing": self.option("tracing"),
            "reserved_concurrency": self.option("reserved_concurrency"),
            "permissions": permission.wanted(self.option("permissions")),
        }

    def plan(self, observed: Observed | None) -> list[Step]:
        """Create the function; or change code, then configuration, each to its end; then concurrency and permissions."""
        if observed is None:
            return self._plan_new()
        if observed["state"] == "Failed":
            return [*self.plan_absent(observed), *self._plan_new(retry=(*NOT_YET, *BUSY, STILL_THERE))]
        different = self.differences(observed)
        steps: list[Step] = []
        code = {prop: different[prop] for prop in ("code_sha256", "architecture") if prop in different}
        if code:
            steps.append(self._changing("update_function_code", self._code_parameters, "run the present code", code))
        configuration = {prop: different[prop] for prop in CONFIGURATION if prop in different}
        if configuration:
            steps.append(
                self._changing(
                    "update_function_configuration",
                    {"FunctionName": self.identifier(), **self._parameters(configuration)},
                    "change its configuration",
                    configuration,
                )
            )
        put, drop, tags = self.tag_changes(observed)
        arn = {"Resource": observed["function_arn"]}
        if put:
            steps.append(self.change("lambda", "tag_resource", {**arn, "Tags": put}, "tag the function", tags))
        if drop:
            steps.append(self.change("lambda", "untag_resource", {**arn, "TagKeys": drop}, "remove tags", tags))
        if "reserved_concurrency" in different:
            steps.append(self._reserve(different["reserved_concurrency"]))
        return [*steps, *permission.steps(self, observed.get("permissions") or [], different)]

    def _plan_new(self, **more: Any) -> list[Step]:
        wanted = {prop: value for prop, value in self.desired().items() if value is not None}
        later: dict[str, Any] = {
            prop: (None, wanted.pop(prop)) for prop in ("reserved_concurrency", "permissions") if prop in wanted
        }
        if later.get("reserved_concurrency") == (None, lambda_options.NO_RESERVATION):
            del later["reserved_concurrency"]
        tags = self.wanted_tags(None)
        create = self._changing(
            "create_function",
            lambda facts: {
                "FunctionName": self.identifier(),
                "PackageType": "Zip",
                "Code": {"ZipFile": self._archive.data},
                "Architectures": [self.option("architecture")],
                "Tags": tags,
                **self._parameters(wanted),
            },
            "run this part of the cluster's scaling",
            {**{prop: (None, value) for prop, value in wanted.items()}, "tags": (None, tags)},
            repeatable=False,
            doubt=("ResourceConflictException",),
            **more,
        )
        steps = [create]
        if "reserved_concurrency" in later:
            steps.append(self._reserve(later["reserved_concurrency"]))
        return [*steps, *permission.steps(self, [], later)]

    def _changing(self, method: str, params: Any, reason: str, differences: Any, **more: Any) -> Step:
        more = {"retry": (*NOT_YET, *BUSY), "settle": True, **more}
        return self.change("lambda", method, params, reason, differences, **more)

    def _code_parameters(self, facts: Observed) -> dict[str, Any]:
        return {
            "FunctionName": self.identifier(),
            "ZipFile": self._archive.data,
            "Architectures": [self.option("architecture")],
        }

    def _parameters(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Return AWS's parameters for these properties, from the options."""
        wanted = self.desired()
        params = {parameter: wanted[prop] for prop, parameter in PLAIN.items() if prop in properties}
        if "environment" in properties:
            params["Environment"] = {"Variables": wanted["environment"]}
        if "subnet_ids" in properties or "security_group_ids" in properties:
            params["VpcConfig"] = {
                "SubnetIds": wanted["subnet_ids"],
                "SecurityGroupIds": wanted["security_group_ids"],
            }
        if "log_group" in properties:
            params["LoggingConfig"] = {"LogGroup": wanted["log_group"]}
        if "tracing" in properties:
            params["TracingConfig"] = {"Mode": wanted["tracing"]}
        return params

    def _reserve(self, pair: tuple[Any, Any]) -> Step:
        function = {"FunctionName": self.identifier()}
        difference = {"reserved_concurrency": pair}
        if pair[1] == lambda_options.NO_RESERVATION:
            return self.change(
                "lambda", "delete_function_concurrency", function, "share the account's concurrency", difference
            )
        params = {**function, "ReservedConcurrentExecutions": pair[1]}
        return self.change(
            "lambda", "put_function_concurrency", params, "bound how many run at once", difference, retry=BUSY
        )

    def plan_absent(self, observed: Observed) -> list[Step]:
        """Delete the function, unless AWS is at it."""
        if observed["state"] == "Deleting":
            return []
        before = {"function_arn": observed["function_arn"], "code_sha256": observed["code_sha256"]}
        params = {"FunctionName": observed["function_name"]}
        return [Step("lambda", "delete_function", params, "delete the function", before, retry=BUSY, done=(GONE,))]

    def ready(self, observed: Observed | None) -> bool:
        """Active, and the last update through. Failed is final, and told in AWS's words."""
        if observed is None:
            return False
        if "Failed" in (observed["state"], observed["_update"]):
            raise ResourceError(
                f"{self.title} {self.identifier()} failed: {observed['_code']}: {observed['_why']} "
                "Put that right and run it again."
            )
        # Inactive functions start again when they are invoked; no update status means that AWS is still at it.
        return observed["state"] in ("Active", "Inactive") and observed["_update"] == "Successful"


RESOURCE = LambdaFunction
