from __future__ import annotations

from pathlib import PureWindowsPath

import pytest

from addon.core.errors import quoted


@pytest.mark.parametrize("path", [r"C:\takes\new.csv", r"\\server\stage 2\take.csv"])
def test_a_path_of_windows_is_told_as_it_is_typed(path: str) -> None:
    assert quoted(PureWindowsPath(path)) == f"'{path}'"


def test_what_would_break_a_line_is_told_by_its_code() -> None:
    assert quoted("a\nb\x07.csv") == r"'a\nb\x07.csv'"
