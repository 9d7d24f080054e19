"""The rendered scripts: clean for shellcheck, small enough for EC2, and silent about secrets."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from join.scripts import USER_DATA_LIMIT, UserDataTooLong, client_mount, join_script, user_data
from join.sizes import UnsupportedSize

URL = "https://abc123.execute-api.us-east-1.amazonaws.com/default/join"
TAGS = {"stateful:cluster": "demo", "Owner": 'O\'Neil & "sons" $HOME'}
CREDENTIALS = {"username": "admin", "password": "p'a\"s$s`w\\d"}
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def shellcheck(script: str) -> None:
    program = Path(sys.executable).with_name("shellcheck")
    checked = subprocess.run(
        [str(program) if program.exists() else shutil.which("shellcheck"), "-"],
        input=script,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("groups", [["sg-1"], ["sg-1", "sg-2", "sg-3"]], ids=["one-group", "several-groups"])
def test_user_data_is_clean_with_and_without_its_key(document, groups):
    script = user_data({**document, "security_group_ids": groups}, "us-east-1", URL, TAGS)
    shellcheck(script)
    shellcheck(script.replace("@API_KEY@", "A" * 40))


@pytest.mark.parametrize(
    "weka",
    [
        {"scheme": "http", "port": 14000, "validate_certs": False, "certificate": None},
        {"scheme": "https", "port": 14000, "validate_certs": False, "certificate": None},
        {"scheme": "https", "port": 443, "validate_certs": True, "certificate": PEM},
    ],
    ids=["http", "self-signed", "certificate"],
)
@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["10.0.0.1", "10.0.0.2"]], ids=["one-backend", "two-backends"])
def test_join_script_is_clean(document, weka, addresses):
    shellcheck(join_script({**document, "weka": weka}, CREDENTIALS, "us-east-1", addresses))


def test_client_mount_script_is_clean_and_editable():
    script = client_mount("internal-demo.us-east-1.elb.amazonaws.com")
    shellcheck(script)
    assert "\nFILESYSTEM_NAME=default\nMOUNT_POINT=/mnt/weka\n" in script


def test_security_groups_are_separate_words(document):
    script = user_data({**document, "security_group_ids": ["sg-1", "sg-2"]}, "us-east-1", URL, TAGS)
    assert "security_group_ids=('sg-1' 'sg-2')" in script
    assert '--groups "${security_group_ids[@]}"' in script


def test_tags_reach_aws_as_the_json_that_they_are(document):
    script = user_data(document, "us-east-1", URL, TAGS)
    line = next(line for line in script.splitlines() if line.startswith("tag_specifications="))
    shown = subprocess.run(["bash", "-c", line + '\nprintf %s "$tag_specifications"'], capture_output=True, check=True)
    assert json.loads(shown.stdout) == [
        {"ResourceType": "network-interface", "Tags": [{"Key": k, "Value": v} for k, v in TAGS.items()]}
    ]


def test_user_data_waits_for_its_key_and_fits(document):
    script = user_data(document, "us-east-1", URL, TAGS)
    assert script.count("@API_KEY@") == 1
    assert len(script.encode()) < USER_DATA_LIMIT


def test_user_data_over_the_limit_is_refused(document):
    tags = {f"key{number}": "v" * 256 for number in range(50)}
    with pytest.raises(UserDataTooLong, match="EC2 takes 16384"):
        user_data(document, "us-east-1", URL, tags)


def test_an_unsupported_instance_type_is_refused_before_anything_boots(document):
    with pytest.raises(UnsupportedSize, match=r"m5\.large"):
        user_data({**document, "instance_type": "m5.large"}, "us-east-1", URL, TAGS)


def test_scripts_stop_at_errors_hide_their_files_and_trace_nothing(document):
    scripts = [
        user_data(document, "us-east-1", URL, TAGS),
        join_script(document, CREDENTIALS, "us-east-1", ["10.0.0.1"]),
    ]
    for script in scripts:
        assert "\nset -euo pipefail\numask 077\n" in script
        assert "set -x" not in script
        assert not re.search(r"\|\s*(sudo )?(ba)?sh\b", script), "nothing downloaded goes straight into a shell"


def test_the_password_is_only_ever_an_environment_variable(document):
    script = join_script(document, CREDENTIALS, "us-east-1", ["10.0.0.1"])
    uses = [line.strip() for line in script.splitlines() if "weka_password" in line]
    assert uses[0].startswith("weka_password='")
    assert uses[1:] == ['WEKA_USERNAME=$weka_username WEKA_PASSWORD=$weka_password weka "$@"']
    shown = subprocess.run(
        ["bash", "-c", uses[0] + '\nprintf %s "$weka_password"'], capture_output=True, text=True, check=True
    )
    assert shown.stdout == CREDENTIALS["password"]
