"""What was heard of a line is kept until its file or the model changes."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from addon.blender.base import hearing, sound
from addon.core.errors import AudioError, Cancelled
from addon.core.settings import Settings

from .conftest import write_line


@pytest.fixture(autouse=True)
def nothing_heard():
    hearing.forget()
    yield
    hearing.forget()


def test_a_line_is_listened_to_once(line: Path, settings: Settings, scene):
    spoken = sound.from_file(str(line), 1)
    windows: list[float] = []
    heard = hearing.listen(spoken, settings.model, windows.append)
    assert windows
    assert hearing.listen(replace(spoken, frame=200), settings.model, windows.append) is heard
    assert windows[-1] == 1.0
    assert windows.count(1.0) == 1


def test_another_part_of_the_file_is_another_line(line: Path, settings: Settings, scene):
    spoken = sound.from_file(str(line), 1)
    whole = hearing.listen(spoken, settings.model)
    part = hearing.listen(replace(spoken, start_s=0.5, end_s=1.0), settings.model)
    assert len(part.curves.values) == 25
    assert len(whole.curves.values) == 100


def test_a_file_or_a_model_that_changed_is_heard_anew(line: Path, settings: Settings, scene, tmp_path: Path):
    spoken = sound.from_file(str(line), 1)
    before = hearing.listen(spoken, settings.model)
    write_line(line, 3.0)
    assert hearing.recall(spoken, settings.model) is None
    assert len(hearing.listen(spoken, settings.model).curves.values) == 150
    assert len(before.curves.values) == 100
    model = tmp_path / "retrained.onnx"
    model.write_bytes(Path(settings.model.path).read_bytes())
    retrained = replace(settings.model, path=str(model))
    assert hearing.recall(spoken, retrained) is None
    hearing.listen(spoken, retrained)
    assert hearing.recall(spoken, retrained) is not None
    os.utime(model, (1, 1))
    assert hearing.recall(spoken, retrained) is None


def test_what_was_cancelled_or_failed_is_not_remembered(line: Path, settings: Settings, scene, tmp_path: Path):
    def stop(_fraction: float) -> None:
        raise Cancelled

    spoken = sound.from_file(str(line), 1)
    with pytest.raises(Cancelled):
        hearing.listen(spoken, settings.model, stop)
    assert hearing.recall(spoken, settings.model) is None
    line.unlink()
    with pytest.raises(AudioError):
        hearing.listen(spoken, settings.model)


def test_memory_is_bounded_and_the_line_used_longest_ago_goes_first(
    settings: Settings, scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(hearing, "MAX_ROWS", 250)  # two lines and a half
    lines = [sound.from_file(str(write_line(tmp_path / f"{n}.wav")), 1) for n in range(3)]
    for spoken in (lines[0], lines[1], lines[0], lines[2]):
        hearing.listen(spoken, settings.model)
    assert [hearing.recall(spoken, settings.model) is not None for spoken in lines] == [True, False, True]


def test_what_is_recalled_is_what_was_heard(line: Path, settings: Settings, scene):
    spoken = sound.from_file(str(line), 1)
    first = hearing.listen(spoken, settings.model)
    hearing.forget()
    again = hearing.listen(spoken, settings.model)
    assert np.array_equal(first.curves.values, again.curves.values)
