"""What recordings meet before anybody animates them: noise, rooms, telephones, codecs and levels, for measuring.

None of it is shared with the training's own degradations (dataset.py): a model should be judged on noise it was not
taught on. Noises are made in noises.py. Here rooms are built from their walls' mirror images, telephones quantise and
codecs are the codecs; whispers come from linear prediction, children from a phase vocoder. The same line under the same
condition is the same sound every time.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable, Sequence

import librosa
import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.signal
import soundfile
import soxr

from addon.core.audio import RATE

from .corpora import CorpusError
from .noises import NOISES, Crowd, Floats, speech_level

MOUTH_TO_MICROPHONE_M = 1.0
ROOM_M = (5.2, 4.1, 2.7)
RT60_S = 0.6
SOUND_M_PER_S = 343.0
QUIET_DB, LOUD_DB = -40.0, 20.0
CLIPPED = 0.10  # share of the spoken samples that end flat
BREATH, BREATH_HOP, BREATH_ORDER = 480, 160, 18  # samples of a frame of linear prediction, and its poles
BREATH_BRIGHTER = 0.5  # of each sample is taken off the next: 9.5 dB between the lowest sounds and the highest
CHILD_SEMITONES = 5.0  # a third higher, pitch and formants
CHILD_FRAME = 512  # 32 ms: longer ones smear stops
CODEC_DELAY_S = 0.1  # no codec here is later than that


# Changes: (speech, rng) -> as long as before.


def telephone(speech: Floats, _rng: np.random.Generator) -> Floats:
    """300 to 3400 Hz, 8 kHz, 8 bits of mu-law."""
    band = scipy.signal.butter(4, (300, 3400), "bandpass", fs=RATE, output="sos")
    narrow = soxr.resample(scipy.signal.sosfiltfilt(band, speech).astype(np.float32), RATE, 8000)
    loud = np.clip(narrow / (4 * speech_level(np.asarray(narrow))), -1, 1)
    code = np.round(127.5 * np.sign(loud) * np.log1p(255 * np.abs(loud)) / np.log(256)) / 127.5
    return _as_long(soxr.resample(np.sign(code) * np.expm1(np.abs(code) * np.log(256)) / 255 * 0.4, 8000, RATE), speech)


def reverb(speech: Floats, rng: np.random.Generator) -> Floats:
    """A living room of RT60_S, the microphone a metre away; the direct sound is not delayed."""
    heard = _as_long(scipy.signal.fftconvolve(speech, room_response(rng)), speech)
    return np.asarray(heard * speech_level(speech) / speech_level(heard), np.float32)


def room_response(rng: np.random.Generator) -> Floats:
    """Impulse response of a box-shaped room by mirror images (Allen and Berkley, 1979), direct sound first and 1."""
    size = np.array(ROOM_M)
    surface = 2 * (size[0] * size[1] + size[1] * size[2] + size[0] * size[2])
    reflects = np.sqrt(np.exp(-0.161 * size.prod() / (surface * RT60_S)))  # Eyring's formula, of pressure
    ear = size * rng.uniform(0.3, 0.7, 3)
    way = rng.standard_normal(3) * (1, 1, 0.2)
    mouth = np.clip(ear + MOUTH_TO_MICROPHONE_M * way / np.linalg.norm(way), 0.2, size - 0.2)
    axes = []
    for axis in range(3):
        n = np.arange(-1, 2 + int(SOUND_M_PER_S * RT60_S / (2 * size[axis])))
        n = np.concatenate([-n[::-1][:-2], n])
        place = [(1 - 2 * q) * mouth[axis] + 2 * n * size[axis] - ear[axis] for q in (0, 1)]
        walls = [np.abs(n - q) + np.abs(n) for q in (0, 1)]
        axes.append((np.concatenate(place), np.concatenate(walls)))
    far = np.sqrt(sum(np.ix_(*(a**2 for a, _ in axes))[i] for i in range(3)))
    bounces = sum(np.ix_(*(w for _, w in axes))[i] for i in range(3))
    nearest = float(np.linalg.norm(mouth - ear))
    far = far + np.where(bounces > 0, rng.uniform(-0.05, 0.05, far.shape), 0)  # no room is a perfect box
    late = np.round((far - nearest) / SOUND_M_PER_S * RATE).astype(int)
    heard = (late >= 0) & (late < RT60_S * RATE)
    response = np.bincount(late[heard], (reflects**bounces * nearest / far)[heard], minlength=int(RT60_S * RATE))
    high = scipy.signal.butter(2, 80, "highpass", fs=RATE, output="sos")  # the images' sum has a direct current
    return np.asarray(scipy.signal.sosfilt(high, response), np.float32)


def clipped(speech: Floats, _rng: np.random.Generator) -> Floats:
    """Recorded so hot that the loudest tenth of the spoken samples is flat."""
    spoken = np.abs(speech[np.abs(speech) > 0.1 * speech_level(speech)])
    ceiling = float(np.quantile(spoken, 1 - CLIPPED)) if len(spoken) else 1.0
    return np.clip(speech / max(ceiling, 1e-5), -1, 1)


def quiet(speech: Floats, _rng: np.random.Generator) -> Floats:
    """40 dB down in a file of 16 bits."""
    return np.asarray(np.round(speech * 10 ** (QUIET_DB / 20) * 32767) / 32767, np.float32)


def loud(speech: Floats, _rng: np.random.Generator) -> Floats:
    """20 dB up, past full scale, as float files can be."""
    return np.asarray(speech * 10 ** (LOUD_DB / 20), np.float32)


def mp3(speech: Floats, _rng: np.random.Generator) -> Floats:
    """MP3 at the encoder's lowest quality, 24 kbit/s."""
    return _coded(speech, "MP3", "MPEG_LAYER_III", 0.99)


def opus(speech: Floats, _rng: np.random.Generator) -> Floats:
    """Opus at the encoder's lowest rate, about 8 kbit/s."""
    return _coded(speech, "OGG", "OPUS", 1.0)


def whisper(speech: Floats, rng: np.random.Generator) -> Floats:
    """Without a voice: noise through the poles that predict the line made brighter, as no glottis darkens it."""
    bright = scipy.signal.lfilter([1, -BREATH_BRIGHTER], [1], speech)
    padded = np.pad(bright, (BREATH, BREATH))
    window = np.hanning(BREATH + 1)[:-1]
    heard = np.zeros(len(padded))
    for start in range(0, len(padded) - BREATH, BREATH_HOP):
        frame = padded[start : start + BREATH] * window
        alike = np.correlate(frame, frame, "full")[BREATH - 1 : BREATH + BREATH_ORDER]
        if alike[0] < 1e-9:
            continue  # nothing is said
        alike[0] *= 1.0001  # a little noise, without which a pure tone has no solution
        predicted = scipy.linalg.solve_toeplitz(alike[:-1], alike[1:])
        breath = scipy.signal.lfilter([1], np.concatenate([[1], -predicted]), rng.standard_normal(BREATH)) * window
        heard[start : start + BREATH] += breath * np.sqrt(alike[0] / (breath**2).sum())
    quiet = heard[BREATH:-BREATH].astype(np.float32)
    return np.asarray(quiet * speech_level(speech) / (speech_level(quiet) + 1e-9), np.float32)


def child(speech: Floats, _rng: np.random.Generator) -> Floats:
    """A child, as far as pitch and formants make one: both a third higher, in the same time."""
    higher = librosa.effects.pitch_shift(speech, sr=RATE, n_steps=CHILD_SEMITONES, n_fft=CHILD_FRAME)
    return _as_long(higher, speech)


def _coded(speech: Floats, kind: str, subtype: str, compression: float) -> Floats:
    """Through a codec and back; what it delays is taken out, since the phones' times are those of the speech."""
    coded = io.BytesIO()
    soundfile.write(coded, speech, RATE, format=kind, subtype=subtype, compression_level=compression)
    coded.seek(0)
    heard, rate = soundfile.read(coded, dtype="float32")
    heard = heard if rate == RATE else soxr.resample(heard, rate, RATE)
    most = round(CODEC_DELAY_S * RATE)
    likeness = scipy.signal.correlate(np.pad(heard, (most, most)), speech, "valid")[: 2 * most + 1]
    late = int(np.argmax(likeness)) - most
    return _as_long(np.pad(heard, (max(-late, 0), 0))[max(late, 0) :], speech)


def _as_long(sound: npt.ArrayLike, speech: Floats) -> Floats:
    result = np.zeros(len(speech), np.float32)
    given = np.asarray(sound, np.float32)[: len(speech)]
    result[: len(given)] = given
    return result


CHANGES: dict[str, Callable[[Floats, np.random.Generator], Floats]] = {
    "telephone": telephone, "reverb": reverb, "clipped": clipped, "quiet": quiet, "loud": loud, "mp3": mp3,
    "opus": opus, "whisper": whisper, "child": child,
}  # fmt: skip
NOISE = re.compile(r"([a-z]+)(-?\d{1,2})")  # and the decibels that speech is above it
DEFAULT = ("clean", "music10", "babble10", "fan10", *CHANGES)


def check(names: Sequence[str]) -> None:
    """Refuses a condition that does not exist."""
    for name in names:
        noise = NOISE.fullmatch(name)
        if name != "clean" and name not in CHANGES and not (noise and noise[1] in NOISES):
            raise CorpusError(
                f"there is no condition {name!r}: known are clean, {', '.join(CHANGES)}, and "
                f"{', '.join(NOISES)} with the decibels that speech is above them, -99 to 99, such as music10"
            )


def heard_as(name: str, speech: Floats, path: str, speaker: str, crowd: Crowd) -> Floats:
    """The speech of the line `path`, (N,), under the condition of this name."""
    if name == "clean":
        return speech
    rng = np.random.default_rng([zlib.crc32(name.encode()), zlib.crc32(path.encode())])
    if name in CHANGES:
        return CHANGES[name](speech, rng)
    noise, above_db = NOISE.fullmatch(name).groups()  # type: ignore[union-attr]
    other = NOISES[noise](len(speech), rng, crowd, speaker)
    gain = speech_level(speech) / (float(np.sqrt((other**2).mean())) + 1e-9) * 10 ** (-float(above_db) / 20)
    return np.asarray(speech + gain * other, np.float32)
