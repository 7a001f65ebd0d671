"""What a performance promises whatever it is made of: any settings within their ranges, any curves, any length."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from addon.core import channels, layers
from addon.core.curves import SEALED_GAP, Curves, lip_gap
from addon.core.layers.closures import near_speech
from addon.core.prosody import Prosody
from addon.core.settings import Settings

MOUTH = (*channels.GROUPS["jaw"], *channels.GROUPS["mouth"])
LAYERS = ("articulation", "smooth", "emotion", "brows", "breath", "micro", "head", "gaze", "blink")


@st.composite
def some_settings(draw: st.DrawFn) -> Settings:
    """Every number at its default, at an end of its range, or anywhere between."""

    def drawn(layer: Any) -> Any:
        numbers = [item for item in fields(layer) if isinstance(item.default, float)]
        ranges = {item.name: (item.metadata["low"], item.metadata["high"]) for item in numbers}
        return replace(
            layer,
            **{
                name: draw(st.sampled_from([getattr(layer, name), low, high]) | st.floats(low, high))
                for name, (low, high) in ranges.items()
            },
        )

    return replace(Settings(), seed=draw(st.integers(0, 99)), **{n: drawn(getattr(Settings(), n)) for n in LAYERS})


def some_line(rows: int, seed: int) -> tuple[Curves, Prosody]:
    """Noise that keeps to what a model may say, and a voice that comes and goes."""
    rng = np.random.default_rng(seed)
    curves = Curves(np.square(rng.random((rows, len(MOUTH)), np.float32)), MOUTH, 50.0)
    share = np.where(rng.random(rows) < 0.3, 1, rng.random(rows)).astype(np.float32)
    loudness = np.repeat(rng.uniform(-90, -10, rows // 12 + 1), 12)[:rows].astype(np.float32)
    pitch = np.where(rng.random(rows) < 0.7, rng.uniform(80, 400, rows), 0).astype(np.float32)
    tilt = rng.normal(-13, 5, rows).astype(np.float32)
    return curves.with_columns({"mouthClose": share * curves.column("jawOpen")}), Prosody(loudness, pitch, 50.0, tilt)


@given(some_settings(), st.sampled_from([0, 1, 2, 3, 5, 13, 60, 400]), st.integers(0, 99))
def test_whatever_is_asked_for_shapes_stay_in_range_and_sealed_lips_sealed(
    settings: Settings, rows: int, seed: int
) -> None:
    curves, prosody = some_line(rows, seed)
    performed = layers.perform(curves, prosody, settings)
    assert performed.values.shape[0] == rows
    assert np.isfinite(performed.values).all()
    shapes = performed.select(channels.ARKIT).values
    assert shapes.min(initial=0) >= 0
    assert shapes.max(initial=0) <= 1
    assert (performed.column("mouthClose") <= performed.column("jawOpen")).all()
    sealed = (lip_gap(curves) <= SEALED_GAP) & near_speech(prosody)
    assert lip_gap(performed)[sealed].max(initial=0) <= SEALED_GAP + 1e-6
