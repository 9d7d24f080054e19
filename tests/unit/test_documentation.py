"""What is documented is what the code does: modules, routing, versions and roles."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.stateful.aws.plugins.module_utils._engine import options as engine_options
from ansible_collections.stateful.aws.plugins.module_utils._engine.run import LIST_SPEC, kind_of
from ansible_collections.stateful.aws.plugins.module_utils._engine.tags import VERSION

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("[a-z]*.py"))
TYPES = [name for name in MODULES if name != "resources"]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())
DOCUMENTATION = ("DOCUMENTATION", "EXAMPLES", "RETURN")
KEYWORDS = {
    "name",
    "register",
    "loop",
    "when",
    "vars",
    "module_defaults",
    "until",
    "retries",
    "delay",
    "no_log",
    "tags",
}
# What says whose a call is needs no right (STS API reference, GetCallerIdentity).
FREE = {"sts:GetCallerIdentity"}


@cache
def documents() -> dict[str, Any]:
    """Every module's documentation as ansible-doc resolves it."""
    names = [f"stateful.aws.{name}" for name in MODULES]
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-doc")), "-t", "module", "-j", *names],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return {name.rpartition(".")[2]: value for name, value in json.loads(done.stdout).items()}


def read(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


def own_spec(name: str) -> dict[str, Any]:
    return LIST_SPEC if name == "resources" else engine_options.spec(kind_of(name))


def facts(option: dict[str, Any], inner: str) -> dict[str, Any]:
    """An option's facts, written alike for documentation and argument_spec."""
    found = {
        "type": option.get("type", "str"),
        "elements": option.get("elements"),
        "required": bool(option.get("required", False)),
        "default": option.get("default"),
        "choices": sorted(map(str, option.get("choices") or [])),
        "aliases": sorted(option.get("aliases") or []),
    }
    suboptions = option.get(inner) or {}
    return {**found, "suboptions": {name: facts(value, inner) for name, value in suboptions.items()}}


@pytest.mark.parametrize("name", MODULES)
def test_documented_options_are_those_of_the_code(name: str) -> None:
    documented = documents()[name]["doc"]["options"]
    spec, connection = own_spec(name), engine_options.connection_spec()
    assert set(documented) == {*spec, *connection}
    shown = {option: facts(documented[option], "suboptions") for option in spec}
    assert shown == {option: facts(value, "options") for option, value in spec.items()}
    assert all(documented[option]["description"] for option in spec)


@pytest.mark.parametrize("name", TYPES)
def test_the_notes_name_every_right(name: str) -> None:
    notes = " ".join(documents()[name]["doc"]["notes"])
    named = set(re.findall(r"C\(([a-z0-9-]+:[A-Za-z]+\*?)\)", notes))
    kind = kind_of(name)
    needed = {action for actions in kind.iam_actions.values() for action in actions} - FREE
    assert needed <= named


@pytest.mark.parametrize("name", MODULES)
def test_modules_say_what_they_support_and_return(name: str) -> None:
    document = documents()[name]
    assert set(document["doc"]["attributes"]) >= {"check_mode", "diff_mode", "idempotent", "action_group"}
    assert document["doc"]["attributes"]["action_group"]["membership"] == ["stateful.aws.aws"]
    assert document["doc"]["attributes"]["check_mode"]["support"] == "full"
    assert "api_calls" in document["return"] and document["doc"]["module"] == name
    assert document["doc"]["version_added"] == VERSION


def tasks(node: Any) -> Iterator[dict[str, Any]]:
    for task in node:
        inner = [part for part in ("block", "rescue", "always", "tasks") if part in task]
        for part in inner:
            yield from tasks(task[part])
        if not inner:
            yield task


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_tasks_with_options_that_exist(name: str) -> None:
    found = list(tasks(yaml.safe_load(documents()[name]["examples"])))
    used = []
    for task in found:
        (action,) = set(task) - KEYWORDS
        used.append(action)
        assert action.count(".") == 2, f"{action} is no fully qualified name"
        if action.startswith("stateful.aws."):
            check_options(action.rpartition(".")[2], task[action])
    assert f"stateful.aws.{name}" in used and all(task.get("name") for task in found)


def check_options(name: str, given: Any) -> None:
    if isinstance(given, dict):
        aliases = {alias for option in own_spec(name).values() for alias in option.get("aliases", [])}
        assert set(given) <= {*own_spec(name), *engine_options.connection_spec(), *aliases}
        missing = {key for key, option in own_spec(name).items() if option.get("required") and key not in given}
        assert not missing
        for item in given.get("resources", []) if name == "resources" else []:
            ((kind, inner),) = item.items()
            check_options(kind, {"cluster": given.get("cluster"), **inner})


@pytest.mark.parametrize("name", MODULES)
def test_modules_are_thin(name: str) -> None:
    source = (ROOT / "plugins" / "modules" / f"{name}.py").read_text()
    covered: set[int] = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in DOCUMENTATION:
            covered.update(range(node.lineno, (node.end_lineno or 0) + 1))
    code = [
        line
        for number, line in enumerate(source.splitlines(), 1)
        if number not in covered and line.strip() and line[0] != "#"
    ]
    assert len(code) <= 25


def test_every_type_has_a_module_and_every_module_a_type() -> None:
    types = sorted(path.stem for path in (ROOT / "plugins/module_utils/_resources").glob("[a-z]*.py"))
    assert types == TYPES


def test_the_runtime_knows_exactly_the_modules() -> None:
    runtime = read("meta/runtime.yml")
    group = [name for name in runtime["action_groups"]["aws"] if isinstance(name, str)]
    assert group == MODULES
    routes = runtime["plugin_routing"]["action"]
    assert routes == {name: {"redirect": "stateful.aws.resources"} for name in TYPES}
    assert [path.stem for path in (ROOT / "plugins" / "action").glob("[a-z]*.py")] == ["resources"]


def test_the_version_is_the_same_everywhere() -> None:
    assert read("galaxy.yml")["version"] == VERSION
    written = {
        f"{path.relative_to(ROOT)}:{number}": match
        for folder in ("roles", "playbooks", "extensions")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix in (".yml", ".yaml", ".j2", ".md")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for match in re.findall(r"version\"?: \"?(\d+\.\d+\.\d+)", line)
    }
    assert written and set(written.values()) == {VERSION}, written


@pytest.mark.parametrize("role", ROLES)
def test_roles_have_defaults_a_specification_and_a_readme(role: str) -> None:
    defaults = read(f"roles/{role}/defaults/main.yml")
    entries = read(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]
    specified = {name: option for entry in entries.values() for name, option in entry["options"].items()}
    assert set(defaults) <= set(specified), "a default that no entry point specifies"
    for entry in entries.values():
        for name, option in entry["options"].items():
            if name in defaults:
                assert not option.get("required"), f"{name} has a default and is required"
                assert option.get("default", defaults[name]) == defaults[name]
    readme = (ROOT / "roles" / role / "README.md").read_text()
    assert [name for name in specified if name not in readme] == []


@pytest.mark.parametrize("role", ROLES)
def test_every_entry_point_of_a_role_has_its_tasks(role: str) -> None:
    entries = set(read(f"roles/{role}/meta/argument_specs.yml")["argument_specs"])
    files = {path.stem for path in (ROOT / "roles" / role / "tasks").glob("*.yml")}
    assert entries <= files
