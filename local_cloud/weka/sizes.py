"""What WEKA makes of each EC2 instance type: cores by role, memory of the compute container, instance-store drives.

Cores and memory are the backend table of WEKA's AWS tooling; drive counts and sizes are AWS's instance-store volumes.
"""

from __future__ import annotations

from dataclasses import dataclass

GB = 10**9


@dataclass(frozen=True)
class Size:
    """Cores of each container of a machine, the compute container's memory in bytes, its drives and their size."""

    compute: int
    frontend: int
    drives: int
    memory: int
    disks: int
    disk_bytes: int


SIZES = {
    "r3.2xlarge": Size(1, 1, 1, 30905689230, 1, 160 * GB),
    "r3.4xlarge": Size(5, 1, 1, 71507949875, 1, 320 * GB),
    "r3.8xlarge": Size(4, 1, 2, 183542333132, 2, 320 * GB),
    "i3.2xlarge": Size(1, 1, 1, 29646994591, 1, 1900 * GB),
    "i3.4xlarge": Size(5, 1, 1, 67592831765, 2, 1900 * GB),
    "i3.8xlarge": Size(4, 1, 2, 182925137336, 4, 1900 * GB),
    "i3.16xlarge": Size(9, 1, 4, 351188766774, 8, 1900 * GB),
    "i3en.2xlarge": Size(1, 1, 1, 31796436575, 2, 2500 * GB),
    "i3en.3xlarge": Size(1, 1, 1, 55955545954, 1, 7500 * GB),
    "i3en.6xlarge": Size(4, 1, 2, 130433516148, 2, 7500 * GB),
    "i3en.12xlarge": Size(4, 1, 2, 312901542392, 4, 7500 * GB),
    "i3en.24xlarge": Size(9, 1, 4, 384 * GB, 8, 7500 * GB),
    "i8ge.2xlarge": Size(1, 1, 1, 32640 * 10**6, 2, 2500 * GB),
    "i8ge.3xlarge": Size(3, 1, 1, 61700 * 10**6, 1, 7500 * GB),
    "i8ge.6xlarge": Size(6, 1, 2, 136200 * 10**6, 2, 7500 * GB),
    "i8ge.12xlarge": Size(6, 1, 4, 310400 * 10**6, 4, 7500 * GB),
    "i8ge.18xlarge": Size(11, 1, 3, 347 * GB, 6, 7500 * GB),
    "i8ge.24xlarge": Size(10, 1, 4, 384 * GB, 8, 7500 * GB),
    "i8ge.48xlarge": Size(14, 1, 8, 384 * GB, 16, 7500 * GB),
    "z1d.12xlarge": Size(2, 1, 1, 318122146852, 2, 900 * GB),
}


def size_of(instance_type: str) -> Size:
    """The size of an instance type. ValueError when WEKA does not run backends on it."""
    try:
        return SIZES[instance_type]
    except KeyError:
        raise ValueError(
            f"WEKA backends do not run on instance type {instance_type!r}; known: {', '.join(sorted(SIZES))}"
        ) from None
