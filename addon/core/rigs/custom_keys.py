"""A performance in a head's own key names, for files: what a bake sets in Blender, where there is no Blender."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..curves import Curves, resample
from ..errors import RigError, quoted, reason
from . import custom_toml
from .custom import CustomMap
from .custom_rig import mapped
from .detect import Detection, detect


def head_of(keys: Path | None, mapping: Path | None) -> Detection:
    """What is known of a head by a list of its keys, by a mapping, or by both; a RigError if that moves nothing.

    The list is a text file, a name a line. Without it the head has the keys that the mapping names.
    """
    return head_with(*told(keys, mapping))


def told(keys: Path | None, mapping: Path | None) -> tuple[tuple[str, ...], CustomMap]:
    """What the two files say: the names of a head's keys, and its mapping."""
    custom = custom_toml.load(mapping) if mapping else CustomMap(())
    return names_in(keys) if keys else tuple(dict.fromkeys(row.key for row in custom.rows)), custom


def head_with(names: Sequence[str], custom: CustomMap) -> Detection:
    """The head that has keys of these names, under this mapping; a RigError if it would not move."""
    found = mapped(detect(tuple(names)), custom)
    if not found.keys:
        raise RigError(f"this head would not move: {' '.join(found.explain().split())}")
    return found


def names_in(path: Path) -> tuple[str, ...]:
    """The key names of a text file, a name a line; empty lines count for nothing."""
    where = f"the list of keys {quoted(path.name)}"
    try:
        with path.open("rb") as file:
            data = file.read(custom_toml.MOST_BYTES + 1)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise RigError(f"{where} cannot be read: {reason(error)}; choose another file") from error
    except UnicodeDecodeError as error:
        raise RigError(f"{where} is not text in UTF-8; write a key's name on each line") from error
    lines = (line.removesuffix("\r") for line in text.split("\n"))
    names = tuple(dict.fromkeys(line for line in lines if line.strip()))
    if len(data) > custom_toml.MOST_BYTES or not names:
        fault = "is empty" if not names else f"is larger than {custom_toml.MOST_BYTES // 1000} kB, so it is none"
        raise RigError(f"{where} {fault}; write a key's name on each line")
    return names


def keyed(curves: Curves, head: Detection, rate: float) -> Curves:
    """What the channels come to on this head, (T, R), a column a key, sampled before so that closures are kept."""
    if head.rig is None:
        raise ValueError("nothing is known of this head")
    return head.rig.controls(resample(curves, rate), head.controls)
