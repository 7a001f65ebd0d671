"""One sound of a batch, and the process that works through them with a model loaded once."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath

from ..core import formats, settings
from ..core.audio import open_sound
from ..core.curves import Curves
from ..core.errors import AudioError, FacewrightError, FormatError, quoted, reason
from ..core.model import FaceModel, model_path
from ..core.pipeline import animate
from ..core.rigs import Detection, custom_toml
from ..core.rigs.custom_keys import head_with, keyed
from ..core.whole import half_named
from .ledger import DONE, FAILED, SKIPPED, Row, decode, encode

EDITED = "its output was edited since; delete that to have it made anew"
RUNTIME = "blender.crt"  # beside blender.exe
FAREWELL_S = 2.0  # how long a process that ends by itself is waited for, so that its own status is told


@dataclass(frozen=True)
class Job:
    """What the takes of a batch have in common, in plain values: it goes to the workers as JSON."""

    folder: str
    out: str
    suffix: str
    fps: float
    settings: str  # TOML
    recipe: str  # sha256 over all that decides a take but the sound
    keys: tuple[str, ...] = ()  # the names of a head's keys, if its own are to be written
    mapping: str = ""  # TOML: how these are moved


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def output_of(sound: str, suffix: str) -> str:
    """The name of a sound's output, both relative with forward slashes."""
    return str(PurePosixPath(sound).with_suffix(suffix))


def take(
    job: Job, name: str, made: Row | None, chosen: settings.Settings, model: FaceModel, head: Detection | None
) -> Row:
    """Animates one sound unless `made` says it is done; whatever is wrong with the sound becomes the row's reason."""
    sound, output, key = Path(job.folder, name), Path(job.out, output_of(name, job.suffix)), ""
    try:
        if not sound.is_file():
            raise AudioError(f"{quoted(sound.name)} is no file that can be read, or a link to nothing")
        seconds = open_sound(sound).duration_s
        key = hashlib.sha256(f"{job.recipe} {file_sha256(sound)}".encode()).hexdigest()
        if made and made.key == key and output.is_file():
            return replace(made, path=name, status=SKIPPED, reason="unchanged" if _is_of(made, output) else EDITED)
        notes: list[str] = []
        curves = animate(sound, chosen, note=notes.append, model=model)
        written = keyed(curves, head, job.fps) if head else curves
        if not output.is_file() or _is_of(made, output):
            output.parent.mkdir(parents=True, exist_ok=True)
            formats.write(output, written, job.fps)
        elif not _holds(output, written, job.fps):  # a killed run may have left it without its row
            if made:
                return replace(made, path=name, status=SKIPPED, reason=EDITED)
            raise FormatError(f"{quoted(output)} is there, and no batch made it; move it, or choose another folder")
    except FacewrightError as error:
        return Row(name, FAILED, str(error), key=key)
    except OSError as error:
        where = error.filename or sound  # a read that breaks off names no file
        return Row(name, FAILED, f"{quoted(where)}: {reason(error)}", key=key)
    remarks = "; ".join(note for note in notes if note != model.note)
    seconds = round(min(seconds, curves.duration_s), 3)  # a damaged header may promise hours
    return Row(name, DONE, remarks, seconds, output_of(name, job.suffix), file_sha256(output), key)


def _is_of(made: Row | None, output: Path) -> bool:
    """Whether the output is as the ledger's row says that it was written."""
    return made is not None and file_sha256(output) == made.output_sha256


def _holds(output: Path, curves: Curves, fps: float) -> bool:
    """Whether the output is, byte for byte, what these curves would be written as."""
    fresh = half_named(output, formats.suffix_of(output))  # where takes have room
    try:
        formats.write(fresh, curves, fps)
        return file_sha256(fresh) == file_sha256(output)
    finally:
        fresh.unlink(missing_ok=True)


def serve() -> None:
    """A worker's life: the job on its first line, then one sound a line, each answered by its row."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    job = Job(**json.loads(sys.stdin.readline()))
    chosen = settings.loads(job.settings)
    head = head_with(job.keys, custom_toml.loads("of the batch", job.mapping)) if job.keys else None
    model = FaceModel.load(model_path(chosen.model.path), chosen.model.device, chosen.model.threads)
    signal.signal(signal.SIGTERM, _unwind)  # not before: what is being imported makes an ImportError of an exit
    for line in sys.stdin:
        name, made = json.loads(line)
        row = take(job, name, made and Row(**made), chosen, model, head)
        try:
            answers.write(encode(row))
            answers.flush()
        except OSError:  # the parent was killed
            os._exit(1)


def _unwind(*_signal: object) -> None:
    """Leaves in good order, so that nothing half-written stays; once is enough."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(1)


class Worker:
    """A process that takes one sound after another; if it crashes, that costs the one sound, and another starts."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._process: subprocess.Popen[str] | None = None

    def ask(self, name: str, made: Row | None) -> Row:
        """The row of this sound, when it is through."""
        process = self._process = self._process or _started(self._job)
        try:
            print(json.dumps([name, made and asdict(made)]), file=process.stdin, flush=True)
            return decode(process.stdout.readline() if process.stdout else "")
        except (OSError, ValueError):  # it is gone, and left half an answer or none
            with suppress(subprocess.TimeoutExpired):
                process.wait(FAREWELL_S)
            self.close()
            return Row(name, FAILED, f"the process that worked on it crashed (status {process.returncode})")

    def cancel(self) -> None:
        """Makes whoever waits for an answer wait no longer."""
        if self._process:
            self._process.terminate()

    def close(self) -> None:
        """Ends the process, if there is one."""
        if self._process:
            self._process.terminate()
            self._process.communicate()  # closes its pipes
            self._process = None


def _started(job: Job) -> subprocess.Popen[str]:
    """Another interpreter with our import path: Blender's own name for this package is unknown outside it."""
    package = Path(__file__).parents[1]
    runtime = _runtime()
    environment = {**os.environ, "PATH": f"{runtime}{os.pathsep}{os.environ.get('PATH', '')}"} if runtime else None
    finds = f" import os; os.add_dll_directory({runtime!r});" if runtime else ""  # what it loads; PATH is for itself
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN);"  # the parent hears Ctrl+C, and stops us
        "signal.signal(getattr(signal, 'SIGBREAK', signal.SIGINT), signal.SIG_IGN);"  # likewise Windows' Ctrl+Break
        f"{finds}"
        f" sys.path[:] = {[str(package.parent), *sys.path]!r}; from {package.name}.studio.take import serve; serve()"
    )
    command = [sys.executable, "-I", "-X", f"utf8={sys.flags.utf8_mode}", "-c", code]  # -I ignores PYTHONUTF8
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="ascii", env=environment
        )
    except OSError as error:
        raise FacewrightError(f"Python ({quoted(sys.executable)}) cannot be started: {reason(error)}") from error
    with suppress(OSError):  # it is gone already, as who asks it will find
        print(json.dumps(asdict(job)), file=process.stdin)
    return process


def _runtime() -> str:
    """The folder of the C++ runtime in Windows' Blender, whose Python, started alone, needs to be told; else empty."""
    return next((str(path) for folder in Path(sys.executable).parents if (path := folder / RUNTIME).is_dir()), "")
