"""Removing any guard breaks a test: mutants of the invariants and of the decision, each run against the core's tests.

A mutant that only changes the words of a sentence removes no guard. Every other one must be killed, but for those that
are listed here with the reason why they behave the same.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

HERE = Path(__file__).resolve().parent
SCALING = HERE.parents[1] / "lambda_files" / "scaling"
MUTATED = ("invariants", "decide", "strangers")
# What these count and compare for the others; `make soak` mutates it too.
COUNTED = ("candidates", "totals")
TESTS = ("worlds", "conftest", "test_invariants", "test_decide", "test_health", "test_policy")
SAME = {
    "s1_nothing_left(None, removal, snapshot.cluster)": "a member whose instance id the cluster knows is not asked about",
}
CONFIGURATION = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = [{paths}]
pytest_add_cli_args_test_selection = ["tests/scaling"]
[tool.pytest.ini_options]
addopts = "-q --import-mode=importlib -p no:cacheprovider"
"""


@pytest.fixture(scope="module", params=[MUTATED, pytest.param(COUNTED, marks=pytest.mark.soak)], ids="-".join)
def mutants(request, tmp_path_factory):
    """The folder after a run, and the names of those that survived."""
    folder = tmp_path_factory.mktemp("mutants")
    shutil.copytree(SCALING, folder / "src" / "scaling", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tests" / "scaling").mkdir(parents=True)
    for name in TESTS:
        shutil.copy(HERE / f"{name}.py", folder / "tests" / "scaling")
    paths = ", ".join(f'"src/scaling/{name}.py"' for name in request.param)
    (folder / "pyproject.toml").write_text(CONFIGURATION.format(paths=paths))

    def mutmut(*arguments):
        command = [sys.executable, "-m", "mutmut", *arguments]
        # The variables of a running pytest would make the inner one believe that it is a worker of it.
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        return subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, check=True, timeout=900)

    mutmut("run", "--max-children", "2")
    lines = mutmut("results", "--all", "true").stdout.splitlines()
    return folder, request.param, dict(line.strip().rsplit(": ", 1) for line in lines if ": " in line)


def functions(folder, modules):
    """Every original and every mutant by name."""
    found = {}
    for name in modules:
        tree = ast.parse((folder / "mutants" / "src" / "scaling" / f"{name}.py").read_text())
        found |= {f"scaling.{name}.{node.name}": node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return found


def changed_nodes(one, other):
    """The smallest parts in which two trees differ."""
    if type(one) is not type(other):
        return [(one, other)]
    if isinstance(one, list):
        if len(one) != len(other):
            return [(one, other)]
        return [pair for left, right in zip(one, other, strict=True) for pair in changed_nodes(left, right)]
    if not isinstance(one, ast.AST):
        return [] if one == other else [(one, other)]
    fields = [name for name in one._fields if name != "name" or not isinstance(one, ast.FunctionDef)]
    return [pair for name in fields for pair in changed_nodes(getattr(one, name), getattr(other, name))]


def only_words(original, mutant):
    """Whether nothing but a sentence, or an empty text, differs."""
    pairs = changed_nodes(original, mutant)
    return len(pairs) == 1 and all(
        isinstance(was, str) and isinstance(now, str) and (not was or (" " in was and not was.startswith("S")))
        for was, now in pairs
    )


def test_no_mutant_that_removes_a_guard_survives(mutants):
    folder, modules, states = mutants
    known = functions(folder, modules)
    guards_removed = []
    for name, state in states.items():
        if state == "killed":
            continue
        original, mutant = known[name.rsplit("__mutmut_", 1)[0] + "__mutmut_orig"], known[name]
        if not only_words(original, mutant) and not any(same in ast.unparse(mutant) for same in SAME):
            was, now = (ast.unparse(node).splitlines() for node in (original, mutant))
            different = [f"- {a}\n+ {b}" for a, b in zip(was, now, strict=False) if a != b]
            guards_removed.append(f"{name} ({state}):\n" + "\n".join(different))
    assert not guards_removed, "\n\n".join(guards_removed)


def test_the_mutants_are_many_and_were_really_run(mutants):
    _, modules, states = mutants
    assert len(states) > 75 * len(modules)
    assert sum(state == "killed" for state in states.values()) > 0.9 * len(states)
    assert set(states.values()) <= {"killed", "survived"}
