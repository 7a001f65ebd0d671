"""Sound as the model hears it: 16 kHz, mono, float32, read from disk block by block so that hours fit in memory."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .curves import Array, Mask
from .errors import AudioError, quoted, reason

if TYPE_CHECKING:
    import soundfile

Note = Callable[[str], None]

REMEDY = "use wav, flac, ogg, opus, mp3 or aiff"
RATE = 16_000  # samples a second, what the model takes
BLOCK_SAMPLES = 65_536  # read at once, a channel
MAX_CHANNELS = 64  # a 7.1.4 bed or a location recorder fits; more is a measurement file, not speech
MIN_RATE, MAX_RATE = 4_000, 768_000  # below 4 kHz no consonant survives
MAX_LEVEL = 100.0  # 40 dB over full scale: integers stored as floats, not speech
# What a program that writes to a pipe leaves in the header; 0x7FFFF000 is SoX's.
WAV_UNKNOWN_SIZES = (0, 0x7FFFF000, 2**31 - 1, 2**31, 2**32 - 1)
ENDLESS_FRAMES = 2**62  # libsndfile's word for a length that it does not know
UNFINISHED_BYTES = 4_096  # more than the header of a WAV without sound takes
MOST_PLAIN_CHANNELS = 2
SILENT_CHANNEL = 0.01  # of the loudest channel's peak: 40 dB below it nobody speaks
CANCELLED = 0.01  # of the loudest channel's peak, left of it in the mix
OGG_TAIL_BYTES = 131_072  # two of the largest Ogg pages
OGG_LAST_PAGE = 0x04


@dataclass(frozen=True)
class Audio:
    """Mono samples, (N,) float32 around ±1, at a rate in samples a second."""

    samples: Array
    rate: int

    def __post_init__(self) -> None:
        if self.samples.ndim != 1 or self.samples.dtype != np.float32:
            raise ValueError(f"samples are {self.samples.dtype} {self.samples.shape}: need float32 (N,)")
        if not MIN_RATE <= self.rate <= MAX_RATE:
            raise ValueError(f"rate must be {MIN_RATE} to {MAX_RATE}, not {self.rate}")

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate


@dataclass(frozen=True)
class Sound:
    """A sound that has been found fit to read: where it is, how long it says it is, and what it is made of."""

    source: Path | Audio
    name: str  # quoted, as messages show it
    duration_s: float  # by its header; what is decoded decides
    rate: int
    channels: int

    def blocks(self, note: Note | None = None) -> Iterator[Array]:
        """16 kHz mono blocks, each (N,); `note` hears what was amiss but could be lived with (a truncated file)."""
        if isinstance(self.source, Audio):
            native = _from_memory(self.source)
        else:
            native = _from_file(self.source, self, note)
        too_short = AudioError(f"{self.name} is too short to hold any sound; export it again")
        return some(resampled(_checked(native, self), self.rate), too_short)


def open_sound(source: Path | Audio) -> Sound:
    """The sound in a file (wav, flac, ogg, opus, mp3, aiff) or in memory, refused here if it cannot be animated."""
    if isinstance(source, Audio):
        sound = Sound(source, "the sound", source.duration_s, source.rate, 1)
    else:
        with _opened(source) as file:
            duration_s = _frames(file) / max(file.samplerate, 1)
            sound = Sound(source, quoted(source.name), duration_s, file.samplerate, file.channels)
        if not duration_s and file.format in ("WAV", "WAVEX") and source.stat().st_size > UNFINISHED_BYTES:
            raise AudioError(
                f"{sound.name} was never finished: its header tells of no sound; repair it with `ffmpeg -i`"
            )
    if not MIN_RATE <= sound.rate <= MAX_RATE:
        raise AudioError(f"{sound.name} is sampled at {sound.rate} Hz; use {MIN_RATE} to {MAX_RATE} Hz")
    if sound.channels > MAX_CHANNELS:
        raise AudioError(f"{sound.name} has {sound.channels} channels; mix it down to {MAX_CHANNELS} or fewer")
    if sound.duration_s == 0:
        raise AudioError(f"{sound.name} holds no sound: it is 0 seconds long; export it again")
    return sound


def read(source: Path | Audio, note: Note | None = None) -> Audio:
    """The whole sound as 16 kHz mono; for hours of sound read `open_sound(path).blocks()` instead."""
    return Audio(np.concatenate(list(open_sound(source).blocks(note))), RATE)


def some(blocks: Iterable[Array], nothing: AudioError) -> Iterator[Array]:
    """The same blocks; the error if there is not one sample in them."""
    samples = 0
    for block in blocks:
        samples += len(block)
        yield block
    if not samples:
        raise nothing


def resampled(blocks: Iterable[Array], rate: int) -> Iterator[Array]:
    """Blocks of this rate as blocks of 16 kHz."""
    if rate == RATE:
        yield from blocks
        return
    import soxr  # late: most streams need none

    stream = soxr.ResampleStream(rate, RATE, 1, dtype="float32", quality="HQ")
    for block in blocks:
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


def _opened(path: Path) -> soundfile.SoundFile:
    import soundfile  # late: Blender's register() stays light

    name = quoted(path.name)
    try:
        if path.is_dir():
            raise AudioError(f"{quoted(path)} is a folder; choose one sound file in it")
        if not path.exists():
            raise AudioError(f"sound file {quoted(path)} does not exist; check the path")
        if not path.is_file():  # its sound can be heard once, and libsndfile looks twice
            raise AudioError(f"{name} is a pipe or a device; write its sound to a file and name that")
        if path.stat().st_size == 0:
            raise AudioError(f"{name} is empty (0 bytes); export it again")
        path.open("rb").close()
    except OSError as error:
        raise AudioError(f"{name} cannot be read: {reason(error)}; check its name and permissions") from error
    try:
        # elsewhere than on Windows a name is bytes, and need not be text in any encoding
        file = soundfile.SoundFile(path if os.name == "nt" else os.fsencode(path))
        # else it would seek to where it is after every read, and an MP3's next frames lack what those before them kept
        file.seekable = lambda: False
        return file
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: headerless .raw
        with path.open("rb") as raw:
            if raw.read(4) == b"BW64":  # libsndfile knows RF64 only
                raise AudioError(
                    f"{name} is BW64, which is not read; make plain WAV of it with `ffmpeg -i IN.wav OUT.wav`"
                ) from error
        raise AudioError(f"{name} has no sound that can be decoded: {REMEDY}") from error


def _from_memory(audio: Audio) -> Iterator[Array]:
    for start in range(0, len(audio.samples), BLOCK_SAMPLES):
        yield audio.samples[start : start + BLOCK_SAMPLES]


def _from_file(path: Path, sound: Sound, note: Note | None) -> Iterator[Array]:
    """Blocks at the file's own rate, channels averaged; what a damaged file still gives, with a note."""
    heard = _heard_channels(path) if sound.channels > MOST_PLAIN_CHANNELS else np.ones(sound.channels, np.bool_)
    decoded, loudest, loudest_mixed = 0, 0.0, 0.0  # samples a channel, and levels
    with _opened(path) as file:
        cut = _is_cut_short(file, path)
        for block, is_whole in _decoded(file):
            cut = cut or not (is_whole or _is_endless(file))
            decoded += len(block)
            rows = np.ascontiguousarray(block.T)[heard]
            with np.errstate(over="ignore", invalid="ignore"):  # infinities are told where they are
                mixed = rows.mean(axis=0)  # along rows: ten times as fast as across them
            loudest, loudest_mixed = max(loudest, _peak(rows)), max(loudest_mixed, _peak(mixed))
            yield mixed
        if decoded == 0:
            raise AudioError(f"{sound.name} is damaged: not one sample could be decoded; export it again")
        short = decoded < file.frames * 0.999 - file.samplerate * 0.1 and not _is_endless(file)
        if note and (cut or short):
            note(f"{sound.name} is cut short; only its first {decoded / file.samplerate:.2f} s could be read")
        if note and loudest_mixed < CANCELLED * loudest:
            note(f"the channels of {sound.name} cancel each other out; turn the phase of one round, or keep only one")


def _decoded(file: soundfile.SoundFile) -> Iterator[tuple[Array, bool]]:
    """Blocks (N, channels), and whether decoding went well; of the last, what was decoded before it did not."""
    import soundfile

    is_whole, count = True, BLOCK_SAMPLES
    while is_whole and count:
        block = np.full((BLOCK_SAMPLES, file.channels), np.nan, np.float32)  # what is never decoded stays no number
        try:
            count = len(file.read(out=block))
        except soundfile.SoundFileError:  # libsndfile may fail after it has filled some of the block, or all
            missing = np.isnan(block[:, 0])
            is_whole, count = False, int(np.argmax(missing)) if missing.any() else len(block)
        if count:
            yield block[:count], is_whole
    if not is_whole and not count:
        yield block[:0], False


def _heard_channels(path: Path) -> Mask:
    """Which of many channels hold sound, (C,), as of a recorder with few microphones; one read of the whole file."""
    with _opened(path) as file:
        levels = np.zeros(file.channels, np.float32)
        for block, _is_whole in _decoded(file):
            levels = np.maximum(levels, np.abs(block).max(axis=0, initial=0.0))
    return np.asarray(~(levels < SILENT_CHANNEL * levels.max()))  # what is no number is told later


def _is_endless(file: soundfile.SoundFile) -> bool:
    """Whether the header does not say how long the sound is, as that of a FLAC that was written to a pipe."""
    return bool(file.frames >= ENDLESS_FRAMES)


def _frames(file: soundfile.SoundFile) -> int:
    return sum(len(block) for block, _ in _decoded(file)) if _is_endless(file) else int(file.frames)


def _peak(samples: Array) -> float:
    return float(np.abs(samples).max(initial=0.0))


def _is_cut_short(file: soundfile.SoundFile, path: Path) -> bool:
    """Whether the container says that it ought to go on: WAV and AIFF by their sizes, Ogg by its last page."""
    said = re.search(r"(?:data|SSND|[Rr]iff(?: size)?|Data Size)\s*: (\d+) \(should be (\d+)\)", file.extra_info)
    if said and int(said[1]) not in WAV_UNKNOWN_SIZES:
        return int(said[1]) > int(said[2])
    if file.format == "OGG":
        with path.open("rb") as raw:
            raw.seek(max(0, path.stat().st_size - OGG_TAIL_BYTES))
            tail = raw.read()
        page = tail.rfind(b"OggS")
        return page >= 0 and len(tail) > page + 5 and not tail[page + 5] & OGG_LAST_PAGE
    return False


def _checked(blocks: Iterator[Array], sound: Sound) -> Iterator[Array]:
    seen = 0  # samples
    for block in blocks:
        peak = _peak(block)
        if not np.isfinite(peak):
            first_s = (seen + int(np.argmin(np.isfinite(block)))) / sound.rate
            raise AudioError(f"{sound.name} holds a sample that is not a number at {first_s:.3f} s; export it again")
        if peak > MAX_LEVEL:
            raise AudioError(
                f"{sound.name} peaks at {peak:.3g} where full scale is 1; normalise it and export it again"
            )
        seen += len(block)
        yield block
