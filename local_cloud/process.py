"""What this process's cloud is: its address, region and clock speed, shared by the server and the seams.

One process is one cloud, so this is a module and not an object that everything would have to be handed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

Wsgi = Callable[..., Iterable[bytes]]

ACCOUNT_ID = "123456789012"
ACCESS_KEY_ID = "test"
# Not a word that could appear in a result: Ansible censors every occurrence of a secret.
SECRET_ACCESS_KEY = "local-cloud-secret-key"
# Access keys of calls that AWS would make on its own side: Step Functions' tasks, and the cloud's other inner work
# (the metadata service, the stack). They are counted under these names, apart from users' calls, and not disturbed.
STEP_FUNCTIONS = "stepfunctions"
OWN_WORK = "local-cloud"
INTERNAL = frozenset({STEP_FUNCTIONS, OWN_WORK})


@dataclass
class Process:
    """Address and settings of the running cloud.

    `moto_lock` is held while moto works on one request; `middlewares` are put by seams in front of moto and the
    fault layer; `at_exit` is called when the cloud ends.
    """

    host: str = "127.0.0.1"
    port: int = 0
    region: str = "us-east-1"
    ready: bool = False
    propagation_s: float = 0.0
    middlewares: list[Callable[[Wsgi], Wsgi]] = field(default_factory=list)
    at_exit: list[Callable[[], Any]] = field(default_factory=list)
    moto_lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def url(self) -> str:
        """The endpoint that AWS_ENDPOINT_URL names."""
        return f"http://{self.host}:{self.port}"

    def environment(self) -> dict[str, str]:
        """The variables with which boto3, the aws command and Ansible speak to this cloud."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
        }


cloud = Process()
