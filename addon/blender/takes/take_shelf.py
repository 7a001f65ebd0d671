"""Where takes go: to the NLA, or away. An Action of the animator's never goes anywhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy
import numpy as np

from ...core.errors import FacewrightError, RigError, quoted
from ..base import compat
from ..fcurves import keys, lines, values
from ..fcurves.targets import BAKED, BEFORE
from ..head import standing
from ..head.protection import TWEAKED, is_tweaked
from . import memory, take_parts, takes
from .take_properties import FACEWRIGHT_PG_saved_take as Take


def hand_keys(take: Take) -> int:
    """How many keys on the take's frames are the animator's."""
    shown = takes.is_current(take)
    count = 0
    for part in take.parts:
        block = take_parts.block_of(part)
        action = block.animation_data.action if shown and block and block.animation_data else part.action
        if action is None or block is None:
            continue
        noted = keys.notes(action)
        for place, table in keys.tables(action, block).items():
            if place in noted:
                frames = table["co"][:, 0]
                within = (frames > take.first - 0.5) & (frames < take.last + 0.5)
                count += int((keys.theirs(table, noted[place]) & within).sum())
    return count


def remove(scene: bpy.types.Scene, take: Take) -> None:
    """Deletes a take; if it is shown, another of its line takes its place, else its keys leave the head."""
    _check_open(take)
    held = takes.of(scene)
    uid = take.uid
    if takes.is_current(take):
        heirs = [other for other in takes.rivals(scene, take) if take_parts.is_whole(other)]
        if heirs:
            takes.switch(scene, heirs[-1])
        else:
            _lift(scene, take)
    actions = [part.action for part in take.parts if part.action is not None]
    held.takes.remove(next(place for place, other in enumerate(held.takes) if other.uid == uid))
    held.index = max(0, min(held.index, len(held.takes) - 1))
    for action in actions:
        own = 1 if action.use_fake_user else 0
        if action.users <= own and action.get(BAKED) is not None:
            bpy.data.actions.remove(action)
    memory.forget_unused(held)


def tidied(scene: bpy.types.Scene, newest: Take) -> list[str]:
    """Deletes the oldest takes of a line beyond the number that the scene asks for; what to tell of it."""
    held = takes.of(scene)
    uid, rivals = newest.uid, takes.rivals(scene, newest)
    idle = [take.uid for take in rivals if not (take.is_kept or takes.is_current(take) or hand_keys(take))]
    gone = []
    for old in idle[: max(0, len(rivals) + 1 - held.most)]:
        take = takes.find(scene, old)
        gone.append(take.name)
        remove(scene, take)
    takes.select(scene, uid)
    return [f"tidied away: {', '.join(gone)}; tick Keep to save a take from that"] if gone else []


def push_to_nla(scene: bpy.types.Scene, take: Take) -> int:
    """Puts what the head shows into NLA strips of its own, as Blender's Push Down does; how many were made."""
    takes.check_there(take)
    if not takes.is_current(take):
        if not take_parts.is_whole(take):
            raise FacewrightError(f"keys of {quoted(take.name)} were deleted; show it first, which bakes them again")
        takes.switch(scene, take)
    made = 0
    for block, action in take_parts.actions_of(take):
        animation = block.animation_data
        track = animation.nla_tracks.new()
        track.name = take.name
        span = action.curve_frame_range  # frame_range may be one that the animator has set by hand
        first, last = span[0], span[1]
        strip = track.strips.new(take.name, int(np.floor(first)), action)
        compat.use_slot(strip, animation)
        strip.action_frame_start, strip.action_frame_end = first, max(last, first + 1)
        strip.frame_start, strip.frame_end = first, max(last, first + 1)
        strip.extrapolation = "HOLD" if len(animation.nla_tracks) == 1 else "NOTHING"
        animation.action = None
        block.update_tag()
        made += 1
    take.is_kept = True
    return made


def _check_open(take: Take) -> None:
    """Raises a RigError if the take's keys cannot leave its head, as in the NLA's tweak mode."""
    for part in take.parts:
        block = take_parts.block_of(part)
        if block is not None and is_tweaked(block):
            raise RigError(f"{quoted(part.shown.name)} is {TWEAKED}")


def _lift(scene: bpy.types.Scene, take: Take) -> None:
    """Takes the take's keys off its head, where keys of the animator's were before come back, and leaves the rest."""
    for block, action in take_parts.actions_of(take):
        line = next((line for line in lines.of(action) if line.uid == take.uid), None)
        if line is None:
            continue
        others = [other for other in lines.of(action) if other.uid != take.uid]
        take_parts.follow_renames(block)
        if not take_parts.may_change(block, action):
            action = _copied(block, action)
        noted, none, nothing = keys.notes(action), np.zeros(0, keys.KEY), np.zeros(0, keys.NOTE)
        span = (line.first, line.last)
        tables, before = keys.tables(action, block), action.get(BEFORE)
        theirs = keys.tables(before, block) if before is not None else {}
        for place in noted:
            if place in tables:
                tables[place] = keys.swapped(tables[place], theirs.get(place, none), span)
            noted[place] = keys.swapped(noted[place], nothing, span)
        keys.put_tables(action, block, tables)
        lines.put(action, others)
        keys.note(action, noted)
        lines.mark_phrases(action, take.line, ())
        if not _hand_over(scene, take, action):
            _rest(block, [place for place in noted if not len(tables.get(place, ()))])
            if not any(len(table) for table in tables.values()):
                block.animation_data.action = None


def _copied(block: Any, action: Any) -> Any:
    """A copy that may be changed in place of an Action of the animator's, or of one that a strip plays."""
    action.use_fake_user = True
    copy = action.copy()
    copy.use_fake_user = False
    compat.assign_copy(block, copy)
    return copy


def _hand_over(scene: bpy.types.Scene, take: Take, action: Any) -> bool:
    """Lets what is left in the Action go on under another take of the head; whether there is one."""
    for line in lines.of(action):
        other = next((other for other in takes.of(scene).takes if other.uid == line.uid), None)
        if other is not None and other.uid != take.uid and take_parts.is_whole(other):
            takes.switch(scene, other)
            return True
    return False


def _rest(block: Any, places: Iterable[keys.Curve]) -> None:
    """Puts back what was moved and is still there: joints to how they stood before their first bake, all else to 0."""
    for path, index in places:
        if values.value_at(block, (path, index)) is not None:
            rest = standing.stood_at(block, path, index)
            if rest is not None:
                values.put_value(block, (path, index), rest)
