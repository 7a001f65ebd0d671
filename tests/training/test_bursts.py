from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model_training import bursts, corpora
from model_training.phones import HEADER, Phone, read_phones

RATE = 16_000


def stop(closed_s: float, release_s: float, hum: float = 0.0) -> np.ndarray:
    """A vowel, a closure with or without voicing, a burst with breath, a vowel."""
    rng = np.random.default_rng(0)

    def vowel(seconds: float) -> np.ndarray:
        t = np.arange(round(seconds * RATE)) / RATE
        return 0.2 * sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 30))

    closed = hum * np.sin(2 * np.pi * 120 * np.arange(round(closed_s * RATE)) / RATE)
    breath = 0.08 * rng.standard_normal(round(release_s * RATE)) * np.linspace(1, 0.4, round(release_s * RATE))
    sound = np.concatenate([vowel(0.2), closed, breath, vowel(0.2)])
    return (sound + 1e-4 * rng.standard_normal(len(sound))).astype(np.float32)


@pytest.mark.parametrize(("name", "closed_s", "release_s", "hum"), [("p", 0.07, 0.05, 0.0), ("b", 0.06, 0.012, 0.05)])
def test_the_burst_is_found_where_the_closure_ends(name: str, closed_s: float, release_s: float, hum: float) -> None:
    phones = [Phone("aa", 0, 0.2), Phone(name, 0.2, 0.2 + closed_s + release_s), Phone("aa", 0.2 + closed_s, 0.6)]
    found = bursts.with_bursts(phones, stop(closed_s, release_s, hum))
    assert found[0].burst_s is None
    assert found[1].burst_s == pytest.approx(0.2 + closed_s, abs=0.006)


def test_a_stop_that_never_bursts_has_no_burst() -> None:
    quiet = np.concatenate([stop(0.07, 0.05)[:3200], np.zeros(4000, np.float32)])
    found = bursts.with_bursts([Phone("aa", 0, 0.2), Phone("p", 0.2, 0.3), Phone("sil", 0.3, 0.45)], quiet)
    assert found[1].burst_s is None


def test_one_sample_and_none_are_no_stop() -> None:
    for count in (0, 1):
        assert bursts.with_bursts([Phone("p", 0, 0.1)], np.zeros(count, np.float32))[0].burst_s is None


def test_bursts_travel_in_the_phone_table(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--corpus", corpus / "speech.tsv", "--phones", corpus / "phones.tsv", "--out", tmp_path / "b.tsv"]
    assert bursts.main([str(one) for one in given]) == 0
    assert "| p | " in capsys.readouterr().out
    before, after = read_phones(corpus / "phones.tsv"), read_phones(tmp_path / "b.tsv")
    assert list(before) == list(after)
    for path, line in after.items():
        assert [p[:3] for p in line] == [p[:3] for p in before[path]]
        for phone in line:
            assert phone.burst_s is None or phone.start_s < phone.burst_s <= phone.end_s
    stops = [p for line in after.values() for p in line if p.name in "pbtdkg"]
    assert sum(p.burst_s is not None for p in stops) > 0.6 * len(stops)


def test_nothing_to_listen_to_is_one_line(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "phones.tsv").write_text(HEADER, encoding="utf-8")
    given = ["--corpus", corpus / "speech.tsv", "--phones", tmp_path / "phones.tsv", "--out", tmp_path / "b.tsv"]
    assert bursts.main([*map(str, given)]) == 2
    assert "no chosen line has phone times" in capsys.readouterr().err
    assert not (tmp_path / "b.tsv").exists()
    utterances = corpora.read(corpus / "speech.tsv")
    assert bursts.spreads({utterances[0].path: [Phone("p", 0, 0.1)]}) == {}
