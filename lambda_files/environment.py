"""What a function is told by its environment, parsed in one place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from errors import EnvironmentIncomplete


@dataclass(frozen=True, slots=True)
class Environment:
    """Names of the cluster, its table and its Auto Scaling group."""

    cluster: str
    table: str
    group: str

    @classmethod
    def from_env(cls, variables: Mapping[str, str] | None = None) -> Environment:
        """Reads STATEFUL_CLUSTER, STATEFUL_TABLE and STATEFUL_GROUP; raises EnvironmentIncomplete."""
        variables = os.environ if variables is None else variables
        names = ("STATEFUL_CLUSTER", "STATEFUL_TABLE", "STATEFUL_GROUP")
        missing = [name for name in names if not variables.get(name)]
        if missing:
            raise EnvironmentIncomplete(
                f"The function's environment lacks {', '.join(missing)}; run the import again to restore it."
            )
        return cls(*(variables[name] for name in names))
