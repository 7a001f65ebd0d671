from __future__ import annotations

import pytest

from benchmarks import fewer_keys, key_writing


def test_the_benchmark_of_keys_writes_the_same_both_ways_and_prints_its_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_writing, "FRAMES", 20)
    monkeypatch.setattr(key_writing, "REPEATS", 1)
    key_writing.main()
    assert capsys.readouterr().out.startswith("| keys | 52 × 20 in Blender ")


def test_fewer_keys_are_fewer_within_their_error_and_keep_every_closure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fewer_keys, "REPEATS", 1)
    fewer_keys.main()
    dense, ours, theirs = capsys.readouterr().out.splitlines()
    told = [cell.strip() for cell in ours.split("|")]
    assert int(told[2].replace(",", "")) < int(dense.split()[1].replace(",", "").rstrip(",")) / 3
    assert float(told[4]) <= 0.01
    assert told[5] == "100%"
    assert "Decimate" in theirs
