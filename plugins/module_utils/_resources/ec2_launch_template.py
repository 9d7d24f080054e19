"""A launch template from which an Auto Scaling group starts the cluster's new instances.

A template's versions never change: other data is another version, and the default version follows it. AWS hardly looks
at the content; what is wrong shows when the group is created or launches, so what can be known is refused here.
Sources: EC2 API reference, CreateLaunchTemplate and CreateLaunchTemplateVersion.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine import tags as tagging
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError, error_code
from ansible_collections.stateful.aws.plugins.module_utils._engine.naming import fit
from ansible_collections.stateful.aws.plugins.module_utils._engine.placeholder import has_unknown
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Observed, Resource, Step
from ansible_collections.stateful.aws.plugins.module_utils._resources import _launch_template_data as data
from botocore.exceptions import ClientError

NAME_LIMIT = 128
GONE = ("InvalidLaunchTemplateName.NotFoundException", "InvalidLaunchTemplateId.NotFound")
EXISTS = "InvalidLaunchTemplateName.AlreadyExistsException"
USER_DATA_LIMIT = 16384
API_KEY = "@API_KEY@"


class Ec2LaunchTemplate(Resource):
    """Launch template."""

    name = "ec2_launch_template"
    title = "Launch template"
    iam_actions = {
        "read": ("ec2:DescribeLaunchTemplates", "ec2:DescribeLaunchTemplateVersions", "apigateway:GET"),
        "write": (
            "ec2:CreateLaunchTemplate",
            "ec2:CreateLaunchTemplateVersion",
            "ec2:ModifyLaunchTemplate",
            "ec2:CreateTags",
            "ec2:DeleteTags",
        ),
        "delete": ("ec2:DeleteLaunchTemplate",),
    }
    options = {
        "name": {"type": "str", "required": True},
        "image_id": {"type": "str"},
        "instance_type": {"type": "str"},
        "key_name": {"type": "str", "no_log": False},
        "instance_profile_arn": {"type": "str"},
        "security_group_ids": {"type": "list", "elements": "str"},
        "subnet_id": {"type": "str"},
        "associate_public_ip_address": {"type": "bool"},
        "block_device_mappings": {"type": "list", "elements": "dict", "options": data.DISK_OPTIONS},
        "metadata_options": {"type": "dict", "apply_defaults": True, "options": data.METADATA_OPTIONS},
        "disable_api_termination": {"type": "bool"},
        "instance_initiated_shutdown_behavior": {"type": "str", "choices": ["stop", "terminate"]},
        "user_data": {"type": "str"},
        "api_key_id": {"type": "str", "no_log": False},
        "instance_tags": {"type": "dict"},
        "placement_group": {"type": "str"},
    }
    constraints = {"required_if": [("state", "present", ("image_id", "instance_type"))]}
    given_by_aws = ("launch_template_id",)

    def __init__(self, options: Mapping[str, Any], aws: Any) -> None:
        super().__init__(options, aws)
        self._metadata: dict[str, Any] = {}
        self._text: str | None = None

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None:
        """Refuse names, disks, tags and user data that EC2 refuses, now or at a launch."""
        name, text = options["name"], options.get("user_data") or ""
        if not has_unknown(name) and not re.fullmatch(r"[A-Za-z0-9().\-/_]{3,}", name):
            raise ResourceError(
                f"name {name!r}: a launch template's name has 3 or more letters, digits and ( ) . - / _ only."
            )
        _check_size(text)
        if API_KEY in text and not options.get("api_key_id"):
            raise ResourceError(f"user_data holds {API_KEY}, so api_key_id is needed to fill it.")
        data.check(options)

    def identifier(self) -> str:
        """The name, cut to 128 characters."""
        return fit(str(self.option("name")), NAME_LIMIT)

    def observe(self) -> Observed | None:
        """Return the template of this name with the data of its latest version, or None."""
        if self.option("state") == "present":
            self._text = self._user_data()
        ec2 = self.aws.client("ec2")
        try:
            found = ec2.describe_launch_templates(LaunchTemplateNames=[self.identifier()])["LaunchTemplates"][0]
            template_id = found["LaunchTemplateId"]
            latest = ec2.describe_launch_template_versions(LaunchTemplateId=template_id, Versions=["$Latest"])
        except ClientError as error:
            if error_code(error) in GONE:
                return None
            raise
        version = latest["LaunchTemplateVersions"][0]
        properties = data.read(version["LaunchTemplateData"])
        self._metadata = properties["metadata_options"]
        return {
            "name": found["LaunchTemplateName"],
            "launch_template_id": template_id,
            "latest_version": version["VersionNumber"],
            "default_version": found["DefaultVersionNumber"],
            **properties,
            "tags": tagging.to_dict(found.get("Tags")),
        }

    def _user_data(self) -> str | None:
        """The user data with the API key's value in it; None when it is not given or not known yet in check mode."""
        text = self.option("user_data")
        if self._text is not None or text is None or self.undetermined("user_data", "api_key_id"):
            return self._text
        if API_KEY in text:
            text = text.replace(API_KEY, self._api_key())
            _check_size(text)
        return str(text)

    def _api_key(self) -> str:
        key_id = self.option("api_key_id")
        try:
            value = self.aws.client("apigateway").get_api_key(apiKey=key_id, includeValue=True)["value"]
        except ClientError as error:
            if error_code(error) == "NotFoundException":
                raise ResourceError(f"API key {key_id}, whose value the user data needs, does not exist.") from error
            raise
        # It goes into a shell script between quotes.
        if not re.fullmatch(r"[A-Za-z0-9_-]+", value):
            raise ResourceError(f"API key {key_id} has a value of other characters than letters, digits, - and _.")
        return str(value)

    def desired(self) -> dict[str, Any]:
        """Return what the options say; user data as its SHA-256."""
        groups, disks, metadata = (
            self.option(o) for o in ("security_group_ids", "block_device_mappings", "metadata_options")
        )
        given = {key: value for key, value in (metadata or {}).items() if value is not None}
        return {
            "name": self.identifier(),
            **{prop: self.option(prop) for prop in (*data.PLAIN, "instance_profile_arn", "placement_group")},
            "subnet_id": self.option("subnet_id"),
            "associate_public_ip_address": self.option("associate_public_ip_address"),
            "security_group_ids": None if groups is None else sorted(groups),
            "block_device_mappings": None if disks is None else data.disks(disks),
            "metadata_options": {**self._metadata, **given} if given else None,
            "user_data": None if self._text is None else data.digest(self._text.encode()),
            "instance_tags": data.texts(self.option("instance_tags")),
        }

    def predicted(self, observed: Observed | None) -> dict[str, Any]:
        """A change of data makes the next version, and the default follows."""
        result = super().predicted(observed)
        number = (observed or {}).get("latest_version", 0) + (1 if self.differences(observed) else 0)
        return {**result, "latest_version": number, "default_version": number}

    def plan(self, observed: Observed | None) -> list[Step]:
        """Create the template; or make a version when the data differs, and the latest the default."""
        different = self.differences(observed)
        if observed is None:
            return [self._create(different)]
        number, template = observed["latest_version"], {"LaunchTemplateId": observed["launch_template_id"]}
        steps = []
        if different:
            number += 1
            params = {
                **template,
                "SourceVersion": str(observed["latest_version"]),
                "LaunchTemplateData": self._data(observed),
            }
            steps.append(
                self.change(
                    "ec2",
                    "create_launch_template_version",
                    params,
                    "launch new instances like this",
                    {**different, "latest_version": (observed["latest_version"], number)},
                    learn=lambda answer: {"latest_version": answer["LaunchTemplateVersion"]["VersionNumber"]},
                    repeatable=False,
                )
            )
        if observed["default_version"] != number:
            steps.append(
                self.change(
                    "ec2",
                    "modify_launch_template",
                    lambda facts: {**template, "DefaultVersion": str(facts["latest_version"])},
                    "make the latest version the default",
                    {"default_version": (observed["default_version"], number)},
                )
            )
        put, drop, tags = self.tag_changes(observed)
        resource = {"Resources": [observed["launch_template_id"]]}
        if put:
            params = {**resource, "Tags": tagging.to_pairs(put)}
            steps.append(self.change("ec2", "create_tags", params, "tag the template", tags))
        if drop:
            params = {**resource, "Tags": [{"Key": key} for key in drop]}
            steps.append(self.change("ec2", "delete_tags", params, "remove tags", tags))
        return steps

    def _create(self, different: dict[str, tuple[Any, Any]]) -> Step:
        tags = self.wanted_tags(None)
        return self.change(
            "ec2",
            "create_launch_template",
            {
                "LaunchTemplateName": self.identifier(),
                "LaunchTemplateData": self._data({}),
                "TagSpecifications": [{"ResourceType": "launch-template", "Tags": tagging.to_pairs(tags)}],
            },
            "let the group launch instances like the cluster's own",
            {**different, "latest_version": (None, 1), "tags": (None, tags)},
            repeatable=False,
            doubt=(EXISTS,),
        )

    def _data(self, observed: Observed) -> dict[str, Any]:
        """What the options say; a version inherits the rest, and the network interface is one thing to AWS."""
        wanted = {prop: value for prop, value in self.desired().items() if value is not None}
        if any(prop in wanted for prop in data.INTERFACE):
            wanted = {**{prop: observed.get(prop) for prop in data.INTERFACE}, **wanted}
        return data.write(wanted, self._text)

    def plan_absent(self, observed: Observed) -> list[Step]:
        """Delete the template with all its versions."""
        before = {prop: observed[prop] for prop in ("name", "launch_template_id", "latest_version")}
        params = {"LaunchTemplateId": observed["launch_template_id"]}
        return [Step("ec2", "delete_launch_template", params, "delete the template", before, done=GONE)]


def _check_size(text: str) -> None:
    size = len(text.encode())
    if size > USER_DATA_LIMIT:
        raise ResourceError(
            f"user_data has {size} bytes; EC2 accepts {USER_DATA_LIMIT}. Let it fetch the rest when it runs."
        )


RESOURCE = Ec2LaunchTemplate
