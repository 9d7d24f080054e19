"""A stack's resources: waiting ones listed too, the first 100 described, pages of 100 listed."""

from __future__ import annotations

import json
from typing import Any

from moto.cloudformation import parsing
from moto.cloudformation.exceptions import CloudFormationError, ValidationError
from moto.cloudformation.models import CloudFormationBackend, Stack
from moto.cloudformation.responses import CloudFormationResponse, StackResourceDTO
from moto.core.common_models import CloudFormationModel
from moto.core.responses import ActionResult
from moto.core.utils import utcnow

from .. import patching
from ..control import ControlError, ControlRequest, route
from ..patching import Replacement
from ..process import ACCOUNT_ID

GAP = (
    "moto describes every resource of a stack where AWS stops at 100, does not page ListStackResources, leaves wait "
    "conditions out, and forgets a stack that could not be deleted"
)
MOTO = "5.2.5"
PAGE = 100

_delete_stack = CloudFormationBackend.delete_stack
_create_stack = CloudFormationResponse.create_stack


class _Waiting(CloudFormationModel):
    """A resource that only waits."""

    def __init__(self, physical_id: str) -> None:
        self.physical_id = physical_id

    @property
    def physical_resource_id(self) -> str:
        return self.physical_id

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> _Waiting:
        return cls(f"{kwargs['StackId']}/{kwargs['LogicalId']}")

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource: Any, new_resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> _Waiting:
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> None:
        """Nothing is left of it."""

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        return ""


class WaitCondition(_Waiting):
    """AWS::CloudFormation::WaitCondition."""

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::CloudFormation::WaitCondition"


class WaitConditionHandle(_Waiting):
    """AWS::CloudFormation::WaitConditionHandle."""

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::CloudFormation::WaitConditionHandle"


_models = parsing.get_model_list
_ignored = set(parsing.NULL_MODELS)


def get_model_list() -> list[type[CloudFormationModel]]:
    """moto's models, which are the direct subclasses of CloudFormationModel, and the two here."""
    return [*(model for model in _models() if model is not _Waiting), WaitCondition, WaitConditionHandle]


def _made(stack: Stack) -> list[Any]:
    return [each for each in stack.stack_resources if each is not None]


def describe_stack_resources(self: CloudFormationResponse) -> ActionResult:
    backend = self.cloudformation_backend
    logical_id, name = self._get_param("LogicalResourceId"), self._get_param("StackName")
    physical_id = self._get_param("PhysicalResourceId")
    stacks = [backend.get_stack(name)] if name else list(backend.stacks.values())
    for stack in stacks:
        resources = _made(stack)
        if name or any(each.physical_resource_id == physical_id for each in resources):
            break
    else:
        raise ValidationError(physical_id, message=f"Stack for {physical_id} does not exist")
    wanted = [each for each in resources if logical_id in (None, each.logical_resource_id)]
    return ActionResult({"StackResources": [StackResourceDTO(stack, each) for each in wanted[:PAGE]]})


def list_stack_resources(self: CloudFormationResponse) -> ActionResult:
    stack = self.cloudformation_backend.get_stack(self._get_param("StackName"))
    resources = _made(stack)
    start = int(self._get_param("NextToken") or 0)
    page = resources[start : start + PAGE]
    status = "UPDATE_COMPLETE" if stack.status == "UPDATE_COMPLETE" else "CREATE_COMPLETE"
    summaries = [
        {
            "ResourceStatus": status,
            "LogicalResourceId": each.logical_resource_id,
            "LastUpdatedTimestamp": stack.creation_time,
            "PhysicalResourceId": each.physical_resource_id,
            "ResourceType": each.cf_resource_type,
        }
        for each in page
    ]
    following = str(start + PAGE) if len(resources) > start + PAGE else None
    return ActionResult({"StackResourceSummaries": summaries, "NextToken": following})


def _template(body: str | None) -> dict[str, Any]:
    if not body:
        return {}
    # moto reads JSON with its YAML parser, which takes a second for a stack of a hundred instances.
    return json.loads(body) if body.lstrip().startswith("{") else Stack.parse_template(body)


def create_stack(self: CloudFormationResponse) -> ActionResult:
    """Refused without the capability that the template's roles need; a name is taken once."""
    capabilities = self._get_param("Capabilities", [])
    name, body = self._get_param("StackName"), self._get_param("TemplateBody")
    resources = _template(body).get("Resources", {}).values()
    roles = [each for each in resources if each["Type"].startswith("AWS::IAM::")]
    if roles:
        named = any(set(each.get("Properties", {})) & {"RoleName", "InstanceProfileName"} for each in roles)
        enough = {"CAPABILITY_NAMED_IAM"} if named else {"CAPABILITY_NAMED_IAM", "CAPABILITY_IAM"}
        if not enough & set(capabilities):
            raise CloudFormationError(
                "InsufficientCapabilitiesException", f"Requires capabilities : [{min(enough, key=len)}]"
            )
    result = _create_stack(self)
    self.cloudformation_backend.get_stack(name).capabilities = capabilities
    return result


def delete_stack(self: CloudFormationBackend, name_or_stack_id: str) -> None:
    """A stack whose resources cannot all be deleted stays, as DELETE_FAILED; an unknown one is already deleted."""
    stack = next((each for each in self.stacks.values() if name_or_stack_id in (each.name, each.stack_id)), None)
    if stack is None:
        return
    try:
        _delete_stack(self, stack.stack_id)
    except Exception as error:
        stack.status = "DELETE_FAILED"
        stack.stack_status_reason = str(getattr(error, "message", error))
        stack._add_stack_event("DELETE_FAILED", resource_status_reason=stack.stack_status_reason)
        self.stacks[stack.stack_id] = stack
    else:
        stack.deletion_time = utcnow()


@route("POST", "stack/<name>")
def _set_status(request: ControlRequest) -> Any:
    """Put a stack into a state that takes AWS minutes or a failure to reach."""
    from moto.cloudformation.models import cloudformation_backends

    status = request.fields().get("status")
    if not status:
        raise ControlError(400, 'A stack is put into a state with {"status": "UPDATE_IN_PROGRESS"} or another.')
    name = request.params["name"]
    for backend in list(cloudformation_backends[ACCOUNT_ID].values()):
        for stack in backend.stacks.values():
            if stack.name == name:
                stack.status = status
                return {"stack": name, "status": stack.status}
    raise ControlError(404, f"There is no stack {name} in this cloud.")


REPLACED = (
    Replacement(CloudFormationResponse, "create_stack", create_stack),
    Replacement(CloudFormationResponse, "describe_stack_resources", describe_stack_resources),
    Replacement(CloudFormationResponse, "list_stack_resources", list_stack_resources),
    Replacement(CloudFormationBackend, "delete_stack", delete_stack),
)


def install() -> None:
    """Close the gap."""
    patching.install(REPLACED)
    parsing.get_model_list = get_model_list  # type: ignore[assignment]
    parsing.NULL_MODELS[:] = []
    parsing.get_model_map.cache_clear()
    parsing.get_name_type_map.cache_clear()


def check() -> None:
    """Raise NameMoved when moto's names have moved."""
    patching.check(REPLACED)
    assert _ignored == {WaitCondition.cloudformation_type(), WaitConditionHandle.cloudformation_type()}
