from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from model_training import corpora, groups
from model_training.corpora import CorpusError


def voice(hertz: float, seconds: float = 1.0, dull: float = 1.0) -> np.ndarray:
    t = np.arange(round(seconds * 16_000)) / 16_000
    wave = sum(np.sin(2 * np.pi * hertz * k * t) / k**dull for k in range(1, 12))
    return (0.1 * wave * (1 + np.sin(2 * np.pi * 4 * t))).astype(np.float32)


@pytest.mark.parametrize("dull", [0.5, 1.0, 3.0])  # from many harmonics to hardly any
@pytest.mark.parametrize("hertz", [85, 120, 140, 163, 180, 240, 330])
def test_pitch_is_measured(hertz: float, dull: float) -> None:
    rng = np.random.default_rng(0)
    samples = voice(hertz, dull=dull) + 0.003 * rng.standard_normal(16_000).astype(np.float32)
    assert groups.pitch_hz(samples) == pytest.approx(hertz, rel=0.01)


def test_noise_silence_and_nothing_have_no_pitch() -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    for samples in (noise, np.zeros(16_000, np.float32), np.zeros(0, np.float32)):
        assert groups.pitch_hz(samples) == 0


def test_speakers_fall_into_groups_and_the_unknown_are_called_so(tmp_path: Path) -> None:
    lines = []
    for speaker, hertz in (("ann", 210), ("bob", 110)):
        soundfile.write(tmp_path / f"{speaker}.wav", voice(hertz), 16_000)
        lines.append(corpora.Utterance(f"{speaker}.wav", tmp_path / f"{speaker}.wav", 1, speaker, "en", "x", "hi"))
    lines.append(corpora.Utterance("none.wav", tmp_path / "none.wav", 1, "cy", "en", "x", "hi"))
    speakers = {"ann": {"sex": "female", "age": "child", "accent": ""}}
    told = {kind: [groups.group_of(kind, lines, speakers)(line) for line in lines] for kind in groups.KINDS}
    assert told["sex"] == ["female", "unknown", "unknown"]
    assert told["accent"] == ["unknown"] * 3
    assert told["pitch"] == ["165 Hz and above", "below 165 Hz", "unknown"]
    assert told["speaker"] == ["ann", "bob", "cy"]


def test_the_table_of_speakers_that_comes_along_is_whole() -> None:
    known = groups.read_speakers()
    assert {one["sex"] for one in known.values()} == {"female", "male"}
    assert all(set(one) == set(groups.TOLD) for one in known.values())


@pytest.mark.parametrize(
    ("text", "named"), [("speaker\tsex\tage\taccent\n", "has no rows"), ("speaker\tsex\nann\tf\n", "'age'")]
)
def test_a_table_that_cannot_be_used_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "speakers.tsv").write_text(text, encoding="utf-8")
    with pytest.raises(CorpusError, match=named):
        groups.read_speakers(tmp_path / "speakers.tsv")
    with pytest.raises(CorpusError, match="cannot read the table of speakers"):
        groups.read_speakers(tmp_path / "none.tsv")
