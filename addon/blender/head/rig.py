"""A head in the scene: what of it can be moved, by which targets, and what is left alone and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import bpy
import numpy as np

from ...core import channels, rigs
from ...core.curves import Array, Curves
from ...core.errors import RigError, quoted
from ...core.rigs import Fate
from ...core.rigs.joints import ROLES
from ..fcurves import nla
from ..fcurves.targets import VISEMES, Part, Spot, Strand, group_of
from . import board, bones, facing, leftover, mapping_rows, offers, rig_properties, standing, turning, unseen
from .bones import EYES, TITLES, Choices, Joint
from .character import Character, character_of, keys_of
from .protection import DRIVEN, listed, told

LOOKS = tuple(name for name in channels.ARKIT if name.startswith("eyeLook"))
KINDS = {"keys": "shape keys are", "properties": "custom properties are", "board": "the face board is"}
# What joints show by turning; jawForward would have to slide.
SHOWN_BY = {
    "jaw": ("jawOpen", "jawLeft", "jawRight"),
    "left_eye": tuple(name for name in LOOKS if name.endswith("Left")),
    "right_eye": tuple(name for name in LOOKS if name.endswith("Right")),
}
BY_JOINTS = frozenset(name for names in SHOWN_BY.values() for name in names) | {"mouthClose"}


@dataclass(frozen=True)
class Head:
    """What a bake can move on one character, and what it has to leave alone."""

    scene: str
    root: str  # the object that the character's choices are kept on
    parts: tuple[Part, ...]
    detection: rigs.Detection
    notes: tuple[str, ...]
    joints: dict[str, Joint] = field(default_factory=dict)  # head, left_eye, right_eye, jaw: those that turn
    choices: Choices = Choices()
    cut: tuple[str, ...] = ()  # keys whose slider range holds them back

    @property
    def controls(self) -> tuple[str, ...]:
        """Every key or control that may be written, once."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.controls))

    def strands(self, curves: Curves, first_frame: int | None = None) -> list[Strand]:
        """What the channels' curves, one row a frame, come to on this head: a strand for each F-curve to write.

        With `first_frame` bones go on with the animator's own keys underneath, and what an earlier bake has moved and
        this one does not is put to rest.
        """
        strands = [*self._control_strands(curves), *self._joint_strands(curves, first_frame)]
        if first_frame is None:
            return strands
        scene = bpy.data.scenes[self.scene, None]
        character = character_of(scene, scene.objects[self.root])
        return [*strands, *leftover.strands_of(character, strands, first_frame)]

    def _control_strands(self, curves: Curves) -> list[Strand]:
        rig = self.detection.rig
        if rig is None or not self.parts:
            return []
        still = np.zeros(len(curves.values), np.float32)
        if self.choices.eyes != "BOTH":  # an eye that turns leaves nothing for the keys
            looks = [name for role in self.joints.keys() & set(EYES) for name in SHOWN_BY[role]]
            curves = curves.with_columns(dict.fromkeys(looks, still))
        jaws: list[str] = []
        if "jaw" in self.joints and self.choices.jaw != "BOTH":
            jaws = self._jaw_keys()
            if any(control in rig.visemes for control in self.detection.found):  # the bone opens, and shuts, the mouth
                curves = curves.with_columns({"jawOpen": still, "mouthClose": still})
        controls = rig.controls(curves, self.controls).with_columns(dict.fromkeys(jaws, still))
        groups = self._groups()
        return [
            Strand(
                part.owner, place.path, place.index, groups[place.control], place.name, controls.column(place.control)
            )
            for part in self.parts
            for place in part.places
        ]

    def _joint_strands(self, curves: Curves, first_frame: int | None) -> list[Strand]:
        if not self.joints:
            return []
        scene = bpy.data.scenes[self.scene, None]
        bpy.context.view_layer.update()  # where things stand is known only then
        look = facing.facing(character_of(scene, scene.objects[self.root]), self.detection.keys)
        return turning.strands_of(self.joints, self.choices, look, curves, self._jaw(curves), first_frame)

    def _jaw(self, curves: Curves) -> Array:
        """How far a jaw bone opens, (T,): no further than the lips are apart, where nothing else closes them."""
        rig, jaw = self.detection.rig, curves.column("jawOpen")
        closes = rig is not None and rig.closure != "absolute" and rig.can_close(self.detection.found)
        return jaw if closes else np.maximum(jaw - curves.column("mouthClose"), 0)

    def _jaw_keys(self) -> list[str]:
        """The keys, of teeth too, that open the jaw before all else; a viseme is none."""
        rig = self.detection.rig
        written = rig.written(self.detection.found, self.controls) if rig else {}
        plain = {control: rig.parts(control) for control in written if control not in rig.visemes}
        opening = [control for control, parts in plain.items() if max(parts, key=lambda n: abs(parts[n])) == "jawOpen"]
        return [key for control in opening for key in written[control]]

    def _groups(self) -> dict[str, str]:
        """Control → the Graph Editor's group: that of the channel which it shows most."""
        rig = self.detection.rig
        groups: dict[str, str] = {}
        for control, keys in rig.written(self.detection.found, self.controls).items():
            parts = rig.parts(control)
            strongest = max(parts, key=lambda channel: abs(parts[channel]))
            groups |= dict.fromkeys(keys, VISEMES if control in rig.visemes else group_of(strongest))
        return groups

    def explain(self) -> str:
        """What was recognised and what it lacks, in a few lines; then what turns."""
        turning_line = (
            f"Turning: {', '.join(f'{TITLES[role]} ({joint.label})' for role, joint in self.joints.items())}."
        )
        lines = [self.detection.explain()] if self.parts else [f"No keys; {turning_line[0].lower()}{turning_line[1:]}"]
        return "\n".join([*lines, turning_line] if self.parts and self.joints else lines)


def examine(scene: bpy.types.Scene, chosen: bpy.types.Object | None) -> Head:
    """What a bake on this character would move; a RigError with the reason and the remedy if that is nothing."""
    character = character_of(scene, chosen)
    choices = rig_properties.choices_of(character.root)
    spots = {kind: list(its) for kind, its in _spots(scene, character).items()}
    made = [offers.offer(kind, its) for kind, its in spots.items()]
    best = max(made, key=lambda offer: _weight(offer, made))  # the first wins a tie
    if (custom := mapping_rows.read(mapping_rows.holder(character))).rows:
        mapped = offers.offer(best.kind, offers.beside(spots, best.kind, custom), custom)
        made, best = [mapped if offer is best else offer for offer in made], mapped
    detection = best.usable
    joints, closed = bones.joints_of(scene, character, choices, _wanted(choices, detection))
    refused = (*told(best.blocked), *told(closed))
    notes = (
        *_instead(best, made),
        *_unknown(best, made),
        *refused,
        *best.unseen,
        *_under_strips(joints),
        *_renamed(character, choices),
        *_sharing(scene, character, best.parts),
    )
    if not best.parts and not ("jaw" in joints or (joints and choices.picks)):
        raise RigError(_refusal(chosen, character, made, notes))
    shown = _with_joints(detection, joints)
    return Head(scene.name, character.root.name, best.parts, shown, notes, joints, choices, best.cut)


def widen(found: Head) -> int:
    """Gives keys that their sliders hold back the range that the head's convention needs; how many there were."""
    widened = 0
    for part in found.parts:
        block = part.owner.block()
        for place in part.places if part.owner.collection == "shape_keys" else ():
            key = block.key_blocks[place.name]
            low, high = found.detection.rig.range_of(place.control)
            if key.slider_min > low or key.slider_max < high:
                key.slider_min, key.slider_max = min(key.slider_min, low), max(key.slider_max, high)
                widened += 1
    return widened


def _spots(scene: bpy.types.Scene, character: Character) -> dict[str, Iterable[Spot]]:
    """Kind of target → the places of that kind, the kind that is keyed most directly first."""
    return {
        "keys": offers.key_spots(character),
        "properties": board.property_spots(character),
        "board": board.board_spots(scene, character),
    }


def _weight(offer: offers.Offer, made: Sequence[offers.Offer]) -> float:
    """How many channels an offer shows; properties that no driver reads count half beside shape keys."""
    count, beside = (len(each.usable.keys) for each in (offer, made[0]))
    if offer.kind != "properties" or not beside or count <= beside:
        return count
    places = [(part.owner, place) for part in offer.parts for place in part.places]
    return count / 2 if unseen.is_unread(places) else count


def _wanted(choices: Choices, detection: rigs.Detection) -> list[str]:
    """The roles that bones or objects are to show: eyes and jaw only where no key does it, unless asked for."""
    looks = any(channel in detection.keys for channel in LOOKS)
    wanted = {"head": choices.turns_head, "jaw": _by_bones(choices.jaw, "jawOpen" in detection.keys)}
    wanted |= dict.fromkeys(EYES, _by_bones(choices.eyes, looks))
    return [role for role in ROLES if wanted[role]]


def _by_bones(choice: str, has_keys: bool) -> bool:
    return choice in {"BONES", "BOTH"} or (choice == "AUTO" and not has_keys)


def _with_joints(detection: rigs.Detection, joints: Mapping[str, Joint]) -> rigs.Detection:
    """The detection with what bones show counted as shown."""
    fates = dict(detection.fates) or dict.fromkeys(channels.ARKIT, Fate.LOST)
    for role, joint_channels in SHOWN_BY.items():
        if role in joints:
            fates |= dict.fromkeys(joint_channels, Fate.COVERED)
    if "jaw" in joints and fates["mouthClose"] is Fate.LOST:
        fates["mouthClose"] = Fate.FOLDED
    missing = tuple(name for name in detection.missing if fates.get(name) is Fate.LOST or name not in BY_JOINTS)
    return replace(detection, fates=fates, missing=missing)


def _instead(best: offers.Offer, made: Sequence[offers.Offer]) -> Iterator[str]:
    """Where the shape keys are not what is animated: what is, and why."""
    keys = made[0]
    if best is keys or not keys.detection.given:
        return
    following = [name for name, _ in keys.blocked.get(DRIVEN, ())] + list(keys.detection.correctives)
    if following:
        count = len(dict.fromkeys(following))
        yield f"{count} shape keys follow the rig by themselves; {KINDS[best.kind]} animated instead"


def _under_strips(joints: Mapping[str, Joint]) -> Iterator[str]:
    """What strips of the animator's turn too, in a way that nothing can be put on top of."""
    for role, joint in joints.items():
        path = joint.path("location" if joint.pivot else bones.rotation_of(joint.target())[0])
        if nla.is_mixed(joint.owner.block(), path):
            what = f"NLA strips of yours that turn the {TITLES[role]} ({joint.label})"
            yield f"{what} are mixed or faded, so they do not show on the line's frames"


def _renamed(character: Character, choices: Choices) -> Iterator[str]:
    """An Empty that an earlier bake has turned as the head, and that is called something else now."""
    carrier = None if "head" in choices.picks or not choices.turns_head else bones.unnamed(character)
    if carrier is not None and standing.REST.format(standing.ROTATION) in standing.notes_of(carrier, standing.ROTATION):
        yield f"{quoted(carrier.name)} has turned before and is not named Head now, so it does not; pick it in Rig"


def _sharing(scene: bpy.types.Scene, character: Character, parts: Sequence[Part]) -> Iterator[str]:
    """Objects beside the character that show its meshes, and so say its lines too."""
    moved = {part.owner.block() for part in parts if part.owner.collection == "shape_keys"}
    own = {obj.name_full for obj in character.objects}
    others = [obj.name for obj in scene.objects if keys_of(obj) in moved and obj.name_full not in own]
    if others:
        remedy = "Object > Relations > Make Single User > Object & Data parts them"
        yield f"{listed(others)}: the same mesh as {quoted(character.root.name)}, so it says every line too; {remedy}"


def _unknown(best: offers.Offer, made: Sequence[offers.Offer]) -> Iterator[str]:
    """What is wrong with the shape keys of a head that only bones move."""
    keys = made[0].detection
    if not best.parts and keys.given and not keys.keys:
        yield " ".join(keys.explain().split())


def _refusal(chosen: bpy.types.Object, character: Character, made: Sequence[offers.Offer], notes: Sequence[str]) -> str:
    name = quoted(chosen.name)
    offered = next((offer for offer in made if offer.detection.keys), None)
    if offered is not None:
        return f"{name} would not move: {'; '.join(dict.fromkeys((*told(offered.blocked), *notes)))}"
    if not character.meshes:
        return f"{name} has no shape keys; select a face that has them"
    return f"{name} would not move: {' '.join(made[0].detection.explain().split())}"  # messages are one line
