from __future__ import annotations

import numpy as np
import pytest

from model_training import espeak, languages
from model_training.corpora import CorpusError
from model_training.kokoro import tokens_of
from model_training.phones import INVENTORY, Phone
from model_training.sentences import sentences

LINE = "Happy people keep apples, and Mabel made my mother move many more."


def loudness_db(samples: np.ndarray, rate: int, start_s: float, end_s: float) -> float:
    part = samples[round(start_s * rate) : round(end_s * rate)]
    return float(10 * np.log10(np.mean(part**2) + 1e-10))


@pytest.fixture(scope="module", params=["en-us", "en-us+m3", "en-us+f1"])
def spoken(request: pytest.FixtureRequest) -> tuple[np.ndarray, int, tuple[Phone, ...]]:
    return espeak.speak(LINE, request.param, 150)


def test_phones_follow_one_another_without_a_gap_from_the_first_sample_to_the_last(
    spoken: tuple[np.ndarray, int, tuple[Phone, ...]],
) -> None:
    samples, rate, phones = spoken
    assert phones[0].start_s == 0
    assert phones[-1].end_s == pytest.approx(len(samples) / rate)
    assert [p.start_s for p in phones[1:]] == pytest.approx([p.end_s for p in phones[:-1]])
    assert all(p.end_s > p.start_s for p in phones)
    assert {p.name for p in phones} <= set(INVENTORY)


def test_the_silence_of_a_closure_belongs_to_its_stop_and_the_burst_ends_it(
    spoken: tuple[np.ndarray, int, tuple[Phone, ...]],
) -> None:
    samples, rate, phones = spoken
    stops = [p for p in phones if p.name == "p" and p.burst_s is not None]
    assert len(stops) >= 4
    loud = loudness_db(samples, rate, 0, len(samples) / rate)
    for stop in stops:
        assert stop.burst_s is not None
        assert 0.015 <= stop.burst_s - stop.start_s <= 0.09
        assert loudness_db(samples, rate, stop.start_s, stop.burst_s) < loud - 30
        assert loudness_db(samples, rate, stop.burst_s, stop.end_s) > loud - 30


def test_a_vowel_begins_where_it_breaks_out_of_its_nasal(spoken: tuple[np.ndarray, int, tuple[Phone, ...]]) -> None:
    samples, rate, phones = spoken
    sharp = np.diff(samples)
    leaps = [
        loudness_db(sharp, rate, vowel.start_s, vowel.start_s + 0.01)
        - loudness_db(sharp, rate, vowel.start_s - 0.01, vowel.start_s)
        for nasal, vowel in zip(phones, phones[1:], strict=False)
        if nasal.name == "m" and vowel.name in ("ey", "ay", "ah", "eh")
    ]
    assert len(leaps) >= 4
    assert min(leaps) > 3  # dB within 10 ms; at the moments that the library announces, most do not grow at all
    assert np.median(leaps) > 6


def test_without_the_corrections_closures_lie_in_the_vowels_before_them() -> None:
    samples = np.concatenate([np.full(2000, 0.5), np.zeros(1000), np.full(1000, 0.4)]).astype(np.float32)
    announced = [espeak.Heard(("aa",), 0, 3000), espeak.Heard(("p",), 3000, 4000)]
    vowel, stop = espeak._corrected(announced, samples, 20_000)
    assert (vowel.end, stop.start, stop.burst) == (2000, 2000, 3000)


def test_after_a_pause_a_stop_takes_only_so_much_of_it_as_lips_stay_closed() -> None:
    samples = np.concatenate([np.zeros(8000), np.full(1000, 0.4)]).astype(np.float32)
    pause, stop = espeak._corrected([espeak.Heard((), 0, 8000), espeak.Heard(("b",), 8000, 9000)], samples, 20_000)
    assert stop.start == pause.end == 8000 - round(espeak.LONGEST_CLOSURE_S * 20_000)
    pause, vowel = espeak._corrected([espeak.Heard((), 0, 8000), espeak.Heard(("aa",), 8000, 9000)], samples, 20_000)
    assert vowel.start == pause.end == 8000


def test_a_sign_of_no_sound_belongs_to_the_phone_before_it() -> None:
    told = [(10, "b"), (20, "ʔ"), (30, ""), (40, ""), (50, "a")]
    heard = espeak._heard(told, 60, languages.language_of("de"))
    assert [(one.names, one.start, one.end) for one in heard] == [
        ((), 0, 10), (("b",), 10, 30), ((), 30, 50), (("aa",), 50, 60)
    ]  # fmt: skip


def test_a_variant_speaks_its_language_and_not_english() -> None:
    _, _, plain = espeak.speak("müde", "de")
    _, _, variant = espeak.speak("müde", "de+m3")
    assert [p.name for p in plain] == [p.name for p in variant]
    assert "uw" in [p.name for p in variant]


def test_silence_and_unknown_voices() -> None:
    samples, _, phones = espeak.speak("", "en-us")
    assert not [p for p in phones if p.name != "sil"]
    assert np.abs(samples).max(initial=0) == 0
    with pytest.raises(CorpusError, match="'en-us\\+nobody'|'nonesuch'"):
        espeak.speak("hello", "nonesuch")


def test_a_livelier_voice_moves_its_pitch_more() -> None:
    flat, _, _ = espeak.speak(LINE, "en-us", 150, 50, 0)
    lively, _, _ = espeak.speak(LINE, "en-us", 150, 50, 100)
    assert not np.array_equal(flat, lively[: len(flat)])


def test_the_first_phone_is_announced_after_transcriptions_too() -> None:
    said = sentences("es", np.random.default_rng([0, 1]))
    for number in range(6):
        tokens_of("What we said here in the garden was heard by every bird upon the wall.", ("en-us", "en")[number % 2])
    for _ in range(6):
        tokens_of(f"{next(said)} {next(said)}", "es")
    _, _, phones = espeak.speak("Pablo bebe un vaso de agua y el bombero compra una bufanda.", "es-419", 140)
    assert [phone.name for phone in phones[:3]] == ["sil", "p", "aa"]
