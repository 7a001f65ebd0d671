from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from addon import __version__
from addon.cli import main
from addon.core import audio, formats
from addon.core.curves import Curves

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tiny_model: Path) -> Run:
    """Runs a command with the tiny model: exit status, what it printed, and what it said on stderr."""

    def command(*arguments: object) -> tuple[int, str, str]:
        status = main([str(item) for item in (*arguments, "--model", tiny_model)])
        return status, *capsys.readouterr()

    return command


def refused(result: tuple[int, str, str], says: str) -> None:
    status, out, err = result
    assert (status, out) == (2, "")
    assert err.startswith("facewright: ")
    assert len(err.splitlines()) == 1
    assert says in err


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize(("output", "rows"), [("a.csv", 120), ("a.json", 100)])
def test_a_line_becomes_a_curve_file(run: Run, tmp_path: Path, suffix: str, output: str, rows: int) -> None:
    sound = tmp_path / f"line.{suffix}"
    soundfile.write(sound, 0.1 * np.sin(np.arange(44_100 * 2) / 30), 44_100)
    assert run("animate", sound, "-o", tmp_path / output) == (0, "", "")
    curves = formats.read(tmp_path / output)
    assert len(curves.values) == pytest.approx(rows, abs=8)
    assert curves.column("jawOpen").max() > 0


def test_options_reach_the_performance(run: Run, tmp_path: Path, speech_file: Path) -> None:
    (tmp_path / "mute.toml").write_text("[head]\namount = 0.0\n")
    out = tmp_path / "a.json"
    run("animate", speech_file, "-o", out, "--settings", tmp_path / "mute.toml", "--fps", "24", "--seed", "5")
    first = formats.read(out)
    assert (first.rate, len(first.values)) == (24.0, 120)
    assert not first.column("headPitch").any()
    run("animate", speech_file, "-o", out, "--settings", tmp_path / "mute.toml", "--fps", "24", "--seed", "6")
    assert not np.array_equal(formats.read(out).values, first.values)


def test_a_device_that_is_not_there_is_noted(run: Run, tmp_path: Path, speech_file: Path) -> None:
    status, _, err = run("animate", speech_file, "-o", tmp_path / "a.csv", "--device", "dml")
    assert (status, err) == (0, "facewright: note: dml is not available here; running on the CPU\n")


def test_a_long_sound_shows_progress_on_stderr(run: Run, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", np.zeros(16_000 * 200), 16_000)
    status, out, err = run("animate", tmp_path / "a.flac", "-o", tmp_path / "a.json")
    assert (status, out) == (0, "")
    assert err.splitlines()[-1].strip() == "100%"
    assert len(err.splitlines()) <= 11


@pytest.mark.parametrize(
    "name", ['it\'s "so" it goes.wav', "line\nbreak.wav", "грüße 台詞 🎙.wav", "--fps.wav", "%d{0}.wav"]
)
def test_every_file_name_works_and_stays_on_one_line(run: Run, tmp_path: Path, name: str) -> None:
    soundfile.write(str(tmp_path / name), np.zeros(1_600), 16_000)
    out = (tmp_path / name).with_suffix(".csv")
    assert run("animate", tmp_path / name, "-o", out)[0] == 0
    assert out.exists()
    (tmp_path / name).write_bytes(b"")
    refused(run("animate", tmp_path / name, "-o", out), "is empty")


def test_bad_sounds_write_nothing(run: Run, tmp_path: Path) -> None:
    nan = np.full(100, np.nan, np.float32)
    soundfile.write(tmp_path / "nan.wav", nan, 16_000, subtype="FLOAT")
    soundfile.write(tmp_path / "wide.wav", np.zeros((10, 400)), 16_000)
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 16_000)
    (tmp_path / "text.wav").write_text("hello")
    before = sorted(tmp_path.iterdir())
    for name, says in {
        "nan.wav": "not a number at 0.000 s",
        "wide.wav": "400 channels",
        "none.wav": "0 seconds",
        "text.wav": "no sound",
        "gone.wav": "does not exist",
        ".": "is a folder",
    }.items():
        refused(run("animate", tmp_path / name, "-o", tmp_path / "a.csv"), says)
    assert sorted(tmp_path.iterdir()) == before


def test_bad_outputs_are_refused_before_any_work(run: Run, tmp_path: Path, speech_file: Path) -> None:
    before = speech_file.read_bytes()
    refused(run("animate", speech_file, "-o", tmp_path / "a.fbx"), "unknown ending")
    refused(run("animate", speech_file, "-o", tmp_path / "none" / "a.csv"), "its folder does not exist")
    refused(run("animate", speech_file, "-o", speech_file / "a.csv"), "cannot be written")
    refused(run("animate", speech_file, "-o", tmp_path / ("n" * 300 + ".csv")), "cannot be written")
    refused(run("animate", speech_file, "-o", tmp_path / "a.csv", "--fps", "0"), "--fps must be")
    refused(run("animate", speech_file, "-o", tmp_path / "a.csv", "--fps", "nan"), "--fps must be")
    (tmp_path / "folder.csv").mkdir()
    refused(run("animate", speech_file, "-o", tmp_path / "folder.csv"), "is a folder")
    assert speech_file.read_bytes() == before
    assert not (tmp_path / "a.csv").exists()


def test_the_sound_itself_is_never_overwritten(run: Run, tmp_path: Path, speech_file: Path) -> None:
    sound = speech_file.rename(tmp_path / "sound.csv")
    (tmp_path / "link.csv").symlink_to(sound)
    before = sound.read_bytes()
    for output in (sound, tmp_path / "." / "sound.csv", tmp_path / "link.csv"):
        refused(run("animate", sound, "-o", output), "is the sound itself")
    assert sound.read_bytes() == before


def test_what_a_take_is_made_from_is_never_overwritten(
    tmp_path: Path, speech_file: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"--settings": "seed = 3\n", "--keys": "jawOpen\nmouthClose\n"}
    given["--mapping"] = 'kind = "facewright-mapping"\nschema = 1\n[[row]]\nchannel = "jawOpen"\nkey = "Open"\n'
    command = ["animate", str(speech_file), "--model", str(tiny_model)]
    for option, text in given.items():
        file = tmp_path / f"{option}.json"
        file.write_text(text)
        refused((main([*command, option, str(file), "-o", str(file)]), *capsys.readouterr()), "itself; choose another")
        assert file.read_text() == text
    model = Path(shutil.copy(tiny_model, tmp_path / "model.npz"))
    status = main([*command[:2], "--model", str(model), "-o", str(model)])
    refused((status, *capsys.readouterr()), "is the model itself")
    assert model.read_bytes() == tiny_model.read_bytes()


def test_bad_settings_and_models_are_refused(
    tmp_path: Path, speech_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.toml").write_text("[blink]\nrat = 1\n")
    (tmp_path / "a.onnx").write_bytes(b"junk")
    for extra, says in {
        ("--settings", tmp_path / "a.toml"): "'blink.rat'",
        ("--settings", tmp_path / "none.toml"): "cannot be read",
        ("--model", tmp_path / "a.onnx"): "not a model",
        ("--model", tmp_path / "none.onnx"): "does not exist",
        ("--model", "~nobodyx/a.onnx"): "model file '~nobodyx/a.onnx': nobody here has that home",
        ("--model", "none.onnx", "--seed", "-1"): "seed must be 0",
    }.items():
        status = main(["animate", str(speech_file), "-o", str(tmp_path / "a.csv"), *(str(item) for item in extra)])
        refused((status, *capsys.readouterr()), says)
    assert not (tmp_path / "a.csv").exists()


@pytest.mark.parametrize("arguments", [[], ["bake"], ["animate"], ["animate", "a.wav"], ["doctor", "--device", "tpu"]])
def test_a_wrong_command_line_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "usage: facewright" in capsys.readouterr().err


def test_the_help_says_from_which_rate_on_sounds_are_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["animate", "--help"])
    assert stop.value.code == 0
    assert f"{audio.MIN_RATE // 1000} kHz and up" in " ".join(capsys.readouterr().out.split())


def test_version_and_doctor(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"facewright {__version__}\n"
    status, out, err = run("doctor")
    assert (status, err) == (0, "")
    for word in ("onnxruntime", "devices", "cpu", "tiny 0.1.0", "licence CC0-1.0"):
        assert word in out


def test_the_package_runs_as_a_module(tmp_path: Path, tiny_model: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(16_000), 16_000)
    arguments = ["animate", tmp_path / "a.wav", "-o", tmp_path / "a.csv", "--model", tiny_model]
    done = subprocess.run([sys.executable, "-m", "addon", *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "a.csv").exists()


@pytest.mark.parametrize("command", ["presets", "presets news"])
@pytest.mark.parametrize(("redirect", "status", "lines"), [("| true", 0, 0), ("> /dev/full", 2, 1), (">&-", 0, 0)])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_stdout_that_nobody_reads_is_no_traceback(command: str, redirect: str, status: int, lines: int) -> None:
    script = f"{sys.executable} -c 'import time; time.sleep(.2); from addon.cli import main; exit(main())' {command} "
    done = subprocess.run(["/bin/bash", "-o", "pipefail", "-c", script + redirect], capture_output=True, text=True)
    assert (done.returncode, len(done.stderr.splitlines())) == (status, lines)
    assert "the output broke off: No space left" in done.stderr if lines else not done.stderr


@pytest.mark.skipif(
    not hasattr(select, "epoll"), reason="needs an output whose writes are invalid, as Windows names it"
)
@pytest.mark.parametrize("command", ["presets", "live"])
def test_who_has_heard_enough_on_windows_is_told_nothing(command: str, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "line.wav", 0.1 * np.sin(np.arange(8_000) / 30), 16_000)
    extra = [tmp_path / "line.wav"] if command == "live" else []
    run = [sys.executable, "-m", "addon", command, *extra]
    with select.epoll() as closed:
        done = subprocess.run(run, stdout=closed.fileno(), stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("redirect", ["2>&-", "2> /dev/full", "2> >(true)"])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_stderr_that_nobody_reads_stops_no_work(tmp_path: Path, tiny_model: Path, redirect: str) -> None:
    soundfile.write(tmp_path / "long.flac", np.zeros(16_000 * 61), 16_000)
    script = f"cd {Path.cwd()}; {sys.executable} -m addon animate {tmp_path}/long.flac -o {tmp_path}/a.npz "
    options = f"--model {tiny_model} --device dml {redirect}"
    assert subprocess.run(["/bin/bash", "-c", script + options], check=False).returncode == 0
    assert len(formats.read(tmp_path / "a.npz").values) == 3_050


def test_a_preset_a_file_and_the_command_line_go_over_one_another(run: Run, tmp_path: Path, speech_file: Path) -> None:
    (tmp_path / "jaw.toml").write_text("[articulation]\njaw = 0.5\n")

    def take(*options: object) -> Curves:
        assert run("animate", speech_file, "-o", tmp_path / "a.json", *options) == (0, "", "")
        return formats.read(tmp_path / "a.json")

    plain, robot = take(), take("--preset", "robot")
    assert plain.column("headPitch").any()
    assert not robot.column("headPitch").any()
    assert robot.column("jawOpen").max() == pytest.approx(0.9 * plain.column("jawOpen").max(), rel=0.05)
    both = take("--preset", "Robot", "--settings", tmp_path / "jaw.toml", "--emotion", "joy 0.6")
    assert not both.column("headPitch").any()
    assert both.column("jawOpen").max() < 0.7 * plain.column("jawOpen").max()
    assert both.column("cheekSquintLeft").min() > 0.2
    keyed = take("--emotion", "0 neutral; 2.5 joy 0.8").column("cheekSquintLeft")
    assert keyed[200:].min() > 0.4 > keyed[:100].max()


def test_presets_are_listed_shown_and_kept(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, speech_file: Path, run: Run
) -> None:
    monkeypatch.setenv("FACEWRIGHT_PRESETS", str(tmp_path / "mine"))
    assert (
        main(["presets", "--save", "Old sailor", "--preset", "mumble", "--emotion", "joy 0.3", "--about", "Sings"]) == 0
    )
    assert main(["presets"]) == 0
    listed = capsys.readouterr().out
    assert "Old sailor     Sings" in listed
    assert "\nnews " in listed
    assert main(["presets", "old_sailor"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("# Sings\n\n[articulation]\njaw = 0.45")
    assert "joy = 0.3" in shown
    assert run("animate", speech_file, "-o", tmp_path / "a.json", "--preset", "Old Sailor") == (0, "", "")


def test_a_strangers_preset_has_no_say_over_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FACEWRIGHT_PRESETS", str(tmp_path))
    (tmp_path / "red\x1b[31m\nline.toml").write_text("# wipes\x1b[2J it\x07\n")
    assert main(["presets"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "red" in line]
    assert line == r"'red\x1b[31m\nline' wipes [2J it"
    assert main(["presets", "nowhere"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("news", "--emotion", "joy"), "are for --save NAME"),
        (("--about", "Sings"), "are for --save NAME"),
        (("news", "--save", "mine"), "start from a preset with --preset NAME"),
        (("--save", ""), "cannot be a preset's name"),
    ],
)
def test_presets_ignores_nothing_that_it_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: tuple[str], says: str
) -> None:
    monkeypatch.setenv("FACEWRIGHT_PRESETS", str(tmp_path / "mine"))
    refused((main(["presets", *options]), *capsys.readouterr()), says)
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--preset", "nwes"), "did you mean news?"),
        (("--emotion", "jyo 0.5"), "did you mean joy?"),
        (("--emotion", "1 joy; x"), "'x' does not begin with its seconds"),
        (("--emotion", "joy 0.6; 2 anger"), "'joy 0.6' does not begin with its seconds; write it as 1.5 joy 0.6"),
        (("--emotion", " ; "), "a mark without an emotion"),
        (("--emotion", "joy 7"), "must be 0 to 1, not 7"),
        (("--emotion", ""), "a mark without an emotion"),
        (("--preset", ""), "there is no preset ''"),
    ],
)
def test_a_mood_or_preset_that_is_none_is_one_line(
    run: Run, tmp_path: Path, speech_file: Path, options: tuple[str, str], says: str
) -> None:
    refused(run("animate", speech_file, "-o", tmp_path / "a.csv", *options), says)
    assert not (tmp_path / "a.csv").exists()


def test_a_batch_takes_a_preset_and_makes_takes_anew_for_another(run: Run, tmp_path: Path, speech_file: Path) -> None:
    lines, out = tmp_path / "lines", tmp_path / "out"
    lines.mkdir()
    speech_file.rename(lines / "a.wav")
    assert run("batch", lines, "-o", out, "--format", "json", "--preset", "robot")[0] == 0
    assert not formats.read(out / "a.json").column("headPitch").any()
    assert "unchanged" in run("batch", lines, "-o", out, "--format", "json", "--preset", "robot")[2]
    assert run("batch", lines, "-o", out, "--format", "json", "--preset", "news")[0] == 0
    assert formats.read(out / "a.json").column("headPitch").any()


@pytest.mark.parametrize("asked", ["animate", "batch"])
@pytest.mark.parametrize("imported", ["numpy._utils", "onnxruntime.capi"])
def test_ctrl_c_ends_it_quietly_while_it_is_still_being_loaded(
    tmp_path: Path, speech_file: Path, imported: str, asked: str
) -> None:
    sound = speech_file if asked == "animate" else speech_file.parent
    command = ["-X", "importtime", "-m", "addon", asked, sound, "-o", tmp_path / "a.csv"]
    usual = partial(signal.signal, signal.SIGINT, signal.default_int_handler)  # also in the background of a script
    with subprocess.Popen([sys.executable, *command], stderr=subprocess.PIPE, text=True, preexec_fn=usual) as process:
        next(line for line in process.stderr if line.rpartition("| ")[2].strip() == imported)
        process.send_signal(signal.SIGINT)
        said = [line for line in process.stderr if not line.startswith("import time:")]
    assert process.returncode == 130
    assert said in ([], ["facewright: stopped; nothing was written\n"])
    assert not (tmp_path / "a.csv").exists()


def holds_a_byte(folder: Path) -> bool:
    with suppress(FileNotFoundError):  # what was there a moment ago
        return any(path.stat().st_size for path in folder.iterdir())
    return False


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a program without a word")
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGHUP])
def test_who_ends_it_while_it_writes_finds_nothing_half_written(
    tmp_path: Path, tiny_model: Path, stop: signal.Signals
) -> None:
    sound, out = tmp_path / "long.wav", tmp_path / "out"
    soundfile.write(sound, 0.1 * np.sin(np.arange(16_000 * 600) / 30), 16_000)
    out.mkdir()
    command = ["-m", "addon", "animate", sound, "-o", out / "a.csv", "--model", tiny_model]
    usual = partial(signal.signal, stop, signal.SIG_DFL)  # also where the tests are deaf to it
    with subprocess.Popen([sys.executable, *command], stderr=subprocess.PIPE, text=True, preexec_fn=usual) as process:
        while process.poll() is None and not holds_a_byte(out):
            time.sleep(0.001)
        process.send_signal(stop)
        said = process.stderr.read()
    assert process.returncode == 128 + stop
    assert said.splitlines()[-1] == "facewright: stopped; nothing was written"
    assert list(out.iterdir()) == []


def test_ctrl_break_of_windows_is_heard_as_ctrl_c_is(tmp_path: Path, tiny_model: Path) -> None:
    sound = tmp_path / "long.wav"
    soundfile.write(sound, 0.1 * np.sin(np.arange(16_000 * 600) / 30), 16_000)
    code = "import signal, sys; signal.SIGBREAK = signal.SIGUSR1; from addon.__main__ import main; sys.exit(main())"
    command = ["-c", code, "animate", sound, "-o", tmp_path / "a.csv", "--model", tiny_model]
    with subprocess.Popen([sys.executable, *command], stderr=subprocess.PIPE, text=True) as process:
        assert "%" in process.stderr.readline()
        process.send_signal(signal.SIGUSR1)
        said = process.stderr.read()
    assert process.returncode == 128 + signal.SIGUSR1
    assert said.splitlines()[-1] == "facewright: stopped; nothing was written"


def test_a_preset_that_is_sent_into_a_file_is_one_again_on_windows_too(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("# f\u00fcr \u0141ucja\n\n[blink]\nper_minute = 3.0\n", encoding="utf-8")
    there = {**os.environ, "PYTHONIOENCODING": "cp1252", "FACEWRIGHT_PRESETS": str(tmp_path)}
    command = [sys.executable, "-m", "addon", "presets", "mine"]
    done = subprocess.run(command, env=there, capture_output=True, check=True)
    assert done.stdout == (tmp_path / "mine.toml").read_bytes()


def test_a_file_that_cannot_even_be_asked_for_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.json").touch()
    for name in ("n" * 300 + ".csv", "a/b.csv"):  # as are, on Windows, those on a share that is away
        assert main(["convert", str(tmp_path / name), "-o", str(tmp_path / "a.json")]) == 2
        refused((2, *capsys.readouterr()), "cannot be read")
