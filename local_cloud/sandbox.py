"""The machine that an instance's user data finds: its own root folder, its disks, and commands that stand in.

Commands of local_cloud/bin come first in PATH, so that nothing that a script calls touches the real machine; then the
real `aws` of this Python, then the system's. The process runs as the user who started the cloud.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

from moto.ec2.models.instance_types import INSTANCE_TYPES

from .lifecycle import InstanceFacts
from .process import cloud

BIN = Path(__file__).parent / "bin"
STANDINS = (
    "amazon-cloudwatch-agent-ctl", "blkid", "ip", "lsblk", "lscpu", "mkfs.ext4", "mount", "mount.wekafs", "mountpoint",
    "shutdown", "systemctl", "umount", "weka", "yum",
)  # fmt: skip
CLUSTER_TAG = "stateful:cluster"


class SandboxIncomplete(RuntimeError):
    """A stand-in command is missing or cannot be executed: a script would reach the real machine's command."""


class Sandbox:
    """One instance's root folder: dev/NAME/{model,mountpoint,label,partition} are its disks."""

    def __init__(self, facts: InstanceFacts, metadata_url: str) -> None:
        missing = sorted(name for name in STANDINS if not os.access(BIN / name, os.X_OK))
        if missing:
            raise SandboxIncomplete(f"{BIN} lacks the commands {', '.join(missing)}: user data cannot be run safely.")
        self.facts = facts
        self.metadata_url = metadata_url
        self.root = Path(tempfile.mkdtemp(prefix=f"local-cloud-{facts.instance_id}-"))
        for folder in ("etc", "home", "tmp", "opt"):
            (self.root / folder).mkdir()
        (self.root / "etc/fstab").write_text("LABEL=/ / ext4 defaults 0 1\n")
        self.script = self.root / "user-data"
        self.script.write_text(facts.user_data)
        self.script.chmod(0o700)
        self._make_disks()

    def _make_disks(self) -> None:
        storage = INSTANCE_TYPES.get(self.facts.instance_type, {}).get("InstanceStorageInfo", {})
        count = sum(disk["Count"] for disk in storage.get("Disks", []))
        self._make_disk("nvme0n1", "Amazon Elastic Block Store", mountpoint="/", partition="nvme0n1p1")
        self._make_disk("nvme1n1", "Amazon Elastic Block Store")
        for number in range(count):
            self._make_disk(f"nvme{number + 2}n1", "Amazon EC2 NVMe Instance Storage")

    def _make_disk(self, name: str, model: str, **files: str) -> None:
        folder = self.root / "dev" / name
        folder.mkdir(parents=True)
        for file, text in {"model": model, **files}.items():
            (folder / file).write_text(text)

    def environment(self) -> dict[str, str]:
        """The whole environment of user data; credentials come from the metadata service only."""
        vcpus = INSTANCE_TYPES.get(self.facts.instance_type, {}).get("VCpuInfo", {})
        return {
            "PATH": os.pathsep.join([str(BIN), str(Path(sys.executable).parent), "/usr/sbin:/usr/bin:/sbin:/bin"]),
            "HOME": str(self.root / "home"),
            "TMPDIR": str(self.root / "tmp"),
            "LANG": "C.UTF-8",
            "AWS_ENDPOINT_URL": cloud.url,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.metadata_url,
            "WEKA_DIRECTORY": str(self.root / "opt/weka"),
            "FSTAB": str(self.root / "etc/fstab"),
            "CONSOLE": "/dev/null",
            "RETRY_SECONDS": "0.5",
            "LOCAL_CLOUD_URL": cloud.url,
            "LOCAL_CLOUD_INSTANCE": self.facts.instance_id,
            "LOCAL_CLOUD_STACK": self.facts.tags.get(CLUSTER_TAG, self.facts.stack or ""),
            "LOCAL_CLOUD_ROOT": str(self.root),
            "LOCAL_CLOUD_CORES": str(vcpus.get("DefaultCores", 2)),
            "LOCAL_CLOUD_THREADS": str(vcpus.get("DefaultThreadsPerCore", 1)),
        }

    def start(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        """Run the user data, in a session of its own and after everything more urgent on this machine."""
        return subprocess.Popen(
            ["nice", "-n", "5", str(self.script)],
            cwd=self.root,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def remove(self) -> None:
        """Delete the root folder."""
        shutil.rmtree(self.root, ignore_errors=True)
