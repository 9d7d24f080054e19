"""One seeded run: passes every minute or so through all kinds of trouble, then calm, in which the cluster must settle."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import errors

from . import execution as state_machine
from .calm import settle
from .execution import Execution, Failed
from .faults import CALLS, Interlude, Storm
from .fortune import EVENTS, Fortune
from .functions import cold
from .made import drawn
from .oracle import Broken, Oracle
from .process import Process
from .world import World

ABOUT_EXECUTIONS = ("killed", "aborted", "overlap", "delivered twice", "interrupted", "late")
ALL_FAULTS = (*EVENTS, *CALLS, *CALLS, *ABOUT_EXECUTIONS * 3)
TOLD_WHOLE = 50
ALWAYS = ("desired", "comes back")
SKEWS = (0.0, 0.0, 0.0, 4.0, -9.0, 20.0, -20.0)
# What a task may fail with; any other error is a bug of ours.
KNOWN = {name for name in vars(errors) if name[0].isupper()} | {"ClientError", "EndpointConnectionError"}
KNOWN |= {"Sandbox.Timedout", "Lambda.TooManyRequestsException", "Lambda.SdkClientException"}


@dataclass(slots=True)
class Run(Interlude):
    """A world with its passes. `executions` counts those that were started."""

    chance: random.Random
    world: World
    active: set[str]
    oracle: Oracle = field(init=False)
    storm: Storm = field(init=False)
    fortune: Fortune = field(init=False)
    pending: list[Execution] = field(default_factory=list)
    trouble: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    executions: int = 0
    depth: int = 0

    def __post_init__(self) -> None:
        self.oracle = Oracle(self.world)
        self.storm = Storm(self.chance, self.active, self)
        self.fortune = Fortune(self.chance, self.world, self.active, self.oracle.event)

    def strikes(self, fault: str, chance: float) -> bool:
        """Whether a fault about executions happens."""
        return not self.storm.calm and fault in self.active and self.chance.random() < chance

    def start(self) -> Execution:
        """The schedule starts an execution."""
        self.executions += 1
        execution = Execution(f"execution-{self.executions}", self.invoke, self.storm)
        self.trouble[execution.name] = {}
        self.pending.append(execution)
        return execution

    def invoke(self, name: str, function: str, event: dict) -> dict:
        """Run a function for an execution."""
        process = Process(self.world, self.oracle, self.storm, name, function)
        process.event = event
        process.skew = 0.0 if self.storm.calm else self.chance.choice(SKEWS)
        if self.strikes("killed", 0.4 if function == "terminate" else 0.15):
            process.kill_at = self.chance.randint(1, 16)
        try:
            answer = state_machine.invoke(process, event)
        except Failed as failed:
            if failed.name not in KNOWN:
                raise Broken("bug", f"{function} fails with {failed.name}: {failed}") from failed
            raise
        self.trouble[name][function] = process.trouble
        return answer

    def __call__(self, process: Process) -> None:
        """Between two calls of a process the world goes on, and so may other executions."""
        draw = self.chance.random()
        if draw > 0.08:
            return
        self.world.wait(0)
        if draw < 0.025:
            self.fortune.strike()
        if self.depth:
            return
        self.depth = 1
        try:
            if self.strikes("delivered twice", 0.2):
                self.twin(process)
            if self.strikes("interrupted", 0.3):
                others = [e for e in self.pending if e.name != process.execution] or [self.start()]
                self.advance(self.chance.choice(others), whole=self.chance.random() < 0.6)
        finally:
            self.depth = 0

    def twin(self, process: Process) -> None:
        """The same task runs a second time while it runs."""
        try:
            twin = Process(self.world, self.oracle, self.storm, process.execution, process.function)
            state_machine.invoke(twin, process.event)
        except Failed:
            pass

    def advance(self, execution: Execution, whole: bool = True) -> None:
        """Let an execution go on, by one task or to its end."""
        if self.strikes("aborted", 0.03):
            execution.status = "ABORTED"
            execution.steps.close()
        for _ in execution.steps:
            if not whole:
                break
        if execution.status:
            self.pending = [e for e in self.pending if e is not execution]
            self._judged(execution)

    def _judged(self, execution: Execution) -> None:
        """A pass that could not do what it wanted must not have succeeded."""
        trouble = [words for of_task in self.trouble.pop(execution.name, {}).values() for words in of_task]
        self.oracle.event(f"{execution.name} {execution.status} {execution.error}")
        if trouble and execution.status == "SUCCEEDED":
            raise Broken("S13", f"{execution.name} succeeded although it failed to {trouble[0]}")

    def wait(self, seconds: float) -> None:
        """Time passes between passes."""
        self.world.wait(seconds)

    def minute(self) -> None:
        """A pass, perhaps two, and what happens meanwhile."""
        for _ in range(self.chance.choice((0, 0, 1, 1, 2))):
            self.fortune.strike()
        self.start()
        if self.strikes("overlap", 0.3):
            self.start()
        while self.pending and not self.strikes("late", 0.15):
            self.advance(self.chance.choice(self.pending), whole=self.chance.random() < 0.5)
        self.wait(self.chance.choice((60, 60, 60, 131, 300, 900, 7300)))


def run(seed: int) -> Run:
    """One run; raises Broken."""
    chance = random.Random(seed)
    count = chance.randint(1, 9)
    made = Run(chance, drawn(chance), {*chance.sample(ALL_FAULTS, count), *ALWAYS})
    try:
        with cold(whole=seed % TOLD_WHOLE == 0):
            for _ in range(chance.randint(3, 8)):
                made.minute()
            settle(made)
    except Broken as broken:
        broken.history = made.oracle.history
        raise
    return made
