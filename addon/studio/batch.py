"""A folder of dialogue to a folder of takes: what is to be done, who does it, and what the ledger says of it."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue

from .. import __version__
from ..core import audio, formats, settings
from ..core.errors import AudioError, FormatError, quoted, reason
from ..core.model import FaceModel, model_path
from ..core.rigs import custom_toml
from ..core.rigs.custom import CustomMap
from ..core.whole import HALVES, make_folder
from . import ledger
from .take import Job, Worker, file_sha256, output_of

SOUNDS = frozenset(".wav .wave .w64 .rf64 .flac .ogg .oga .opus .mp3 .aif .aiff .aifc .caf .au".split())
UNREAD = frozenset(".m4a .m4b .aac .ac3 .amr .3ga .ape .dts .mka .mpc .weba .wma .wv".split())  # sounds all the same
LISTED = SOUNDS | UNREAD
HEARS_S = 0.2  # how soon Ctrl+C is heard on Windows, where who waits for another thread is deaf
LEFT_S = 60.0  # a half-written file untouched for so long was left by a run that was killed


def run(
    folder: Path,
    out: Path,
    chosen: settings.Settings,
    suffix: str = ".csv",
    fps: float | None = None,
    workers: int = 1,
    say: Callable[[str], None] = print,
    head: tuple[tuple[str, ...], CustomMap] | None = None,
) -> Counter[str]:
    """Animates every sound under `folder` into `out`; how many were done, failed and skipped.

    What the ledger knows as done and unchanged is skipped. `say` hears one line a sound. A `head`, its
    keys' names and its mapping, has its own keys written.
    """
    sounds = plan(folder, suffix, say)
    path = model_path(chosen.model.path)
    model = FaceModel.load(path, chosen.model.device, chosen.model.threads)  # refused once, not by every worker
    if model.note:
        say(f"note: {model.note}")
    fps = formats.SUFFIXES[suffix].RATE if fps is None else fps
    told = (head[0], custom_toml.dumps(head[1])) if head else ()
    recipe = _recipe(chosen, path, suffix, fps, *told)
    job = Job(str(folder), str(out), suffix, fps, settings.dumps(chosen), recipe, *told)
    make_folder(out)
    made = ledger.mend(out / ledger.NAME)
    _sweep({(out / sound).parent for sound in sounds})
    due = {sound: made.get(output_of(sound, suffix)) for sound in sounds}

    tally: Counter[str] = Counter()
    with (
        (out / ledger.NAME).open("ab", buffering=0) as file,
        closing(_rows(job, due, min(workers, len(due)))) as rows,
    ):
        for number, row in enumerate(rows, 1):
            ledger.append(file, row)
            tally[row.status] += 1
            say(f"{number} of {len(due)}: {quoted(row.path)} {row.status}{row.reason and ': '}{row.reason}")
    return tally


def plan(folder: Path, suffix: str, say: Callable[[str], None] = print) -> list[str]:
    """Every sound under the folder, relative, sorted; refused if two would have the same output, or one a wrong one.

    `say` hears of those whose format is not read.
    """
    sounds: list[str] = []
    unread: list[str] = []
    for sound in sorted(_sounds(folder)):
        (unread if Path(sound).suffix.lower() in UNREAD else sounds).append(sound)
    passed = f"sounds in formats that are not read: {len(unread)}, such as {quoted(unread[0])}" if unread else ""
    if not sounds:
        raise AudioError(f"folder {quoted(folder)} holds {passed or 'no sound'}; {audio.REMEDY}")
    if passed:
        say(f"note: passed over {passed}; {audio.REMEDY}")
    owners: dict[str, str] = {}
    for sound in sounds:
        output = output_of(sound, suffix)
        if formats.suffix_of(Path(output)) != suffix:  # hero.a2f.wav and .json
            raise FormatError(f"{quoted(sound)} would become {quoted(output)}, which is another format; rename it")
        other = owners.setdefault(output.lower(), sound)  # some disks know no capitals
        if other != sound:
            raise FormatError(f"{quoted(other)} and {quoted(sound)} would both become {quoted(output)}; rename one")
    return sounds


def _sounds(folder: Path) -> Iterator[str]:
    """Every sound under the folder, links to others followed; what is hidden (`._a.wav` of macOS) is none."""

    def refuse(error: OSError) -> None:
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            raise AudioError(f"{quoted(error.filename)} is no folder; name the folder that holds the sounds") from error
        raise AudioError(f"folder {quoted(error.filename)} cannot be read: {reason(error)}") from error

    try:
        folder.resolve()
    except (OSError, RuntimeError) as error:  # it was started in a folder that is gone, or names a link to itself
        raise AudioError(f"{quoted(folder)} is no folder; name the folder that holds the sounds") from error
    seen: set[Path] = set()
    waiting = [folder]
    while waiting:  # links come last, so that none gives another name to what lies here itself
        for base, folders, files in os.walk(waiting.pop(0), onerror=refuse):
            if (here := Path(base).resolve()) in seen:
                folders.clear()
                continue
            seen.add(here)
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            waiting += [link for name in folders if (link := Path(base, name)).is_symlink()]
            for name in files:
                if Path(name).suffix.lower() in LISTED and not name.startswith("."):
                    yield Path(base, name).relative_to(folder).as_posix()


def _recipe(chosen: settings.Settings, model: Path, suffix: str, fps: float, *told: object) -> str:
    """A hash over what decides every take; where the model lies and runs, and in what windows, does not."""
    heard = replace(chosen, model=settings.ModelSettings(style=chosen.model.style))
    parts = [__version__, file_sha256(model), settings.dumps(heard), suffix, fps, *told]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _sweep(folders: set[Path]) -> None:
    """Removes what runs that were killed have left half-written."""
    for folder in folders:
        for path in folder.glob(HALVES):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > LEFT_S:
                    path.unlink()


def _rows(job: Job, due: dict[str, ledger.Row | None], count: int) -> Generator[ledger.Row, None, None]:
    """The rows as they come, from so many workers at once; however this ends, they end with it."""
    workers = [Worker(job) for _ in range(count)]
    idle: SimpleQueue[Worker] = SimpleQueue()
    finished: SimpleQueue[Future[ledger.Row]] = SimpleQueue()  # in this order; as_completed() shuffles
    for worker in workers:
        idle.put(worker)

    def ask(sound: str, made: ledger.Row | None) -> ledger.Row:
        worker = idle.get()
        try:
            return worker.ask(sound, made)
        finally:
            idle.put(worker)

    pool = ThreadPoolExecutor(count)
    try:
        for item in due.items():
            pool.submit(ask, *item).add_done_callback(finished.put)
        for _ in due:
            yield _next(finished).result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.cancel()
        pool.shutdown()
        for worker in workers:
            worker.close()


def _next(finished: SimpleQueue[Future[ledger.Row]]) -> Future[ledger.Row]:
    """The row that comes next, waited for so that Ctrl+C is heard meanwhile."""
    while True:
        with suppress(Empty):
            return finished.get(timeout=HEARS_S)
