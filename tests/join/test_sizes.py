"""The table of sizes fits WEKA's limits and what AWS gives to each instance type."""

from __future__ import annotations

import pytest
from join.sizes import MAX_MEMORY, SIZES, Size, UnsupportedSize, size_of
from moto.ec2.models.instance_types import INSTANCE_TYPES


def test_a_known_type_has_its_numbers():
    size = size_of("i3en.2xlarge")
    assert (size.compute, size.frontend, size.drive, size.memory, size.nics) == (1, 1, 1, 31_796_436_575, 4)


def test_an_unknown_type_is_refused_with_the_supported_ones():
    with pytest.raises(UnsupportedSize, match=r"m5\.large is not a supported.*i3\.2xlarge.*i8ge\.48xlarge"):
        size_of("m5.large")


def test_memory_above_what_weka_accepts_is_refused():
    assert Size(9, 1, 4, MAX_MEMORY).memory == MAX_MEMORY
    with pytest.raises(UnsupportedSize, match="602459825769"):
        Size(9, 1, 4, 602_459_825_769)


@pytest.mark.parametrize("numbers", [(0, 1, 1, 1), (1, 1, 0, 1), (1, -1, 1, 1), (1, 1, 1, 0)])
def test_a_size_without_cores_or_memory_is_refused(numbers):
    with pytest.raises(UnsupportedSize):
        Size(*numbers)


@pytest.mark.parametrize("name", SIZES)
def test_aws_gives_the_type_enough_interfaces_and_cores(name):
    facts, size = INSTANCE_TYPES[name], SIZES[name]
    assert size.nics <= facts["NetworkInfo"]["MaximumNetworkInterfaces"]
    assert size.cores < facts["VCpuInfo"]["DefaultCores"], "core 0 stays with the operating system"
    assert size.memory < facts["MemoryInfo"]["SizeInMiB"] * 1024 * 1024
