"""Carries a displacement given on some vertices over the rest of the skin, so that it dies away smoothly."""

from __future__ import annotations

import numpy as np

from .form import Array
from .skin import Neighbours, Skin


class Spreader:
    """Solves a screened Laplace equation on the mesh; because it follows the mesh, the lips' slit separates."""

    def __init__(self, skin: Skin) -> None:
        self.near = Neighbours(skin.faces, len(skin.points))
        ends = skin.points[self.near.flat] - np.repeat(skin.points, self.near.count[:, 0].astype(int), axis=0)
        length = np.linalg.norm(ends, axis=1, keepdims=True)
        self.spacing = np.add.reduceat(length, self.near.starts, axis=0) / self.near.count

    def _apply(self, x: Array, screen: Array) -> Array:
        return np.asarray((self.near.count + screen) * x - self.near.total(x))

    def __call__(self, values: Array, fixed: Array, reach_cm: float, rounds: int = 160) -> Array:
        """Displacements (V, 3): as given where fixed, elsewhere fading with a reach in centimetres."""
        screen = self.near.count * (self.spacing / reach_cm) ** 2 / 4.0
        free = 1.0 - fixed[:, None]
        x = values * fixed[:, None]
        scale = free / (self.near.count + screen)
        residual = -free * self._apply(x, screen)
        way = scale * residual
        size = first = float((residual * way).sum())
        for _ in range(rounds):  # conjugate gradients
            if size <= 1e-9 * first:
                break
            pushed = free * self._apply(way, screen)
            step = size / float((way * pushed).sum())
            x, residual = x + step * way, residual - step * pushed
            last, size = size, float((residual * scale * residual).sum())
            way = scale * residual + size / last * way
        for _ in range(3):
            mean = self.near.total(x) / self.near.count
            x = x + 0.5 * free * (mean - x)
        return np.asarray(x)
