from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
import soundfile

from addon.cli import main
from addon.core import formats
from addon.studio.batch import plan

from .conftest import Studio, say_into


def test_every_sound_of_every_folder_becomes_a_take_and_a_row(studio: Studio) -> None:
    (studio.lines / "._a.wav").write_bytes(b"macOS's, no sound")
    (studio.lines / "notes.txt").write_text("no sound either")
    status, err = studio.batch()
    assert status == 0
    assert studio.files() == ["a.csv", "act 1/b.csv", "ledger.jsonl"]
    rows = studio.rows()
    assert [(row["path"], row["output"], row["seconds"]) for row in rows] == [
        ("a.wav", "a.csv", 0.5),
        ("act 1/b.flac", "act 1/b.csv", 0.7),
    ]
    assert err.splitlines()[0] == "facewright: 1 of 2: 'a.wav' done"
    assert "2 done, 0 failed, 0 skipped" in err.splitlines()[-1]


def test_a_take_is_the_same_as_the_one_that_animate_makes(studio: Studio, tmp_path: Path) -> None:
    options = ["--seed", "4", "--fps", "24"]
    studio.batch("--format", "json", *options)
    alone = [sys.executable, "-m", "addon", "animate", studio.lines / "a.wav", "-o", tmp_path / "a.json"]
    subprocess.run([*alone, "--model", studio.model, *options], check=True)
    assert (studio.takes / "a.json").read_bytes() == (tmp_path / "a.json").read_bytes()
    assert formats.read(studio.takes / "a.json").rate == 24


def test_a_second_run_skips_what_is_done_and_redoes_what_changed(studio: Studio, tmp_path: Path) -> None:
    studio.batch()
    before = (studio.takes / "a.csv").stat().st_mtime_ns
    say_into(studio.lines / "act 1" / "b.flac", 0.9)
    shutil.move(studio.model, tmp_path / "moved.onnx")
    shutil.copy(tmp_path / "moved.onnx", studio.model)  # where a model lies changes nothing
    status, err = studio.batch("--model", tmp_path / "moved.onnx", "--device", "cpu")
    assert status == 0
    assert "1 done, 0 failed, 1 skipped" in err
    assert studio.told(2) == {"a.wav": "skipped", "act 1/b.flac": "done"}
    assert (studio.takes / "a.csv").stat().st_mtime_ns == before
    studio.batch()
    assert set(studio.told(2).values()) == {"skipped"}


def test_another_model_makes_the_takes_anew(studio: Studio, tmp_path: Path) -> None:
    studio.batch()
    other = onnx.load(studio.model)
    next(item for item in other.metadata_props if item.key == "version").value = "0.2.0"
    onnx.save(other, tmp_path / "other.onnx")
    studio.batch("--model", tmp_path / "other.onnx")
    assert set(studio.told(2).values()) == {"done"}


def test_a_sound_that_was_renamed_is_told_by_its_name_of_today(studio: Studio) -> None:
    studio.batch()
    (studio.lines / "a.wav").rename(studio.lines / "a.wave")
    status, err = studio.batch()
    assert (status, studio.told(2)) == (0, {"a.wave": "skipped", "act 1/b.flac": "skipped"})
    assert "'a.wave' skipped: unchanged" in err


def test_settings_seed_rate_and_a_lost_output_each_call_for_another_take(studio: Studio, tmp_path: Path) -> None:
    shutil.rmtree(studio.lines / "act 1")
    (tmp_path / "calm.toml").write_text("[head]\namount = 0.0\n")
    for extra in ([], ["--seed", "3"], ["--seed", "3", "--fps", "24"], ["--settings", tmp_path / "calm.toml"]):
        studio.batch(*extra)
        assert studio.rows()[-1]["status"] == "done"
    (studio.takes / "a.csv").unlink()
    studio.batch("--settings", tmp_path / "calm.toml")
    assert studio.rows()[-1]["status"] == "done"
    assert len({row["key"] for row in studio.rows()}) == 4


def test_a_take_that_a_person_edited_is_left_alone_and_said(studio: Studio) -> None:
    studio.batch()
    (studio.takes / "a.csv").write_text("edited")
    status, err = studio.batch()
    assert status == 0
    assert "'a.wav' skipped: its output was edited since" in err
    assert (studio.takes / "a.csv").read_text() == "edited"


def test_an_edited_take_is_left_alone_whatever_else_has_changed(studio: Studio) -> None:
    studio.batch()
    (studio.takes / "a.csv").write_text("edited")
    for extra in (["--seed", "5"], ["--preset", "robot"]):
        status, err = studio.batch(*extra)
        assert (status, studio.told(2)) == (0, {"a.wav": "skipped", "act 1/b.flac": "done"})
        assert "'a.wav' skipped: its output was edited since" in err
        assert (studio.takes / "a.csv").read_text() == "edited"
    (studio.takes / "a.csv").unlink()
    studio.batch("--seed", "5")
    assert set(studio.told(2).values()) == {"done"}


def test_a_file_that_no_batch_made_is_never_replaced(studio: Studio) -> None:
    (studio.lines / "a.json").write_text('"its transcript"')
    for _ in range(2):
        status, err = studio.batch("-o", studio.lines, "--format", "json")
        assert status == 2
        assert "a.json' is there, and no batch made it; move it, or choose another folder" in err.splitlines()[0]
        assert (studio.lines / "a.json").read_text() == '"its transcript"'
    assert (studio.lines / "act 1" / "b.json").is_file()


def test_a_take_whose_row_was_lost_is_taken_up_again(studio: Studio) -> None:
    studio.batch()
    ledger = studio.takes / "ledger.jsonl"
    ledger.write_text(ledger.read_text().splitlines(keepends=True)[1])
    before = (studio.takes / "a.csv").stat().st_mtime_ns
    assert studio.batch()[0] == 0
    assert studio.told(2) == {"a.wav": "done", "act 1/b.flac": "skipped"}
    assert (studio.takes / "a.csv").stat().st_mtime_ns == before


def test_bad_sounds_are_rows_with_a_reason_and_stop_nothing(studio: Studio) -> None:
    (studio.lines / "0 empty.wav").write_bytes(b"")
    (studio.lines / "1 text.mp3").write_text("hello")
    (studio.lines / "2 link.wav").symlink_to("nowhere")
    os.mkfifo(studio.lines / "3 pipe.wav")
    (studio.lines / "4 line\nbreak \udcff.wav").write_bytes(b"")
    status, err = studio.batch()
    assert status == 2
    assert "2 done, 5 failed, 0 skipped" in err.splitlines()[-1]
    assert len(err.splitlines()) == 8
    reasons = [row["reason"] for row in studio.rows()]
    for reason, says in zip(reasons, ["is empty", "no sound", "link to nothing", "no file", "is empty"], strict=False):
        assert says in reason
        assert "\n" not in reason
    assert studio.files() == ["a.csv", "act 1/b.csv", "ledger.jsonl"]
    status, err = studio.batch()
    assert status == 2
    assert "0 done, 5 failed, 2 skipped" in err.splitlines()[-1]


def test_a_sound_cut_short_is_done_with_a_note(studio: Studio) -> None:
    whole = (studio.lines / "a.wav").read_bytes()
    (studio.lines / "a.wav").write_bytes(whole[: len(whole) // 2])
    assert studio.batch()[0] == 0
    row = studio.rows()[0]
    assert row["status"] == "done"
    assert "cut short" in row["reason"]


def test_an_output_that_cannot_be_written_fails_its_own_sound_alone(studio: Studio) -> None:
    (studio.takes / "a.csv").mkdir(parents=True)
    (studio.takes / "act 1").write_text("a file where a folder should be")
    say_into(studio.lines / "c.wav")
    assert studio.batch()[0] == 2
    assert studio.told() == {"a.wav": "failed", "act 1/b.flac": "failed", "c.wav": "done"}


def test_sounds_that_would_share_an_output_are_refused_before_any_work(studio: Studio) -> None:
    say_into(studio.lines / "A.flac")
    status, err = studio.batch()
    assert (status, len(err.splitlines())) == (2, 1)
    assert "'A.flac' and 'a.wav' would both become 'a.csv'" in err
    assert not studio.takes.exists()


def test_letters_that_only_look_alike_share_no_output(studio: Studio) -> None:
    for name in ("straße.wav", "strasse.wav"):
        say_into(studio.lines / name)
    assert {"straße.wav", "strasse.wav"} < set(plan(studio.lines, ".csv"))


def test_a_name_that_would_choose_another_format_is_refused(studio: Studio) -> None:
    say_into(studio.lines / "hero.a2f.wav")
    status, err = studio.batch("--format", "json")
    assert status == 2
    says = "facewright: 'hero.a2f.wav' would become 'hero.a2f.json', which is another format; rename it"
    assert err.splitlines() == [says]
    assert not studio.takes.exists()
    assert "hero.a2f.wav" in plan(studio.lines, ".csv")


def test_sounds_in_formats_that_are_not_read_are_told_of(studio: Studio) -> None:
    for name in ("b.M4A", "act 1/c.wma", "film.mp4", ".hidden.m4a"):
        (studio.lines / name).write_bytes(b"not looked into")
    status, err = studio.batch()
    assert (status, err.count("note:")) == (0, 1)
    assert "not read: 2, such as 'act 1/c.wma'; use wav" in err
    assert studio.files() == ["a.csv", "act 1/b.csv", "ledger.jsonl"]
    for sound in ("a.wav", "act 1/b.flac"):
        (studio.lines / sound).unlink()
    status, err = studio.batch()
    assert (status, len(err.splitlines())) == (2, 1)
    assert "holds sounds in formats that are not read: 2" in err


def test_folders_that_are_links_are_followed_once_and_never_in_circles(studio: Studio, tmp_path: Path) -> None:
    say_into(tmp_path / "elsewhere" / "c.wav")
    for link, target in (("0 link", "act 1"), ("more", "../elsewhere"), ("twice", "../elsewhere"), ("up", "..")):
        (studio.lines / link).symlink_to(target)
    (studio.lines / "act 1" / "round").symlink_to("..")
    assert plan(studio.lines, ".csv") == ["a.wav", "act 1/b.flac", "more/c.wav"]


def test_what_cannot_work_for_any_sound_is_refused_in_one_line(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "junk.onnx").write_bytes(b"junk")
    for extra, says in {
        ("--model", tmp_path / "junk.onnx"): "is not a model",
        ("--fps", "0"): "--fps must be",
        ("--workers", "0"): "--workers must be",
        ("--seed", "-1"): "seed must be",
        ("-o", studio.lines / "a.wav"): "cannot be made",
    }.items():
        status, err = studio.batch(*extra)
        assert (status, len(err.splitlines())) == (2, 1)
        assert says in err
    shutil.rmtree(studio.lines)
    assert "is no folder" in studio.batch()[1]
    studio.lines.mkdir()
    assert "holds no sound" in studio.batch()[1]
    assert not studio.takes.exists()


def test_takes_may_lie_beside_their_sounds(studio: Studio) -> None:
    assert studio.batch("-o", studio.lines)[0] == 0
    assert studio.batch("-o", studio.lines)[0] == 0
    assert plan(studio.lines, ".csv") == ["a.wav", "act 1/b.flac"]


def test_several_workers_make_the_same_takes_as_one(studio: Studio, tmp_path: Path) -> None:
    for number in range(4):
        say_into(studio.lines / f"c{number}.wav", 0.3, 100 + 20 * number)
    studio.batch()
    studio.batch("-o", tmp_path / "more", "--workers", "2")
    one, more = (sorted(folder.rglob("*.csv")) for folder in (studio.takes, tmp_path / "more"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in more]
    assert len(one) == 6


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no folder that somebody is in")
def test_a_batch_started_in_a_folder_that_is_gone_says_so(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    (studio.lines / "gone").mkdir()
    monkeypatch.chdir(studio.lines / "gone")
    (studio.lines / "gone").rmdir()
    says = "facewright: '.' is no folder; name the folder that holds the sounds\n"
    assert replace(studio, lines=Path()).batch() == (2, says)


def test_a_folder_that_is_a_link_to_itself_is_refused_in_one_line(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "round").symlink_to("round")
    status, err = replace(studio, lines=tmp_path / "round").batch()
    assert (status, len(err.splitlines())) == (2, 1)
    assert "round' " in err


@pytest.mark.parametrize("words", [("", "-o", "takes"), ("lines", "-o", "")])
def test_an_empty_word_is_not_the_folder_one_is_in(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(studio.lines.parent)
    with pytest.raises(SystemExit) as end:
        main(["batch", *words, "--model", str(studio.model)])
    assert end.value.code == 2
    assert "it is empty; name a folder" in studio.read()[1].splitlines()[-1]
    assert sorted(path.name for path in studio.lines.parent.iterdir()) == ["lines"]


def test_a_sound_too_short_for_a_sample_is_a_row_of_its_own(studio: Studio) -> None:
    soundfile.write(studio.lines / "click.wav", np.zeros(1), 44_100)
    status, err = studio.batch()
    assert status == 2
    assert "'click.wav' failed: 'click.wav' is too short to hold any sound; export it again" in err


def _begun(studio: Studio, **options: object) -> subprocess.Popen[str]:
    """A batch of its own process, killable, that has written its first row.

    It hears Ctrl+C even where the tests were started in the background of a script, which passes on to be deaf to it.
    """
    usual = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = subprocess.Popen(studio.command(), stderr=subprocess.PIPE, text=True, preexec_fn=usual, **options)
    assert "1 of 3" in process.stderr.readline()
    return process


@pytest.mark.skipif(shutil.which("localedef") is None, reason="makes a locale of its own")
def test_workers_read_names_as_the_batch_does(studio: Studio, tmp_path: Path) -> None:
    locale = [str(tmp_path / "de_DE.ISO-8859-1")]
    made = subprocess.run(["localedef", "-i", "de_DE", "-f", "ISO-8859-1", *locale], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("knows no German")
    say_into(studio.lines / "é.wav")
    environment = {**os.environ, "LOCPATH": str(tmp_path), "LC_ALL": "de_DE.ISO-8859-1", "PYTHONUTF8": "1"}
    subprocess.run(studio.command(), env=environment, check=True, capture_output=True)
    assert "é.csv" in studio.files()


def test_a_killed_batch_goes_on_where_it_was(studio: Studio) -> None:
    say_into(studio.lines / "z long.wav", 300.0)  # s: longer than the kill takes to come
    with _begun(studio, start_new_session=True) as process:
        os.killpg(process.pid, signal.SIGKILL)
    with (studio.takes / "ledger.jsonl").open("a") as file:
        file.write('{"path": "half a r')
    left, own, fresh = (studio.takes / f".facewright-{name}" for name in (16 * "a", "notes.txt", 16 * "b"))
    for file in (left, own, fresh):
        file.touch()
    for file in (left, own):
        os.utime(file, (time.time() - 3600,) * 2)
    assert studio.batch()[0] == 0
    assert studio.told(3)["a.wav"] == "skipped"
    assert studio.told(3)["z long.wav"] == "done"
    assert len({row["path"] for row in studio.rows()}) == 3
    assert studio.files() == [fresh.name, own.name, "a.csv", "act 1/b.csv", "ledger.jsonl", "z long.csv"]  # another's


def test_ctrl_c_stops_at_once_and_says_how_to_go_on(studio: Studio) -> None:
    say_into(studio.lines / "z long.wav", 600.0)
    with _begun(studio, start_new_session=True) as process:
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does it: the workers hear it too
        err = process.stderr.read()
    assert process.returncode == 130
    assert "stopped; the same command goes on from here" in err.splitlines()[-1]
    assert "Traceback" not in err
    assert set(studio.files()) <= {"a.csv", "act 1/b.csv", "ledger.jsonl"}


DEAF = """
import queue, runpy, signal, sys

class Deaf(queue.SimpleQueue):
    def get(self, *arguments, **options):
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            return super().get(*arguments, **options)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])

queue.SimpleQueue = Deaf
signal.signal(signal.SIGINT, signal.default_int_handler)  # also in the background of a script
sys.path.insert(0, "")
runpy.run_module("addon", run_name="__main__")
"""


def test_ctrl_c_is_heard_where_who_waits_for_a_thread_is_deaf(studio: Studio) -> None:
    say_into(studio.lines / "z long.wav", 1_800.0)  # a fast machine is through with 600 s before it is stopped
    command = [sys.executable, "-c", DEAF, *studio.command()[3:]]  # as Windows is
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        next(line for line in process.stderr if "2 of 3" in line)
        time.sleep(0.5)  # it waits for the long one again
        process.send_signal(signal.SIGINT)
        err = process.stderr.read()
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "z long.csv" not in studio.files()


def test_who_ends_a_batch_ends_its_workers_too(studio: Studio) -> None:
    say_into(studio.lines / "z long.wav", 600.0)
    with _begun(studio) as process:
        process.send_signal(signal.SIGTERM)  # as a farm does it: the workers hear nothing
        err = process.stderr.read()  # to its end, so nobody is left who could write to it
    assert process.returncode == 143
    assert "stopped; the same command goes on from here" in err.splitlines()[-1]
    assert set(studio.files()) <= {"a.csv", "act 1/b.csv", "ledger.jsonl"}


def test_a_batch_writes_a_heads_own_keys_as_animate_does(studio: Studio, tmp_path: Path) -> None:
    keys, mapping = tmp_path / "keys.txt", tmp_path / "hero.toml"
    keys.write_text("Drop\n")
    row = '[[row]]\nchannel = "jawOpen"\nkey = "Drop"\noffset = 0.25\n'
    mapping.write_text(f'kind = "facewright-mapping"\nschema = 1\n{row}')
    options = ["--keys", str(keys), "--mapping", str(mapping)]
    assert studio.batch("--format", "npz", *options)[0] == 0
    alone = [sys.executable, "-m", "addon", "animate", studio.lines / "a.wav", "-o", tmp_path / "a.npz", "--fps", "50"]
    subprocess.run([*alone, "--model", studio.model, *options], check=True, capture_output=True)
    assert (studio.takes / "a.npz").read_bytes() == (tmp_path / "a.npz").read_bytes()
    assert np.load(studio.takes / "a.npz")["names"].tolist() == ["Drop"]
    studio.batch("--format", "npz", *options)
    assert set(studio.told(2).values()) == {"skipped"}
    mapping.write_text(mapping.read_text().replace("0.25", "0.5"))
    studio.batch("--format", "npz", *options)
    assert set(studio.told(2).values()) == {"done"}


@pytest.mark.skipif(not Path("/dev/fd").is_dir(), reason="pipes have no names there")
def test_a_batch_takes_a_heads_keys_through_a_pipe(studio: Studio) -> None:
    read, write = os.pipe()
    os.write(write, b"jawOpen\n")
    os.close(write)
    assert studio.batch("--format", "npz", "--keys", f"/dev/fd/{read}")[0] == 0  # what a shell makes of <(...)
    os.close(read)
    assert np.load(studio.takes / "a.npz")["names"].tolist() == ["jawOpen"]


def test_a_batch_of_own_keys_in_a_format_without_a_place_for_them_is_refused(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "keys.txt").write_text("jawOpen\n")
    status, err = studio.batch("--keys", tmp_path / "keys.txt")
    assert (status, err) == (2, "facewright: '.csv' has no place for a head's own keys; use .json or .npz\n")
    assert not studio.takes.exists()
