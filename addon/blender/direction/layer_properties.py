"""The layers' sliders, made from the core's settings: defaults, ranges and tooltips are written there, once."""

# No `from __future__ import annotations`: Blender reads properties out of evaluated annotations.
from dataclasses import Field, fields, is_dataclass
from functools import cache
from typing import Any

import bpy
from bpy.props import BoolProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ...core import emotions
from ...core.settings import ModelSettings, Settings

SECTIONS = tuple(item.name for item in fields(Settings) if is_dataclass(item.default) and item.name != "model")
UNITS = {"_s": "s", "_deg": "°"}  # how an option's name ends → what its label says
DIGITS = 7  # of a number of single precision: 0.04 comes back as 0.04


@cache
def options(section: str) -> tuple[Field[Any], ...]:
    """The options of a layer, in the core's order but the amount first and the seed last."""
    rank = {"amount": -1, "seed": 1}
    return tuple(sorted(fields(getattr(Settings(), section)), key=lambda item: rank.get(item.name, 0)))


def title(option: str) -> str:
    """What a slider is called: `duration_s` is Duration (s)."""
    ending = next((end for end in UNITS if option.endswith(end)), "")
    name = option.removesuffix(ending).replace("_", " ").title()
    return f"{name} ({UNITS[ending]})" if ending else name


def _property(item: Field[Any]) -> Any:
    """The property of one option; emotions can be keyed, everything else holds for a whole line."""
    given: dict[str, Any] = {
        "name": title(item.name),
        "description": item.metadata["about"],
        "default": item.default,
        "options": {"ANIMATABLE"} if item.name in emotions.NAMES else set(),
    }
    if isinstance(item.default, bool):
        return BoolProperty(**given)
    if isinstance(item.default, str):
        return StringProperty(**given)
    given |= {"min": item.metadata["low"], "max": item.metadata["high"]}
    if isinstance(item.default, int):
        return IntProperty(**given)
    is_share = (given["min"], given["max"]) == (0.0, 1.0)
    return FloatProperty(**given, subtype="FACTOR" if is_share else "NONE", precision=3 if given["max"] < 1 else 2)


def _group(section: str) -> type[bpy.types.PropertyGroup]:
    about = getattr(Settings(), section).__doc__
    properties = {item.name: _property(item) for item in options(section)}
    return type(
        f"FACEWRIGHT_PG_{section}", (bpy.types.PropertyGroup,), {"__doc__": about, "__annotations__": properties}
    )


GROUPS = {section: _group(section) for section in SECTIONS}


class FACEWRIGHT_PG_layers(bpy.types.PropertyGroup):
    """Every layer's options: layers.blink.amount and so on."""

    __annotations__ = {
        section: PointerProperty(name=title(section), description=group.__doc__ or "", type=group)
        for section, group in GROUPS.items()
    }


CLASSES: tuple[type[Any], ...] = (*GROUPS.values(), FACEWRIGHT_PG_layers)


def read(layers: FACEWRIGHT_PG_layers, seed: int, model: ModelSettings) -> Settings:
    """The core's settings as the sliders stand."""
    return Settings(seed=seed, model=model, **{section: _read(layers, section) for section in SECTIONS})


def write(layers: FACEWRIGHT_PG_layers, settings: Settings, sections: tuple[str, ...] = SECTIONS) -> None:
    """Sets the sliders of some layers."""
    for section in sections:
        group, chosen = getattr(layers, section), getattr(settings, section)
        for item in options(section):
            if getattr(group, item.name) != getattr(chosen, item.name):
                setattr(group, item.name, getattr(chosen, item.name))


def is_default(layers: FACEWRIGHT_PG_layers, section: str) -> bool:
    """Whether a layer stands as it came; a track that cannot be is none that came."""
    group, usual = getattr(layers, section), getattr(Settings(), section)
    return all(_plain(getattr(group, item.name)) == getattr(usual, item.name) for item in options(section))


def _read(layers: FACEWRIGHT_PG_layers, section: str) -> Any:
    group, kind = getattr(layers, section), type(getattr(Settings(), section))
    return kind(**{item.name: _plain(getattr(group, item.name)) for item in options(section)})


def _plain(value: Any) -> Any:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
