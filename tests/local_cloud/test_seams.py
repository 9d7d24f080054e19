"""A seam that does not fit the installed moto stops the cloud with a sentence, before anything is replaced."""

from __future__ import annotations

import pytest

from local_cloud import seams
from local_cloud.seams import kms_key_state


def test_every_seam_names_its_gap_and_moto_and_fits_the_installed_one() -> None:
    for seam in seams.modules():
        assert seam.GAP, seam.__name__
        assert seams.version("moto") == seam.MOTO, seam.__name__
        seam.check()


def test_another_moto_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seams, "version", lambda name: "9.9.9")
    with pytest.raises(seams.SeamMoved, match=r"moto 9\.9\.9 is installed, but local_cloud/seams/\w+\.py"):
        seams.install()


def test_a_moved_name_is_refused_before_anything_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[str] = []
    for seam in seams.modules():
        monkeypatch.setattr(seam, "install", lambda seam=seam: installed.append(seam.__name__))
    monkeypatch.setattr(kms_key_state, "BY_KEY_ID", ("encrypt", "no_such_name"))
    with pytest.raises(seams.SeamMoved, match=r"kms_key_state\.py .* have moved .* no_such_name"):
        seams.install()
    assert installed == []


def test_require_names_what_is_missing() -> None:
    with pytest.raises(AttributeError, match="str has no shout"):
        seams.require(str, "upper", "shout")
