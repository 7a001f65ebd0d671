"""What becomes of each channel on a head: covered, approximated, folded into another, or lost."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from .. import channels
from .rigmap import RigMap


class Fate(Enum):
    """What becomes of a channel."""

    COVERED = "covered"  # keys of its own show it as it is meant
    APPROXIMATED = "approximated"  # keys come near: another shape, a mix of visemes, or not all of its keys
    FOLDED = "folded"  # it shares a key with its other side, or closes the lips through the jaw
    LOST = "lost"  # nothing on this head shows it


def fates(rig: RigMap, found: Mapping[str, str]) -> dict[str, Fate]:
    """The fate of each of ARKit's 52 on a head that has these controls (control → key) of a convention."""
    return {channel: _fate(rig, found, channel) for channel in channels.ARKIT}


def _fate(rig: RigMap, found: Mapping[str, str], channel: str) -> Fate:
    if channel == "mouthClose":
        return _closure(rig, found)
    own = {control for control, parts in (rig.weights | rig.instead).items() if channel in parts}
    here = own & found.keys()
    if not here:
        spoken = any(channel in rig.visemes[control] for control in found if control in rig.visemes)
        return Fate.APPROXIMATED if spoken else Fate.LOST
    if all(_is_shared(rig.parts(control), channel) for control in here):
        return Fate.FOLDED
    is_partial = not (own & rig.weights.keys()) <= here and not here & rig.instead.keys()
    return Fate.APPROXIMATED if is_partial or channel in rig.approximate else Fate.COVERED


def _closure(rig: RigMap, found: Mapping[str, str]) -> Fate:
    if rig.can_close(found):
        return Fate.FOLDED if rig.closure == "absolute" else Fate.COVERED
    opens = any("jawOpen" in rig.parts(control) for control in found)
    return Fate.FOLDED if opens else Fate.LOST


def _is_shared(parts: Mapping[str, float], channel: str) -> bool:
    """Whether a control is the mean of channels, so that it cannot show one of them by itself."""
    return len(parts) > 1 and all(0 < weight <= 1 / 2 for weight in parts.values()) and channel in parts
