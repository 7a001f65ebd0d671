from __future__ import annotations

from pathlib import Path

import pytest

from model_training import agreement
from model_training.phones import Phone

ONE = [
    Phone("sil", 0, 0.1),
    Phone("b", 0.1, 0.2),
    Phone("aa", 0.2, 0.4),
    Phone("m", 0.4, 0.5),
    Phone("sil", 0.5, 0.7),
    Phone("iy", 0.7, 0.9),
]


def later(phones: list[Phone], by_s: float) -> list[Phone]:
    return [p._replace(start_s=p.start_s + by_s, end_s=p.end_s + by_s) for p in phones]


def write(path: Path, lines: dict[str, list[Phone]]) -> None:
    rows = [f"{name}\t{p.name}\t{p.start_s}\t{p.end_s}\n" for name, phones in lines.items() for p in phones]
    path.write_text("path\tphone\tstart_s\tend_s\n" + "".join(rows), encoding="utf-8")


def test_boundaries_are_onsets_within_speech() -> None:
    line = agreement.shared(later(ONE, 0.03), ONE)
    assert line.names == ("aa", "m")  # b and iy follow a pause
    assert line.apart_s == pytest.approx([0.03, 0.03])
    assert (line.within(0.02), line.within(0.04), line.within(0.001, shift_s=0.03)) == (0, 1, 1)


def test_another_pronunciation_leaves_out_what_cannot_be_compared() -> None:
    other = [p._replace(name="ae") if p.name == "aa" else p for p in ONE]
    assert agreement.shared(ONE, other).names == ()
    longer = [*ONE[:3], Phone("l", 0.39, 0.4), *ONE[3:]]
    assert agreement.shared(ONE, longer).names == ("aa",)


def test_no_boundary_at_all_is_no_disagreement() -> None:
    assert agreement.shared([], ONE).within(0.01) == 1
    assert agreement.together([]).names == ()
    assert agreement.table({}).count("\n") == 1


def test_the_table_takes_the_common_shift_out() -> None:
    odd = [*ONE[:2], Phone("aa", 0.25, 0.4), *ONE[3:]]
    told = agreement.table({"a": agreement.shared(later(ONE, 0.01), ONE), "b": agreement.shared(later(odd, 0.01), ONE)})
    every, lips = told.splitlines()[2:]
    assert every == "| all | 4 | +10.0 | 0.0 | 12.5 | 75.0 % | 75.0 % | 100.0 % |"
    assert lips.startswith("| p b m | 2 | +10.0 | 0.0 |")


def test_the_worst_line_comes_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "one.tsv", {"x/good": ONE, "x/bad": ONE, "y/other": ONE, "x/alone": ONE})
    write(tmp_path / "two.tsv", {"x/good": later(ONE, 0.01), "x/bad": later(ONE, 0.2), "y/other": ONE})
    given = ["--phones", tmp_path / "one.tsv", "--against", tmp_path / "two.tsv", "--out", tmp_path / "lines.tsv"]
    assert agreement.main([*map(str, given), "--folders", "x"]) == 0
    assert capsys.readouterr().out.startswith("2 lines in both\n\n| onsets |")
    rows = (tmp_path / "lines.tsv").read_text(encoding="utf-8").splitlines()
    assert rows[0] == "path\tboundaries\twithin_15_ms\twithin_25_ms\twithin_50_ms"
    assert rows[1] == "x/bad\t2\t0.000\t0.000\t0.000"
    assert rows[2] == "x/good\t2\t1.000\t1.000\t1.000"


def test_tables_of_different_speech_are_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "one.tsv", {"x/a": ONE})
    write(tmp_path / "two.tsv", {"y/a": ONE})
    given = ["--phones", tmp_path / "one.tsv", "--against", tmp_path / "two.tsv", "--out", tmp_path / "lines.tsv"]
    assert agreement.main([str(one) for one in given]) == 2
    assert "no line in common" in capsys.readouterr().err
    assert agreement.main([*map(str, given), "--folders", "x", "typo"]) == 2
    assert "has no folder 'typo' to compare: known are x" in capsys.readouterr().err
    assert not (tmp_path / "lines.tsv").exists()
