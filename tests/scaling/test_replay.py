"""The log of real passes, read again by python -m scaling.replay."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from cloud import cloud
from scaling import invariants, replay


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """What the functions printed in a scale-in of ten to six that the floor then ends, and how many passes did
    something."""
    printed = []
    with pytest.MonkeyPatch.context() as patch, cloud(10, desired=4) as made:
        patch.setattr(sys.stdout, "write", printed.append)
        made.settle(6)
    path = tmp_path_factory.mktemp("log") / "scale.log"
    path.write_text("".join(printed))
    return path


def passes(log):
    return [json.loads(line) for line in log.read_text().splitlines() if json.loads(line)["event"] == "pass"]


def test_passes_of_a_real_run_are_decided_the_same_again(log, capsys):
    told = passes(log)
    assert len(told) >= 3
    assert replay.main([str(log)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[-1] == f"{len(told)} passes, 0 decided otherwise"
    assert all(line.endswith(": the same") for line in out[:-1])


def test_it_runs_as_operators_run_it_and_reads_what_cloudwatch_puts_before_a_line(log, tmp_path, lambda_files):
    prefixed = tmp_path / "tail.log"
    prefixed.write_text(
        "".join(f"2026-01-02T03:04:05 demo/scale[1] {line}\n" for line in log.read_text().splitlines())
        + "START RequestId: 1 Version: $LATEST\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "scaling.replay", str(prefixed)], cwd=lambda_files, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "0 decided otherwise" in done.stdout


@pytest.mark.parametrize(("guard", "what"), [("s2_floor", "S2 floor"), ("s4_budget", "S4 budget")])
def test_a_broken_guard_is_told_with_machine_and_what_was_decided(log, capsys, monkeypatch, guard, what):
    monkeypatch.setattr(invariants, guard, lambda *_: (True, ""))
    assert replay.main([str(log)]) == 1
    out = capsys.readouterr().out
    assert f"was wait ({what}), now " in out
    assert "0 decided otherwise" not in out


def test_a_guard_that_forbids_everything_is_told_too(log, capsys, monkeypatch):
    monkeypatch.setattr(invariants, "s6_no_overshoot", lambda *_, **__: (False, "broken"))
    assert replay.main([str(log)]) == 1
    assert "was drain, now wait (S6 no overshoot)" in capsys.readouterr().out


@pytest.mark.parametrize(
    "line",
    [
        '{"event": "pass", "execution": "x", "part": 0, "parts": 1, "record": "bm90IHpsaWI="}',
        '{"event": "pass", "execution": "x"',
        '{"event": "pass", "part": 0}',
        '{"event": "pass", "execution": "x", "part": 0, "parts": 1, "record": 5}',
    ],
)
def test_an_odd_line_gives_exit_code_2_and_a_sentence(tmp_path, capsys, line):
    path = tmp_path / "odd.log"
    path.write_text(line + "\n")
    assert replay.main([str(path)]) == 2
    assert "pass" in capsys.readouterr().err


def test_a_log_without_passes_or_no_log_at_all_gives_exit_code_2(tmp_path, capsys):
    path = tmp_path / "empty.log"
    path.write_text('{"event": "fetched"}\n')
    assert replay.main([str(path)]) == 2
    assert "0 passes" in capsys.readouterr().out
    assert replay.main([str(tmp_path / "none.log")]) == 2
    assert "none.log" in capsys.readouterr().err
