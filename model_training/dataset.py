"""Batches of crops, each heard as another microphone, room or telephone would have heard it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import scipy.fft
import scipy.signal
import torch
from torch import Tensor

from addon.core.audio import RATE as SAMPLE_RATE

from . import formants
from .articulation import ROW_SAMPLES
from .config import AugmentSettings, TrainingConfig
from .corpora import CorpusError
from .network import STEP_ROWS
from .prepare import HEARD, Line, Shard

Floats = npt.NDArray[np.float32]
MUTE_FADE_ROWS = 4  # 80 ms for the mouth to come to rest


@dataclass(frozen=True)
class Batch:
    """Waveforms (B, N), targets (B, T, C), phones (B, T), which rows lie inside a line (B, T); whether heard live."""

    waveform: Tensor
    targets: Tensor
    phones: Tensor
    inside: Tensor
    live: bool = field(default=False, kw_only=True)

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device."""
        moved = (getattr(self, name).to(device) for name in ("waveform", "targets", "phones", "inside"))
        return Batch(*moved, live=self.live)


class Batches:
    """Endless random batches; batch number i is the same for the same seed, whatever came before it."""

    def __init__(self, shard: Shard, settings: TrainingConfig) -> None:
        self._shard, self._augment, self._train = shard, settings.augment, settings.train
        self._share = settings.loss.heard
        if self._share and shard.heard is None:
            raise CorpusError(f"loss.heard of the config needs {HEARD} in the shard: run model_training.distil first")
        self._rows = max(round(self._train.crop_s * SAMPLE_RATE / ROW_SAMPLES / STEP_ROWS), 1) * STEP_ROWS
        self._weights = settings.corpus.weights
        weights = np.array([line.rows * self._weights.get(line.folder, 1.0) for line in shard.lines])
        if not weights.any():
            raise CorpusError("corpus.weights of the config leaves nothing of the shard: weigh a folder above 0")
        self._chances = weights / weights.sum()

    def shares(self) -> str:
        """How much of what is heard comes from each folder, and which folders corpus.weights names in vain."""
        folders = np.array([line.folder for line in self._shard.lines])
        names = sorted(set(folders))
        heard = ", ".join(f"{name} {self._chances[folders == name].sum():.1%}" for name in names)
        missing = ", ".join(sorted(set(self._weights) - set(names)))
        return f"heard: {heard}" + (f"\nnot in the shard, though corpus.weights names it: {missing}" if missing else "")

    def batch(self, number: int) -> Batch:
        """Batch `number` of the training."""
        lines, rng = self._drawn(number)
        crops = [self._crop(line, rng) for line in lines]
        waveform, targets, phones, inside = (np.stack(part) for part in zip(*crops, strict=True))
        if self._augment.formants:
            for row in np.flatnonzero(rng.random(len(waveform)) < self._augment.formants):
                waveform[row] = formants.moved(waveform[row], formants.drawn(rng))
        if self._augment.whisper:
            for row in np.flatnonzero(rng.random(len(waveform)) < self._augment.whisper):
                waveform[row] = formants.whispered(waveform[row], rng)
        for row in np.flatnonzero(rng.random(len(waveform)) < self._augment.mute / 2):
            _mute(waveform[row], targets[row], phones[row], rng)  # nobody speaks, though the room goes on
        waveform = degrade(waveform, self._augment, rng)
        for row in np.flatnonzero(rng.random(len(waveform)) < self._augment.mute / 2):
            _mute(waveform[row], targets[row], phones[row], rng)  # nothing is recorded
        parts = (torch.from_numpy(part) for part in (waveform, targets, phones.astype(np.int64), inside))
        return Batch(*parts, live=bool(rng.random() < self._train.live))

    def lines(self, number: int) -> list[str]:
        """The paths of the lines that batch `number` takes its crops from."""
        return [line.path for line in self._drawn(number)[0]]

    def _drawn(self, number: int) -> tuple[list[Line], np.random.Generator]:
        rng = np.random.default_rng([self._train.seed, number])
        picks = rng.choice(len(self._chances), self._train.batch, p=self._chances)
        return [self._shard.lines[pick] for pick in picks], rng

    def _crop(self, line: Line, rng: np.random.Generator) -> tuple[Floats, Floats, npt.NDArray[np.uint8], Floats]:
        """A stretch of one line at another speed; before and after the line lies silence with the mouth at rest."""
        rows, speed = self._rows, 1 + self._augment.speed * rng.uniform(-1, 1)
        taken = int(np.ceil(rows * speed)) + 1
        slack = max(rows // 10, 1)  # crops may begin before a line, or end after it
        start = int(rng.integers(-slack, max(line.rows - taken + slack, -slack + 1) + 1))
        first, last = max(start, 0), min(start + taken, line.rows)
        at, offset = line.first_row, first - start
        count = last - first
        source = np.zeros(taken * ROW_SAMPLES + 1, np.float32)
        source[offset * ROW_SAMPLES : (offset + count) * ROW_SAMPLES] = (
            self._shard.samples[(at + first) * ROW_SAMPLES : (at + last) * ROW_SAMPLES].astype(np.float32) / 32768
        )
        targets = np.zeros((taken, self._shard.targets.shape[1]), np.float32)
        phones = np.zeros(taken, np.uint8)
        inside = np.zeros(taken, np.float32)
        targets[offset : offset + count] = self._curves(slice(at + first, at + last))
        phones[offset : offset + count] = self._shard.phones[at + first : at + last]
        inside[offset : offset + count] = 1
        moments = np.arange(rows * ROW_SAMPLES) * speed
        waveform = np.interp(moments, np.arange(len(source)), source).astype(np.float32)
        passed = np.arange(rows) * speed
        nearest = np.minimum(np.round(passed).astype(int), taken - 1)
        return waveform, _between(targets, passed), phones[nearest], inside[nearest]

    def _curves(self, rows: slice) -> Floats:
        """What is to be learnt: the teacher's curves, or a mixture of them and what a finished student heard."""
        taught = self._shard.targets[rows].astype(np.float32)
        if self._shard.heard is None or not self._share:
            return taught
        return taught + np.float32(self._share) * (self._shard.heard[rows] - taught)


def _between(curves: Floats, moments: Floats) -> Floats:
    """Curves (T, C) at moments counted in rows, (R,) to (R, C), in a straight line from row to row."""
    before = np.minimum(moments.astype(int), len(curves) - 2)
    share = (moments - before).astype(np.float32)[:, None]
    return curves[before] + share * (curves[before + 1] - curves[before])


def degrade(waveform: Floats, settings: AugmentSettings, rng: np.random.Generator) -> Floats:
    """Clean crops (B, N) as a room, a crowd, a fan, a telephone and a wrong level would leave them."""
    count, length = waveform.shape
    hertz = scipy.fft.rfftfreq(length, 1 / SAMPLE_RATE)
    microphones = _tilt(hertz, 6.0, count, rng)
    roomy = waveform.copy()
    for row in np.flatnonzero(rng.random(count) < settings.room):
        roomy[row] = scipy.signal.fftconvolve(waveform[row], _room(rng))[:length]
    spectrum = scipy.fft.rfft(roomy, axis=1) * microphones
    speech = np.sqrt((np.abs(spectrum) ** 2).mean(axis=1))
    speech = np.where(speech > 0, speech, np.median(speech))  # noise has a level where nobody speaks
    noise = np.zeros_like(spectrum)
    for row in np.flatnonzero(rng.random(count) < settings.noise):
        steady = scipy.fft.rfft(rng.standard_normal(length).astype(np.float32)) * _tilt(hertz, 18.0, 1, rng)[0]
        noise[row] += _at_level(steady, speech[row], rng.uniform(*settings.snr_db))
    for row in np.flatnonzero(rng.random(count) < settings.voices):
        others = rng.choice(count, size=int(rng.integers(1, 7)))
        crowd = sum(np.roll(waveform[other], int(rng.integers(length))) for other in others if other != row)
        if np.any(crowd):
            noise[row] += _at_level(scipy.fft.rfft(crowd), speech[row], rng.uniform(*settings.snr_db) + 3)
    for row in np.flatnonzero(rng.random(count) < settings.music):
        noise[row] += _at_level(scipy.fft.rfft(_music(length, rng)), speech[row], rng.uniform(*settings.snr_db))
    spectrum += noise
    for row in np.flatnonzero(rng.random(count) < settings.band):
        low, high = rng.uniform(50, 400), 3000 + 4000 * rng.random() ** 2  # most pass no more than a telephone
        spectrum[row] /= np.sqrt((1 + (low / np.maximum(hertz, 1)) ** 8) * (1 + (hertz / high) ** 16))
    heard = scipy.fft.irfft(spectrum, length, axis=1).astype(np.float32)
    for row in np.flatnonzero(rng.random(count) < settings.clip):
        ceiling = np.abs(heard[row]).max() * rng.uniform(0.15, 0.8)
        heard[row] = np.clip(heard[row], -ceiling, ceiling)
    heard *= 10 ** (np.clip(rng.normal(-3, settings.gain_db, (count, 1)), -50, 15) / 20).astype(np.float32)
    floor = 10 ** (rng.uniform(-100, -55, (count, 1)) / 20)  # every microphone hisses
    heard += (floor * rng.standard_normal(heard.shape, np.float32)).astype(np.float32)
    return np.clip(heard, -1, 1)


def _tilt(hertz: Floats, spread_db: float, count: int, rng: np.random.Generator) -> Floats:
    """Gains (B, F) that rise or fall, smoothly bent, by about spread_db from end to end."""
    octaves = np.log2(np.maximum(hertz, 60) / 1000)
    bend = np.cos(np.outer(rng.uniform(0.2, 1.2, count), octaves) + rng.uniform(0, 6.28, (count, 1)))
    gain_db = rng.normal(0, spread_db / 6, (count, 1)) * octaves + rng.normal(0, spread_db / 3, (count, 1)) * bend
    return np.asarray(10 ** (gain_db / 20), np.float32)


def _room(rng: np.random.Generator) -> Floats:
    """A room's impulse response: the direct sound, a few walls, then dull noise that dies away in 0.15 to 1 s."""
    seconds = np.arange(int(0.8 * SAMPLE_RATE)) / SAMPLE_RATE
    tail = rng.standard_normal(len(seconds)) * 10 ** (-3 * seconds / rng.uniform(0.15, 1.0))
    dull = rng.uniform(0, 0.6)  # walls swallow what is high
    tail = scipy.signal.lfilter([1 - dull], [1, -dull], tail)
    tail[: int(rng.uniform(0.001, 0.012) * SAMPLE_RATE)] = 0
    tail *= 10 ** (rng.uniform(-13, 8) / 20) / np.sqrt((tail**2).sum())  # a microphone near the mouth, or far from it
    walls = rng.integers(16, int(0.03 * SAMPLE_RATE), size=int(rng.integers(6)))
    tail[walls] += rng.uniform(-0.5, 0.5, len(walls))
    tail[0] = 1
    return tail.astype(np.float32)


def _music(length: int, rng: np.random.Generator) -> Floats:
    """Plucked and held notes of a random key over a beat."""
    heard = np.zeros(length, np.float32)
    seconds = np.arange(length, dtype=np.float32) / SAMPLE_RATE
    beat = rng.uniform(0.2, 0.6)
    root, steps = rng.uniform(55, 220), rng.choice([0, 3, 4, 7, 10, 12, 16, 19, 24], size=6)
    for number in range(int(seconds[-1] / beat) + 1):
        since = seconds[int(number * beat * SAMPLE_RATE) :] - number * beat
        fade = np.exp(-since / rng.uniform(0.05, 0.8))
        for step in rng.choice(steps, size=2):
            phase = 2 * np.pi * root * 2 ** (step / 12) * since
            bright = rng.uniform(0.2, 0.7)
            heard[-len(since) :] += fade * sum(bright**k * np.sin((k + 1) * phase) for k in range(4))
        hit = rng.standard_normal(min(1600, len(since))).astype(np.float32)
        heard[len(heard) - len(since) :][: len(hit)] += rng.uniform(0, 1) * hit * np.exp(-since[: len(hit)] / 0.02)
    return heard


def _at_level(noise: npt.NDArray[np.complex64], speech: float, snr_db: float) -> npt.NDArray[np.complex64]:
    level = float(np.sqrt((np.abs(noise) ** 2).mean())) + 1e-9
    return np.asarray(noise * (speech / level * 10 ** (-snr_db / 20)), np.complex64)


def _mute(waveform: Floats, targets: Floats, phones: npt.NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Silence a stretch in place, often all of it: where nothing is heard the mouth comes to rest."""
    rows = len(targets)
    start = 0 if rng.random() < 0.3 else int(rng.integers(rows))
    end = rows if start == 0 and rng.random() < 0.5 else min(start + int(rng.integers(10, 75)), rows)
    quiet = 10 ** (rng.uniform(-110, -45) / 20) if rng.random() < 0.5 else 0.0
    span = slice(start * ROW_SAMPLES, end * ROW_SAMPLES)
    waveform[span] = quiet * rng.standard_normal(len(waveform[span]))
    away = np.arange(rows)
    first = start + MUTE_FADE_ROWS if start > 0 else 0  # what lies beyond the crop's own edges is not known
    last = end - 1 - MUTE_FADE_ROWS if end < rows else rows
    apart = np.maximum(np.maximum(first - away, away - last), 0)
    keep = 0.5 - 0.5 * np.cos(np.pi * np.minimum(apart / MUTE_FADE_ROWS, 1))
    keep[:start], keep[end:] = 1, 1
    targets *= keep[:, None].astype(np.float32)
    phones[start:end] = 0
