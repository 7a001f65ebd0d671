from __future__ import annotations

import pytest

from benchmarks import key_writing


def test_the_benchmark_of_keys_writes_the_same_both_ways_and_prints_its_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_writing, "FRAMES", 20)
    monkeypatch.setattr(key_writing, "REPEATS", 1)
    key_writing.main()
    assert capsys.readouterr().out.startswith("| keys | 52 × 20 in Blender ")
