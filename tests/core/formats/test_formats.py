from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from addon.core import formats
from addon.core.curves import Curves
from addon.core.errors import FormatError
from addon.core.whole import check_writable, written_whole

SOME = Curves(np.random.default_rng(0).uniform(0, 1, (75, 2)).astype(np.float32), ("jawOpen", "mouthClose"), 50.0)


def test_json_is_read_back_and_is_plain_json(tmp_path: Path) -> None:
    formats.write(tmp_path / "a.json", SOME)
    table = json.loads((tmp_path / "a.json").read_text())
    assert (table["rate"], table["names"], len(table["values"])) == (50.0, ["jawOpen", "mouthClose"], 75)
    back = formats.read(tmp_path / "a.json")
    assert (back.names, back.rate) == (SOME.names, 50.0)
    np.testing.assert_allclose(back.values, SOME.values, atol=1e-6)


def test_the_suffix_chooses_the_format_and_its_rate(tmp_path: Path) -> None:
    formats.write(tmp_path / "a.CSV", SOME)
    assert len((tmp_path / "a.CSV").read_text().splitlines()) == 1 + 90  # 60 a second
    formats.write(tmp_path / "b.json", SOME, 24.0)
    assert formats.read(tmp_path / "b.json").rate == 24.0
    with pytest.raises(FormatError, match=r"'\.fbx'; use \.csv, \.a2f\.json, \.json or \.npz"):
        formats.write(tmp_path / "a.fbx", SOME)


def test_no_rows_survive_json(tmp_path: Path) -> None:
    formats.write(tmp_path / "a.json", Curves(np.zeros((0, 2), np.float32), SOME.names, 50.0))
    assert formats.read(tmp_path / "a.json").values.shape == (0, 2)


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '{"kind": "x", "schema": 1}', '{"kind": "facewright-curves"}', "nan"]
)
def test_other_json_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(FormatError, match="not a Facewright curve file") as refusal:
        formats.read(tmp_path / "a.json")
    assert len(str(refusal.value).splitlines()) == 1


def test_json_that_is_nested_without_end_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(100_000 * "[")
    with pytest.raises(FormatError, match="nor one of Audio2Face: it is nested too deep"):
        formats.read(tmp_path / "a.json")


def test_json_that_names_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(
        '{"kind": "facewright-curves", "schema": 1, "rate": 50, "names": [], "values": [[]]}'
    )
    with pytest.raises(FormatError, match="it names no channels"):
        formats.as_named(tmp_path / "a.json")


def test_ragged_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(
        '{"kind": "facewright-curves", "schema": 1, "rate": 50, "names": ["jawOpen"], "values": [[0.1], [0.2, 0.3]]}'
    )
    with pytest.raises(FormatError):
        formats.read(tmp_path / "a.json")


def test_json_with_a_value_that_is_no_number_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(
        '{"kind": "facewright-curves", "schema": 1, "rate": 50, "names": ["jawOpen"], "values": [[NaN]]}'
    )
    with pytest.raises(FormatError, match="not a number"):
        formats.read(tmp_path / "a.json")


@pytest.mark.parametrize("start_s", ["1e308", f"1{400 * '0'}", "Infinity", "true"])
def test_a_start_that_is_no_time_is_refused(tmp_path: Path, start_s: str) -> None:
    head = '{"kind": "facewright-curves", "schema": 1, "rate": 50, "names": ["jawOpen"], "values": [[0.1]]'
    (tmp_path / "a.json").write_text(f'{head}, "start_s": {start_s}}}')
    with pytest.raises(FormatError, match="start_s must be seconds after midnight"):
        formats.read(tmp_path / "a.json")


def test_a_failure_half_way_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), written_whole(path) as file:
        file.write(f"new {1 / 0}")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_writing_replaces_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for text in ("one", "two"):
        with written_whole(path) as file:
            file.write(text)
    assert path.read_text() == "two"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_one_and_what_it_is_for_is_written(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "a.txt").write_text("old")
    for name, target in (("a.txt", "far/a.txt"), ("b.txt", "far/b.txt"), ("round.txt", "a.txt")):
        (tmp_path / name).symlink_to(target)
        with written_whole(tmp_path / name) as file:
            file.write(f"new {name}")
        assert (tmp_path / name).is_symlink()
    assert (tmp_path / "far" / "a.txt").read_text() == "new round.txt"
    assert (tmp_path / "far" / "b.txt").read_text() == "new b.txt"
    (tmp_path / "lost.txt").symlink_to("gone/a.txt")
    with pytest.raises(FormatError, match=r"lost\.txt' cannot be written: its folder does not exist"):
        check_writable(tmp_path / "lost.txt")
    assert len(list(tmp_path.rglob("*"))) == 7


@pytest.mark.skipif(sys.platform == "win32", reason="files have no pipes among them there")
@pytest.mark.parametrize("name", ["pipe.json", "link.json"])
def test_a_device_or_a_pipe_is_not_replaced_by_a_file(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "link.json").symlink_to("pipe.json")
    with pytest.raises(FormatError, match="is a device or a pipe; name a file"):
        formats.write(tmp_path / name, SOME)
    assert (tmp_path / "pipe.json").is_fifo()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="files have no limit there")
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from pathlib import Path; import numpy as np; from addon.core import formats\n"
        "from addon.core.curves import Curves; from addon.core.errors import FormatError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "try: formats.write(Path(sys.argv[1]), Curves(np.ones((20_000, 1), np.float32), ('jawOpen',), 50.0))\n"
        "except FormatError as error: print(error)\n"
    )
    for suffix in formats.SUFFIXES:
        command = [sys.executable, "-c", code, str(tmp_path / f"a{suffix}")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert (
            done.stdout == f"{str(tmp_path / f'a{suffix}')!r} cannot be written: File too large; choose another place\n"
        )
        assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_a_result_is_as_readable_as_any_new_file(tmp_path: Path) -> None:
    formats.write(tmp_path / "a.json", SOME)
    (tmp_path / "b.txt").write_text("")
    assert (tmp_path / "a.json").stat().st_mode == (tmp_path / "b.txt").stat().st_mode


def test_a_disk_that_lets_nobody_change_modes_is_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "chmod", refuse)  # as a share does whose files all belong to another
    check_writable(tmp_path / "a.json")
    formats.write(tmp_path / "a.json", SOME)
    assert list(tmp_path.iterdir()) == [tmp_path / "a.json"]


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], list[str]]:
    """Windows, where some other program has a file open for as many tries; the list tells how long was waited."""

    def hold(method: str, tries: int) -> list[str]:
        usual, waited, left = getattr(Path, method), [], iter(range(tries))

        def refuse(path: Path, *arguments: object) -> object:
            if (method != "open" or "r+b" in arguments) and next(left, None) is not None:
                raise PermissionError(errno.EACCES, "Access is denied", str(path))
            return usual(path, *arguments)

        monkeypatch.setattr(sys, "platform", "win32")
        monkeypatch.setattr(time, "sleep", waited.append)
        monkeypatch.setattr(Path, method, refuse)
        return waited

    return hold


@pytest.mark.parametrize("name", ["take:1.csv", "why?.json", "aux.csv", "Con.a2f.json"])
def test_a_name_that_windows_has_no_place_for_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    check_writable(tmp_path / name)
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(FormatError, match="cannot be a file's name on Windows; choose another name$"):
        check_writable(tmp_path / name)


def test_a_scanner_that_looks_into_a_new_file_on_windows_is_waited_for(tmp_path: Path, held) -> None:
    waited = held("replace", 3)
    formats.write(tmp_path / "a.json", SOME)
    assert len(waited) == 3
    assert list(tmp_path.iterdir()) == [tmp_path / "a.json"]


def test_a_result_that_another_program_has_open_is_told_in_one_line(tmp_path: Path, held) -> None:
    formats.write(tmp_path / "a.json", SOME)
    waited = held("replace", 99)
    with pytest.raises(FormatError, match=r"a\.json' cannot be replaced: another program has it open"):
        formats.write(tmp_path / "a.json", SOME)
    assert 0.9 < sum(waited) < 1.1
    assert list(tmp_path.iterdir()) == [tmp_path / "a.json"]


def test_a_result_that_a_spreadsheet_shows_is_refused_before_the_work(tmp_path: Path, held) -> None:
    formats.write(tmp_path / "a.json", SOME)
    held("open", 99)
    with pytest.raises(FormatError, match="another program has it open"):
        check_writable(tmp_path / "a.json")


def test_a_place_where_nothing_can_be_taken_back_is_refused_in_one_line(tmp_path: Path, held) -> None:
    held("unlink", 99)
    with pytest.raises(FormatError, match="cannot be written: Access is denied; choose another place$"):
        check_writable(tmp_path / "a.json")


def test_places_that_cannot_be_written_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (
        tmp_path / "no\nfolder" / "a.csv",
        tmp_path / "file" / "a.csv",
        tmp_path,
        Path("/proc/nothing/a.csv"),
    ):
        with pytest.raises(FormatError) as refusal:
            check_writable(place)
        assert len(str(refusal.value).splitlines()) == 1
    check_writable(tmp_path / "fine.csv")
    assert not (tmp_path / "fine.csv").exists()


def test_thousands_of_names_are_looked_through(tmp_path: Path) -> None:
    table = {"kind": "facewright-curves", "schema": 1, "rate": 50, "values": []}
    names = [f"key {number}" for number in range(20_000)]
    (tmp_path / "a.json").write_text(json.dumps({**table, "names": names}))
    assert len(formats.as_named(tmp_path / "a.json").curves.names) == 20_000
    (tmp_path / "a.json").write_text(json.dumps({**table, "names": [*names, "key 7"]}))
    with pytest.raises(FormatError, match="names 'key 7' twice"):
        formats.as_named(tmp_path / "a.json")
