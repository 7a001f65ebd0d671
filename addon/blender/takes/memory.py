"""What a take is made from, kept in the .blend: what was heard, settings, direction. The model is not needed again."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...core import archive, pipeline
from ...core import settings as core_settings
from ...core.curves import Curves
from ...core.direction import UNDIRECTED, Direction
from ...core.errors import FacewrightError, quoted
from ...core.heard import Heard
from ...core.model import FaceModel, model_path
from ...core.settings import ModelSettings, Settings
from ..base import compat
from .take_properties import FACEWRIGHT_PG_saved_take as Take
from .take_properties import FACEWRIGHT_PG_takes as Takes

if TYPE_CHECKING:
    from .bake import Performance

DATA, DIRECTION = "data", "direction"  # custom properties that hold bytes
RECORDED, SCHEMA = "facewright-recorded", 1  # curves that nobody listened for, such as a take of Live Link Face
REMEDY = "animate the line again"


def keep(held: Takes, take: Take, performance: Performance) -> None:
    """Keeps what the take was made from; what is the same for several takes is kept once."""
    heard = performance.heard
    data = heard.to_bytes() if heard else _packed(performance.curves)
    take.heard = hashlib.sha256(data).hexdigest()[:32]
    if take.heard not in held.memory:
        item = held.memory.add()
        item.name = take.heard
        compat.put_bytes(item, DATA, data)
    since_s = performance.heard_from_s
    take.heard_from_s = performance.line.start_s if since_s is None else since_s
    take.model = performance.model
    remember(take, performance.settings, performance.direction)


def remember(take: Take, settings: Settings, direction: Direction) -> None:
    """Keeps what was asked of the take."""
    take.settings, take.seed = core_settings.dumps(settings), settings.seed
    compat.put_bytes(take, DIRECTION, b"" if direction == UNDIRECTED else direction.to_bytes())


def asked(take: Take) -> tuple[Settings, Direction]:
    """What was asked of the take."""
    data = take.get(DIRECTION, b"")
    return core_settings.loads(take.settings), Direction.from_bytes(data) if data else UNDIRECTED


def heard(held: Takes, take: Take) -> Heard | None:
    """What was heard of the take's line; None for curves that were recorded."""
    data = _data(held, take)
    return Heard.from_bytes(data) if _recorded(data) is None else None


def performed(held: Takes, take: Take, settings: Settings, direction: Direction) -> Curves:
    """The take's curves from its line's beginning, in the time in which it is spoken now."""
    data = _data(held, take)
    curves = _recorded(data)
    if curves is None:
        curves = pipeline.perform(Heard.from_bytes(data), settings, direction)
    return replace(curves, rate=curves.rate / take.stretch)


def forget_unused(held: Takes) -> None:
    """Lets go of what no take is made from any more."""
    used = {take.heard for take in held.takes}
    for place in reversed(range(len(held.memory))):
        if held.memory[place].name not in used:
            held.memory.remove(place)


def identity(model: ModelSettings) -> str:
    """The model's name, version and the beginning of its fingerprint; empty if its file is gone."""
    path = model_path(model.path)
    try:
        stamp = path.stat()
    except OSError:
        return ""
    return _identity(path, stamp.st_mtime_ns, stamp.st_size)


def missing_model(take: Take) -> str | None:
    """A line to tell if the model that listened to the take is gone or has changed; it is not needed."""
    if not take.model:
        return None
    model = core_settings.loads(take.settings).model
    if identity(model) == take.model:
        return None
    name = take.model.partition(" #")[0]
    return f"the model {quoted(name)} that listened is gone or changed; {take.name} is baked from what it heard"


@lru_cache(maxsize=8)
def _identity(path: Path, _written: int, _size: int) -> str:
    print_ = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    try:
        card = FaceModel.load(path, "cpu").card
    except FacewrightError:
        return f"{path.stem} #{print_}"
    return f"{card.name} {card.version} #{print_}"


def _data(held: Takes, take: Take) -> bytes:
    item = held.memory.get(take.heard)
    data = item.get(DATA) if item is not None else None
    if not isinstance(data, bytes):
        raise FacewrightError(f"what was heard of {quoted(take.name)} is gone; {REMEDY}")
    return data


def _packed(curves: Curves) -> bytes:
    about = {"names": curves.names, "rate": curves.rate}
    return archive.pack(RECORDED, SCHEMA, about, {"values": np.asarray(curves.values, np.float32)})


def _recorded(data: bytes) -> Curves | None:
    """The curves that were recorded; None where a line was heard, or what is kept is damaged: reading that tells."""
    try:
        about, arrays = archive.unpack(RECORDED, SCHEMA, data, REMEDY)
        return Curves(arrays["values"], tuple(about["names"]), float(about["rate"]))
    except (FacewrightError, ValueError, KeyError, TypeError):
        return None
