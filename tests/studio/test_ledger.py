from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.core.errors import FormatError
from addon.studio import ledger
from addon.studio.ledger import Row
from tests.full_disk import disk_full_after

ANY_TEXT = st.text(st.characters())  # with lone surrogates, as names that are no text have


def written(path: Path, *rows: Row) -> Path:
    path.write_text("".join(ledger.encode(row) for row in rows), encoding="ascii")
    return path


@given(ANY_TEXT, ANY_TEXT, st.floats(0, 1e5))
def test_a_row_is_one_line_and_comes_back_whatever_the_name(path: str, reason: str, seconds: float) -> None:
    row = Row(path, ledger.FAILED, reason, seconds)
    assert ledger.encode(row).count("\n") == 1
    assert ledger.decode(ledger.encode(row)) == row


def test_there_is_nothing_made_without_a_ledger(tmp_path: Path) -> None:
    assert ledger.mend(tmp_path / "ledger.jsonl") == {}
    assert list(tmp_path.iterdir()) == []


def test_the_last_row_of_an_output_counts_and_failures_make_nothing(tmp_path: Path) -> None:
    old, new = Row("a.wav", "done", output="a.csv", key="1"), Row("a.wav", "done", output="a.csv", key="2")
    path = written(tmp_path / "ledger.jsonl", old, new, Row("a.wav", "failed"))
    assert ledger.mend(path) == {"a.csv": new}


def test_wherever_a_kill_cuts_the_last_row_the_others_are_kept(tmp_path: Path) -> None:
    first, second = Row("a.wav", "done", output="a.csv"), Row("b.wav", "done", output="b.csv")
    whole = written(tmp_path / "ledger.jsonl", first).read_bytes()
    for cut in range(len(ledger.encode(second)) - 1):  # the last byte is the line's end, which no row needs
        path = tmp_path / "cut.jsonl"
        path.write_bytes(whole + ledger.encode(second).encode()[:cut])
        assert ledger.mend(path) == {"a.csv": first}
        assert path.read_bytes() == whole


def test_a_last_row_without_a_lines_end_is_kept_and_given_one(tmp_path: Path) -> None:
    row = Row("a.wav", "done", output="a.csv")
    path = written(tmp_path / "ledger.jsonl", row)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert ledger.mend(path) == {"a.csv": row}
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "line", [b"hello", b"[]", b"3", b'{"path": "a"}', b'{"path": [], "status": "done"}', b"\xff", b"[" * 100_000]
)
def test_a_file_of_another_kind_is_refused_and_left_as_it_is(tmp_path: Path, line: bytes) -> None:
    path = written(tmp_path / "ledger.jsonl", Row("a.wav", "done"))
    content = path.read_bytes() + line + b"\n"
    path.write_bytes(content)
    with pytest.raises(FormatError, match="line 2 .* is not a row"):
        ledger.mend(path)
    assert path.read_bytes() == content


def test_a_full_disk_is_said_in_one_line() -> None:
    with Path("/dev/full").open("ab", buffering=0) as file, pytest.raises(FormatError, match="No space left"):
        ledger.append(file, Row("a.wav", "done"))


def test_a_row_that_found_room_for_a_part_of_it_is_a_full_disk_too(tmp_path: Path) -> None:
    says = pytest.raises(FormatError, match="No space left on device; make room and run it again")
    with (tmp_path / "ledger.jsonl").open("ab", buffering=0) as file, disk_full_after(20), says:
        ledger.append(file, Row("a.wav", "done"))


@pytest.mark.parametrize("content", [b'{"takes": 3}', b"my notes", b"\x89PNG", b'{"path"="a"}'])
def test_a_file_of_another_kind_without_a_lines_end_is_not_taken_for_half_a_row(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(content)
    with pytest.raises(FormatError, match="line 1 .* is not a row"):
        ledger.mend(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("rest", [b"\0\0\0", b'{"path": "a\0\0\0', b"  "])
def test_what_a_power_cut_or_an_editor_leaves_behind_the_last_row_is_cut_off(tmp_path: Path, rest: bytes) -> None:
    row = Row("a.wav", "done", output="a.csv")
    path = written(tmp_path / "ledger.jsonl", row)
    whole = path.read_bytes()
    path.write_bytes(whole + rest)
    assert ledger.mend(path) == {"a.csv": row}
    assert path.read_bytes() == whole
