"""Back from a head's own keys to channels: what curves would have set them so."""

from __future__ import annotations

import numpy as np

from ..curves import Array, Curves, Doubles
from ..errors import RigError
from .rigmap import JAW_SHUT, RigMap


def channels_of(rig: RigMap, controls: Curves) -> Curves:
    """The channels that set a head's keys to these values: exact where each key shows one channel.

    A key that is the mean of two channels gives its value to both. Visemes give the mix of their poses, which is what
    the head shows. A channel that no key of the head shows is not among the result.
    """
    found = rig.match(controls.names)
    plain = [control for control in found if control not in rig.visemes]
    spoken = [control for control in found if control in rig.visemes]
    columns: dict[str, Array] = {}
    if spoken:
        columns |= _mixed(rig, spoken, _values(controls, found, spoken))
    if plain:
        columns |= _solved(rig, plain, _values(controls, found, plain))
    if not columns:
        raise RigError(f"none of these keys is of the convention {rig.title!r}; nothing can be read back from them")
    if not spoken and rig.can_close(found):
        columns = _opened(rig, columns)
    return Curves(np.stack(list(columns.values()), axis=1).astype(np.float32), tuple(columns), controls.rate)


def _values(controls: Curves, found: dict[str, str], wanted: list[str]) -> Array:
    return controls.select([found[control] for control in wanted]).values


def _solved(rig: RigMap, wanted: list[str], values: Array) -> dict[str, Array]:
    """Channels whose weighted sums these values are; of several answers the one with the least motion."""
    names = list(dict.fromkeys(channel for control in wanted for channel in rig.parts(control)))
    weights = np.array([[rig.parts(control).get(name, 0.0) for name in names] for control in wanted])  # (R, C)
    solved = values.astype(np.float64) @ np.linalg.pinv(weights).T
    for one, other in contrary(weights):
        parted(solved, one, other)
    return dict(zip(names, solved.T.astype(np.float32), strict=True))


def contrary(weights: Doubles, within: float = 0.0) -> list[tuple[int, int]]:
    """Columns of (R, C) that do just the contrary, in pairs: such as a lid's blink and its widening, on one control."""
    apart = np.abs(weights[:, :, np.newaxis] + weights[:, np.newaxis, :]).max(axis=0, initial=0)  # (C, C)
    moves = np.abs(weights).max(axis=0, initial=0) > within
    return [(int(one), int(other)) for one, other in np.argwhere(np.triu(apart <= within, 1)) if moves[one]]


def parted(solved: Doubles, one: int, other: int) -> None:
    """Gives what a control shows of two contrary channels, columns of (T, C), to that on whose side it is."""
    shown = solved[:, one] - solved[:, other]
    solved[:, one], solved[:, other] = np.maximum(shown, 0), np.maximum(-shown, 0)


def _mixed(rig: RigMap, spoken: list[str], values: Array) -> dict[str, Array]:
    """The sum of the visemes' poses; lips that a viseme presses over a shut jaw are not told apart from closed ones."""
    names = [name for name in dict.fromkeys(n for v in spoken for n in rig.visemes[v]) if name != "mouthClose"]
    poses = np.array([[rig.visemes[viseme].get(name, 0.0) for name in names] for viseme in spoken])  # (V, C)
    mixed = np.clip(values.astype(np.float64) @ poses, 0, 1)
    return dict(zip(names, mixed.T.astype(np.float32), strict=True))


def _opened(rig: RigMap, columns: dict[str, Array]) -> dict[str, Array]:
    """Jaw and closure as ARKit means them, from what this convention's keys mean."""
    close, jaw = columns["mouthClose"], columns.get("jawOpen")
    if jaw is None:
        return columns
    if rig.closure == "absolute":
        return columns | {"jawOpen": jaw + close}
    if rig.closure == "share":
        return columns | {"mouthClose": close * np.maximum(jaw, np.float32(JAW_SHUT))}
    return columns
