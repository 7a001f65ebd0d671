"""Baking again: a range of a take, or all of it where its strip is now; every key of the animator's stays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import bpy
import numpy as np

from ...core import curves as core_curves
from ...core.curves import Array, Curves
from ...core.direction import Direction
from ...core.errors import FacewrightError, quoted
from ...core.settings import Settings
from ..base import compat, sound
from ..fcurves import keys
from ..fcurves.density import Density, density_of, generated
from ..fcurves.targets import Strand
from ..head import rig, standing, unseen
from ..head.protection import listed
from . import bake, memory, take_parts, takes
from .take_properties import FACEWRIGHT_PG_saved_take as Take

Span = tuple[int, int]  # first and last frame


@dataclass(frozen=True)
class Report:
    """What was baked again."""

    take: str
    span: Span
    kept: int  # keys of the animator's in it
    notes: tuple[str, ...]

    def __str__(self) -> str:
        kept = f"{self.kept} {'key' if self.kept == 1 else 'keys'} of yours kept"
        return f"Baked {self.take} again, frames {self.span[0]} to {self.span[1]}; {kept}"


def rebake(
    scene: bpy.types.Scene, take: Take, span: tuple[float, float] | None, settings: Settings, direction: Direction
) -> Report:
    """New generated keys between two frames of a take, or on all of it; the head shows the take from then on."""
    takes.check_there(take)
    if told := other_rate(scene, take):
        raise FacewrightError(told)
    first, last = within(take, span)
    found = rig.examine(scene, head_of(take))
    sampled = performed(scene, take, settings, direction)
    if not take_parts.is_whole(take):
        return _anew(scene, take, found, sampled)
    if not takes.is_current(take):
        takes.switch(scene, take)
    blend = round(takes.of(scene).blend_s * sound.fps(scene))
    strands = found.strands(sampled, take.first)
    kept, own_blocks = 0, own_actions(take)
    for block, action in own_blocks:
        own = [strand for strand in strands if strand.owner.block() == block]
        kept += _rewrite(block, action, own, take, (first, last), blend, density_of(scene, sampled))
    if (first, last) == (take.first, take.last):
        memory.remember(take, settings, direction)
    notes = [
        note for note in (memory.missing_model(take), unkeyed([block for block, _ in own_blocks], strands)) if note
    ]
    return Report(take.name, (first, last), kept, (*notes, *found.notes, *unseen.notes(found.parts, strands)))


def unkeyed(blocks: Sequence[Any], strands: Sequence[Strand]) -> str | None:
    """What to tell of data-blocks that a take has no Action for: meshes that joined the character after its bake."""
    moving = (strand for strand in strands if np.ptp(strand.values) > unseen.STILL)
    out = sorted({strand.owner.shown for strand in moving if strand.owner.block() not in blocks})
    return (
        f"{listed(out)}: no part of this take, so nothing moves there; press Animate for a take of all of it"
        if out
        else None
    )


def other_rate(scene: bpy.types.Scene, take: Take) -> str | None:
    """What to tell of a take that was baked at another rate than the scene's, and is out of step with its sound."""
    _line, fps = takes.line_of(take)
    if math.isclose(fps, sound.fps(scene), rel_tol=1e-4):
        return None
    return f"{quoted(take.name)} was baked at {fps:g} frames a second; use Update to Strip first"


def within(take: Take, span: tuple[float, float] | None) -> Span:
    """Whole frames of the take; a FacewrightError says what is wrong with the range."""
    if span is None:
        return take.first, take.last
    if not all(math.isfinite(frame) for frame in span):
        raise FacewrightError("the range is not made of numbers; choose its first and last frame")
    if span[0] > span[1]:
        raise FacewrightError(f"the range ends ({span[1]:g}) before it starts ({span[0]:g}); swap the two")
    first, last = max(take.first, math.floor(span[0])), min(take.last, math.ceil(span[1]))
    if first > last:
        where = f"frames {span[0]:g} to {span[1]:g}"
        raise FacewrightError(f"{where} lie outside {quoted(take.name)}, which is on {take.first} to {take.last}")
    return first, last


def head_of(take: Take) -> bpy.types.Object | None:
    """An object of the take's character."""
    if take.head is not None and take.head.users_scene:
        head: bpy.types.Object = take.head
        return head
    shown: bpy.types.Object | None = next((p.shown for p in take.parts if take_parts.block_of(p) is not None), None)
    return shown


def performed(scene: bpy.types.Scene, take: Take, settings: Settings, direction: Direction) -> Curves:
    """The take's channels on every one of its frames, (T, C); what lies beyond what was heard is held."""
    _line, fps = takes.line_of(take)
    curves = memory.performed(takes.of(scene), take, settings, direction)
    sampled = core_curves.resample(curves, fps)
    late = _late(take)
    rows = np.clip(np.arange(late, late + take.last - take.first + 1), 0, len(sampled.values) - 1)
    return Curves(sampled.values[rows], sampled.names, sampled.rate)


def heard_line(take: Take, line: sound.Line) -> sound.Line:
    """The line as all of it was heard, from where that would lie now: what is asked of a take counts from there."""
    return replace(line, frame=take.first - _late(take), start_s=take.heard_from_s, stretch=take.stretch)


def _late(take: Take) -> int:
    """How many frames of what was heard pass before the take begins."""
    line, fps = takes.line_of(take)
    late: int = round((line.start_s - take.heard_from_s) * take.stretch * fps)
    return late


def own_actions(take: Take) -> list[tuple[Any, Any]]:
    """The take's data-blocks with Actions that may be changed: the animator's, and what a strip plays, are copied."""
    found = []
    for block, action in take_parts.actions_of(take):
        take_parts.follow_renames(block)
        if not take_parts.may_change(block, action):
            bake.new_action(block, f"Facewright {take.name}")
            part = next(part for part in take.parts if take_parts.block_of(part) == block)
            part.action = block.animation_data.action
        found.append((block, block.animation_data.action))
    return found


def _rewrite(
    block: Any, action: Any, strands: Sequence[Strand], take: Take, span: Span, blend: int, density: Density
) -> int:
    """New keys on the curves of one data-block; how many of the animator's are kept among them."""
    existing = {(curve.data_path, curve.array_index): curve for curve in compat.curves_of(action, block)}
    noted, kept = keys.notes(action), 0
    for strand in strands:
        place = (strand.path, strand.index)
        curve = existing.get(place) or bake.new_curve(action, block, strand)
        old = keys.read(curve)
        mine = keys.theirs(old, noted.get(place))
        first, last = _reach(old, mine, span, take)
        if first > last:
            continue
        rows = slice(first - take.first, last - take.first + 1)
        values = _blended(_evaluated(curve, first, last), strand.values[rows], first, span, take, blend)
        pins = np.append(keys.borders(old, mine), (first, last)).astype(np.float32)
        (new,) = generated(values[:, np.newaxis], [strand.group], first, density.part(rows), [pins])
        table, is_new = keys.joined(old, mine, new, (first, last), (take.first, take.last))
        keys.write(curve, table)
        noted[place] = keys.renoted(noted.get(place), keys.read(curve), (first, last), table["co"][is_new, 0])
        frames = old["co"][:, 0]
        kept += int((mine & (frames > span[0] - 0.5) & (frames < span[1] + 0.5)).sum())
    keys.note(action, noted)
    standing.keep(block, action)
    block.update_tag()
    return kept


def _reach(old: keys.Table, mine: keys.Flags, span: Span, take: Take) -> Span:
    """The range on one curve, so that the curve beyond it stays as it is: a segment that bends is baked whole or, next
    to a key of the animator's, not at all."""
    frames, (first, last) = old["co"][:, 0], span
    before = int(np.searchsorted(frames, span[0] + keys.NEAR)) - 1  # the last key that is not after
    if 0 <= before < len(frames) - 1 and frames[before] < span[0] - keys.NEAR:
        if mine[before]:
            first = math.ceil(frames[before + 1])
        elif old["interpolation"][before] != keys.LINEAR:
            first = math.floor(frames[before])
    after = int(np.searchsorted(frames, span[1] - keys.NEAR))  # the first key that is not before
    if 0 < after < len(frames) and frames[after] > span[1] + keys.NEAR:
        if mine[after] or mine[after - 1]:
            last = math.floor(frames[after - 1])
        elif old["interpolation"][after - 1] != keys.LINEAR:
            last = math.ceil(frames[after])
    return max(first, take.first), min(last, take.last)


def _evaluated(curve: Any, first: int, last: int) -> Array:
    """The curve on every frame without what modifiers make of it, which they would make again."""
    muted = [(modifier, modifier.mute) for modifier in curve.modifiers]
    for modifier, _ in muted:
        modifier.mute = True
    values = np.array([curve.evaluate(frame) for frame in range(first, last + 1)], np.float32)
    for modifier, was in muted:
        modifier.mute = was
    return values


def _blended(old: Array, new: Array, first: int, span: Span, take: Take, blend: int) -> Array:
    """The new values in the range, the old ones beyond it, and a soft change within it at either border.

    A border that is the take's own has nothing to blend with.
    """
    frames = np.arange(first, first + len(new))
    width = min(blend, (span[1] - span[0]) // 2)
    share = np.ones(len(new), np.float32)
    for border, end, inward in ((span[0], take.first, frames - span[0]), (span[1], take.last, span[1] - frames)):
        if border != end:
            ramp = np.clip(inward / width, 0, 1) if width else (inward >= 0).astype(np.float32)
            share *= (ramp * ramp * (3 - 2 * ramp)).astype(np.float32)
    return np.asarray(old + share * (new - old), np.float32)


def _anew(scene: bpy.types.Scene, take: Take, found: rig.Head, sampled: Curves) -> Report:
    """The take's keys written once more into new Actions, because one of its own was deleted."""
    strands = found.strands(sampled, take.first)
    take.parts.clear()
    for owner in dict.fromkeys(strand.owner for strand in strands):
        block = owner.block()
        bake.new_action(block, f"Facewright {take.line} {owner.shown}")
        own = [strand for strand in strands if strand.owner == owner]
        line = takes.own_line(take)
        bake.write_strands(block, own, line, density_of(scene, sampled))
        take_parts.add_part(take, owner, block.animation_data.action)
    told = "its Action had been deleted, and with it what you did by hand"
    return Report(take.name, (take.first, take.last), 0, (told, *found.notes))
