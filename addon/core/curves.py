"""Curves: the one value that travels from the model through every layer to keys and files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Curves:
    """Values over time, (T, C) float32, one named column a channel; row t is the instant t / rate seconds."""

    values: Array
    names: tuple[str, ...]
    rate: float

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.names):
            raise ValueError(f"values are {self.values.shape}, names are {len(self.names)}: need (T, C) and C names")
        if len(set(self.names)) != len(self.names):
            raise ValueError("channel names repeat")
        if not self.rate > 0:
            raise ValueError(f"rate must be positive, not {self.rate}")

    @property
    def duration_s(self) -> float:
        """Seconds from the first row to one step after the last."""
        return len(self.values) / self.rate

    def column(self, name: str) -> Array:
        """One channel over time, (T,); a channel that is not carried is at rest, so zeros."""
        if name not in self.names:
            return np.zeros(len(self.values), np.float32)
        return self.values[:, self.names.index(name)]

    def select(self, names: Sequence[str]) -> Curves:
        """The channels asked for, in that order; those not carried are zeros."""
        columns = [self.column(name) for name in names]
        values = np.stack(columns, axis=1) if columns else np.zeros((len(self.values), 0), np.float32)
        return Curves(values, tuple(names), self.rate)

    def with_columns(self, columns: Mapping[str, Array]) -> Curves:
        """New curves in which the named channels, each (T,), are replaced or appended."""
        names = self.names + tuple(name for name in columns if name not in self.names)
        values = np.zeros((len(self.values), len(names)), np.float32)
        values[:, : len(self.names)] = self.values
        for name, column in columns.items():
            values[:, names.index(name)] = column
        return replace(self, values=values, names=names)


def lip_gap(curves: Curves) -> Array:
    """How far the lips are apart, (T,): jawOpen less mouthClose, which is relative to it; 0 or less is sealed."""
    return curves.column("jawOpen") - curves.column("mouthClose")
