"""Carries a displacement given on some vertices over the rest of the skin, so that it dies away smoothly."""

from __future__ import annotations

import numpy as np

from .form import Array
from .skin import Skin, neighbours


class Spreader:
    """Solves a screened Laplace equation on the mesh; because it follows the mesh, the lips' slit separates."""

    def __init__(self, skin: Skin) -> None:
        self.near, self.count = neighbours(skin.faces, len(skin.points))
        self.real = self.near != np.arange(len(skin.points))[:, None]
        length = np.linalg.norm(skin.points[self.near] - skin.points[:, None], axis=-1)
        self.spacing = (length.sum(axis=1) / self.count[:, 0])[:, None]

    def _apply(self, x: Array, screen: Array) -> Array:
        return np.asarray((self.count + screen) * x - (x[self.near] * self.real[..., None]).sum(axis=1))

    def __call__(self, values: Array, fixed: Array, reach_cm: float, rounds: int = 160) -> Array:
        """Displacements (V, 3): as given where fixed, elsewhere fading with a reach in centimetres."""
        screen = self.count * (self.spacing / reach_cm) ** 2 / 4.0
        free = 1.0 - fixed[:, None]
        x = values * fixed[:, None]
        scale = free / (self.count + screen)
        residual = -free * self._apply(x, screen)
        way = scale * residual
        size = float((residual * way).sum())
        for _ in range(rounds):  # conjugate gradients
            if size < 1e-10:
                break
            pushed = free * self._apply(way, screen)
            step = size / float((way * pushed).sum())
            x, residual = x + step * way, residual - step * pushed
            last, size = size, float((residual * scale * residual).sum())
            way = scale * residual + size / last * way
        for _ in range(3):
            mean = (x[self.near] * self.real[..., None]).sum(axis=1) / self.count
            x = x + 0.5 * free * (mean - x)
        return np.asarray(x)
