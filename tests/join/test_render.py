"""The renderer: every token filled, every value one literal word for the shell."""

from __future__ import annotations

import subprocess

import pytest
from join.render import RenderError, render

NASTY = ["it's", '"double"', "$(touch pwned)", "`id`", "a\nb", "-n", "", "*", "~", "\\", "@NAME@", "ümlaut", "a b;c"]


def words_of(script: str) -> list[str]:
    """What bash makes of an array's assignment."""
    shown = subprocess.run(
        ["bash", "-euc", script + '\nprintf "%s\\0" "${values[@]}"'], capture_output=True, text=True, check=True
    )
    return shown.stdout.split("\0")[:-1]


def test_a_list_becomes_one_literal_word_for_each_item():
    assert words_of(render("values=(@NAMES@)", {"NAMES": NASTY})) == NASTY


@pytest.mark.parametrize("value", NASTY)
def test_a_text_becomes_one_literal_word(value):
    assert words_of(render('one=@ONE@\nvalues=("$one")', {"ONE": value})) == [value]


def test_a_number_stays_a_number_and_the_shells_own_dollar_stays():
    assert render("n=@N@; echo $n ${n}", {"N": 4}) == "n=4; echo $n ${n}"


def test_a_missing_value_is_refused_by_name():
    with pytest.raises(RenderError, match="needs a value for B, C"):
        render("@A@ @C@ @B@", {"A": "x"})


def test_an_unknown_value_is_refused_by_name():
    with pytest.raises(RenderError, match="no place for TYPO"):
        render("@A@", {"A": "x", "TYPO": "y"})


def test_a_kept_token_stays_and_must_exist():
    assert render("key='@KEY@' a=@A@", {"A": "x"}, keep=["KEY"]) == "key='@KEY@' a='x'"
    with pytest.raises(RenderError, match="no place for KEY"):
        render("@A@", {"A": "x"}, keep=["KEY"])


@pytest.mark.parametrize(("value", "words"), [("a\0b", "NUL"), ([None], "whole number"), (True, "whole number")])
def test_a_value_that_no_shell_word_can_hold_is_refused(value, words):
    with pytest.raises(RenderError, match=words):
        render("@A@", {"A": value})
