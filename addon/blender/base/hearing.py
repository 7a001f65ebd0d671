"""A line is listened to once: what was heard of it stays in memory, so that settings can change without the model."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from ...core import pipeline
from ...core.heard import Heard
from ...core.model import model_path
from ...core.settings import ModelSettings, Settings
from . import sound

MAX_ROWS = 50 * 3600  # an hour of speech: about 15 MB

Stamp = tuple[str, int, int]  # a file as it was: where, when it was written, how long it is
Key = tuple[Stamp, float, float, Stamp, str, int]  # the line's file, the part of it, the model, its device and style

_heard: OrderedDict[Key, Heard] = OrderedDict()  # the one used longest ago first
_lock = threading.Lock()  # listening happens in a thread


def listen(line: sound.Line, model: ModelSettings, progress: pipeline.Progress | None = None) -> Heard:
    """What the model hears in the line: at once if it has heard it before, else slowly. Never touches bpy."""
    known = recall(line, model)
    if known is not None:
        return known
    key = _key(line, model)  # before: a file that changes while it is read is not what was heard
    notes: list[str] = []
    source = sound.heard(line, notes.append)
    heard = pipeline.listen(source, Settings(model=model), progress)
    heard = Heard(heard.curves, heard.prosody, tuple(dict.fromkeys((*notes, *heard.notes))))
    if key is not None:
        _remember(key, heard)
    return heard


def remember(line: sound.Line, model: ModelSettings, heard: Heard) -> None:
    """Takes over what was heard of the line another time, such as for a take in a file that was opened again."""
    key = _key(line, model)
    if key is not None:
        _remember(key, heard)


def recall(line: sound.Line, model: ModelSettings) -> Heard | None:
    """What was heard of the line before, unless its file or the model has changed since."""
    key = _key(line, model)
    with _lock:
        heard = _heard.get(key) if key is not None else None
        if heard is not None:
            _heard.move_to_end(key)
        return heard


def forget() -> None:
    """Gives the memory back."""
    with _lock:
        _heard.clear()


def _remember(key: Key, heard: Heard) -> None:
    with _lock:
        _heard[key] = heard
        _heard.move_to_end(key)
        while len(_heard) > 1 and sum(len(kept.curves.values) for kept in _heard.values()) > MAX_ROWS:
            _heard.popitem(last=False)


def _key(line: sound.Line, model: ModelSettings) -> Key | None:
    """What makes two listenings the same; None where a file cannot be asked, which listening itself will tell."""
    try:
        spoken, network = _stamp(line.path), _stamp(model_path(model.path))
    except OSError:
        return None
    return spoken, line.start_s, line.end_s, network, model.device, model.style


def _stamp(path: Path) -> Stamp:
    about = path.stat()
    return str(path), about.st_mtime_ns, about.st_size
