from __future__ import annotations

import shutil
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import soundfile

from model_training import align, corpora, espeak, flite, languages, synthesis, voices
from model_training.corpora import CorpusError
from model_training.phones import INVENTORY, read_phones
from model_training.sentences import FOLDER, grammar, is_held_out, sentences

flite_here = pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")


def test_a_spoken_corpus_is_one_that_the_trainer_reads(tmp_path: Path) -> None:
    assert synthesis.main([f"--out={tmp_path}", "--minutes=.15", "--languages", "fr", "pl"]) == 0
    lines = corpora.read(tmp_path / "speech.tsv")
    phones = read_phones(tmp_path / "phones.tsv")
    assert {line.folder for line in lines} == {"espeak_fr", "espeak_pl"}
    assert {line.licence for line in lines} == {"CC0-1.0"}
    assert len({line.text for line in lines}) == len(lines)
    for folder in ("espeak_fr", "espeak_pl"):
        assert 9 <= sum(line.seconds for line in lines if line.folder == folder) <= 20
    for line in lines:
        samples, rate = soundfile.read(line.file)
        times = phones[line.path]
        assert rate == 16_000
        assert times[0].start_s == 0
        assert times[-1].end_s == pytest.approx(len(samples) / rate, abs=0.002)
        assert times[0].name == times[-1].name == "sil"
        assert {phone.name for phone in times} <= set(INVENTORY)


def test_the_same_seed_says_the_same_by_the_same_voices_and_another_does_not(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        synthesis.speak_corpus(tmp_path / name, synthesis.collections(["it"], ["espeak"]), 0.1, seed=seed)
    first, again, other = (
        [(line.path, line.speaker, line.text) for line in corpora.read(tmp_path / name / "speech.tsv")]
        for name in "abc"
    )
    assert first[:2] == again[:2]  # their lengths flutter a little, so the last line of one may be missing in another
    assert first != other


def test_the_small_corpus_keeps_its_voices_apart(tmp_path: Path) -> None:
    lines = corpora.read(synthesis.synthesise(tmp_path, lines=7))
    assert [line.folder for line in lines][:6] == ["en-us", "en-us+f2", "en-us+m3", "en-us+f4", "en-us+m7", "en-us+f5"]
    assert lines[6].folder == "en-us"
    assert [line.text for line in lines] == list(synthesis.SENTENCES[:7])


@pytest.mark.parametrize("language", voices.ACCENTS)
def test_what_is_held_out_shares_neither_sentences_nor_voices_with_the_rest(language: str) -> None:
    heard, held = (set(islice(sentences(language, np.random.default_rng(1), out), 300)) for out in (False, True))
    assert len(heard) == len(held) == 300
    assert not heard & held
    assert all(map(is_held_out, held))
    spoken, tested = (voices.choose(language, "espeak", out) for out in (False, True))
    assert not {voice.variant for voice in spoken} & {voice.variant for voice in tested}
    assert len(spoken) > 30
    assert len(tested) > 5


@pytest.mark.parametrize("language", sorted(path.stem for path in FOLDER.glob("*.toml")))
def test_sentences_are_whole_and_use_every_part(language: str) -> None:
    templates, parts = grammar(language)
    for sentence in islice(sentences(language, np.random.default_rng(0)), 200):
        assert "{" not in sentence
        assert "  " not in sentence
        assert sentence[-1] in ".?!"
    slots = {slot for template in templates for slot in parts if f"{{{slot}}}" in template}
    assert slots == set(parts)
    assert all(len(set(choices)) == len(choices) for choices in parts.values())


@pytest.mark.parametrize("accent", [accent for group in voices.ACCENTS.values() for accent in group])
def test_the_sentences_of_a_language_sound_all_that_lips_can_show(accent: str) -> None:
    language = languages.language_of_voice(accent)
    tag = next(key for key, group in voices.ACCENTS.items() if accent in group)
    said = espeak.transcribe(". ".join(part for parts in grammar(tag)[1].values() for part in parts), accent)
    if language is None:
        labels = {phone.lower() for word in said for phone in espeak.arpabet(word)}
        assert labels == set(INVENTORY) - {"sil"}
        return
    unknown = {sign for word in said for sign in languages._spellings(word, language)} - set(language.sounds)
    assert unknown <= set("\u0303\u0329\u032f\u200dʔ-")  # nasality that no table asks for, syllables, glottal stops
    labels = {sound.label for word in said for sound in languages.sounds_of(word, language)}
    assert labels >= set("p b m f v s z iy aa ow uw".split()) - ({"v", "z"} if language.voice[:2] == "es" else set())


def test_every_variant_that_is_drawn_is_there() -> None:
    for name in voices.VARIANTS:
        _, _, phones = espeak.speak("ma", f"fr+{name}")
        assert [phone.name for phone in phones if phone.name != "sil"] == ["m", "aa"]
    assert set(voices.HELD_OUT_VARIANTS) < set(voices.VARIANTS)
    with pytest.raises(CorpusError, match="'eo'"):
        voices.choose("eo", "espeak")
    assert voices.choose("fr", "flite") == []


def test_silence_around_a_line_moves_its_phones_along() -> None:
    voice = voices.Voice("espeak", "en-US", "en-us", "m3")
    samples, phones = voices.say(voice, "Pop music.", voices.Manner(150, 50, before_s=0.25, after_s=0.5))
    first, last = phones[1], phones[-2]
    assert not samples[:4000].any()
    assert not samples[-8000:].any()
    assert phones[0].name == phones[-1].name == "sil"
    assert first.name == "p"
    assert first.burst_s is not None
    assert np.abs(samples[: round(first.burst_s * 16_000) - 160]).max() < 0.02
    assert np.abs(samples[round(first.burst_s * 16_000) :]).max() > 0.2
    assert 0.25 <= first.burst_s <= 0.35
    assert last.end_s <= len(samples) / 16_000 - 0.5


@flite_here
@pytest.mark.parametrize("tract", [0.9, 1.0, 1.14])
def test_flite_says_when_its_phones_sound_whatever_the_throat(tract: float) -> None:
    voice = voices.Voice("flite", "en-US", "", "rms")
    text = "Bob and Mabel put a pebble by the pump."
    samples, phones = voices.say(voice, text, voices.Manner(170, 50, tract=tract, before_s=0.1, after_s=0.1))
    assert phones[-1].end_s == pytest.approx(len(samples) / 16_000, abs=0.001)
    found, _ = align.Aligner().align(samples, text)
    exact = [p.start_s for p in phones if p.name in ("b", "m", "p")]
    heard = [p.start_s for p in found if p.name in ("b", "m", "p")]
    assert len(exact) == len(heard) == 11
    assert np.median(np.abs(np.subtract(exact, heard))) < 0.02


@flite_here
def test_an_unknown_voice_of_flite_is_one_line() -> None:
    with pytest.raises(CorpusError, match="'nobody'"):
        flite.speak("hello", "nobody")


def test_without_flite_the_user_is_told_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert synthesis.main([f"--out={tmp_path}", "--minutes=.1", "--synthesisers", "flite"]) == 2
    assert "apt-get install flite" in capsys.readouterr().err
    assert not (tmp_path / "speech.tsv").exists()


def test_a_language_without_sentences_or_voices_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert synthesis.main([f"--out={tmp_path}", "--minutes=.1", "--languages", "tlh"]) == 2
    assert "'tlh'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        synthesis.main([f"--out={tmp_path}", "--minutes=0"])
    with pytest.raises(CorpusError, match="'tlh'.*de, en, es, fr"):
        next(sentences("tlh", np.random.default_rng(0)))
