"""Eight emotions on the face, as FACS describes them, in a measure that leaves speech readable."""

from __future__ import annotations

import numpy as np

from .. import emotions, voice
from ..curves import Array, Curves, blurred
from ..prosody import Prosody
from ..settings import EmotionSettings
from .closures import closedness, eased, openness
from .gestures import add_softly, dice, drift, sided, soft_sum, speaking

# Action units of the prototypes (Ekman and Friesen 1978; Ekman, Friesen and Hager 2002), as ARKit's shapes for them.
# A name without a side stands for both. eyeSquint is the lower lid of AU 6 and 7, browDown is AU 4, noseSneer AU 9.
EXPRESSIONS: dict[str, dict[str, float]] = {
    "joy": {"mouthSmile": 0.75, "cheekSquint": 0.7, "eyeSquint": 0.35, "mouthDimple": 0.12},  # 6 + 12
    "sadness": {  # 1 + 4 + 15 + 17, of which either lip has its half: the lower one alone would go through the upper
        "browInnerUp": 0.8, "browDown": 0.2, "mouthFrown": 0.6, "mouthShrugLower": 0.3, "mouthShrugUpper": 0.25,
        "eyeSquint": 0.15,
    },
    "anger": {  # 4 + 5 + 7 + 23
        "browDown": 1.0, "eyeWide": 0.25, "eyeSquint": 0.5, "mouthPress": 0.4, "noseSneer": 0.3, "mouthFrown": 0.15,
    },
    "fear": {  # 1 + 2 + 4 + 5 + 20 + 26
        "browInnerUp": 0.85, "browOuterUp": 0.4, "browDown": 0.3, "eyeWide": 0.75, "mouthStretch": 0.5, "jawOpen": 0.06,
    },
    "disgust": {  # 9 + 10 + 15 + 17, and 4 with 7, which come with a wrinkled nose
        "noseSneer": 0.85, "mouthUpperUp": 0.35, "mouthFrown": 0.3, "mouthShrugLower": 0.2, "browDown": 0.4,
        "cheekSquint": 0.3, "eyeSquint": 0.35,
    },
    "surprise": {"browInnerUp": 0.85, "browOuterUp": 0.85, "eyeWide": 0.6, "jawOpen": 0.2},  # 1 + 2 + 5 + 26
    "contempt": {"mouthDimple": 0.6, "mouthSmile": 0.3, "cheekSquint": 0.12},  # 12 + 14, on one side
}  # fmt: skip
ONE_SIDED = ("contempt",)
# How much further the jaw opens in speech: loud, wide moods and small, tired ones (after Juslin and Laukka 2003).
EFFORT = {"joy": 0.1, "sadness": -0.2, "anger": 0.2, "fear": 0.05, "disgust": 0.0, "surprise": 0.1, "contempt": -0.1}

SHAPES = tuple(dict.fromkeys(name for shapes in EXPRESSIONS.values() for name in shapes))
CHANNELS = sided(SHAPES)
OWNED = (*dict.fromkeys(name for names in CHANNELS.values() for name in names), "mouthClose")
SPREADING = ("mouthSmile", "mouthStretch", "mouthDimple", "mouthFrown")  # against rounded lips
BULGING = ("mouthShrug", "mouthFrown", "mouthUpperUp")  # they would shift lips that press on each other
NOSE_GIVES = 0.85  # a wrinkled nose draws the upper lip up with it
ROUND = 0.35  # mouthPucker with 0.8 mouthFunnel from which lips count as wholly rounded
ROUND_LEAVES = 0.3  # so much of them stays on rounded lips
JAW_SHARE = 0.3  # of the mouth's share: in speech the jaw has other things to do
SPEECH_EDGE_S = 0.12
PART_S = 0.03  # standard deviation: a press comes and goes no faster than lips part
ASYMMETRY = 0.06  # standard deviation between sides
LIVELINESS, LIVELY_HZ = 0.07, (0.1, 0.5)  # nobody holds an expression quite still


def emotion(curves: Curves, prosody: Prosody, settings: EmotionSettings, moods: Array | None = None) -> Curves:
    """Expressions laid on brows, lids, cheeks and mouth; `moods`, (T, 8), takes the place of the settings' own."""
    rows = len(prosody.pitch_hz)
    if settings.amount == 0 or not rows:
        return curves
    weights = settings.amount * wanted(prosody, settings, moods)
    if not weights.any():
        return curves
    rng = dice(settings.seed, "emotion", prosody)
    shares = _shares(rng, weights, prosody.rate)
    spoken = speaking(prosody, SPEECH_EDGE_S)
    mouth = 1 + spoken * np.float32(settings.on_mouth - 1)
    closed = eased(closedness(curves), prosody.rate)
    apart = blurred(openness(curves), PART_S * prosody.rate)
    rounded = np.clip((curves.column("mouthPucker") + 0.8 * curves.column("mouthFunnel")) / ROUND, 0, 1)
    for name in shares:
        if name.startswith("mouth"):
            shares[name] = shares[name] * mouth
        if name.startswith(SPREADING):
            shares[name] = shares[name] * (1 - np.float32(1 - ROUND_LEAVES) * rounded)
        if name.startswith(BULGING):
            shares[name] = shares[name] * (1 - closed)
        if name.startswith("noseSneer"):
            shares[name] = shares[name] * (1 - np.float32(NOSE_GIVES) * closed)
        if name.startswith("mouthPress"):
            shares[name] = shares[name] * (1 - apart)  # lips that are apart press on nothing
    shares["jawOpen"] = shares["jawOpen"] * (1 + spoken * np.float32(settings.on_mouth * JAW_SHARE - 1))
    return add_softly(_with_effort(curves, weights), shares)


def wanted(prosody: Prosody, settings: EmotionSettings, moods: Array | None = None) -> Array:
    """The weight of each emotion at every row, (T, 8), after marks, the voice, and what neutral holds back.

    moods: instead of the settings', held back already.
    """
    rows = len(prosody.pitch_hz)
    if moods is None:
        marks = emotions.marks(settings.track)
        moods = emotions.keyed(settings.mood, marks, rows, prosody.rate, settings.transition_s)
    if settings.from_voice:
        guessed = np.float32(settings.from_voice) * voice.moods(prosody)
        moods = soft_sum(moods, guessed * (1 - moods[:, :1]))
    return moods


def _shares(rng: np.random.Generator, weights: Array, rate: float) -> dict[str, Array]:
    """What each channel gets from all emotions together, (T,) each."""
    parts: dict[str, list[Array]] = {name: [] for names in CHANNELS.values() for name in names}
    for emotion_name, shapes in EXPRESSIONS.items():
        weight = weights[:, emotions.NAMES.index(emotion_name)]
        lively = 1 + np.float32(LIVELINESS) * drift(rng, len(weights), rate, LIVELY_HZ)
        stronger = rng.standard_normal(len(shapes)) * ASYMMETRY
        side = "Left" if rng.random() < 0.5 else "Right"
        for (shape, size), more in zip(shapes.items(), stronger, strict=True):
            for name in CHANNELS[shape]:
                if emotion_name in ONE_SIDED and not name.endswith(side):
                    continue
                sign = 1 if name.endswith("Left") else -1 if name.endswith("Right") else 0
                share = weight * lively * np.float32(size * (1 + sign * more))
                parts[name].append(np.clip(share, 0, 1))
    return {name: soft_sum(*part) for name, part in parts.items()}


def _with_effort(curves: Curves, weights: Array) -> Curves:
    """The jaw, and mouthClose with it, opened a little further or less far, as the mood has it."""
    names = [name for name in ("jawOpen", "mouthClose") if name in curves.names]
    efforts = np.array([0.0, *(EFFORT[name] for name in emotions.NAMES[1:])], np.float32)
    gain = 1 + np.clip(weights @ efforts, min(EFFORT.values()), max(EFFORT.values()))
    return curves.with_columns({name: np.clip(curves.column(name) * gain, 0, 1) for name in names})
