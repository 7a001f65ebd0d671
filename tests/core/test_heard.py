from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from addon.core.audio import Audio
from addon.core.curves import Curves
from addon.core.errors import FormatError
from addon.core.heard import Heard
from addon.core.pipeline import animate, listen, perform
from addon.core.prosody import Prosody
from addon.core.settings import Settings

Make = Callable[[int], Prosody]


@pytest.fixture
def settings(tiny_model: Path) -> Settings:
    return Settings(model=replace(Settings().model, path=str(tiny_model), window_s=2.0))


def some(rows: int, made_prosody: Make) -> Heard:
    rng = np.random.default_rng(1)
    curves = Curves(rng.random((rows, 3)).astype(np.float32), ("jawOpen", "mouthClose", "mouthFunnel"), 50.0)
    voice = made_prosody(rows)
    tilt = rng.standard_normal(rows).astype(np.float32)
    return Heard(curves, Prosody(voice.loudness_db, voice.pitch_hz, tilt_db=tilt), ("a note\nof “two” lines",))


def test_listening_and_performing_are_animating(speech_file: Path, settings: Settings) -> None:
    heard = listen(speech_file, settings)
    assert perform(heard, settings).values.tobytes() == animate(speech_file, settings).values.tobytes()
    other = replace(settings, seed=9)
    assert perform(heard, other).values.tobytes() == animate(speech_file, other).values.tobytes()


def test_what_was_noted_stays_with_what_was_heard(speech_file: Path, settings: Settings) -> None:
    speech_file.write_bytes(speech_file.read_bytes()[:60_000])
    told: list[str] = []
    heard = listen(speech_file, settings, note=told.append)
    assert heard.notes == tuple(told)
    assert "cut short" in told[0]


@pytest.mark.parametrize("rows", [0, 1, 500])
def test_what_is_kept_comes_back_bit_for_bit(rows: int, made_prosody: Make) -> None:
    heard = some(rows, made_prosody)
    data = heard.to_bytes()
    again = Heard.from_bytes(data)
    assert (again.curves.names, again.curves.rate, again.notes) == (heard.curves.names, 50.0, heard.notes)
    assert again.curves.values.tobytes() == heard.curves.values.tobytes()
    for track in ("loudness_db", "pitch_hz", "tilt_db"):
        assert getattr(again.prosody, track).tobytes() == getattr(heard.prosody, track).tobytes()
    assert again.to_bytes() == data


def test_what_comes_back_performs_the_same(settings: Settings, babble: Callable[..., np.ndarray]) -> None:
    heard = listen(Audio(babble(4.0), 16_000), settings)
    again = Heard.from_bytes(heard.to_bytes())
    assert perform(again, settings).values.tobytes() == perform(heard, settings).values.tobytes()


def test_damaged_bytes_are_refused_in_one_line(made_prosody: Make) -> None:
    good = some(40, made_prosody).to_bytes()
    spoilt = bytearray(good)
    spoilt[len(good) // 2] ^= 0xFF
    locked = bytearray(good)
    locked[good.index(b"PK\x01\x02") + 8] |= 1  # the flag of a ZIP's directory that asks for a password
    for data in (b"", b"PK", b"\x93NUMPY", good[:100], good[: len(good) // 2], bytes(spoilt), bytes(locked)):
        with pytest.raises(FormatError, match="listen to the line again") as refusal:
            Heard.from_bytes(data)
        assert len(str(refusal.value).splitlines()) == 1


def test_values_that_are_no_numbers_are_refused(made_prosody: Make) -> None:
    heard = some(40, made_prosody)
    values = heard.curves.values.copy()
    values[3, 1] = np.nan
    wrong = replace(heard, curves=replace(heard.curves, values=values))
    with pytest.raises(FormatError, match="raw holds a value that is not a number"):
        Heard.from_bytes(wrong.to_bytes())


def test_curves_and_prosody_of_other_length_are_refused(made_prosody: Make) -> None:
    heard = some(40, made_prosody)
    with pytest.raises(ValueError, match="need the same"):
        Heard(heard.curves, made_prosody(41))
