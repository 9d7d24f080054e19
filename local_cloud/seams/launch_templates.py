"""Launch templates: data as it was sent, versions based on another one, and tags read as they are now."""

from __future__ import annotations

import copy
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateBackend
from moto.ec2.responses.launch_templates import LaunchTemplates
from moto.ec2.utils import parse_user_data

from .. import patching
from ..patching import Replacement

GAP = (
    "moto mixes a launch template's own tags into its data, ignores SourceVersion, shows the tags of its creation and "
    "takes names and user data of any length"
)
MOTO = "5.2.5"
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html
USER_DATA_LIMIT = 16384

_create_version = LaunchTemplates.create_launch_template_version
_create = LaunchTemplateBackend.create_launch_template


def _checked(data: dict[str, Any]) -> dict[str, Any]:
    """The data without the template's own tags, user data parsed. Raises EC2ClientError for what AWS refuses."""
    data = copy.copy(data)
    specs = [each for each in data.get("TagSpecifications") or [] if each["ResourceType"] != "launch-template"]
    data.pop("TagSpecifications", None)
    if specs:
        data["TagSpecifications"] = specs
    user_data = data.pop("UserData", None)
    if user_data is not None:
        data["UserData"] = parse_user_data(str(user_data))
        if len(data["UserData"].decode().encode()) > USER_DATA_LIMIT:
            raise EC2ClientError("InvalidUserData.Malformed", f"User data is limited to {USER_DATA_LIMIT} bytes")
    return data


def create_launch_template(
    self: LaunchTemplateBackend, name: str, description: str, template_data: dict[str, Any], tag_spec: dict[str, Any]
) -> LaunchTemplate:
    return _create(self, name, description, _checked(template_data), tag_spec)


def create_launch_template_version(self: LaunchTemplates) -> ActionResult:
    """The data given over that of SourceVersion."""
    name, template_id = self._get_param("LaunchTemplateName"), self._get_param("LaunchTemplateId")
    backend = self.ec2_backend
    template = backend.get_launch_template_by_name(name) if name else backend.get_launch_template(template_id)
    source = self._get_param("SourceVersion")
    base = template.get_version(source).data if source else {}
    given = self._get_param("LaunchTemplateData", {})
    make = template.create_version
    template.create_version = lambda data, description: make(_checked({**base, **given}), description)
    try:
        return _create_version(self)
    finally:
        del template.create_version


REPLACED = (
    Replacement(LaunchTemplateBackend, "create_launch_template", create_launch_template),
    Replacement(LaunchTemplates, "create_launch_template_version", create_launch_template_version),
)


def install() -> None:
    """Close the gap; the tags become a property, so moto's own assignment to it is taken and forgotten."""
    patching.install(REPLACED)
    LaunchTemplate.tags = property(lambda self: self.get_tags(), lambda self, value: None)  # type: ignore[assignment]


def check() -> None:
    """Raise NameMoved when moto's names have moved."""
    patching.check(REPLACED)
    assert "create_version" in vars(LaunchTemplate)
