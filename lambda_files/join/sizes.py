"""How WEKA divides a backend: cores of each container, memory and network interfaces by EC2 instance type."""

from __future__ import annotations

from dataclasses import dataclass

MAX_MEMORY = 384_000_000_000
"""The most memory, in bytes, that WEKA accepts for one container."""


class UnsupportedSize(ValueError):
    """The instance type, or its numbers, cannot be a WEKA backend; the text says what can."""


@dataclass(frozen=True)
class Size:
    """What one machine gives to WEKA. Raises UnsupportedSize for numbers that WEKA would reject."""

    compute: int
    frontend: int
    drive: int
    memory: int
    """Bytes for the compute container."""

    def __post_init__(self) -> None:
        if min(self.compute, self.drive) < 1 or self.frontend < 0:
            raise UnsupportedSize("a backend needs at least one compute core and one drive core")
        if not 0 < self.memory <= MAX_MEMORY:
            raise UnsupportedSize(f"WEKA accepts 1 to {MAX_MEMORY} bytes for a container, not {self.memory}")

    @property
    def cores(self) -> int:
        """WEKA's cores on the machine, each of which needs a physical core."""
        return self.compute + self.frontend + self.drive

    @property
    def nics(self) -> int:
        """Network interfaces of the machine: the primary one and one for each of WEKA's cores."""
        return self.cores + 1


SIZES = {
    "r3.2xlarge": Size(1, 1, 1, 30_905_689_230),
    "r3.4xlarge": Size(5, 1, 1, 71_507_949_875),
    "r3.8xlarge": Size(4, 1, 2, 183_542_333_132),
    "i3.2xlarge": Size(1, 1, 1, 29_646_994_591),
    "i3.4xlarge": Size(5, 1, 1, 67_592_831_765),
    "i3.8xlarge": Size(4, 1, 2, 182_925_137_336),
    "i3.16xlarge": Size(9, 1, 4, 351_188_766_774),
    "i3en.2xlarge": Size(1, 1, 1, 31_796_436_575),
    "i3en.3xlarge": Size(1, 1, 1, 55_955_545_954),
    "i3en.6xlarge": Size(4, 1, 2, 130_433_516_148),
    "i3en.12xlarge": Size(4, 1, 2, 312_901_542_392),
    # wekactl asked for 602 GB here, which current releases reject.
    "i3en.24xlarge": Size(9, 1, 4, MAX_MEMORY),
    "z1d.12xlarge": Size(2, 1, 1, 318_122_146_852),
    # With a frontend container of its own, as weka's Terraform module has it.
    "i8ge.2xlarge": Size(1, 1, 1, 32_640_000_000),
    "i8ge.3xlarge": Size(3, 1, 1, 61_700_000_000),
    "i8ge.6xlarge": Size(6, 1, 2, 136_200_000_000),
    "i8ge.12xlarge": Size(6, 1, 4, 310_400_000_000),
    "i8ge.18xlarge": Size(11, 1, 3, 347_000_000_000),
    "i8ge.24xlarge": Size(10, 1, 4, MAX_MEMORY),
    "i8ge.48xlarge": Size(14, 1, 8, MAX_MEMORY),
}


def size_of(instance_type: str) -> Size:
    """The Size of an EC2 instance type. Raises UnsupportedSize, which lists the supported types."""
    try:
        return SIZES[instance_type]
    except KeyError:
        raise UnsupportedSize(
            f"instance type {instance_type} is not a supported WEKA backend; supported are {', '.join(SIZES)}"
        ) from None
