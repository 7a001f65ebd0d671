"""Curves become keys: a new Action for each of the head's data-blocks, a take in the list, and the sound beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ...core import pipeline
from ...core.curves import Curves
from ...core.direction import UNDIRECTED, Direction
from ...core.errors import quoted
from ...core.heard import Heard
from ...core.settings import Settings
from ..base import compat, hearing, sound
from ..fcurves import keys, lines, nla
from ..fcurves.density import Density, density_of, generated
from ..fcurves.targets import BEFORE, Owner, Strand
from ..head import bones, rig, standing, unseen
from ..head.protection import listed
from . import memory, take_parts, take_shelf, takes
from .take_properties import FACEWRIGHT_PG_saved_take as Take

DEFAULTS = Settings()
# A channel group's colour in the Graph Editor: a theme set for its header, red, green and blue for its curves.
COLOURS = {
    "Mouth": ("THEME01", (0.90, 0.35, 0.30)),
    "Jaw": ("THEME02", (0.95, 0.60, 0.25)),
    "Cheeks": ("THEME09", (0.90, 0.80, 0.30)),
    "Brows": ("THEME03", (0.45, 0.75, 0.35)),
    "Eyes": ("THEME04", (0.35, 0.60, 0.95)),
    "Head": ("THEME06", (0.65, 0.45, 0.90)),
    "Tongue": ("THEME05", (0.90, 0.45, 0.65)),
    "Visemes": ("THEME07", (0.35, 0.80, 0.80)),
}


@dataclass(frozen=True)
class Report:
    """What a bake has written, and what the animator should know about it."""

    line: str
    first_frame: int
    frames: int
    meshes: int
    controls: int
    notes: tuple[str, ...]
    take: str = ""  # its name in the list
    turning: tuple[str, ...] = ()  # what turns, as an animator calls it: head, left eye, right eye, jaw

    def __str__(self) -> str:
        keys = f"{self.controls} {'key' if self.controls == 1 else 'keys'}"
        meshes = f"{self.meshes} {'mesh' if self.meshes == 1 else 'meshes'}"
        moved = [f"{keys} on {meshes}"] if self.controls else []
        moved += [f"turns of {', '.join(self.turning)}"] if self.turning else []
        where = f"{self.line} is at frame {self.first_frame}"
        return f"Baked {self.frames} frames of {' and '.join(moved)}; {where}"


@dataclass(frozen=True)
class Performance:
    """What a line is to look like: curves at the model's own rate, and notes for the user.

    The rest is what a take keeps to be performed again; a performance that was read from a file has its curves alone.
    """

    line: sound.Line
    curves: Curves
    notes: tuple[str, ...] = ()
    heard: Heard | None = None
    settings: Settings = DEFAULTS
    direction: Direction = UNDIRECTED
    model: str = ""  # which one listened
    heard_from_s: float | None = None  # second of the sound file at which that began; None: with the line
    stretch: float = 1.0  # how much longer the line is than spoken


def animate_scene(
    scene: bpy.types.Scene,
    head: bpy.types.Object | None,
    line: sound.Line,
    settings: Settings = DEFAULTS,
    fit: bool = True,
) -> Report:
    """The whole bake at once, without a window; the operator does the same with `perform` in a thread."""
    rig.examine(scene, head)  # refused before the work
    return write(scene, head, perform(line, settings), fit)


def perform(
    line: sound.Line,
    settings: Settings,
    progress: pipeline.Progress | None = None,
    direction: Direction = UNDIRECTED,
) -> Performance:
    """Listens to the line; slow, and never touches bpy, so a thread may run it."""
    heard = hearing.listen(line, settings.model, progress)
    curves, model = pipeline.perform(heard, settings, direction), memory.identity(settings.model)
    return Performance(line, curves, heard.notes, heard, settings, direction, model)


def write(scene: bpy.types.Scene, head: bpy.types.Object | None, performance: Performance, fit: bool = True) -> Report:
    """Writes a performance onto the head and puts its sound in the sequencer; `fit` makes the scene long enough."""
    found = rig.examine(scene, head)
    line = performance.line
    sampled = sound.on_frames(scene, line, performance.curves)
    strands = found.strands(sampled, line.frame)
    notes = [*performance.notes, *found.notes, *unseen.notes(found.parts, strands)]
    if note := sound.place(scene, line):  # first, because it may be refused: the file may be gone by now
        notes.append(note)
    take = takes.new(scene, head, performance, sound.fps(scene), len(sampled.values))
    density = density_of(scene, sampled)
    kept, lost = [], set[str]()
    for owner in dict.fromkeys(strand.owner for strand in strands):
        block = owner.block()
        kept.append(new_action(block, f"Facewright {line.name} {owner.shown}"))
        own = [strand for strand in strands if strand.owner == owner]
        its = takes.own_line(take)
        lost |= lines.others_under(block.animation_data.action, its)
        write_strands(block, own, its, density)
        lines.mark_phrases(block.animation_data.action, line.name, takes.phrases(take, performance.heard))
        take_parts.add_part(take, owner, block.animation_data.action)
        notes += carried_over(block, owner, own)
    kept = list(dict.fromkeys(name for name in kept if name))  # meshes may share an Action
    if kept:
        notes.append(f"the keys that were there are kept in {', '.join(kept)}")
    notes += [*_left_behind(scene, take), *_too_early(scene, take), *_stretched(scene)]
    if lost:
        notes.append(
            f"{listed([quoted(name) for name in sorted(lost)])} was on some of these frames, and is no longer shown"
        )
    if fit:
        _fit(scene, take.last)
    frames, name = len(sampled.values), take.name  # the list may move in memory when takes leave it
    notes += take_shelf.tidied(scene, take)
    turning = tuple(bones.TITLES[role] for role in found.joints)
    return Report(line.name, line.frame, frames, len(found.parts), len(found.controls), tuple(notes), name, turning)


def _left_behind(scene: bpy.types.Scene, take: Take) -> list[str]:
    """A note for each take that goes on saying the line where its strip was before it was moved."""
    line, _ = takes.line_of(take)
    others = (other for other in takes.shown_on(scene, take) if other.uid != take.uid and other.line == take.line)
    left = [other for other in others if sound.is_elsewhere(scene, line, other.first, other.last)]
    remedy = "delete that take, or undo and use Update to Strip instead"
    return [
        f"{quoted(o.name)} is still on frames {o.first} to {o.last}, where its sound no longer is; {remedy}"
        for o in left
    ]


def _too_early(scene: bpy.types.Scene, take: Take) -> list[str]:
    """A note if the line begins before the scene does, where it is neither played nor rendered."""
    if take.first >= scene.frame_start:
        return []
    where = f"{quoted(take.line)} begins at frame {take.first}, and the scene at {scene.frame_start}"
    return [f"{where}; let the line start later, or the scene earlier"]


def _stretched(scene: bpy.types.Scene) -> list[str]:
    """A note if the scene plays keys at another speed than sound."""
    old, new = scene.render.frame_map_old, scene.render.frame_map_new
    remedy = "set Old and New under Output > Format > Time Stretching to the same"
    return [] if old == new else [f"the scene stretches keys from {old} to {new} and not the sound; {remedy}"]


def write_strands(block: Any, strands: Sequence[Strand], line: lines.Line, density: Density) -> None:
    """Generated keys for each strand of `block`, in place of the lines that were baked on any of these frames."""
    action = block.animation_data.action
    existing = {(curve.data_path, curve.array_index): curve for curve in compat.curves_of(action, block)}
    noted = keys.notes(action)
    first, last = lines.add(action, line)
    values = np.stack([strand.values for strand in strands], axis=1)
    made = generated(values, [strand.group for strand in strands], line.first, density)
    for strand, new in zip(strands, made, strict=True):
        place = (strand.path, strand.index)
        curve = existing.get(place) or new_curve(action, block, strand)
        old = keys.read(curve)
        frames = old["co"][:, 0]
        stays = (frames < first - 0.5) | (frames > last + 0.5)
        keys.write(curve, np.concatenate([old[stays], new]))
        noted[place] = keys.renoted(noted.get(place), keys.read(curve), (first, last), new["co"][:, 0])
    keys.note(action, noted)
    standing.keep(block, action)
    block.update_tag()


def new_curve(action: Any, block: Any, strand: Strand) -> Any:
    """A curve for a strand, in its group and colour; it holds its first and last value for ever."""
    curve = compat.new_curve(action, block, strand.path, strand.index, strand.group)
    curve.extrapolation = "CONSTANT"
    if strand.group in COLOURS:
        header, colour = COLOURS[strand.group]
        curve.color_mode, curve.color = "CUSTOM", colour
        if curve.group is not None:
            curve.group.color_set = header
    return curve


def new_action(block: Any, name: str) -> str | None:
    """Gives `block` an Action of its own that starts as a copy of the one it had; the name of the animator's, if any.

    The copy keeps what the bake does not write: other curves, locked curves, lines that were baked elsewhere.
    """
    old = block.animation_data.action if block.animation_data else None
    if old is None:
        compat.assign(block, bpy.data.actions.new(name))
        nla.let_play(block)
        return None
    take_parts.stash(block)  # what was done to a take since it was baked stays with it
    action = old.copy()
    action.name = name
    action.use_fake_user = False
    compat.assign_copy(block, action)
    if take_parts.is_ours(old):
        take_parts.shelve(block, old)
        return None
    action[BEFORE] = old
    old.use_fake_user = True
    return str(old.name)


def carried_over(block: Any, owner: Owner, strands: Sequence[Strand]) -> list[str]:
    """What of the animator's curves goes on acting on the generated keys, in lines to tell."""
    names = {(strand.path, strand.index): strand.name for strand in strands}
    curves = [c for c in compat.curves_of(block.animation_data.action, block) if (c.data_path, c.array_index) in names]
    bent = [names[c.data_path, c.array_index] for c in curves if any(not m.mute for m in c.modifiers)]
    run = [names[c.data_path, c.array_index] for c in curves if c.extrapolation == "LINEAR"]
    told = []
    if bent:
        told.append(f"{listed(bent)} on {owner.shown}: curve modifiers of yours go on acting on the new keys")
    if run:
        told.append(f"{listed(run)} on {owner.shown}: extrapolated, so not still before and after the line")
    return told


def _fit(scene: bpy.types.Scene, last_frame: int) -> None:
    """Makes the scene long enough, and playback keep to the sound."""
    scene.frame_end = max(scene.frame_end, math.ceil(last_frame))
    scene.sync_mode = "AUDIO_SYNC"
    scene.use_audio_scrub = True
