from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from addon.core.audio import RATE
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


@pytest.mark.parametrize(
    ("tag", "ipa", "labels"),
    [
        ("es", "beβˈe", "b eh b eh"),  # the lips of b, though they do not quite meet
        ("es", "sˈj̟eɾ", "s y eh d"),
        ("es-MX", "eʊɾˈopa", "eh uw d ow p aa"),
        ("fr", "bˈɔ̃ vˈɛ̃ blˈɑ̃", "b ow v ae b l ao"),  # nasal vowels: rounded, spread, open
        ("fr", "pˈø lˈyn ʃəvˈal", "p er l uw n sh uh v aa l"),  # front vowels with round lips
        ("fr", "b\u0254\u0303", "b ow"),
        ("it", "ʎɪ ɲˈokːɪ", "l y iy n y ow k iy"),
        ("pt-BR", "nˌɐ̃ʊ̃ pˈõj mˈɐ̃y", "n aw p oy m ay"),
        ("pt-BR", "nˌɐ̃ʊ p\u00f5", "n aw p ow"),  # cut off by the library, and composed
        ("pt-PT", "pˈeɪʃɨ kˈaʁʊ", "p ey sh ih k aa hh uw"),
        ("cs", "tr̝̊ˈi r̝ˈeka cˈuk kˈr̩k ˈaʊto", "t sh iy zh eh k aa t y uw k k l k aw t ow"),  # ř alone, and after t
        ("nl", "hˈœys mɛɪn kˈʌʊt pˈɵt ʋˈaːtər", "hh er uw s m ey n k aw t p uh t v aa t ah l"),
        ("ru", "bˈyɭ ʌɡnʲˈɵm ɕˈi", "b ih l ah g n ow m s iy"),  # hard l, soft n, spread щ
        ("pl", "ɕfʲˈɛntɨ vˈɔ̃ʃ", "s f y eh n t ih v ow sh"),  # ś is spread, sz is round
    ],
)
def test_sounds_become_what_the_lips_do(tag: str, ipa: str, labels: str) -> None:
    assert " ".join(sound.label for sound in languages.sounds_of(ipa, languages.language_of(tag))) == labels


def test_regions_have_voices_of_their_own() -> None:
    voices = {
        tag: languages.language_of(tag).voice for tag in ("es", "es-ES", "es-419", "es-AR", "pt", "pt-BR", "pt-PT")
    }
    assert voices == {
        "es": "es", "es-ES": "es", "es-419": "es-419", "es-AR": "es-419", "pt": "pt-br", "pt-BR": "pt-br", "pt-PT": "pt"
    }  # fmt: skip
    assert languages.language_of_voice("pt+m3") is languages.language_of("pt-PT")
    assert languages.language_of_voice("fr-ch+f1") is languages.language_of("fr")
    assert languages.language_of_voice("en-us+f1") is None


ALIGNED = {
    "es-MX": "Pablo bebe un vaso de agua y el bombero compra una bufanda.",
    "fr-FR": "Ma mère achète un bon vin blanc et une jupe bleue.",
    "it-IT": "La mamma beve un bicchiere di vino e il babbo compra una favola.",
    "pt-PT": "Minha mãe compra cinco pães e um bom vinho branco.",
    "cs-CZ": "Moje máma koupila bílé víno a vaří pivo před starou fabrikou.",
    "nl-NL": "Mijn moeder koopt vijf witte broden en een fles wijn bij de bakker.",
    "ru-RU": "Моя мама купила белое вино и варит пиво перед фабрикой.",
    "pl-PL": "Moja mama kupuje białe wino i pije wodę przed fabryką.",
}


@pytest.mark.parametrize("tag", ALIGNED)
def test_every_language_is_aligned_where_the_synthesiser_spoke_it(tag: str) -> None:
    samples, rate, phones = espeak.speak(ALIGNED[tag], languages.language_of(tag).voice, 140)
    heard, _ = align.Aligner(languages.language_of(tag)).align(soxr.resample(samples, rate, RATE), ALIGNED[tag])
    found = [p for p in heard if p.name in ("p", "b", "m", "f", "v")]
    exact = [p for p in phones if p.name in ("p", "b", "m", "f", "v")]
    assert [p.name for p in found] == [p.name for p in exact]
    assert np.median([abs(f.start_s - e.start_s) for f, e in zip(found, exact, strict=True)]) < 0.02


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
    assert languages.language_of("eo") is None
    assert languages.language_of("de-AT") is GERMAN


def test_an_unknown_voice_is_one_line() -> None:
    with pytest.raises(CorpusError, match="no voice 'xx'"):
        espeak.transcribe("hello", "xx")
