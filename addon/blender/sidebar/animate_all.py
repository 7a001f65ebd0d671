"""Several heads and lines at once: which head speaks which strip, one job for all, and what came of each."""

# No `from __future__ import annotations`: Blender reads properties out of evaluated annotations.
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, IntProperty, PointerProperty, StringProperty

from ...core import presets as core_presets
from ...core.errors import FacewrightError, RigError
from ...core.settings import MAX_SEED, ModelSettings, Settings
from ..base import compat, sound
from ..direction import directing, presets, properties
from ..head import rig
from ..head.character import is_face
from ..takes import bake

PROPERTY = "facewright_all"  # where the list is kept: scene.facewright_all
STATES = (
    ("TODO", "To Do", "Not animated yet", "RADIOBUT_OFF", 0),
    ("DONE", "Done", "Animated", "CHECKMARK", 1),
    ("TOLD", "Done, with Remarks", "Animated; something should be looked at", "INFO", 2),
    ("REFUSED", "Not Done", "Could not be animated", "ERROR", 3),
)


def _strip_names(_self: bpy.types.PropertyGroup, context: bpy.types.Context, _text: str) -> list[str]:
    return [strip.name for strip in compat.sound_strips(context.scene)]


def _preset_names(_self: bpy.types.PropertyGroup, _context: bpy.types.Context, _text: str) -> list[str]:
    return [preset.name for preset in presets.every()]


class FACEWRIGHT_PG_pair(bpy.types.PropertyGroup):
    """A head, the strip that it speaks, and what came of it."""

    use: BoolProperty(name="Animate", description="Animate this one", default=True, options=set())
    head: PointerProperty(name="Head", description="Any object of the character", type=bpy.types.Object)
    strip: StringProperty(
        name="Strip", description="The sound strip that it speaks", search=_strip_names, options=set()
    )
    preset: StringProperty(
        name="Preset",
        description="Layers of this one. Empty: as the Layers panel has them",
        search=_preset_names,
        options=set(),
    )
    seed: IntProperty(
        name="Seed",
        description="Added to the seed of the Layers panel, so that two heads do not move alike",
        min=0,
        max=MAX_SEED,
        options=set(),
    )
    state: EnumProperty(name="Outcome", description="What came of it", items=STATES, options=set())
    told: StringProperty(name="Remarks", description="What came of it, in words", options=set())
    frame: IntProperty(name="Frame", description="Where its line starts", options=set())


def _chosen(self: Any, context: bpy.types.Context) -> None:
    """A click on a pair selects its head and goes to its line."""
    if not 0 <= self.index < len(self.pairs):
        return
    pair = self.pairs[self.index]
    if pair.state != "TODO":
        context.scene.frame_set(pair.frame)
    if pair.head is not None and pair.head.name in context.view_layer.objects:
        for other in context.selected_objects:
            other.select_set(False)
        pair.head.select_set(True)
        context.view_layer.objects.active = pair.head


class FACEWRIGHT_PG_all(bpy.types.PropertyGroup):
    """The scene's pairs."""

    pairs: CollectionProperty(name="Pairs", description="Which head speaks which strip", type=FACEWRIGHT_PG_pair)
    index: IntProperty(
        name="Pair", description="Click to select the head and go to its line", update=_chosen, options=set()
    )


def pairs_of(scene: bpy.types.Scene) -> Any:
    """The scene's list."""
    return getattr(scene, PROPERTY)


def find_pairs(scene: bpy.types.Scene) -> tuple[int, tuple[str, ...]]:
    """Adds a pair for each strip that names a head, or for each strip where there is one head; how many, and why none.

    A strip is known to be a head's by its name: `anna_010` is Anna's, and not Ann's. What is muted is passed over.
    """
    heads = heads_of(scene)
    strips = sorted(compat.sound_strips(scene), key=lambda strip: compat.span(strip)[1])
    listed = {pair.strip for pair in pairs_of(scene).pairs}
    taken = {pair.seed for pair in pairs_of(scene).pairs}
    unused = (seed for seed in count() if seed not in taken)
    added, left = 0, []
    for strip in strips:
        if strip.name in listed or compat.is_muted(scene, strip):
            continue
        named = [head for head in heads if any(_names(name, strip.name.casefold()) for name in _called(head))]
        mine = named[:1] if len({*named}) == 1 else heads[:1] if len(heads) == 1 else []
        if not mine:
            left.append(strip.name)
            continue
        pair = pairs_of(scene).pairs.add()
        pair.head, pair.strip, pair.seed = mine[0], strip.name, next(unused)
        added += 1
    return added, tuple(left)


def heads_of(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """One object for each character of the scene that can be animated: its face, where it has one."""
    heads: dict[tuple[str, ...], bpy.types.Object] = {}
    for obj in scene.objects:
        if not isinstance(obj.data, bpy.types.Mesh) or obj.data.shape_keys is None:
            continue
        try:
            found = rig.examine(scene, obj)
        except RigError:
            continue
        character = tuple(sorted(part.owner.name for part in found.parts))
        if character not in heads or (is_face(obj) and not is_face(heads[character])):
            heads[character] = obj
    return list(heads.values())


def _names(name: str, text: str) -> bool:
    """Whether a text holds a name that no other letters are part of."""
    return re.search(rf"(?<![^\W\d_]){re.escape(name)}(?![^\W\d_])", text) is not None


def _called(head: bpy.types.Object) -> set[str]:
    """What a strip's name may call a head."""
    names = {name.casefold() for name in directing.names_of(head)}
    return {name for name in names if len(name) > 1}


@dataclass(frozen=True)
class Task:
    """One pair, ready for the thread; by position in the list, because references do not survive."""

    number: int
    head: str
    line: sound.Line
    directed: directing.Directed


Made = list[tuple[Task, bake.Performance | str]]  # a performance, or why there is none


def tasks(scene: bpy.types.Scene, model: ModelSettings) -> tuple[list[Task], dict[int, str]]:
    """What is to be done, and why the others cannot be."""
    todo: list[Task] = []
    refused: dict[int, str] = {}
    for number, pair in enumerate(pairs_of(scene).pairs):
        if not pair.use:
            continue
        try:
            if pair.head is None or scene not in pair.head.users_scene:
                raise RigError("no head is chosen, or it is gone; choose one")
            line = sound.from_strip(scene, pair.strip)
            asked = directing.directed(scene, pair.head, line, model, settings=_settings(scene, pair, model))
            todo.append(Task(number, pair.head.name_full, line, asked))
        except FacewrightError as error:
            refused[number] = str(error)
    return todo, refused


def _settings(scene: bpy.types.Scene, pair: FACEWRIGHT_PG_pair, model: ModelSettings) -> Settings:
    chosen = properties.settings_of(scene, model)
    if pair.preset:
        asked = core_presets.load(pair.preset, *core_presets.user_folders())
        chosen = replace(asked, seed=chosen.seed, model=model)
    return replace(chosen, seed=(chosen.seed + pair.seed) % (MAX_SEED + 1))


def make(todo: list[Task], progress: Callable[[float], None]) -> Made:
    """Listens to every line and performs it; one that cannot be heard does not stop the others. Never touches bpy."""
    made: Made = []
    for done, task in enumerate(todo):

        def hear(share: float, done: int = done) -> None:
            progress((done + share) / len(todo))

        try:
            made.append((task, directing.perform(task.line, task.directed, hear)))
        except FacewrightError as error:
            made.append((task, str(error)))
        hear(1.0)
    return made


def write(scene: bpy.types.Scene, made: Made, refused: dict[int, str], fit: bool) -> tuple[int, int]:
    """Writes what was made and notes what came of each pair; how many were written and how many were not."""
    outcomes: dict[int, tuple[str, str, int | None]] = {n: ("REFUSED", reason, None) for n, reason in refused.items()}
    for task, result in made:
        outcomes[task.number] = _written(scene, task, result, fit)
    for number, (state, told, frame) in outcomes.items():
        if number < len(pairs_of(scene).pairs):
            pair = pairs_of(scene).pairs[number]
            pair.state, pair.told, pair.frame = state, told, frame if frame is not None else scene.frame_current
    written = sum(state != "REFUSED" for state, _told, _frame in outcomes.values())
    return written, len(outcomes) - written


def _written(
    scene: bpy.types.Scene, task: Task, result: bake.Performance | str, fit: bool
) -> tuple[str, str, int | None]:
    if isinstance(result, str):
        return "REFUSED", result, task.line.frame
    head = next((obj for obj in scene.objects if obj.name_full == task.head), None)
    try:
        report = bake.write(scene, head, result, fit)
    except FacewrightError as error:
        return "REFUSED", str(error), task.line.frame
    return "TOLD" if report.notes else "DONE", "; ".join((str(report), *report.notes)), task.line.frame


CLASSES: tuple[type[Any], ...] = (FACEWRIGHT_PG_pair, FACEWRIGHT_PG_all)
