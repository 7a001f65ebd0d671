"""Takes: what was baked for a head and a line, kept in the scene so that it can be switched, compared and baked anew.

On its frames a take decides; what lies elsewhere in an Action carries on whichever take is shown.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ...core import prosody
from ...core.errors import FacewrightError, RigError, quoted
from ...core.heard import Heard
from ..base import compat, sound
from ..fcurves import lines, nla
from ..head.character import ancestors
from ..head.protection import closed_block
from . import memory, take_parts
from .take_properties import PROPERTY
from .take_properties import FACEWRIGHT_PG_saved_take as Take
from .take_properties import FACEWRIGHT_PG_takes as Takes

if TYPE_CHECKING:
    from .bake import Performance


def of(scene: bpy.types.Scene) -> Takes:
    """The scene's takes."""
    takes: Takes = getattr(scene, PROPERTY)
    return takes


def new(
    scene: bpy.types.Scene, head: bpy.types.Object | None, performance: Performance, fps: float, frames: int
) -> Take:
    """A take at the end of the list, named after its line; its Actions are added as they are written."""
    held, line = of(scene), performance.line
    number = 1 + max((take.number for take in held.takes if take.line == line.name), default=0)
    take: Take = held.takes.add()
    take.uid, take.number, take.name, take.line = uuid.uuid4().hex, number, f"{line.name} {number}", line.name
    take.head, take.head_name = head, head.name if head else ""
    take.stretch = performance.stretch
    put_line(take, line, fps, frames)
    memory.keep(held, take, performance)
    return take


def put_line(take: Take, line: sound.Line, fps: float, frames: int) -> None:
    """Where the take's line lies now."""
    take.first, take.last = line.frame, line.frame + frames - 1
    take.timing = json.dumps(
        {
            "path": str(line.path), "filepath": line.filepath, "start_s": line.start_s,
            "end_s": None if line.end_s == float("inf") else line.end_s, "fps": fps,
        }
    )  # fmt: skip


def line_of(take: Take) -> tuple[sound.Line, float]:
    """The line as it was when the take was last baked, and the frames a second of then."""
    about = json.loads(take.timing)
    end_s = float("inf") if about["end_s"] is None else about["end_s"]
    line = sound.Line(Path(about["path"]), take.line, take.first, about["start_s"], end_s, about["filepath"])
    return line, about["fps"]


def own_line(take: Take) -> lines.Line:
    """The take's line as its Actions hold it."""
    return lines.Line(take.uid, take.line, take.first, take.last)


def phrases(take: Take, heard: Heard | None) -> list[int]:
    """The frames on which the line's phrases begin."""
    if heard is None:
        return []
    line, fps = line_of(take)
    late_s = line.start_s - take.heard_from_s
    starts = [(start - late_s) * take.stretch for start, _ in prosody.phrases(heard.prosody)]
    frames = [take.first + round(float(start) * fps) for start in starts]
    return [frame for frame in frames if take.first <= frame <= take.last]


def is_current(take: Take) -> bool:
    """Whether the head shows this take."""
    return any(take.uid in {line.uid for line in lines.of(action)} for _, action in take_parts.actions_of(take))


def find(scene: bpy.types.Scene, uid: str) -> Take:
    """The take with this id."""
    take = next((take for take in of(scene).takes if take.uid == uid), None)
    if take is None:
        raise FacewrightError("that take is no longer in the list; choose another")
    found: Take = take
    return found


def chosen(scene: bpy.types.Scene, head: bpy.types.Object | None) -> Take:
    """The take that is selected in the list, while this head is chosen."""
    held = of(scene)
    if not 0 <= held.index < len(held.takes):
        raise FacewrightError("no take is selected; select one in the list")
    take: Take = held.takes[held.index]
    if not is_listed(held, take, head):  # selected while another head was chosen
        raise FacewrightError(
            f"no take of {quoted(head.name)} is selected; select one in the list, or another head in the view"
        )
    return take


def is_listed(held: Takes, take: Take, head: bpy.types.Object | None) -> bool:
    """Whether the list shows a take while this head is chosen; one whose head is gone is always shown."""
    there = [part.shown for part in take.parts if take_parts.block_of(part) is not None]
    if not held.of_head or head is None or not there:
        return True
    return any(_top(obj) == _top(head) for obj in (*there, take.head) if obj is not None)


def _top(obj: bpy.types.Object) -> bpy.types.Object:
    """What a character hangs on: its armature, else its highest parent."""
    return ancestors(obj if obj.type == "ARMATURE" else obj.find_armature() or obj)[-1]


def shown_on(scene: bpy.types.Scene, take: Take) -> list[Take]:
    """The takes that the head of this one shows now, its other lines too; not those of a head it is a copy of."""
    uids = {line.uid for _, action in take_parts.actions_of(take) for line in lines.of(action)}
    return [other for other in of(scene).takes if other.uid in uids and _share(take, other)]


def rivals(scene: bpy.types.Scene, take: Take) -> list[Take]:
    """Other takes of the same line on the same head: what is said elsewhere is another line, whatever its name."""
    others = (other for other in of(scene).takes if other.uid != take.uid and other.line == take.line)
    return [other for other in others if _share(take, other) and lines.overlap(own_line(other), own_line(take))]


def _share(take: Take, other: Take) -> bool:
    """Whether both move a data-block that is there."""
    blocks = [block for part in take.parts if (block := take_parts.block_of(part)) is not None]
    return any(take_parts.block_of(part) in blocks for part in other.parts)


def check_there(take: Take) -> None:
    """Raises a RigError if the take's head is gone, or another Action cannot be given to it: linked, tweaked."""
    there = [(part.shown, block) for part in take.parts if (block := take_parts.block_of(part)) is not None]
    if not there:
        raise RigError(f"the head {quoted(take.head_name)} of {quoted(take.name)} is gone; delete the take")
    for obj, block in there:
        if reason := closed_block(obj, block):
            raise RigError(f"{quoted(obj.name)} is {reason}")


def switch(scene: bpy.types.Scene, take: Take) -> None:
    """Shows a take: its frames as they were left, everything else as it is now."""
    check_there(take)
    held = of(scene)
    before = next((other for other in rivals(scene, take) if is_current(other)), None)
    if before is not None and before.uid != take.uid:
        held.previous = before.uid
    for part in take.parts:
        block = take_parts.block_of(part)
        if block is None or part.action is None:
            continue
        now = block.animation_data.action if block.animation_data else None
        if now is None and (now := take_parts.taken_off(block)) is not None:
            compat.assign(block, now)
        if now == part.action:
            continue
        mine = take_parts.own_action(part, block)
        if now is not None:
            if not take_parts.is_ours(now):
                now.use_fake_user = True  # the animator's
            if lines.of(now):
                take_parts.stash(block)
                lines.splice(block, mine, now, mine, own_line(take))
                lines.carry_markers(mine, now, own_line(take))
        compat.assign(block, mine)
        if now is None:
            nla.let_play(block)
        else:
            take_parts.shelve(block, now)
        block.update_tag()
    select(scene, take.uid)


def select(scene: bpy.types.Scene, uid: str) -> None:
    """Selects a take in the list."""
    of(scene).index = next(place for place, other in enumerate(of(scene).takes) if other.uid == uid)
