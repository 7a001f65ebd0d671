"""Emotions on the face: FACS' action units, held, keyed and heard, in a measure that leaves speech readable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from addon.core import channels, emotions, layers, voice
from addon.core.curves import Curves
from addon.core.direction import Direction
from addon.core.layers import emotion
from addon.core.layers.emotion import wanted
from addon.core.prosody import Prosody
from addon.core.settings import EmotionSettings, Settings

Make = Callable[[int], Prosody]
# What must be seen, and what must not, in each: action units of the prototypes, by ARKit's shapes.
SHOWN = {
    "joy": (("mouthSmileLeft", "cheekSquintRight", "eyeSquintLeft"), ("mouthFrownLeft", "browDownLeft")),
    "sadness": (
        ("browInnerUp", "mouthFrownRight", "browDownLeft", "mouthShrugLower", "mouthShrugUpper"),
        ("mouthSmileLeft", "eyeWideLeft"),
    ),
    "anger": (("browDownLeft", "browDownRight", "eyeSquintLeft", "eyeWideLeft"), ("browInnerUp", "mouthSmileLeft")),
    "fear": (("browInnerUp", "browOuterUpLeft", "eyeWideRight", "mouthStretchLeft"), ("mouthSmileLeft",)),
    "disgust": (("noseSneerLeft", "mouthUpperUpLeft", "browDownLeft"), ("eyeWideLeft", "browInnerUp")),
    "surprise": (("browInnerUp", "browOuterUpLeft", "eyeWideLeft", "jawOpen"), ("browDownLeft", "eyeSquintLeft")),
    "contempt": ((), ("browInnerUp", "browDownLeft", "eyeWideLeft")),
}


def rest(rows: int) -> Curves:
    return Curves(np.zeros((rows, len(channels.ALL)), np.float32), channels.ALL, 50.0)


def silent(rows: int) -> Prosody:
    return Prosody(np.full(rows, -90, np.float32), np.zeros(rows, np.float32))


@pytest.mark.parametrize("name", emotions.NAMES[1:])
def test_each_emotion_shows_its_action_units_and_none_that_deny_it(name: str) -> None:
    face = emotion(rest(500), silent(500), EmotionSettings(**{name: 1.0}))
    shown, hidden = SHOWN[name]
    for channel in shown:
        assert face.column(channel).min() > 0.1, channel
    for channel in hidden:
        assert not face.column(channel).any(), channel
    shapes = face.select(channels.ARKIT).values
    assert 0 <= shapes.min() <= shapes.max() <= 1


def test_contempt_is_on_one_side_and_the_seed_says_which() -> None:
    sides = []
    for seed in range(40):
        face = emotion(rest(50), silent(50), EmotionSettings(contempt=1.0, seed=seed))
        left, right = face.column("mouthDimpleLeft").max(), face.column("mouthDimpleRight").max()
        assert min(left, right) == 0
        assert max(left, right) > 0.4
        sides.append(left > 0)
    assert 8 < sum(sides) < 32


def test_a_stronger_emotion_shows_more_and_all_at_once_never_too_much() -> None:
    levels = [
        emotion(rest(9), silent(9), EmotionSettings(joy=w)).column("mouthSmileLeft").mean() for w in (0.25, 0.5, 1)
    ]
    assert levels[1] == pytest.approx(2 * levels[0], rel=0.01)
    assert levels[2] == pytest.approx(2 * levels[1], rel=0.01)
    everything = EmotionSettings(**dict.fromkeys(emotions.NAMES[1:], 1.0))
    full = Curves(np.full((200, len(channels.ALL)), 0.9, np.float32), channels.ALL, 50.0)
    values = emotion(full, silent(200), everything).select(emotion_channels()).values
    assert np.float32(0.9) <= values.min() <= values.max() <= 1


def emotion_channels() -> tuple[str, ...]:
    from addon.core.layers.emotion import CHANNELS

    return tuple(name for names in CHANNELS.values() for name in names if name != "jawOpen")


def test_neutral_holds_the_others_back() -> None:
    joyful = emotion(rest(50), silent(50), EmotionSettings(joy=0.8))
    half = emotion(rest(50), silent(50), EmotionSettings(joy=0.8, neutral=0.5))
    np.testing.assert_allclose(half.column("mouthSmileLeft"), joyful.column("mouthSmileLeft") / 2, rtol=1e-4)
    calm = emotion(rest(50), silent(50), EmotionSettings(joy=0.8, neutral=1.0))
    assert not calm.values.any()


def test_without_a_mood_not_a_bit_changes(made_prosody: Make) -> None:
    before = rest(300)
    assert emotion(before, made_prosody(300), EmotionSettings()).values.tobytes() == before.values.tobytes()


def test_moods_are_keyed_by_marks_or_directed_by_curves() -> None:
    marked = EmotionSettings(track="1 joy 0.8; 3 anger 0.6; 5 neutral")
    face = emotion(rest(400), silent(400), marked)
    smile, brow = face.column("mouthSmileLeft"), face.column("browDownLeft")
    assert not smile[:30].any()
    assert smile[80:120].min() > 0.4 > smile[180:].max() + 0.3
    assert brow[180:220].min() > 0.4
    assert not brow[280:].any()
    steps = np.abs(np.diff(face.values, axis=0)).max()
    assert steps < 0.08  # nothing jumps: half a second and more from one to the other
    curves = Curves(np.linspace(0, 1, 200)[:, np.newaxis].astype(np.float32), ("fear",), 25.0)
    moods = Direction(emotion=curves).moods(400, 50.0)
    led = emotion(rest(400), silent(400), marked, moods)
    assert not led.column("mouthSmileLeft").any()
    assert led.column("eyeWideLeft")[390] > 10 * led.column("eyeWideLeft")[20] > 0


def test_the_mouth_keeps_its_share_while_it_speaks(made_prosody: Make) -> None:
    prosody = made_prosody(450)
    whole = emotion(rest(450), prosody, EmotionSettings(joy=0.8, on_mouth=1.0))
    some = emotion(rest(450), prosody, EmotionSettings(joy=0.8, on_mouth=0.5))
    spoken, pause = slice(20, 90), slice(125, 135)
    ratio = some.column("mouthSmileLeft") / whole.column("mouthSmileLeft")
    assert ratio[spoken].mean() == pytest.approx(0.5, abs=0.02)
    assert ratio[pause].mean() == pytest.approx(1.0, abs=0.02)
    np.testing.assert_array_equal(some.column("cheekSquintLeft"), whole.column("cheekSquintLeft"))


def test_rounded_lips_stay_rounded_in_a_smile() -> None:
    pursed = rest(50).with_columns({"mouthPucker": np.full(50, 0.4, np.float32)})
    face = emotion(pursed, silent(50), EmotionSettings(joy=1.0))
    open_smile = emotion(rest(50), silent(50), EmotionSettings(joy=1.0))
    assert (face.column("mouthPucker") == np.float32(0.4)).all()
    assert face.column("mouthSmileLeft").max() < 0.35 * open_smile.column("mouthSmileLeft").max()


def test_angry_lips_press_on_each_other_and_not_on_air() -> None:
    agape = rest(50).with_columns({"jawOpen": np.full(50, 0.3, np.float32)})
    shut, apart = (emotion(said, silent(50), EmotionSettings(anger=1.0)) for said in (rest(50), agape))
    assert shut.column("mouthPressLeft").min() > 0.3
    assert not apart.column("mouthPressLeft").any()


def test_a_wrinkled_nose_leaves_the_upper_lip_to_a_closure_and_is_back_after_it(made_prosody: Make) -> None:
    close = np.zeros(450, np.float32)
    close[60:75] = 0.3
    said = rest(450).with_columns({"jawOpen": np.full(450, 0.3, np.float32), "mouthClose": close})
    nose = emotion(said, made_prosody(450), EmotionSettings(disgust=1.0)).column("noseSneerLeft")
    assert nose[62:73].max() < 0.3 * nose[[40, 95]].min()


def test_sides_differ_a_little_and_no_expression_freezes() -> None:
    ratios = []
    for seed in range(60):
        face = emotion(rest(500), silent(500), EmotionSettings(joy=0.8, seed=seed))
        left, right = face.column("mouthSmileLeft"), face.column("mouthSmileRight")
        ratios.append(float(((left - right) / (left + right)).mean()))
        assert 0.005 < left.std() / left.mean() < 0.15
    assert 0.02 < np.median(np.abs(ratios)) < 0.08  # two real takes: .01 to .12 of the mouth's shapes
    assert abs(np.mean(ratios)) < 0.03


def excited(rows: int, height: float, spread: float, tilt_db: float) -> Prosody:
    """A voice in phrases, that many semitones over its floor, wide and bright."""
    t = np.arange(rows) / 50
    talking = (t % 3.0) < 2.2
    floor = (t % 3.0) < 0.35
    semitones = np.where(floor, 0, height + spread * np.sqrt(2) * np.sin(2 * np.pi * 1.3 * t))
    loudness = np.where(talking, -28 + 8 * np.clip(np.sin(2 * np.pi * 2.1 * t), 0, 1), -75)
    pitch = np.where(talking, 110 * 2 ** (semitones / 12), 0)
    tilt = np.where(talking, tilt_db, 0)
    return Prosody(loudness.astype(np.float32), pitch.astype(np.float32), tilt_db=tilt.astype(np.float32))


def test_arousal_rises_with_height_width_and_brightness_of_the_voice() -> None:
    usual = voice.arousal(excited(900, 6, 2.5, -13)).mean()
    assert usual == pytest.approx(0.5, abs=0.15)
    for higher in ((11, 2.5, -13), (6, 4.5, -13), (6, 2.5, -6)):
        assert voice.arousal(excited(900, *higher)).mean() > usual + 0.04
    assert voice.arousal(excited(900, 12, 4, -4)).mean() > 0.75
    assert voice.arousal(excited(900, 2, 0.7, -22)).mean() < 0.3


def stressed(every_s: float, gain_db: float = 0.0) -> Prosody:
    """A monotonous voice that stresses a syllable so often."""
    t = np.arange(900) / 50
    beats = np.exp(-0.5 * (((t + every_s / 2) % every_s - every_s / 2) / 0.06) ** 2)
    return Prosody((-24 + 10 * beats + gain_db).astype(np.float32), np.full(900, 120, np.float32))


def test_arousal_rises_with_the_pace_of_the_voice_and_not_with_the_recordings_gain() -> None:
    slow, usual, fast = (voice.cues(stressed(every_s))["pace"][450] for every_s in (2.0, 0.9, 0.4))
    assert slow < -1 < -0.3 < usual < 0.3 < 1 < fast
    assert voice.arousal(stressed(0.4))[450] > voice.arousal(stressed(2.0))[450] + 0.1
    np.testing.assert_allclose(voice.arousal(stressed(0.9, 12)), voice.arousal(stressed(0.9)), atol=1e-4)


def test_a_voice_lets_guess_a_mood_and_silence_none() -> None:
    names = emotions.NAMES
    angry = voice.moods(excited(900, 9, 1.5, -2)).mean(axis=0)
    assert names[int(angry.argmax())] == "anger"
    merry = voice.moods(excited(900, 10, 6, -20)).mean(axis=0)
    assert names[int(merry.argmax())] == "joy"
    sad = voice.moods(excited(900, 2, 0.7, -20)).mean(axis=0)
    assert names[int(sad.argmax())] == "sadness"
    for rows in (0, 1, 300):
        assert not voice.moods(silent(rows)).any()
        assert (voice.arousal(silent(rows)) == 0.5).all()
    listening = emotion(rest(900), excited(900, 9, 1.5, -2), EmotionSettings(from_voice=1.0))
    assert listening.column("browDownLeft").max() > 0.2
    calm = emotion(rest(900), excited(900, 9, 1.5, -2), EmotionSettings(neutral=1.0, from_voice=1.0))
    assert not calm.values.any()


def test_in_a_long_pause_nothing_is_guessed_from_the_voice_before_it() -> None:
    said, unsaid = excited(500, 9, 1.5, -2), silent(1000)
    prosody = Prosody(
        np.concatenate([said.loudness_db, unsaid.loudness_db]),
        np.concatenate([said.pitch_hz, unsaid.pitch_hz]),
        tilt_db=np.concatenate([said.tilt_db, np.zeros(1000, np.float32)]),
    )
    cues = np.stack(list(voice.cues(prosody).values()))
    assert np.abs(cues[:, 200]).max() > 1
    assert np.abs(cues[:, 750:]).max() < 0.02


def test_a_mood_moves_the_jaw_only_so_far(made_prosody: Make) -> None:
    said = rest(450).with_columns({"jawOpen": np.full(450, 0.3, np.float32)})
    for name in emotions.NAMES[1:]:
        jaw = emotion(said, made_prosody(450), EmotionSettings(**{name: 1.0})).column("jawOpen")[20:90]
        assert 0.23 <= jaw.min() <= jaw.max() <= 0.42


def test_every_seed_gives_another_take_that_repeats_to_the_byte(made_prosody: Make) -> None:
    prosody = made_prosody(700)
    mood = replace(Settings(), emotion=EmotionSettings(joy=0.5))
    takes = {layers.perform(rest(700), prosody, replace(mood, seed=seed)).values.tobytes() for seed in range(12)}
    assert len(takes) == 12
    again = {layers.perform(rest(700), prosody, replace(mood, seed=seed)).values.tobytes() for seed in range(12)}
    assert again == takes


@pytest.mark.parametrize("track", ["0 neutral; 3 joy 0.6", "0 joy 0.6; 3 neutral", "0 anger 0.6; 3 joy 0.6"])
def test_half_of_every_change_is_made_at_its_mark(track: str) -> None:
    weights = wanted(silent(300), EmotionSettings(track=track))
    joy = weights[:, emotions.NAMES.index("joy")]
    assert joy[150] == pytest.approx(0.3, abs=1e-3)
    assert joy.max() == pytest.approx(0.6, abs=1e-3)
