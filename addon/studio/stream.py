"""`facewright live`: sound that is still coming in, as rows that go out 80 ms behind it, to a pipe or to an engine."""

from __future__ import annotations

import argparse
import json
import math
import socket
import struct
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from ..core import audio, backend
from ..core.audio import Array
from ..core.curves import Curves
from ..core.errors import AudioError, FacewrightError, quoted, reason
from ..core.formats import livelink_csv, livelink_udp
from ..core.formats.timecode import DAY_S
from ..core.live import LiveFace, bundled_live_path
from ..core.model import HOP_SAMPLES, RATE
from . import terminal

INTERRUPTED = 130  # as shells count Ctrl+C
BYTES = 2  # a sample
PACKED = {
    b"fLaC": "FLAC", b"OggS": "Ogg", b"RF64": "RF64", b"FORM": "AIFF", b"caff": "CAF", b"\x1aE\xdf\xa3": "WebM",
    b"ID3\x02": "MP3", b"ID3\x03": "MP3", b"ID3\x04": "MP3",
}  # first letters  # fmt: skip
MP3_FRAMES = {b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2"}  # what an MP3 without a tag begins with
MOST_LEAP = 1024  # from the first sample to the second, of sound whose first happens to be such a number
PCM, EXTENSIBLE = 1, 0xFFFE  # formats of a WAV; the second says further on which it is
SKIPPED_BYTES = 65_536  # at once, of what a WAV holds before its sound
FFMPEG = "send it as `ffmpeg ... -f s16le -ac 1 -ar 16000 -`"
Sink = Callable[[Curves, int], None]  # rows, and the number of the first


def add_live(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `live` to the command line."""
    live = commands.add_parser("live", help="sound as it comes in, to rows as they become certain")
    live.add_argument("sound", nargs="?", default="-", help="a sound file; without it, WAV or 16-bit mono 16 kHz stdin")
    live.add_argument("--to", metavar="HOST[:PORT]", help="to Unreal's Live Link by UDP, instead of CSV on stdout")
    live.add_argument("--subject", default="Facewright", help="the name that Live Link shows")
    live.add_argument("--json", action="store_true", help="a line of JSON for each row, instead of CSV")
    live.add_argument(
        "--pace", action="store_true", help="hear a file as fast as it is played, not as fast as possible"
    )
    live.add_argument("--device", choices=backend.DEVICES, default="cpu", help="where the model runs; cpu if not given")
    live.add_argument("--model", metavar="ONNX", type=Path, default=bundled_live_path(), help="another live model")
    live.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Hears until the sound ends; 130 where it was stopped before."""
    if options.to is not None and options.json:
        raise FacewrightError("--to sends packets and --json prints lines; choose one")
    face = LiveFace.load(options.model, options.device)
    out = _sender(options.to, options.subject) if options.to is not None else nullcontext(_printer(options.json))
    if face.backend.note:
        terminal.note(face.backend.note)
    hops = _from_pipe() if options.sound == "-" else _from_file(Path(options.sound))
    try:
        with out as sink:
            for rows, first in heard(face, _paced(hops) if options.pace else hops):
                sink(rows, first)
    except OSError as error:
        terminal.hush(sys.stdout)
        if not isinstance(error, BrokenPipeError):  # who reads has heard enough
            raise FacewrightError(f"the stream broke off: {reason(error)}") from error
    except KeyboardInterrupt:
        terminal.say("stopped")
        return INTERRUPTED
    return 0


def heard(face: LiveFace, hops: Iterable[Array]) -> Iterator[tuple[Curves, int]]:
    """The rows of a sound that comes in hops, as soon as they are certain, each time with the number of the first."""
    given = 0
    for hop in hops:
        rows = face.push(hop)
        yield rows, given
        given += len(rows.values)
    yield face.finish(), given


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
    plain = partial(pipe.read1, BYTES * HOP_SAMPLES)
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

    hops = _samples(read, head.channels)
    yield from hops if head.rate == audio.RATE else _resampled(hops, head.rate)


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


def _resampled(hops: Iterable[Array], rate: int) -> Iterator[Array]:
    import soxr  # late: most streams need none

    stream = soxr.ResampleStream(rate, audio.RATE, 1, dtype="float32", quality="HQ")
    for hop in hops:
        yield stream.resample_chunk(hop)
    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


def _paced(hops: Iterable[Array]) -> Iterator[Array]:
    """The same hops, none before its sound would have been played."""
    begin, samples = time.monotonic(), 0
    for hop in hops:
        samples += len(hop)
        time.sleep(max(0.0, begin + samples / audio.RATE - time.monotonic()))
        yield hop


def _midnight_s() -> float:
    now = datetime.now().astimezone()
    return now.hour * 3600 + now.minute * 60 + now.second + now.microsecond / 1e6


def _began_s() -> float:
    """The time of day at which a sound began whose first hop has just been heard."""
    return (_midnight_s() - HOP_SAMPLES / audio.RATE) % DAY_S


def _printer(as_json: bool) -> Sink:
    """Rows as lines on stdout, each there at once."""
    began_s = cache(_began_s)  # asked with the first hop, which may come long after the program is ready

    def lines(rows: Curves, first: int) -> Iterator[str]:
        if as_json:
            for number, row in enumerate(rows.values, first):
                named = zip(rows.names, (round(float(value), 5) for value in row), strict=True)
                yield json.dumps({"s": round(number / RATE, 3), **dict(named)})
            return
        for number, row in enumerate(rows.select(livelink_csv.ORDER).values, first):
            yield livelink_csv.line(row, number, RATE, began_s())

    def show(rows: Curves, first: int) -> None:
        began_s()
        if first == 0 and len(rows.values) and not as_json:
            print(",".join(livelink_csv.HEADER))
        for line in lines(rows, first):
            print(line)
        sys.stdout.flush()

    return show


@contextmanager
def _sender(to: str, subject: str) -> Iterator[Sink]:
    """Rows as packets to a host and port."""
    host, _, port = to.rpartition(":") if ":" in to else (to, "", str(livelink_udp.PORT))
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise FacewrightError(
            f"--to must be a host, or a host and its port such as 192.168.0.5:11111, not {quoted(to)}"
        )
    if not 0 < len(subject.encode(errors="replace")) <= livelink_udp.LONGEST_NAME or not subject.isprintable():
        raise FacewrightError(f"--subject must be 1 to {livelink_udp.LONGEST_NAME} bytes of text")
    try:
        found = socket.getaddrinfo(host, int(port), type=socket.SOCK_DGRAM)
        family, kind, protocol, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)  # Unreal hears IPv4
        sender = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:  # UnicodeError: a name that no host can have
        why = reason(error) if isinstance(error, OSError) else "not a host's name"
        raise FacewrightError(f"there is no way to {quoted(to)} ({why}); check the host") from error
    device, began_s = str(uuid.uuid4()).upper(), cache(_began_s)  # asked with the first hop

    was_there: bool | None = None  # for the last packet; None before the first

    def send(rows: Curves, first: int) -> None:
        nonlocal was_there
        start = round(began_s() * RATE)
        for number, row in enumerate(rows.select(livelink_udp.ORDER).values, first):
            try:
                sender.sendto(livelink_udp.packet(row, start + number, round(RATE), device, subject), address)
            except OSError as error:
                fault = f"{quoted(to)} cannot be sent to ({reason(error)})"
                if was_there is None:
                    raise FacewrightError(f"{fault}; check the host") from error
                if was_there:
                    terminal.note(f"{fault}; rows are lost until it can")
                was_there = False
            else:
                was_there = True

    with sender:
        yield send
