"""The ways out of a state machine's states: those that its definition has, and those that a history shows."""

from __future__ import annotations

import json
from typing import Any

Edge = tuple[str, str]


def edges(machine: dict[str, Any]) -> set[Edge]:
    """Every way out of a state, as (state, name of the way)."""
    found: set[Edge] = set()
    for name, state in machine["States"].items():
        found |= {(name, "Next")} if "Next" in state else set()
        found |= {(name, "Default")} if "Default" in state else set()
        found |= {(name, f"Choice {choice['And'][0]['Variable']}") for choice in state.get("Choices", [])}
        found |= {(name, f"Retry {error}") for retry in state.get("Retry", []) for error in retry["ErrorEquals"]}
        found |= {(name, f"Catch {error}") for catch in state.get("Catch", []) for error in catch["ErrorEquals"]}
    return found


def taken(machine: dict[str, Any], events: list[dict[str, Any]]) -> tuple[list[str], set[Edge]]:
    """The states that were entered, and the ways out of them that the history shows."""
    path: list[str] = []
    ways: set[Edge] = set()
    errors: list[str] = []
    seen: dict[str, Any] = {}
    for event in events:
        kind = event["type"]
        if kind.endswith("StateEntered"):
            name = event["stateEnteredEventDetails"]["name"]
            if path:
                ways |= ways_out(machine["States"][path[-1]], path[-1], errors, seen)
            path.append(name)
            errors, seen = [], json.loads(event["stateEnteredEventDetails"].get("input", "{}"))
        for details in event.values():
            if isinstance(details, dict) and details.get("error") and not kind.startswith("Execution"):
                errors.append(details["error"])
    # The last state of a failed execution is left by no edge; what it repeated counts all the same.
    last = machine["States"][path[-1]]
    ways |= {(path[-1], f"Retry {e}") for e in errors for r in last.get("Retry", []) if e in r["ErrorEquals"]}
    return path, ways


def ways_out(state: dict[str, Any], name: str, errors: list[str], seen: dict[str, Any]) -> set[Edge]:
    """The way by which the state was left, and the repetitions before it."""
    if state["Type"] == "Choice":
        for choice in state["Choices"]:
            variable = choice["And"][0]["Variable"]
            if seen.get(variable.removeprefix("$.")):
                return {(name, f"Choice {variable}")}
        return {(name, "Default")}
    again = {(name, f"Retry {e}") for e in errors for r in state.get("Retry", []) if e in r["ErrorEquals"]}
    attempts = next((r["MaxAttempts"] for r in state.get("Retry", []) if errors and errors[-1] in r["ErrorEquals"]), 0)
    if not errors or (again and len(errors) <= attempts):
        return again | {(name, "Next")}
    caught = next(
        (e for c in state.get("Catch", []) for e in c["ErrorEquals"] if e in (errors[-1], "States.ALL")), None
    )
    return again | ({(name, f"Catch {caught}")} if caught else set())
