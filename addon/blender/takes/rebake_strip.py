"""A dialogue edit: the strip was moved, trimmed or retimed, or the scene's rate changed; takes and hand keys follow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import bpy
import numpy as np

from ...core import audio
from ...core.errors import AudioError, FacewrightError, quoted
from ...core.whole import is_there
from ..base import compat, sound
from ..fcurves import keys, lines
from ..fcurves.density import Density, density_of, generated
from ..fcurves.targets import Strand
from ..head import rig
from . import bake, memory, rebake, take_parts, takes
from .take_properties import FACEWRIGHT_PG_saved_take as Take

CLOSE = 1e-4  # seconds: an edit smaller than this is none


@dataclass(frozen=True)
class Place:
    """Where a line lies: its first frame, how many, what second of the file that is, and how much longer it lasts."""

    first: int
    count: int
    start_s: float
    stretch: float
    fps: float

    def frame(self, second: float) -> float:
        """The frame at which a second of the sound file is heard."""
        return self.first + (second - self.start_s) * self.stretch * self.fps

    def second(self, frame: float) -> float:
        """The second of the sound file that is heard at a frame."""
        return self.start_s + (frame - self.first) / (self.stretch * self.fps)


@dataclass(frozen=True)
class Move:
    """A take, where it lies and where it is to lie."""

    take: Take
    old: Place
    new: Place

    @property
    def line(self) -> lines.Line:
        """The line at its new place."""
        return lines.Line(self.take.uid, self.take.line, self.new.first, self.new.first + self.new.count - 1)

    def moved(self, table: keys.Table) -> keys.Table:
        """Keys in their new time."""
        there = table.copy()
        for name in ("co", "handle_left", "handle_right"):
            there[name][:, 0] = [self.new.frame(self.old.second(frame)) for frame in table[name][:, 0].tolist()]
        return there


def update(scene: bpy.types.Scene, take: Take) -> rebake.Report:
    """Puts every line that the take's head shows where its strip is now, with all that was done to it by hand.

    Other takes of these lines go along in their own Actions, so that they can take its place there.
    """
    takes.check_there(take)
    if not takes.is_current(take):
        takes.switch(scene, take)
    found = rig.examine(scene, rebake.head_of(take))
    shown = takes.shown_on(scene, take)
    moves = [Move(other, place_of(other), place_now(scene, other)) for other in shown]
    _check_apart(moves)
    moves = [move for move in moves if not _is_same(move.old, move.new)]
    if not moves:
        raise FacewrightError(f"{quoted(take.name)} is where its strip is; there is nothing to update")
    notes = [note for move in moves for note in (*_beyond(scene, move), *_cut_off(scene, move))]
    idle = [other for move in moves for other in takes.rivals(scene, move.take) if not takes.is_current(other)]
    following = [Move(other, place_of(other), place_now(scene, other)) for other in idle]
    jobs = [_prepared(scene, move, found) for move in moves]
    blocks = {id(block): (block, action) for move in moves for block, action in rebake.own_actions(move.take)}
    kept = sum(_retimed(scene, block, action, moves, jobs) for block, action in blocks.values())
    for move in following:
        _follow(scene, move, found)
    notes += [told for move in moves if (told := memory.missing_model(move.take))]
    strands = [strand for own, _ in jobs for strand in own]
    if told := rebake.unkeyed([block for block, _ in blocks.values()], strands):
        notes.append(told)
    return rebake.Report(take.name, (take.first, take.last), kept, (*notes, *found.notes))


def place_of(take: Take) -> Place:
    """Where the take's line lay when it was last baked."""
    line, fps = takes.line_of(take)
    return Place(take.first, take.last - take.first + 1, line.start_s, take.stretch, fps)


def line_now(scene: bpy.types.Scene, take: Take) -> sound.Line:
    """The take's line; if its file is no longer where it was, in the one that its strip plays: moved, or packed."""
    line, _ = takes.line_of(take)
    strip = None if is_there(line.path) else _strip_of(scene, take, line)
    try:
        return line if strip is None else replace(line, path=sound.file_of(strip.sound))
    except AudioError:  # that one is gone too
        return line


def place_now(scene: bpy.types.Scene, take: Take) -> Place:
    """Where its strip is now; without a strip it stays on its first frame, at the scene's rate."""
    line = line_now(scene, take)
    old, fps = place_of(take), sound.fps(scene)
    strip = _strip_of(scene, take, line)
    if strip is None:
        return replace(old, fps=fps, count=max(1, math.ceil(old.count * fps / old.fps - 1e-6)))
    whole, left, right = compat.span(strip)
    duration_s = _duration_s(scene, take, line)
    stretch = _stretch(strip, duration_s * fps)
    whole -= compat.split_off(strip)[0] * (stretch - 1)  # what was split off would play at the strip's speed too
    first = max(round(left), round(whole))
    start_s = max(0.0, (first - whole) / (fps * stretch)) if left > whole else 0.0
    end = whole + duration_s * stretch * fps
    count = min(math.ceil(end - first - 1e-6), round(right) - first)
    return Place(first, max(1, count), start_s, stretch, fps)


def _strip_of(scene: bpy.types.Scene, take: Take, line: sound.Line) -> Any | None:
    """The strip of the line: the one it was heard from, or that plays its file; of several, the nearest.

    One that is muted is so only where no other plays the file.
    """
    strips = [strip for strip in compat.sound_strips(scene) if strip.sound is not None]
    named = [strip for strip in strips if strip.name == take.line]
    same = [strip for strip in strips if sound.plays(strip.sound, line.path)]
    moved = [strip for strip in strips if sound.path_of(strip.sound).name == line.path.name]
    found = same or named or moved if line.filepath else named or same or moved
    found = [strip for strip in (*found, *same) if not compat.is_muted(scene, strip)] or found
    return min(found, key=lambda strip: abs(compat.span(strip)[1] - take.first)) if found else None


def _stretch(strip: Any, frames: float) -> float:
    """How much longer the strip's sound lasts than it was recorded; all of it has so many frames."""
    retimed = [key.timeline_frame for key in strip.retiming_keys]
    if not retimed:
        return 1.0
    if len(retimed) > 2:
        raise AudioError(
            f"strip {quoted(strip.name)} runs at several speeds; render it to a sound file and animate that"
        )
    held = frames - sum(compat.split_off(strip)) - compat.LAST_KEY
    return float(max(1e-3, (retimed[1] - retimed[0]) / max(held, 1.0)))


def _duration_s(scene: bpy.types.Scene, take: Take, line: sound.Line) -> float:
    """The length of the sound file; if it is gone, as far as it was heard."""
    try:
        return float(audio.open_sound(line.path).duration_s)
    except AudioError:
        return float(take.heard_from_s) + _heard_s(scene, take)


def _heard_s(scene: bpy.types.Scene, take: Take) -> float:
    curves = memory.performed(takes.of(scene), take, *memory.asked(take))
    return curves.duration_s / float(take.stretch)


def _is_same(old: Place, new: Place) -> bool:
    near = abs(old.start_s - new.start_s) < CLOSE and abs(old.stretch / new.stretch - 1) < CLOSE
    return near and (old.first, old.count) == (new.first, new.count) and abs(old.fps / new.fps - 1) < CLOSE


def _check_apart(moves: Sequence[Move]) -> None:
    for place, move in enumerate(moves):
        for other in moves[:place]:
            if lines.overlap(move.line, other.line):
                names = f"{quoted(other.take.name)} and {quoted(move.take.name)}"
                remedy = "delete one of them" if other.take.line == move.take.line else "move their strips apart"
                raise FacewrightError(f"{names} would be spoken at once by one head; {remedy}")


def _beyond(scene: bpy.types.Scene, move: Move) -> list[str]:
    """A note if the strip plays more than was heard."""
    heard_to_s, frame_s = move.take.heard_from_s + _heard_s(scene, move.take), 1 / move.new.fps
    end_s = move.new.second(move.new.first + move.new.count - 1)
    if move.new.start_s < move.take.heard_from_s - frame_s / 2 or end_s > heard_to_s + frame_s:
        return [f"{quoted(move.take.line)} now plays more than was heard; press Animate for a take of all of it"]
    return []


def _cut_off(scene: bpy.types.Scene, move: Move) -> list[str]:
    """A note for each strip that plays what the line said and its own strip plays no more: a strip was split."""
    own = _strip_of(scene, move.take, line_now(scene, move.take))
    low, high = (place.second(place.first + place.count) for place in (move.new, move.old))
    rest = []
    for strip in compat.sound_strips(scene) if own is not None else ():
        whole, left, _right = compat.span(strip)
        begins_s = (left - whole) / (move.new.stretch * move.new.fps)
        if strip.sound == own.sound and low - CLOSE <= begins_s < high - CLOSE:
            rest.append(f"strip {quoted(strip.name)} plays on where {move.take.line} ends now; animate that strip too")
    return rest


def _follow(scene: bpy.types.Scene, move: Move, found: rig.Head) -> None:
    """A take that is not shown, in its own Actions."""
    job = _prepared(scene, move, found)
    for part in move.take.parts:
        block = take_parts.block_of(part)
        if block is not None and part.action is not None:
            _retimed(scene, block, take_parts.own_action(part, block), [move], [job])


def _prepared(scene: bpy.types.Scene, move: Move, found: rig.Head) -> tuple[list[Strand], Density]:
    """The take's strands at its new place, which it takes from here on."""
    take, place = move.take, move.new
    line, _ = takes.line_of(take)
    take.stretch = place.stretch
    takes.put_line(take, replace(line, frame=place.first, start_s=place.start_s), place.fps, place.count)
    sampled = rebake.performed(scene, take, *memory.asked(take))
    return found.strands(sampled, take.first), density_of(scene, sampled)


def _retimed(
    scene: bpy.types.Scene, block: Any, action: Any, moves: Sequence[Move], jobs: Sequence[tuple[list[Strand], Density]]
) -> int:
    """All moves on one data-block at once, so that lines may change places; how many keys of the animator's moved.

    In an Action that is not shown nothing counts but its take's line, which makes room for itself.
    """
    existing = {(curve.data_path, curve.array_index): curve for curve in compat.curves_in(action, block)}
    noted, count, is_shown = keys.notes(action), 0, _is_shown(block, action)
    strands = [{(s.path, s.index): s for s in own if s.owner.block() == block} for own, _ in jobs]
    for place in dict.fromkeys(place for own in strands for place in own if is_shown or place in existing):
        strand = next(own[place] for own in strands if place in own)
        curve = existing.get(place) or bake.new_curve(action, block, strand)
        table, note = keys.read(curve), noted.get(place, np.zeros(0, keys.NOTE))
        mine = keys.theirs(table, note)
        rows = [_within(table, move.old) for move in moves]
        count += sum(int((mine & held).sum()) for held in rows)
        goes = rows if is_shown else [*rows, *(_within(table, move.new) for move in moves)]
        rest = table[~np.any(goes, axis=0)]
        laid = [
            _laid(move.moved(table[held]), mine[held], own.get(place), move.line, density)
            for move, held, own, (_, density) in zip(moves, rows, strands, jobs, strict=True)
        ]
        whole = np.concatenate([rest, *(part for part, _ in laid)])
        is_new = np.concatenate([np.zeros(len(rest), np.bool_), *(flags for _, flags in laid)])
        keys.write(curve, keys.without_clashes(whole, is_new))
        now = keys.read(curve)
        for move in moves:
            note = keys.swapped(note, note[:0], (move.old.first, move.old.first + move.old.count - 1))
        for move, (part, flags) in zip(moves, laid, strict=True):
            note = keys.renoted(note, now, (move.line.first, move.line.last), part["co"][flags, 0])
        noted[place] = note
    keys.note(action, noted)
    _name_lines(scene, action, moves)
    block.update_tag()
    return count


def _is_shown(block: Any, action: Any) -> bool:
    return block.animation_data is not None and block.animation_data.action == action


def _name_lines(scene: bpy.types.Scene, action: Any, moves: Sequence[Move]) -> None:
    """Notes in the Action where its lines lie now, and marks their phrases."""
    for move in moves:
        lines.drop(action, move.take.uid)
    for move in moves:
        lines.add(action, move.line)
        heard = memory.heard(takes.of(scene), move.take)
        lines.mark_phrases(action, move.take.line, takes.phrases(move.take, heard))


def _within(table: keys.Table, place: Place) -> keys.Flags:
    frames = table["co"][:, 0]
    return np.asarray((frames > place.first - 0.5) & (frames < place.first + place.count - 0.5))


def _laid(
    table: keys.Table, mine: keys.Flags, strand: Strand | None, line: lines.Line, density: Density
) -> tuple[keys.Table, keys.Flags]:
    """A line's keys, in their new time, with new generated ones in place of the old, and which are generated."""
    if strand is None:
        return table, ~mine
    pins = keys.borders(table, mine)
    (new,) = generated(strand.values[:, np.newaxis], [strand.group], line.first, density, [pins])
    everywhere = (-np.inf, np.inf)
    return keys.joined(table, mine, new, everywhere, everywhere)
