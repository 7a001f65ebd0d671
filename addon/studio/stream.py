"""`facewright live`: sound that is still coming in, as rows that go out 80 ms behind it, to a pipe or to an engine."""

from __future__ import annotations

import argparse
import codecs
import math
import struct
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from ..core import audio, backend
from ..core.curves import Array, Curves
from ..core.errors import AudioError, FacewrightError, reason
from ..core.live import LiveFace, bundled_live_path
from ..core.model import HOP_SAMPLES
from . import sinks, terminal

BYTES = 2  # a sample
PACKED = {
    b"fLaC": "FLAC", b"OggS": "Ogg", b"RF64": "RF64", b"BW64": "BW64", b"FORM": "AIFF", b"caff": "CAF",
    b"\x1aE\xdf\xa3": "WebM", b"ID3\x02": "MP3", b"ID3\x03": "MP3", b"ID3\x04": "MP3",
}  # first letters  # fmt: skip
MP3_FRAMES = {b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2"}  # what an MP3 without a tag begins with
MOST_LEAP = 1024  # from the first sample to the second, of sound whose first happens to be such a number
PCM, EXTENSIBLE = 1, 0xFFFE  # formats of a WAV; the second says further on which it is
SKIPPED_BYTES = 65_536  # at once, of what a WAV holds before its sound
TEXT_BYTES = 2_000  # of sound, which are no text by chance
FOREIGN = 0.05  # of the letters of such a text, at least, are beyond ASCII, or ? in place of one that was
STRETCH_S = 10.0  # of sound, in which a moment's work elsewhere evens out
PAUSE_S = 0.2  # waited for a hop; a program that speaks now and then is silent for longer
FFMPEG = "send it as `ffmpeg ... -f s16le -ac 1 -ar 16000 -`"


def add_live(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `live` to the command line."""
    live = commands.add_parser("live", help="sound as it comes in, to rows as they become certain")
    live.add_argument("sound", nargs="?", default="-", help="a sound file; without it, WAV or 16-bit mono 16 kHz stdin")
    live.add_argument("--to", metavar="HOST[:PORT]", help="to Unreal's Live Link by UDP, instead of CSV on stdout")
    live.add_argument("--subject", default="Facewright", help="the name that Live Link shows")
    live.add_argument("--json", action="store_true", help="a line of JSON for each row, instead of CSV")
    live.add_argument("--pace", action="store_true", help="hear sound as it is played; a file with --to is anyway")
    live.add_argument("--device", choices=backend.DEVICES, default="cpu", help="where the model runs; cpu if not given")
    live.add_argument("--model", metavar="ONNX", type=Path, default=bundled_live_path(), help="another live model")
    live.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Hears until the sound ends; 130 where it was stopped before."""
    if options.to is not None and options.json:
        raise FacewrightError("--to sends packets and --json prints lines; choose one")
    face = LiveFace.load(options.model, options.device)
    out = (
        sinks.sender(options.to, options.subject)
        if options.to is not None
        else nullcontext(sinks.printer(options.json))
    )
    if face.backend.note:
        terminal.note(face.backend.note)
    is_file = options.sound != "-"
    hops = _from_file(Path(options.sound)) if is_file else _from_pipe()
    paced = options.pace or (is_file and options.to is not None)  # an engine shows rows when they come
    hops = _paced(hops) if paced else hops
    try:
        with out as sink:
            for rows, first in heard(face, hops if is_file and not paced else watched(hops)):
                sink(rows, first)
    except OSError as error:
        terminal.hush(sys.stdout)
        if not terminal.is_unheard(error):
            raise FacewrightError(f"the stream broke off: {reason(error)}") from error
    except KeyboardInterrupt:
        terminal.say("stopped")
        return terminal.INTERRUPTED
    return 0


def heard(face: LiveFace, hops: Iterable[Array]) -> Iterator[tuple[Curves, int]]:
    """The rows of a sound that comes in hops, as soon as they are certain, each time with the number of the first."""
    given = 0
    for hop in hops:
        rows = face.push(hop)
        yield rows, given
        given += len(rows.values)
    yield face.finish(), given


def watched(hops: Iterable[Array], now_s: Callable[[], float] = time.perf_counter) -> Iterator[Array]:
    """The same hops; where a stretch of them is worked on for longer than it sounds, that is told, once each time."""
    samples, worked_s, was_slow = 0, 0.0, False
    for hop in hops:
        given_s = now_s()
        yield hop
        worked_s += now_s() - given_s
        samples += len(hop)
        if samples >= STRETCH_S * audio.RATE:
            sounded_s = samples / audio.RATE
            is_slow = worked_s > sounded_s
            if is_slow and not was_slow:
                took = f"{sounded_s:.0f} s of sound took {worked_s:.1f} s"
                terminal.note(f"{took}, so the mouth falls behind; end other programs that keep the processor busy")
            samples, worked_s, was_slow = 0, 0.0, is_slow


def _from_file(path: Path) -> Iterator[Array]:
    for block in audio.open_sound(path).blocks(terminal.note):
        yield from np.split(block, range(HOP_SAMPLES, len(block), HOP_SAMPLES))


def _from_pipe() -> Iterator[Array]:
    """Hops of 20 ms or less from stdin: WAV of any rate in 16 bits, or nothing but samples, 16 bits, mono, 16 kHz."""
    nothing = AudioError(f"no sound comes in on stdin: name a sound file, or {FFMPEG} into this command")
    if sys.stdin is None or sys.stdin.isatty():  # None where it was closed
        raise nothing
    pipe = cast(BufferedReader, sys.stdin.buffer)
    begin = pipe.read(4)
    packed = PACKED.get(begin) or ("MP3" if _is_mp3_frame(begin) else None)
    if packed:
        raise AudioError(f"the sound on stdin is {packed}, which is not read from a pipe; {FFMPEG}")
    plain = _no_text(partial(pipe.read1, BYTES * HOP_SAMPLES))
    yield from audio.some(_from_wav(pipe) if begin == b"RIFF" else _samples(plain, 1, begin), nothing)


def _from_wav(pipe: BufferedReader) -> Iterator[Array]:
    try:
        head = _wav_head(pipe)
    except ValueError as error:
        raise AudioError(f"the sound on stdin begins as WAV but cannot be read ({error}); {FFMPEG}") from error
    if (head.format, head.bits) != (PCM, 8 * BYTES) or not audio.MIN_RATE <= head.rate <= audio.MAX_RATE:
        kind = f"{head.bits} bits at {head.rate} Hz" + (f" in format {head.format}" if head.format != PCM else "")
        raise AudioError(f"the sound on stdin is a WAV of {kind}, which is not read from a pipe; {FFMPEG}")
    most = BYTES * head.channels * max(1, head.rate * HOP_SAMPLES // audio.RATE)
    left: float = math.inf if head.size in audio.WAV_UNKNOWN_SIZES else head.size

    def read() -> bytes:
        nonlocal left
        block = pipe.read1(int(min(most, left)))
        left -= len(block)
        return block

    hops = _samples(_no_text(read), head.channels)
    yield from audio.resampled(hops, head.rate)


@dataclass(frozen=True)
class _WavHead:
    """What a WAV says of its sound."""

    format: int
    channels: int
    rate: int
    bits: int
    size: int  # bytes


def _wav_head(pipe: BinaryIO) -> _WavHead:
    """What follows the letters RIFF, up to the first sample; a ValueError says what is wrong."""
    if _exactly(pipe, 8)[4:] != b"WAVE":
        raise ValueError("it is none")
    form = b""
    while True:
        name, size = struct.unpack("<4sI", _exactly(pipe, 8))
        if name == b"data":
            break
        left = size + size % 2
        while left:
            part = _exactly(pipe, min(left, SKIPPED_BYTES))
            form = part if name == b"fmt " else form
            left -= len(part)
    if len(form) < 16:
        raise ValueError("it does not say its format")
    kind, channels, rate, _, _, bits = struct.unpack("<HHIIHH", form[:16])
    if kind == EXTENSIBLE and len(form) >= 26:
        kind = struct.unpack("<H", form[24:26])[0]
    if not channels:
        raise ValueError("it has no channels")
    return _WavHead(kind, channels, rate, bits, size)


def _exactly(pipe: BinaryIO, count: int) -> bytes:
    data = pipe.read(count)
    if len(data) < count:
        raise ValueError("it ends there")
    return data


def _is_mp3_frame(begin: bytes) -> bool:
    """Whether an MP3 frame begins so: layer III, and a bitrate and a rate that exist (ISO/IEC 11172-3, 2.4.2.3)."""
    if begin[:2] not in MP3_FRAMES or len(begin) < 4:
        return False
    bitrate, rate = begin[2] >> 4, begin[2] >> 2 & 3
    leap = abs(int.from_bytes(begin[:2], "little", signed=True) - int.from_bytes(begin[2:], "little", signed=True))
    return bitrate not in (0, 15) and rate != 3 and leap > MOST_LEAP


def _no_text(read: Callable[[], bytes]) -> Callable[[], bytes]:
    """The same bytes; an AudioError where they are a text, as PowerShell made of all that programs sent to others."""
    seen = b""

    def checked() -> bytes:
        nonlocal seen
        block = read()
        if len(seen) < TEXT_BYTES <= len(seen := seen + block[:TEXT_BYTES]) and _is_text(seen):
            raise AudioError("the sound on stdin was made text of on its way; use cmd, or PowerShell 7.4 or later")
        return block

    return checked


def _is_text(data: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(data)  # which may be cut within a letter
    except UnicodeDecodeError:
        return False
    return "\r\n" in text and sum(letter == "?" or letter > "\x7f" for letter in text) > FOREIGN * len(text)


def _samples(read: Callable[[], bytes], channels: int, begin: bytes = b"") -> Iterator[Array]:
    """16-bit samples as floats, channels averaged; a sample that is cut waits for its rest."""
    frame = BYTES * channels
    rest, more = b"", begin + read()
    while more:
        block = rest + more
        end = len(block) // frame * frame
        whole = np.frombuffer(block[:end], "<i2").reshape(-1, channels)
        yield whole.mean(axis=1, dtype=np.float32) / np.float32(32768)
        rest, more = block[end:], read()


def _paced(hops: Iterable[Array]) -> Iterator[Array]:
    """The same hops, none before its sound would have been played; what was waited for is played when it comes."""
    begin = asked = time.perf_counter()  # Windows' monotonic() goes by steps of 16 ms up to Python 3.12
    samples = 0
    for hop in hops:
        now = time.perf_counter()
        if now - asked > PAUSE_S:
            begin = max(begin, now - samples / audio.RATE)
        samples += len(hop)
        time.sleep(max(0.0, begin + samples / audio.RATE - now))
        yield hop
        asked = time.perf_counter()
