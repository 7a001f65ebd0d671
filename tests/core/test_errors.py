from __future__ import annotations

from pathlib import PureWindowsPath

import pytest

from addon.core.errors import listed, quoted


@pytest.mark.parametrize("path", [r"C:\takes\new.csv", r"\\server\stage 2\take.csv"])
def test_a_path_of_windows_is_told_as_it_is_typed(path: str) -> None:
    assert quoted(PureWindowsPath(path)) == f"'{path}'"


def test_what_would_break_a_line_is_told_by_its_code() -> None:
    assert quoted("a\nb\x07.csv") == r"'a\nb\x07.csv'"


def test_the_first_names_of_many_are_listed_on_one_line_with_how_many_more_there_are() -> None:
    assert listed(["jawOpen", "口", "a\nb"]) == r"jawOpen, 口, 'a\nb'"
    assert listed("abcdefgh") == "a, b, c, d, e, f and 2 more"
    assert listed("abcd", 2) == "a, b and 2 more"
    assert listed([]) == ""
