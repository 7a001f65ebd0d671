from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from model_training import align, corpora, espeak, languages
from model_training.corpora import CorpusError
from model_training.phones import INVENTORY

GERMAN = languages.LANGUAGES["de"]


@pytest.mark.parametrize("language", languages.LANGUAGES.values(), ids=languages.LANGUAGES)
def test_every_sound_is_a_class_of_ours_and_one_that_the_aligner_hears(language: languages.Language) -> None:
    for ipa in language.sounds:
        for sound in languages.sounds_of(ipa, language):
            assert sound.label in INVENTORY[1:]
            assert sound.heard in INVENTORY[1:]


@pytest.mark.parametrize(
    ("ipa", "labels"),
    [
        ("mˈyːdə", "m uw d ah"),  # müde: ü rounds the lips
        ("ʃˈøːn", "sh er n"),
        ("pfˈɛɾt", "p f eh hh t"),
        ("tsˈaɪt", "t s ay t"),
        ("dˈɔøtʃ", "d oy ch"),
        ("(en)bˈɛl(de)", "b eh l"),
        ("", ""),
    ],
)
def test_german_sounds_become_what_the_lips_do(ipa: str, labels: str) -> None:
    assert " ".join(sound.label for sound in languages.sounds_of(ipa, GERMAN)) == labels


def test_german_is_aligned_where_the_synthesiser_spoke_it(tmp_path: Path) -> None:
    text = "Meine Mama backt fünf warme Brote im Ofen."
    samples, rate, phones = espeak.speak(text, "de", 140)
    file = tmp_path / "line.wav"
    soundfile.write(file, samples, rate)
    line = corpora.Utterance("line.wav", file, len(samples) / rate, "x", "de-DE", "CC0-1.0", text)
    aligned = align.align_utterance(line)
    assert aligned.reason == ""
    found = [p.start_s for p in aligned.phones if p.name in ("m", "b", "f")]
    exact = [p.start_s for p in phones if p.name in ("m", "b", "f")]
    assert len(found) == len(exact) == 10
    assert np.median(np.abs(np.subtract(found, exact))) < 0.03


def test_a_language_without_a_table_is_listed(tmp_path: Path) -> None:
    line = corpora.Utterance("x.wav", tmp_path / "x.wav", 1, "x", "eo", "CC0-1.0", "saluton")
    assert "no table of sounds" in align.align_utterance(line).reason
    with pytest.raises(CorpusError, match="'eo'"):
        languages.known("eo")
    assert languages.known("de-AT") is GERMAN


def test_an_unknown_voice_is_one_line() -> None:
    with pytest.raises(CorpusError, match="no voice 'xx'"):
        espeak.transcribe("hello", "xx")
