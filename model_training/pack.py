"""A prepared corpus in parts that travel, and back: to a machine with a GPU, through whatever takes files of some size.

    python -m model_training.pack --shard prepared/base --out parts
    python -m model_training.pack --parts parts --out prepared/base

A part holds whole lines: their sound as FLAC, which loses nothing, and their curves and phones compressed. parts.tsv
lists the parts with their hashes; what arrived damaged or not at all is named, and what was unpacked is checked too.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import math
import shutil
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from tqdm import tqdm

from addon.core.audio import RATE as SAMPLE_RATE
from addon.core.errors import quoted, reason

from .articulation import ROW_SAMPLES, SOLO
from .command import finish
from .corpora import CorpusError
from .prepare import ROW_BYTES, Line, Shard, open_shard
from .whole import write_whole

MIB = 1 << 20
PART_MIB = 64.0
LIST = "parts.tsv"
FILES = ("lines.tsv", *ROW_BYTES)  # of a shard
MARGIN = 64 << 10  # bytes that FLAC holds back until it is closed, and what a zip file needs for itself
ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the same shard gives the same bytes


class Listed(NamedTuple):
    """A row of parts.tsv: a file, its size in bytes and its SHA-256."""

    name: str
    size: int
    digest: str


def pack(folder: Path, out: Path, part_mib: float = PART_MIB) -> str:
    """Write a shard as parts of at most `part_mib` each; returns what was written."""
    shard = open_shard(folder)
    rows = sum(line.rows for line in shard.lines)
    if any((folder / name).stat().st_size != rows * size for name, size in ROW_BYTES.items()):
        raise CorpusError(f"prepare has not finished {quoted(folder)}: run it again")
    if any(out.glob("part_*.zip")) or (out / LIST).exists():
        raise CorpusError(f"{quoted(out)} holds parts already: empty it, or choose another folder")
    out.mkdir(parents=True, exist_ok=True)
    listed = [_listed(folder / name) for name in FILES]
    before, after = sum(one.size for one in listed), 0
    for number, (lines, sound) in enumerate(_sounds(shard, int(part_mib * MIB))):
        content = _part(shard, lines, sound)
        name = f"part_{number:03d}.zip"
        write_whole(out / name, content)
        listed.append(Listed(name, len(content), hashlib.sha256(content).hexdigest()))
        after += len(content)
    write_whole(out / LIST, "".join(f"{one.name}\t{one.size}\t{one.digest}\n" for one in listed))
    parts = len(listed) - len(FILES)
    return f"packed: {parts} parts, {after / MIB:.1f} MiB of {before / MIB:.1f}; take {LIST} along"


def unpack(parts: Path, out: Path) -> str:
    """Write the shard that parts hold; nothing is written unless all of them are there and whole."""
    if out.exists() and any(out.iterdir()):
        raise CorpusError(f"{quoted(out)} is not empty: choose another folder")
    listed = _read_list(parts)
    packed = [one for one in listed if one.name not in FILES]
    for one in tqdm(packed, desc="checking", unit="part", disable=None):
        if not (parts / one.name).is_file():
            raise CorpusError(f"{one.name!r} is missing from {quoted(parts)}: fetch it, and unpack again")
        if _listed(parts / one.name) != one:
            raise CorpusError(f"{one.name!r} of {quoted(parts)} has arrived damaged: fetch it again")
    beside = out.with_name(out.name + ".partial")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        for one in tqdm(packed, desc="unpacking", unit="part", disable=None):
            _append(parts / one.name, beside)
        for one in listed:
            if one.name in FILES and _listed(beside / one.name) != one:
                raise CorpusError(f"{one.name!r} is not what was packed: pack and unpack with the same version")
        if out.exists():
            out.rmdir()
        beside.replace(out)
    except OSError as error:
        told = f"cannot write {quoted(out)} ({reason(error)}): make room, or choose another place"
        raise CorpusError(told) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return f"unpacked: {len(open_shard(out).lines)} lines in {out}"


def _sounds(shard: Shard, limit: int) -> Iterator[tuple[list[Line], bytes]]:
    """Whole lines, as many as fit into a part, and their sound as one FLAC file."""
    waiting, room = list(reversed(shard.lines)), limit - MARGIN
    with tqdm(total=len(waiting), desc="packing", unit="line", disable=None) as progress:
        while waiting:
            lines: list[Line] = []
            content = io.BytesIO()
            with soundfile.SoundFile(content, "w", SAMPLE_RATE, 1, "PCM_16", format="FLAC") as sound:
                taken = 0  # bytes of what lies beside the sound, at most
                while waiting and content.tell() + taken + _most(waiting[-1]) <= room:
                    line = waiting.pop()
                    sound.write(shard.samples[line.first_row * ROW_SAMPLES :][: line.rows * ROW_SAMPLES])
                    taken += _beside(line)
                    lines.append(line)
                    progress.update()
            if not lines:
                needed = (_most(waiting[-1]) + MARGIN) // MIB + 1
                raise CorpusError(f"{waiting[-1].path!r} does not fit into a part: give --part-mib {needed} or more")
            yield lines, content.getvalue()


def _most(line: Line) -> int:
    """Bytes that a line can take at most, its sound and what lies beside it."""
    return 2 * ROW_SAMPLES * line.rows + _beside(line)


def _beside(line: Line) -> int:
    return (2 * len(SOLO) + 1) * line.rows + len(_row(line)) * 2


def _row(line: Line) -> str:
    return f"{line.path}\t{line.speaker}\t{line.folder}\t{line.first_row}\t{line.rows}\n"


def _part(shard: Shard, lines: Sequence[Line], sound: bytes) -> bytes:
    rows = slice(lines[0].first_row, lines[-1].first_row + lines[-1].rows)
    # Neighbouring rows differ little: the low and the high byte of their differences, channel by channel, pack well.
    bits = np.ascontiguousarray(shard.targets[rows].T).view(np.uint16)
    steps = np.diff(bits, axis=1, prepend=np.uint16(0))
    planes = np.stack([steps & 255, steps >> 8]).astype(np.uint8)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(zipfile.ZipInfo("samples.flac", ZIP_TIME), sound)
        for name, data in (
            ("lines.tsv", "".join(map(_row, lines)).encode()),
            ("targets.planes", planes.tobytes()),
            ("phones.u8", shard.phones[rows].tobytes()),
        ):
            file.writestr(zipfile.ZipInfo(name, ZIP_TIME), data, zipfile.ZIP_DEFLATED)
    return content.getvalue()


def _append(part: Path, out: Path) -> None:
    with zipfile.ZipFile(part) as file:
        samples, _ = soundfile.read(io.BytesIO(file.read("samples.flac")), dtype="int16")
        planes = np.frombuffer(file.read("targets.planes"), np.uint8).reshape(2, len(SOLO), -1).astype(np.uint16)
        steps = planes[0] | planes[1] << 8
        targets = np.cumsum(steps, axis=1, dtype=np.uint16).T
        parts = (file.read("lines.tsv"), samples.tobytes(), targets.tobytes(), file.read("phones.u8"))
    for name, data in zip(FILES, parts, strict=True):
        with (out / name).open("ab") as whole:
            whole.write(data)


def _listed(file: Path) -> Listed:
    with file.open("rb") as content:
        return Listed(file.name, file.stat().st_size, hashlib.file_digest(content, "sha256").hexdigest())


def _read_list(parts: Path) -> list[Listed]:
    try:
        with (parts / LIST).open(encoding="utf-8", newline="") as file:
            listed = [Listed(name, int(size), digest) for name, size, digest in csv.reader(file, delimiter="\t")]
    except (OSError, ValueError, csv.Error) as error:
        raise CorpusError(
            f"cannot read {quoted(parts / LIST)} ({reason(error)}): pack writes it beside the parts"
        ) from error
    if [one.name for one in listed[: len(FILES)]] != list(FILES) or len(listed) == len(FILES):
        raise CorpusError(f"{quoted(parts / LIST)} names no parts: pack writes it beside them")
    return listed


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="model_training.pack", description="Pack a shard into parts that travel.")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--shard", type=Path, help="folder that model_training.prepare wrote, to pack")
    which.add_argument("--parts", type=Path, help="folder of parts, to unpack")
    parser.add_argument("--out", type=Path, required=True, help="folder for the parts, or for the shard")
    parser.add_argument("--part-mib", type=float, default=PART_MIB, help="size of a part at most, in MiB")
    args = parser.parse_args(argv)
    if not 0 < args.part_mib < math.inf:
        parser.error("--part-mib must be above 0")
    if args.parts and not args.out.name:  # a folder takes its place when all is unpacked
        parser.error("--out must name a new folder, not the one that you are in")

    def work() -> str:
        return pack(args.shard, args.out, args.part_mib) if args.shard else unpack(args.parts, args.out)

    return finish(work)


if __name__ == "__main__":
    sys.exit(main())
