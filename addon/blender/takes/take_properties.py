"""What the scene keeps of takes: the list, what each was made from, and how keys are to be."""

# No `from __future__ import annotations`: Blender reads properties out of evaluated annotations.
import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ...core.settings import MAX_SEED

PROPERTY = "facewright_takes"  # where takes are kept: scene.facewright_takes

SPANS = (
    ("TAKE", "Whole Take", "All frames of the take"),
    ("PREVIEW", "Preview Range", "The preview range of the timeline (P sets it)"),
    ("KEYS", "Selected Keys", "From the first selected key of this head to the last"),
    ("MARKERS", "Between Markers", "From the marker at or before the current frame to the one after it"),
)
ASKED = (
    ("NOW", "Layers Now", "As the layers, markers and keyed emotions stand now, with the take's seed"),
    ("TAKE", "As It Was Made", "With the settings that the take was last baked with as a whole"),
)


class FACEWRIGHT_PG_take_part(bpy.types.PropertyGroup):
    """One data-block that a take moves, and the take's Action for it."""

    shown: PointerProperty(name="Object", description="The object that shows it", type=bpy.types.Object)
    kind: StringProperty(name="Kind", description="shape_keys of the object, or objects for itself")
    action: PointerProperty(name="Action", description="The take's keys", type=bpy.types.Action)


class FACEWRIGHT_PG_saved_take(bpy.types.PropertyGroup):
    """A take of a line: what it was made from, so that it can be made again, and its Actions."""

    name: StringProperty(name="Name", description="What you call the take", options=set())
    uid: StringProperty(name="Id", description="Tells the take from all others", options=set())
    number: IntProperty(name="Number", description="Takes of a line are counted", options=set())
    line: StringProperty(name="Line", description="The line that is spoken", options=set())
    head: PointerProperty(name="Head", description="The object that was chosen", type=bpy.types.Object)
    head_name: StringProperty(name="Head", description="What the head was called", options=set())
    seed: IntProperty(name="Seed", description="What tells this take from others", max=MAX_SEED, options=set())
    first: IntProperty(name="First", description="The frame on which the line starts", options=set())
    last: IntProperty(name="Last", description="The frame on which it ends", options=set())
    stretch: FloatProperty(name="Stretch", description="How much longer the line is than spoken", default=1.0)
    heard_from_s: FloatProperty(name="Heard From", description="Second of the sound file at which listening began")
    timing: StringProperty(name="Timing", description="Where the line lay when it was baked", options=set())
    settings: StringProperty(name="Settings", description="Everything that was asked of it, as TOML", options=set())
    model: StringProperty(name="Model", description="The model that listened", options=set())
    heard: StringProperty(name="Heard", description="What was heard: a key into the scene's memory", options=set())
    is_kept: BoolProperty(
        name="Keep", description="Tidying up leaves this take alone, and deleting asks for it", options=set()
    )
    parts: CollectionProperty(name="Parts", description="What it moves", type=FACEWRIGHT_PG_take_part)


class FACEWRIGHT_PG_memory(bpy.types.PropertyGroup):
    """What was heard of a line, once for all of its takes; the bytes are a custom property."""

    name: StringProperty(name="Key", description="A fingerprint of the bytes")


class FACEWRIGHT_PG_takes(bpy.types.PropertyGroup):
    """The scene's takes, and how keys are to be."""

    takes: CollectionProperty(name="Takes", description="Every take of this scene", type=FACEWRIGHT_PG_saved_take)
    index: IntProperty(name="Take", description="The take that is selected", options=set())
    of_head: BoolProperty(
        name="This Head", description="List the takes of the chosen head only", default=True, options=set()
    )
    previous: StringProperty(name="Compared", description="The take that was shown before", options=set())
    memory: CollectionProperty(name="Memory", description="What was heard", type=FACEWRIGHT_PG_memory)
    most: IntProperty(
        name="Takes a Line",
        description="With more takes of a line than this, the oldest go: those that are not kept, not shown, "
        "and on which you have changed nothing",
        default=8,
        min=1,
        max=100,
        options=set(),
    )
    use_fewer_keys: BoolProperty(
        name="Fewer Keys",
        description="Few Bézier keys that can be edited by hand, instead of one on every frame; lips still close",
        options=set(),
    )
    error: FloatProperty(
        name="Error",
        description="How far a curve with fewer keys may be from one with a key on every frame, at any moment: "
        "0.01 is a hundredth of a slider",
        default=0.01,
        min=0.0005,
        max=0.2,
        precision=4,
        step=0.1,
        options=set(),
    )
    span: EnumProperty(
        name="Range",
        description="Which frames are baked again",
        items=SPANS,
        options=set(),
    )
    asked: EnumProperty(name="As", description="What the keys are baked from", items=ASKED, options=set())
    blend_s: FloatProperty(
        name="Blend (s)",
        description="How long the old keys take to become the new ones at either border of the range",
        default=0.15,
        min=0.0,
        max=2.0,
        options=set(),
    )


CLASSES = (FACEWRIGHT_PG_take_part, FACEWRIGHT_PG_saved_take, FACEWRIGHT_PG_memory, FACEWRIGHT_PG_takes)


def attach() -> None:
    """Gives scenes their takes."""
    setattr(bpy.types.Scene, PROPERTY, PointerProperty(type=FACEWRIGHT_PG_takes))


def detach() -> None:
    """Takes them back."""
    delattr(bpy.types.Scene, PROPERTY)
