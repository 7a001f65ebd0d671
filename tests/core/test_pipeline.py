from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from addon.core import channels
from addon.core.audio import Audio, open_sound
from addon.core.curves import lip_gap
from addon.core.errors import AudioError, Cancelled, ModelError
from addon.core.model import FaceModel
from addon.core.pipeline import animate, listen
from addon.core.settings import Settings


@pytest.fixture
def settings(tiny_model: Path) -> Settings:
    return Settings(model=replace(Settings().model, path=str(tiny_model), window_s=2.0))


def test_a_line_becomes_every_channel_50_times_a_second(speech_file: Path, settings: Settings) -> None:
    curves = animate(speech_file, settings)
    assert curves.names == channels.ALL
    assert (curves.rate, len(curves.values)) == (50.0, 250)
    assert curves.column("jawOpen").max() > 0.1
    assert curves.column("headPitch").any()
    assert lip_gap(curves).min() >= 0
    shapes = curves.select(channels.ARKIT).values
    assert 0 <= shapes.min() <= shapes.max() <= 1


def test_the_same_sound_from_memory_gives_the_same(speech_file: Path, settings: Settings) -> None:
    samples, rate = soundfile.read(speech_file, dtype="float32")
    np.testing.assert_array_equal(animate(Audio(samples, rate), settings).values, animate(speech_file, settings).values)


def test_the_length_of_windows_does_not_show(speech_file: Path, settings: Settings) -> None:
    whole = animate(speech_file, replace(settings, model=replace(settings.model, window_s=60.0)))
    np.testing.assert_allclose(animate(speech_file, settings).values, whole.values, atol=1e-5)


def test_a_model_that_hears_nothing_round_a_row_leaves_prosody_its_surroundings(
    speech_file: Path, settings: Settings, altered_model: Callable[..., Path]
) -> None:
    deaf = FaceModel.load(altered_model(context_s="0", look_ahead_s="0"))
    heard = listen(speech_file, settings, model=deaf)
    np.testing.assert_array_equal(heard.prosody.pitch_hz, listen(speech_file, settings).prosody.pitch_hz)


def test_the_same_seed_gives_the_same_bytes_and_another_another_performance(
    speech_file: Path, settings: Settings
) -> None:
    first = animate(speech_file, settings).values.tobytes()
    assert animate(speech_file, settings).values.tobytes() == first
    assert animate(speech_file, replace(settings, seed=1)).values.tobytes() != first


def test_silence_is_a_resting_face_that_blinks(settings: Settings) -> None:
    curves = animate(Audio(np.zeros(16_000 * 30, np.float32), 16_000), settings)
    assert np.abs(curves.column("jawOpen")).max() < 1e-6
    assert curves.column("eyeBlinkLeft").max() > 0.9


def test_one_sample_is_one_row(settings: Settings) -> None:
    assert animate(Audio(np.ones(1, np.float32), 16_000), settings).values.shape == (1, len(channels.ALL))


def test_progress_rises_to_1_and_can_cancel(speech_file: Path, settings: Settings) -> None:
    heard: list[float] = []
    animate(speech_file, settings, heard.append)
    assert heard == sorted(heard)
    assert (len(heard), heard[-1]) == (3, 1.0)

    def stop(fraction: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        animate(speech_file, settings, stop)


def test_a_loaded_model_is_used_as_it_is(speech_file: Path, settings: Settings, face_model: FaceModel) -> None:
    nowhere = replace(settings, model=replace(settings.model, path="/nothing.onnx"))
    assert len(animate(speech_file, nowhere, model=face_model).values) == 250
    with pytest.raises(ModelError, match="does not exist"):
        animate(speech_file, nowhere)


def test_notes_are_told_and_otherwise_dropped(speech_file: Path, settings: Settings) -> None:
    speech_file.write_bytes(speech_file.read_bytes()[:60_000])
    notes: list[str] = []
    elsewhere = replace(settings, model=replace(settings.model, device="dml"))
    animate(speech_file, elsewhere, note=notes.append)
    assert ["dml" in notes[0], "cut short" in notes[1]] == [True, True]
    animate(speech_file, elsewhere)


def test_a_number_that_is_none_in_the_last_second_stops_everything(tmp_path: Path, settings: Settings) -> None:
    samples = np.zeros(16_000 * 20, np.float32)
    samples[-100] = np.nan
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"at 19\.994 s"):
        animate(tmp_path / "a.wav", settings)


def test_a_sound_too_short_for_a_sample_is_refused(tmp_path: Path, settings: Settings) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(1), 44_100)
    with pytest.raises(AudioError, match=r"'a\.wav' is too short to hold any sound; export it again"):
        animate(tmp_path / "a.wav", settings)


def test_memory_does_not_grow_with_the_sound(
    tmp_path: Path, settings: Settings, face_model: FaceModel, babble: Callable[..., np.ndarray]
) -> None:
    path = tmp_path / "long.wav"
    minute = babble(60.0)
    with soundfile.SoundFile(path, "w", 16_000, 1) as file:
        for _ in range(10):
            file.write(minute)
    tracemalloc.start()
    for window in face_model.windows(open_sound(path).blocks(), settings.model.window_s):
        face_model.predict(window)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4e6  # ten minutes of samples are 38 MB


def in_a_new_process(code: str, home: Path) -> str:
    environment = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return done.stdout


def test_importing_the_core_loads_neither_runtime_nor_decoder(tmp_path: Path) -> None:
    code = (
        "import sys, addon.core.pipeline; print(*(m for m in ('onnxruntime', 'soundfile', 'soxr') if m in sys.modules))"
    )
    assert in_a_new_process(code, tmp_path).strip() == ""


def test_running_a_model_leaves_no_file_in_the_users_home(tmp_path: Path, tiny_model: Path) -> None:
    code = (
        f"from pathlib import Path; from addon.core.model import FaceModel; FaceModel.load(Path({str(tiny_model)!r}))"
    )
    in_a_new_process(code, tmp_path)
    assert list(tmp_path.rglob("*")) == []
