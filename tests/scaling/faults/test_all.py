"""Every fault of the contract has a case."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
GROUPS = {
    "test_view.py": range(1, 12),
    "test_crash.py": range(12, 20),
    "test_concurrency.py": range(20, 30),
    "test_aws.py": range(30, 39),
    "test_cluster_api.py": range(39, 48),
    "test_configuration.py": range(48, 51),
}


def test_each_of_the_fifty_faults_has_a_case_in_its_groups_module():
    for name, numbers in GROUPS.items():
        found = {int(number) for number in re.findall(r"^def test_f(\d\d)_", (HERE / name).read_text(), re.M)}
        assert found == set(numbers), name
    assert [n for numbers in GROUPS.values() for n in numbers] == list(range(1, 51))
