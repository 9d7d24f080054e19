"""`python -m tests.shellcheck_rendered`: shellcheck over the scripts as they are rendered, and those of the local cloud."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "lambda_files"))

from join import scripts  # noqa: E402

SETTINGS = {
    "cluster": "demo",
    "subnet_id": "subnet-0123456789abcdef0",
    "security_group_ids": ["sg-0123456789abcdef0", "sg-0123456789abcdef1"],
    "instance_type": "i3en.2xlarge",
    "weka": {"scheme": "https", "port": 14000, "validate_certs": True, "certificate": "-----BEGIN CERTIFICATE-----"},
}


def rendered() -> dict[str, str]:
    """Every script that reaches a machine, by name."""
    credentials = {"username": "scaler", "password": "it's $(nasty) `here`"}
    return {
        "user_data.sh": scripts.user_data(SETTINGS, "us-east-1", "https://x.example/join", {"Name": "demo-backend"}),
        "join.sh": scripts.join_script(SETTINGS, credentials, "us-east-1", ["10.0.0.1", "10.0.0.2"]),
        "client_mount.sh": scripts.client_mount("weka.example.com"),
    }


def main() -> int:
    """Return shellcheck's status."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in rendered().items():
            (Path(folder) / name).write_text(text)
        shell = [
            p
            for p in (ROOT / "local_cloud" / "bin").iterdir()
            if p.read_bytes().startswith((b"#!/bin/bash", b"#!/bin/sh"))
        ]
        files = [*sorted(Path(folder).iterdir()), *sorted(shell), ROOT / ".ci" / "run"]
        return subprocess.run(["shellcheck", *map(str, files)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
