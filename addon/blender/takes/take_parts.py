"""The Actions of takes: which data-block each moves, whose it is, and what becomes of it when another is shown.

What is done by hand to a take goes into its own Actions as soon as another takes its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy

from ..fcurves import keys, lines, nla
from ..fcurves.targets import BAKED, Owner
from .take_properties import PROPERTY
from .take_properties import FACEWRIGHT_PG_saved_take as Take


def add_part(take: Take, owner: Owner, action: bpy.types.Action) -> None:
    """Notes one of the take's Actions."""
    part = take.parts.add()
    part.kind, part.shown, part.action = owner.collection, bpy.data.objects.get((owner.shown, None)), action


def block_of(part: Any) -> Any:
    """The data-block that a part of a take moves; None if it is gone."""
    shown = part.shown
    if shown is None or not shown.users_scene:
        return None
    return shown.data.shape_keys if part.kind == "shape_keys" else shown


def actions_of(take: Take) -> list[tuple[Any, bpy.types.Action]]:
    """Each data-block of the take that is still there, with the Action that moves it now."""
    blocks = [block for part in take.parts if (block := block_of(part)) is not None]
    return [(b, b.animation_data.action) for b in blocks if b.animation_data and b.animation_data.action]


def is_whole(take: Take) -> bool:
    """Whether every Action of the take whose data-block is there is there too."""
    return all(part.action is not None for part in take.parts if block_of(part) is not None)


def is_ours(action: bpy.types.Action) -> bool:
    """Whether an Action was made by a bake and belongs to a take of any scene."""
    return action.get(BAKED) is not None and any(part.action == action for take in _everywhere() for part in take.parts)


def _everywhere() -> Iterator[Take]:
    """The takes of every scene: a head may be in several."""
    return (take for each in bpy.data.scenes for take in getattr(each, PROPERTY).takes)


def may_change(block: Any, action: Any) -> bool:
    """Whether an Action is a bake's, and neither an NLA strip nor another data-block plays it."""
    return is_ours(action) and not nla.plays(block, action)


def own_action(part: Any, block: Any) -> bpy.types.Action:
    """The Action of a take's part, to be shown or changed: a copy from now on if a strip or another head has it."""
    same = (other for take in _everywhere() for other in take.parts if other.action == part.action)
    if nla.plays(block, part.action) or any(block_of(other) not in {None, block} for other in same):
        part.action = part.action.copy()
    action: bpy.types.Action = part.action
    return action


def follow_renames(block: Any) -> None:
    """Names curves of Actions that are not shown as Blender has those of the shown one, where keys were renamed."""
    shown = block.animation_data.action
    renamed = keys.renames(shown)
    if not renamed:
        return
    for action in _actions(block) - {shown}:
        lines.rename_curves(block, action, renamed)
    keys.note(shown, keys.notes(shown))


def stash(block: Any) -> None:
    """Puts what the block's Action holds of each take into that take's own Action."""
    action = block.animation_data.action if block.animation_data else None
    if action is None:
        return
    follow_renames(block)
    action.pop(lines.STASHED, None)  # it was open to the animator
    tables, noted = keys.tables(action, block), keys.notes(action)
    for line in lines.of(action):
        part = _home(block, action, line)
        if part is not None:
            mine = own_action(part, block)
            if lines.is_news(mine, f"{part.kind} {part.shown.name} {lines.digest(line, tables, noted)}"):
                lines.splice(block, mine, mine, action, line)


def _home(block: Any, action: bpy.types.Action, line: lines.Line) -> Any | None:
    """The part of a take that a line in another Action belongs to; None if that is gone, or is that Action itself."""
    its = (take for take in _everywhere() if take.uid == line.uid)  # the same id in scenes that were copied
    part = next((p for take in its for p in take.parts if block_of(p) == block), None)
    return part if part is not None and part.action is not None and part.action != action else None


def shelve(block: Any, action: bpy.types.Action) -> None:
    """Leaves an Action that was stashed, and is shown no more, its own line: all others are in theirs.

    Else a file would grow with the square of its lines. One that anything but its takes holds stays whole.
    """
    parts = ((take, part) for take in _everywhere() for part in take.parts if part.action == action)
    uids = [take.uid for take, part in parts if block_of(part) == block]
    if uids:
        action[lines.STASHED] = ""  # no longer open to the animator
    if uids and action.users == len(uids):
        others = [line for line in lines.of(action) if line.uid not in uids and _home(block, action, line)]
        lines.take_out(block, action, others)


def _actions(block: Any) -> set[bpy.types.Action]:
    """The Actions that takes have for a data-block."""
    return {part.action for take in _everywhere() for part in take.parts if block_of(part) == block} - {None}


def taken_off(block: Any) -> bpy.types.Action | None:
    """What a data-block without an Action showed until it was taken off by hand: only that was not put away."""
    found = [action for action in _actions(block) if action.get(lines.STASHED) is None and not nla.plays(block, action)]
    return found[0] if len(found) == 1 else None  # older files may have several
