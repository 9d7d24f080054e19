"""An IAM role with its trust, inline policies and permissions boundary.

AWS may change behind us: the text of policies is rewritten (lists of one, order), and principals deleted later read
back as ids, so policies are compared by meaning. IAM does not tell who uses a role; delete the users first.
Sources: IAM API reference; IAM user guide, "IAM and STS quotas".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine import tags as tagging
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError, error_code
from ansible_collections.stateful.aws.plugins.module_utils._engine.naming import fit
from ansible_collections.stateful.aws.plugins.module_utils._engine.placeholder import has_unknown
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import (
    Observed,
    Resource,
    Retry,
    Step,
    as_document,
)
from ansible_collections.stateful.aws.plugins.module_utils._resources._iam_policies import (
    INLINE_LIMIT,
    TRUST_LIMIT,
    changed,
    check_policy,
    size,
)
from botocore.exceptions import ClientError

TERRAFORM = "terraform-provider-aws iam/role.go"
PRINCIPAL = Retry("MalformedPolicyDocument", "Invalid principal in policy", 120, TERRAFORM)
INVISIBLE = Retry("NoSuchEntity", "", 120, "IAM is eventually consistent after CreateRole")
PARALLEL = Retry("ConcurrentModification", "", 120, "IAM API reference, errors of the role's calls")
STILL_USED = Retry("DeleteConflict", "", 120, TERRAFORM)
GONE, TAKEN = "NoSuchEntity", "EntityAlreadyExists"


class IamRole(Resource):
    """IAM role and its inline policies."""

    name = "iam_role"
    title = "IAM role"
    iam_actions = {
        "read": ("iam:GetRole", "iam:ListRolePolicies", "iam:GetRolePolicy"),
        "write": (
            "iam:CreateRole",
            "iam:UpdateRole",
            "iam:UpdateAssumeRolePolicy",
            "iam:PutRolePolicy",
            "iam:DeleteRolePolicy",
            "iam:PutRolePermissionsBoundary",
            "iam:DeleteRolePermissionsBoundary",
            "iam:TagRole",
            "iam:UntagRole",
        ),
        "delete": (
            "iam:ListInstanceProfilesForRole",
            "iam:RemoveRoleFromInstanceProfile",
            "iam:ListAttachedRolePolicies",
            "iam:DetachRolePolicy",
            "iam:DeleteRolePolicy",
            "iam:DeleteRole",
        ),
    }
    options = {
        "name": {"type": "str", "required": True},
        "path": {"type": "str", "default": "/"},
        "description": {"type": "str"},
        "assume_role_policy": {"type": "json"},
        "inline_policies": {"type": "dict"},
        "permissions_boundary": {"type": "str"},
        "max_session_duration": {"type": "int"},
    }
    constraints = {"required_if": [("state", "present", ("assume_role_policy",))]}
    policies = ("assume_role_policy",)

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None:
        """Refuse names, paths, durations and policies that IAM refuses."""
        name, path, seconds = options["name"], options["path"], options.get("max_session_duration")
        if not re.fullmatch(r"[\w+=,.@-]+", name, re.ASCII):
            raise ResourceError(f"name {name!r}: a role's name holds only letters, digits and _ + = , . @ -.")
        if not re.fullmatch(r"/([\x21-\x7e]+/)?", path) or len(path) > 512:
            raise ResourceError(f"path {path!r}: a path begins and ends with / and has at most 512 characters.")
        if seconds is not None and not 3600 <= seconds <= 43200:
            raise ResourceError(f"max_session_duration is {seconds}; IAM accepts 3600 to 43200 seconds.")
        if len(options.get("description") or "") > 1000:
            raise ResourceError(f"description has {len(options['description'])} characters; IAM accepts 1000.")
        if options.get("assume_role_policy") is not None:
            check_policy("assume_role_policy", options["assume_role_policy"], TRUST_LIMIT)
        inline = options.get("inline_policies") or {}
        for policy, document in inline.items():
            if not re.fullmatch(r"[\w+=,.@-]{1,128}", policy, re.ASCII):
                raise ResourceError(f"inline_policies: {policy!r} has characters or a length that IAM does not accept.")
            check_policy(f"inline_policies.{policy}", document, INLINE_LIMIT)
        if not has_unknown(inline) and sum(map(size, inline.values())) > INLINE_LIMIT:
            raise ResourceError(f"inline_policies have more than the {INLINE_LIMIT} characters that IAM allows a role.")

    def identifier(self) -> str:
        """The role's name, cut to IAM's 64 characters."""
        return str(fit(str(self.option("name")), 64))

    def predict(self) -> dict[str, Any]:
        """The ARN is made of path and name."""
        arn = self.aws.arn("iam", f"role{self.option('path')}{self.identifier()}", region=False)
        return {"name": self.identifier(), "path": self.option("path"), "role_arn": arn}

    def observe(self) -> Observed | None:
        """Return the role; its inline policies when they are an option, and what hangs on it when it shall go."""
        iam, role = self.aws.client("iam"), {"RoleName": self.identifier()}
        try:
            found = iam.get_role(**role)["Role"]
        except ClientError as error:
            if error_code(error) == GONE:
                return None
            raise
        observed = {
            "name": found["RoleName"],
            "role_arn": found["Arn"],
            "path": found["Path"],
            "description": found.get("Description", ""),
            "assume_role_policy": found["AssumeRolePolicyDocument"],
            "permissions_boundary": found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""),
            "max_session_duration": found.get("MaxSessionDuration", 3600),
            "tags": tagging.to_dict(found.get("Tags")),
        }
        if self.option("state") == "absent":
            return {**observed, **self._hangers_on(role)}
        if self.option("inline_policies") is not None:
            names = self.aws.pages("iam", "list_role_policies", "PolicyNames", **role)
            observed["inline_policies"] = {
                name: iam.get_role_policy(**role, PolicyName=name)["PolicyDocument"] for name in names
            }
        return observed

    def _hangers_on(self, role: Mapping[str, str]) -> dict[str, list[str]]:
        profiles = self.aws.pages("iam", "list_instance_profiles_for_role", "InstanceProfiles", **role)
        attached = self.aws.pages("iam", "list_attached_role_policies", "AttachedPolicies", **role)
        return {
            "_profiles": [profile["InstanceProfileName"] for profile in profiles],
            "_attached": [policy["PolicyArn"] for policy in attached],
            "_inline": self.aws.pages("iam", "list_role_policies", "PolicyNames", **role),
        }

    def desired(self) -> dict[str, Any]:
        """Return what the options say, policies as data."""
        inline = self.option("inline_policies")
        return {
            "description": self.option("description"),
            "assume_role_policy": as_document(self.option("assume_role_policy")),
            "permissions_boundary": self.option("permissions_boundary"),
            "max_session_duration": self.option("max_session_duration"),
            "inline_policies": None
            if inline is None
            else {name: as_document(document) for name, document in inline.items()},
        }

    def _equal(self, prop: str, present: Any, value: Any) -> bool:
        if prop != "inline_policies":
            return bool(super()._equal(prop, present, value))
        return (present or {}).keys() == value.keys() and not changed(present or {}, value)

    def plan(self, observed: Observed | None) -> list[Step]:
        """Create the role and put its policies, or change what differs."""
        role = {"RoleName": self.identifier()}
        if observed is None:
            return self._plan_new()
        if observed["path"] != self.option("path"):
            raise ResourceError(
                f"{self.title} {self.identifier()} has the path {observed['path']}, and {self.option('path')} is wanted; "
                "IAM never changes a role's path. Delete the role first, or give its path."
            )
        different = self.differences(observed)
        one = {prop: {prop: pair} for prop, pair in different.items()}
        steps: list[Step] = []
        if "assume_role_policy" in one:
            params = {**role, "PolicyDocument": self.option("assume_role_policy")}
            steps.append(
                self._call("update_assume_role_policy", params, "change who may assume it", one["assume_role_policy"])
            )
        plain = {prop: different[prop] for prop in ("description", "max_session_duration") if prop in different}
        if plain:
            wanted: Observed = {**observed}
            wanted.update({prop: pair[1] for prop, pair in plain.items()})
            params = {
                **role,
                "Description": wanted["description"],
                "MaxSessionDuration": wanted["max_session_duration"],
            }
            steps.append(self._call("update_role", params, "change description or session length", plain))
        if "permissions_boundary" in one:
            steps.append(self._bound(one["permissions_boundary"]))
        put, drop, tags = self.tag_changes(observed)
        if put:
            steps.append(self._call("tag_role", {**role, "Tags": tagging.to_pairs(put)}, "tag the role", tags))
        if drop:
            steps.append(self._call("untag_role", {**role, "TagKeys": drop}, "remove tags", tags))
        return [*steps, *self._inline_steps(one.get("inline_policies"))]

    def _plan_new(self) -> list[Step]:
        wanted = {prop: value for prop, value in self.desired().items() if value is not None and value != ""}
        inline = wanted.pop("inline_policies", {})
        tags = self.wanted_tags(None)
        optional = {
            "Description": wanted.get("description"),
            "PermissionsBoundary": wanted.get("permissions_boundary"),
            "MaxSessionDuration": wanted.get("max_session_duration"),
        }
        params = {
            "RoleName": self.identifier(),
            "Path": self.option("path"),
            "AssumeRolePolicyDocument": self.option("assume_role_policy"),
            "Tags": tagging.to_pairs(tags),
            **{parameter: value for parameter, value in optional.items() if value is not None},
        }
        made = {prop: (None, value) for prop, value in {**wanted, "tags": tags}.items()}
        steps = [self._call("create_role", params, "give one part its rights", made, repeatable=False, doubt=(TAKEN,))]
        return [*steps, *self._inline_steps({"inline_policies": (None, inline)} if inline else None)]

    def _bound(self, difference: dict[str, tuple[Any, Any]]) -> Step:
        role, boundary = {"RoleName": self.identifier()}, self.option("permissions_boundary")
        if not boundary:
            return self._call("delete_role_permissions_boundary", role, "lift the boundary", difference)
        params = {**role, "PermissionsBoundary": boundary}
        return self._call("put_role_permissions_boundary", params, "bound its rights", difference)

    def _inline_steps(self, difference: dict[str, tuple[Any, Any]] | None) -> list[Step]:
        """Put policies before deleting others, so that the role never lacks a right that it keeps."""
        if difference is None:
            return []
        present, wanted = difference["inline_policies"][0] or {}, difference["inline_policies"][1]
        role = {"RoleName": self.identifier()}
        puts = [
            self._call(
                "put_role_policy",
                {**role, "PolicyName": name, "PolicyDocument": json.dumps(wanted[name])},
                f"set inline policy {name}",
                difference,
            )
            for name in changed(present, wanted)
        ]
        drops = [
            self._call(
                "delete_role_policy",
                {**role, "PolicyName": name},
                f"remove inline policy {name}",
                difference,
                done=(GONE,),
            )
            for name in sorted(present.keys() - wanted.keys())
        ]
        return [*puts, *drops]

    def _call(self, method: str, params: Any, reason: str, differences: Any, **more: Any) -> Step:
        return self.change(
            "iam", method, params, reason, differences, **{"retry": (PRINCIPAL, INVISIBLE, PARALLEL), **more}
        )

    def plan_absent(self, observed: Observed) -> list[Step]:
        """Take everything off the role, then delete it."""
        role = {"RoleName": observed["name"]}
        takeoffs = [
            *(
                ("remove_role_from_instance_profile", {"InstanceProfileName": profile}, f"leave profile {profile}")
                for profile in observed["_profiles"]
            ),
            *(("detach_role_policy", {"PolicyArn": arn}, f"detach {arn}") for arn in observed["_attached"]),
            *(
                ("delete_role_policy", {"PolicyName": policy}, f"delete inline policy {policy}")
                for policy in observed["_inline"]
            ),
        ]
        steps = [
            Step("iam", method, {**role, **params}, reason, retry=(PARALLEL,), done=(GONE,))
            for method, params, reason in takeoffs
        ]
        before = {"role_arn": observed["role_arn"]}
        delete = Step("iam", "delete_role", role, "delete the role", before, retry=(STILL_USED, PARALLEL), done=(GONE,))
        return [*steps, delete]

    def ready(self, observed: Observed | None) -> bool:
        """A role is ready when it is seen under its ARN; a fresh one may show a unique id there for a moment."""
        return observed is not None and observed["role_arn"].startswith("arn:")


RESOURCE = IamRole
