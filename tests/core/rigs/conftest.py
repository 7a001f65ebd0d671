from __future__ import annotations

import random

import numpy as np

from addon.core import channels
from addon.core.curves import Curves
from addon.core.rigs import RigMap, conventions

RIGS = {rig.name: rig for rig in conventions()}


def every_name(rig: RigMap) -> list[str]:
    """All keys of a head that is made to the last key of a convention."""
    return [*rig.weights, *rig.visemes, *rig.instead, *rig.idle]


def some_names(rig: RigMap, seed: int) -> list[str]:
    """The same head with a fifth of its keys lost."""
    names = every_name(rig)
    return random.Random(seed).sample(names, round(0.8 * len(names)))


def still(**values: float) -> Curves:
    """Curves of one row."""
    row = np.array([[values.get(name, 0.0) for name in channels.ALL]], np.float32)
    return Curves(row, channels.ALL, 50.0)


def speech(seconds: float = 4.0) -> Curves:
    """A mouth that opens in several shapes, and between them seals its lips over a jaw that stays open."""
    times = np.arange(round(50 * seconds)) / 50
    jaw = 0.05 + 0.35 * np.sin(np.pi * times) ** 2
    sealed = np.clip(3 * np.cos(2 * np.pi * times) - 2, 0, 1)  # whole for some frames each second, with ramps
    shape = 0.5 + 0.5 * np.sin(2 * np.pi * 0.37 * times)
    columns = {
        "jawOpen": jaw,
        "mouthClose": jaw * np.minimum(1, 1.2 * sealed),
        "mouthLowerDownLeft": 0.3 * jaw / 0.4 * (1 - sealed),
        "mouthLowerDownRight": 0.3 * jaw / 0.4 * (1 - sealed),
        "mouthFunnel": 0.4 * shape * (1 - sealed),
        "mouthPucker": 0.3 * shape * (1 - sealed),
        "mouthStretchLeft": 0.3 * (1 - shape) * (1 - sealed),
        "mouthStretchRight": 0.3 * (1 - shape) * (1 - sealed),
        "mouthPressLeft": 0.3 * sealed,
        "mouthPressRight": 0.3 * sealed,
    }
    rest = Curves(np.zeros((len(times), len(channels.ALL)), np.float32), channels.ALL, 50.0)
    return rest.with_columns({name: column.astype(np.float32) for name, column in columns.items()})
