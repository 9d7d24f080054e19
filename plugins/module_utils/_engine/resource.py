"""What a resource type says about itself; the flow in ``flow.py`` does the rest."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies
from ansible_collections.stateful.aws.plugins.module_utils._engine import tags as tagging
from ansible_collections.stateful.aws.plugins.module_utils._engine.aws import Aws
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._engine.placeholder import has_unknown, unknown

Observed = dict[str, Any]


@dataclass(frozen=True)
class Retry:
    """A passing refusal: AWS's code and a fragment of its words, how long to go on, and where that is written."""

    code: str
    fragment: str
    seconds: int
    source: str


@dataclass
class Step:
    """One AWS call that brings a resource nearer to what is wanted.

    ``params`` may be a function of the facts learnt so far (what was observed, and what earlier steps returned);
    ``learn`` turns the answer into facts. ``before`` and ``after`` are the properties this call changes: they are the
    diff. ``repeatable=False`` marks a call that makes another resource each time it is sent, so that it is never sent
    twice: when its answer is lost, the flow looks again. ``done`` names error codes that say the work is done already.
    ``doubt`` names error codes after which the flow looks once whether the work is done, or still to be done.
    ``settle`` waits until the resource is ready before the next step.
    """

    service: str
    method: str
    params: Mapping[str, Any] | Callable[[Observed], Mapping[str, Any]]
    reason: str
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    learn: Callable[[dict[str, Any]], Mapping[str, Any]] | None = None
    retry: tuple[Retry, ...] = ()
    repeatable: bool = True
    done: tuple[str, ...] = ()
    doubt: tuple[str, ...] = ()
    settle: bool = False
    check: Callable[[dict[str, Any]], None] | None = None


class Resource(ABC):
    """Base of every resource type. A type's file holds, in this order: documentation of what it is and what AWS can
    change behind us, IAM actions, options, observe, plan, apply details, ready and gone, present."""

    name: ClassVar[str]
    """The module's name, and the key of the resource in its result."""
    title: ClassVar[str]
    """AWS's name for the type, used in messages."""
    iam_actions: ClassVar[dict[str, tuple[str, ...]]]
    """The rights it needs, by ``read``, ``write`` and ``delete``."""
    options: ClassVar[dict[str, dict[str, Any]]]
    """Its own options, as an Ansible argument_spec."""
    constraints: ClassVar[dict[str, Any]] = {}
    """``required_if``, ``mutually_exclusive`` … of its options."""
    tagged: ClassVar[bool] = True
    """Whether the resource bears tags; one that does not decides ownership in ``refuse_foreign``."""
    named_by_tag: ClassVar[bool] = False
    """Whether the tag ``stateful:name`` holds the identifier, because AWS does not let it be looked up by name."""
    given_by_aws: ClassVar[tuple[str, ...]] = ()
    """Properties that only AWS knows before creation: placeholders in check mode."""
    policies: ClassVar[tuple[str, ...]] = ()
    """Properties that are IAM policies (JSON text or dict), compared by meaning."""
    documents: ClassVar[tuple[str, ...]] = ()
    """Properties that are JSON documents, compared as data."""
    hidden: ClassVar[tuple[str, ...]] = ()
    """Properties never shown in diffs or results, only whether they differ."""

    def __init__(self, options: Mapping[str, Any], aws: Aws) -> None:
        self.options_given = options
        self.aws = aws

    # -- what a type provides ------------------------------------------------------------------------------------

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None:
        """Refuse options that AWS would refuse, before the first call of the whole task."""

    def identifier(self) -> str:
        """The name under which people know this resource."""
        return str(self.options_given["name"])

    @abstractmethod
    def observe(self) -> Observed | None:
        """Return the resource as it is, its properties named as the options are, or None. Only reads."""

    @abstractmethod
    def desired(self) -> dict[str, Any]:
        """Return the wanted value of each property; None leaves it untouched."""

    @abstractmethod
    def plan(self, observed: Observed | None) -> list[Step]:
        """Return the steps from what is to what is wanted; an empty list means that nothing differs. Pure."""

    @abstractmethod
    def plan_absent(self, observed: Observed) -> list[Step]:
        """Return the steps that delete the resource. Pure."""

    def ready(self, observed: Observed | None) -> bool:
        """Tell whether the resource can be used. Raises ResourceError when it never will."""
        return observed is not None

    def gone(self, observed: Observed | None) -> bool:
        """Tell whether the resource is deleted for our purposes."""
        return observed is None

    def predict(self) -> dict[str, Any]:
        """Return properties of a resource not made yet that can be known, such as an ARN made of its name."""
        return {}

    # -- helpers for types ---------------------------------------------------------------------------------------

    def option(self, name: str) -> Any:
        """Return the value of an option, or None."""
        return self.options_given.get(name)

    def wanted_tags(self, observed: Observed | None) -> dict[str, str]:
        """Return the tags that the resource should bear."""
        tags = tagging.wanted(self.options_given, (observed or {}).get("tags", {}))
        return {**tags, tagging.NAME: self.identifier()} if self.named_by_tag else tags

    def differences(self, observed: Observed | None, *properties: str) -> dict[str, tuple[Any, Any]]:
        """Return ``{property: (is, wanted)}`` for each wanted property that differs from what is observed."""
        found: dict[str, tuple[Any, Any]] = {}
        for prop, value in self.desired().items():
            present = (observed or {}).get(prop)
            if value is None or (properties and prop not in properties) or self._equal(prop, present, value):
                continue
            found[prop] = (present, value)
        return found

    def _equal(self, prop: str, present: Any, value: Any) -> bool:
        if prop in self.policies:
            return present is not None and not bool(compare_policies(as_document(present), as_document(value)))
        if prop in self.documents:
            return bool(as_document(present) == as_document(value))
        return bool(present == value)

    def change(
        self,
        service: str,
        method: str,
        params: Mapping[str, Any] | Callable[[Observed], Mapping[str, Any]],
        reason: str,
        differences: Mapping[str, tuple[Any, Any]],
        **more: Any,
    ) -> Step:
        """Return a step whose diff is ``differences``."""
        before = {prop: pair[0] for prop, pair in differences.items() if pair[0] is not None}
        after = {prop: pair[1] for prop, pair in differences.items() if pair[1] is not None}
        return Step(service, method, params, reason, before=before, after=after, **more)

    def tag_changes(self, observed: Observed) -> tuple[dict[str, str], list[str], dict[str, tuple[Any, Any]]]:
        """Return tags to set, keys to remove, and their diff."""
        present, target = observed.get("tags", {}), self.wanted_tags(observed)
        put = {key: value for key, value in target.items() if present.get(key) != value}
        drop = sorted(key for key in present if key not in target)
        return put, drop, {"tags": (present, target)} if put or drop else {}

    # -- the same for all types ----------------------------------------------------------------------------------

    def refuse_foreign(self, observed: Observed | None) -> None:
        """Refuse a resource that bears our name but not our tag.

        Raises:
            ResourceError: with what to do.
        """
        if observed is None or not self.tagged:
            return
        cluster = self.options_given["cluster"]
        owner = observed.get("tags", {}).get(tagging.CLUSTER)
        if owner != cluster:
            whose = f"belongs to cluster {owner!r}" if owner else f"does not carry the tag {tagging.CLUSTER}={cluster}"
            raise ResourceError(
                f"{self.title} {self.identifier()} exists and {whose}, so it is not ours and stays untouched. "
                "Rename or delete it if nobody needs it, or choose another cluster name."
            )

    def predicted(self, observed: Observed | None) -> dict[str, Any]:
        """Return the resource as it will be after the plan, with placeholders for what only AWS knows."""
        guess = {prop: unknown(f"{self.name} {self.identifier()} {prop}") for prop in self.given_by_aws}
        wanted = {prop: value for prop, value in self.desired().items() if value is not None}
        result = {**guess, **(self.predict() if observed is None else {}), **(observed or {}), **wanted}
        if self.tagged:
            result["tags"] = self.wanted_tags(observed)
        return result

    def present(self, observed: Observed) -> dict[str, Any]:
        """Return the resource as the module's result shows it."""
        return {key: value for key, value in observed.items() if not key.startswith("_") and key not in self.hidden}

    def departed(self) -> dict[str, Any]:
        """Return what the result shows when the resource is absent, or in check mode would be."""
        return {}

    def undetermined(self, *options: str) -> bool:
        """Tell whether one of these options is a placeholder of check mode, so that AWS cannot be asked about it."""
        return any(has_unknown(self.options_given.get(option)) for option in options)


class Reading(ABC):
    """Base of the modules that only read."""

    name: ClassVar[str]
    title: ClassVar[str]
    iam_actions: ClassVar[dict[str, tuple[str, ...]]]
    options: ClassVar[dict[str, dict[str, Any]]]
    constraints: ClassVar[dict[str, Any]] = {}

    def __init__(self, options: Mapping[str, Any], aws: Aws) -> None:
        self.options_given = options
        self.aws = aws

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None:
        """Refuse options that cannot be right, before the first call."""

    def option(self, name: str) -> Any:
        """Return the value of an option, or None."""
        return self.options_given.get(name)

    @abstractmethod
    def read(self) -> dict[str, Any]:
        """Return the module's result."""


def as_document(value: Any) -> Any:
    """Return JSON text as data; anything else as it is."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
