"""Numbers of a data-block by their data paths: a key's slider, one of a location, a custom property of a bone."""

from __future__ import annotations

import json
from typing import Any

Place = tuple[str, int]  # a property: data path under its data-block, and which number of it


def value_at(block: Any, place: Place) -> float | None:
    """A property's number; None if there is no such property any more."""
    try:
        value = block.path_resolve(place[0])
        return float(value[place[1]] if hasattr(value, "__len__") else value)
    except (ValueError, IndexError):
        return None


def put_value(block: Any, place: Place, value: float) -> float:
    """Sets a property's number; what it is then, which its range may have cut."""
    path, index = place
    if is_custom(path):
        start = path.rindex('["')
        holder, name = block.path_resolve(path[:start]) if start else block, json.loads(path[start + 1 : -1])
        if hasattr(holder[name], "__len__"):
            holder[name][index] = value
        else:
            holder[name] = value
        block.update_tag()  # Blender does not notice these by itself
    else:
        holder, name = parted(block, path)
        if hasattr(getattr(holder, name), "__len__"):
            getattr(holder, name)[index] = value
        else:
            setattr(holder, name, value)
    return float(value_at(block, place) or 0.0)


def is_custom(path: str) -> bool:
    """Whether a data path is that of a custom property: ["name"], or pose.bones["head"]["name"]."""
    return path.endswith('"]')


def parted(block: Any, path: str) -> tuple[Any, str]:
    """What bears a property that is no custom one, and the property's name."""
    start = path.rfind(".")
    return (block.path_resolve(path[:start]), path[start + 1 :]) if start > 0 else (block, path)
