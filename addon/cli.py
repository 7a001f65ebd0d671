"""The command line, the same for pip and for `blender --command facewright`."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from . import __version__
from .core import backend, channels, formats, presets, settings
from .core.audio import open_sound
from .core.errors import FacewrightError, FormatError, listed, quoted, reason
from .core.model import BUNDLED, FAST, FaceModel, bundled_model_path, model_path
from .core.pipeline import animate
from .core.rigs import Detection
from .core.rigs.custom_keys import head_of, head_with, keyed, told
from .core.whole import are_one, check_writable
from .studio import terminal
from .studio.stream import add_live

MENDABLE = 2  # exit status of what the user can mend; argparse uses it for a wrong command line as well
LONG_S = 60.0  # sounds from here on get a progress bar
KINDS = [suffix[1:] for suffix in formats.SUFFIXES]
OUTPUTS = "FILE.csv (Live Link Face), FILE.a2f.json (Audio2Face), FILE.json or FILE.npz"
MAX_WORKERS = 256  # more is a slip of the finger
READ = {n: n for n in ("sound", "file", "mapping", "model")} | {"keys": "list of keys", "settings": "settings file"}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status: 0 done, 2 with one line if the user can mend it."""
    terminal.mend()
    status = 0
    try:
        try:
            status = _run(argv)
        finally:
            sys.stdout.flush()
    except OSError as error:
        if error.filename is not None:  # stdout has none
            raise
        terminal.hush(sys.stdout)
        if not terminal.is_unheard(error):
            terminal.say(f"the output broke off: {reason(error)}")
            return MENDABLE
    return status


def _run(argv: Sequence[str] | None) -> int:
    options = _parser().parse_args(argv)
    try:
        return int(options.run(options))
    except FacewrightError as error:
        terminal.say(str(error))
        return MENDABLE
    except KeyboardInterrupt:
        terminal.say("stopped; nothing was written")
        return terminal.INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="facewright", description="Speech to facial animation.")
    parser.add_argument("--version", action="version", version=f"facewright {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    one = commands.add_parser("animate", help="a sound file to a curve file")
    one.add_argument("sound", type=Path, help="wav, flac, ogg, opus, mp3 or aiff, 4 kHz and up, mono or not")
    one.add_argument("-o", "--output", type=Path, required=True, help=OUTPUTS)
    _add_head_options(one)
    _add_take_options(one)
    one.set_defaults(run=_animate)

    other = commands.add_parser("convert", help="a curve file to one of another format or rate")
    other.add_argument("file", type=Path, help="a Live Link Face .csv, Audio2Face .json, or Facewright .json or .npz")
    other.add_argument("-o", "--output", type=Path, required=True, help=OUTPUTS)
    other.add_argument("--fps", type=float, help="frames a second of the output; those of the file if not given")
    other.add_argument("--file-fps", type=float, help="frames a second of the file, if it can't tell 23.976 from 24")
    _add_head_options(other)
    other.set_defaults(run=_convert)

    many = commands.add_parser("batch", help="a folder of sounds to a folder of curve files, with a ledger")
    many.add_argument("folder", type=terminal.folder, help="every sound in it and in the folders below is animated")
    many.add_argument("-o", "--output", type=terminal.folder, required=True, help="folder for takes and ledger.jsonl")
    many.add_argument("--format", choices=KINDS, default="csv", help="csv (Live Link Face) if not given")
    many.add_argument("--workers", type=int, default=1, help="processes at once; 1 if not given")
    _add_head_options(many)
    _add_take_options(many)
    many.set_defaults(run=_batch)
    _add_commands_beside(commands)
    return parser


def _add_commands_beside(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Those that animate nothing themselves."""
    named = commands.add_parser("presets", help="the presets there are, what one says, or one more of your own")
    named.add_argument("name", nargs="?", help="print this one's TOML instead of the list")
    named.add_argument("--save", metavar="NAME", help="keep what the options below say as a preset of your own")
    named.add_argument("--about", default="", help="a sentence to keep with it: what it is for")
    _add_look_options(named)
    named.set_defaults(run=_presets)

    made = commands.add_parser("rigs", help="heads to animate").add_subparsers(required=True, metavar="WHAT")
    ict = made.add_parser("import-ict", help="a Blender head from a clone of ICT-FaceKit; needs Blender")
    ict.add_argument("folder", type=Path, help="the clone, or its FaceXModel folder")
    ict.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.blend", help="the head to write")
    ict.set_defaults(run=_import_ict)

    add_live(commands)
    doctor = commands.add_parser("doctor", help="versions, devices, and whether the model runs")
    _add_model_options(doctor)
    doctor.set_defaults(run=_doctor)


def _add_head_options(parser: argparse.ArgumentParser) -> None:
    """Whose keys are written; ARKit's, unless told."""
    parser.add_argument("--keys", type=Path, metavar="TXT", help="write a head's own keys (.json, .npz): a name a line")
    parser.add_argument("--mapping", type=Path, metavar="TOML", help="what Blender's Mapping panel exports, over names")


def _add_take_options(parser: argparse.ArgumentParser) -> None:
    _add_look_options(parser)
    parser.add_argument("--fps", type=float, help="frames a second; 60 for csv and a2f.json, else 50 if not given")
    parser.add_argument("--seed", type=int, help="another seed gives another performance")
    _add_model_options(parser)


def _add_look_options(parser: argparse.ArgumentParser) -> None:
    """How the take is performed: each of these goes over the one before it."""
    parser.add_argument("--preset", metavar="NAME", help="such as news or shout; `facewright presets` lists them")
    parser.add_argument("--settings", type=Path, metavar="TOML", help="a settings file, over the preset")
    parser.add_argument("--emotion", metavar="MOOD", help='over both: "joy 0.6", or by seconds: "0 joy 0.6; 2.5 anger"')


def _add_model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", choices=backend.DEVICES, help="where the model runs; auto if not given")
    parser.add_argument("--model", metavar="ONNX", help=f"another model file, or {FAST}: the smaller bundled one")


def _animate(options: argparse.Namespace) -> int:
    chosen = _settings(options)
    sound = open_sound(options.sound)
    _check_output(options)
    head = _head(options, options.output)
    progress = terminal.bar() if sound.duration_s >= LONG_S else None
    curves = animate(options.sound, chosen, progress, terminal.note)
    if head:
        curves = keyed(curves, head, options.fps or curves.rate)
    if note := formats.lost(options.output, curves):
        terminal.note(note)
    formats.write(options.output, curves, options.fps)
    return 0


def _convert(options: argparse.Namespace) -> int:
    """One curve file to another; what the reader should know, or what finds no place, is a note."""
    _check_output(options)
    _check_fps(options.file_fps, "--file-fps")
    head = _head(options, options.output)
    is_plain = head is None and formats.carries_keys(options.output)  # so that no name need become another
    recording = (formats.as_named if is_plain else formats.record)(options.file, options.file_fps)
    curves = keyed(recording.curves, head, options.fps or recording.curves.rate) if head else recording.curves
    formats.write(options.output, curves, options.fps or curves.rate, recording.start_s)
    for note in (*recording.notes, formats.lost(options.output, curves)):
        if note:
            terminal.note(note)
    return 0


def _head(options: argparse.Namespace, output: Path) -> Detection | None:
    """The head whose keys are asked for, told to the user; None if none is."""
    if not _asks_for_keys(options, output):
        return None
    head = head_of(options.keys, options.mapping)
    terminal.notes(head.explain())
    return head


def _asks_for_keys(options: argparse.Namespace, output: Path) -> bool:
    """Whether a head's own keys are asked for; refused where they have no place."""
    asks = options.keys is not None or options.mapping is not None
    if asks:
        formats.check_carries_keys(output)
    return asks


def _check_output(options: argparse.Namespace) -> None:
    """Everything that could refuse the result, before an hour of sound is worked through."""
    formats.check_suffix(options.output)
    _check_fps(options.fps)
    check_writable(options.output)
    for option, what in READ.items():
        if (source := getattr(options, option, None)) and are_one(options.output, Path(source)):
            raise FormatError(f"{quoted(options.output)} is the {what} itself; choose another output")


def _check_fps(fps: float | None, option: str = "--fps") -> None:
    if fps is not None and not 1 <= fps <= 1000:
        raise FormatError(f"{option} must be 1 to 1000, not {fps:g}")


def _batch(options: argparse.Namespace) -> int:
    """Works through a folder; 2 if any sound of it failed."""
    from .studio import batch, ledger  # late: who animates one line needs no studio

    chosen = _settings(options)
    _check_fps(options.fps)
    if not 1 <= options.workers <= MAX_WORKERS:
        raise FacewrightError(f"--workers must be 1 to {MAX_WORKERS}, not {options.workers}")
    suffix = f".{options.format}"
    head = told(options.keys, options.mapping) if _asks_for_keys(options, Path(suffix)) else None
    if head:  # read once, for it may have come through a pipe
        terminal.notes(head_with(*head).explain())
    try:
        tally = batch.run(
            options.folder, options.output, chosen, suffix, options.fps, options.workers, terminal.say, head
        )
    except KeyboardInterrupt:
        terminal.say("stopped; the same command goes on from here")
        return terminal.INTERRUPTED
    counts = ", ".join(f"{tally[status]} {status}" for status in ledger.STATUSES)
    terminal.say(f"{counts}; {quoted(options.output / ledger.NAME)} has a row for each")
    return MENDABLE if tally[ledger.FAILED] else 0


def _import_ict(options: argparse.Namespace) -> int:
    try:
        from .blender.head import ict  # late: only Blender has what it stands on
    except ModuleNotFoundError as error:
        if error.name not in ("bpy", "mathutils"):  # what only Blender has
            raise
        raise FacewrightError(
            "only Blender can build a head: run `blender --command facewright rigs import-ict FOLDER -o HEAD.blend`,"
            " or install bpy beside Facewright"
        ) from error
    print(ict.import_head(options.folder, options.output, terminal.bar()))
    return 0


def _settings(options: argparse.Namespace) -> settings.Settings:
    """Settings of the preset, with the file's over them, and the command line's own over those."""
    chosen = settings.Settings()
    if (preset := getattr(options, "preset", None)) is not None:
        chosen = presets.load(preset, *presets.user_folders())
    if file := getattr(options, "settings", None):
        chosen = settings.load(file, chosen)
    if (mood := getattr(options, "emotion", None)) is not None:
        chosen = replace(chosen, emotion=chosen.emotion.directed(mood))
    model = chosen.model
    model = model if getattr(options, "device", None) is None else replace(model, device=options.device)
    model = model if getattr(options, "model", None) is None else replace(model, path=options.model)
    seed = getattr(options, "seed", None)
    return replace(chosen, model=model, seed=chosen.seed if seed is None else seed)


def _presets(options: argparse.Namespace) -> int:
    """Lists presets, prints one, or saves one."""
    folders = presets.user_folders()
    if options.save is not None:
        if options.name:
            raise FacewrightError(f"{quoted(options.name)} or --save, not both; start from a preset with --preset NAME")
        saved = presets.save(presets.user_folder(), options.save, _settings(options), options.about)
        print(f"{listed([saved.name])} is kept in {quoted(saved.path)}; share that file")
    elif options.about or options.preset or options.settings or options.emotion:
        raise FacewrightError("--about, --preset, --settings and --emotion are for --save NAME; add that")
    elif options.name:
        presets.load(options.name, *folders)  # what cannot be read is refused
        terminal.put_file(presets.find(options.name, *folders).path.read_text(encoding="utf-8-sig"))
    else:
        for preset in presets.every(*folders):
            print(f"{listed([preset.name]):14} {preset.about}")
        for folder in folders:
            print(f"\nYour own lie in {quoted(folder)}")
    return 0


def _doctor(options: argparse.Namespace) -> int:
    """Prints what a bug report needs; the exit status says whether the model runs."""
    import numpy
    import soundfile
    import soxr

    print(f"facewright   {__version__}")
    print(f"python       {platform.python_version()}, {platform.system()} {platform.machine()}")
    print(f"numpy        {numpy.__version__}")
    print(f"onnxruntime  {backend.version()}")
    print(f"soundfile    {soundfile.__version__} (libsndfile {soundfile.__libsndfile_version__})")
    print(f"soxr         {soxr.__version__}")
    print(f"devices      {', '.join(backend.available())}")
    chosen = _settings(options).model
    path = model_path(chosen.path)
    model = FaceModel.load(path, chosen.device, chosen.threads)
    if model.note:
        print(f"note         {model.note}")
    model.predict(next(model.windows([numpy.zeros(16_000, numpy.float32)], 1.0)))
    where = "bundled" if path in map(bundled_model_path, BUNDLED) else quoted(path)
    print(f"model        {model.card.name} {model.card.version} ({where}), runs on {model.backend.device}")
    print(f"             {len(model.card.channels)} of {len(channels.ARKIT)} channels, licence {model.card.licence}")
    return 0
