from __future__ import annotations

import io
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from addon.cli import main
from addon.core import formats
from addon.core.live import LiveFace
from addon.studio import sinks, stream
from tests.core.test_live import live_file

__all__ = ["live_file"]
Run = Callable[..., tuple[int, str, str]]


def syllables(seconds: float = 1.5, rate: int = 16_000) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    return (20_000 * np.sin(2 * np.pi * 150 * t) * np.sin(2 * np.pi * t) ** 2).astype("<i2")


def rows_of(file: Path, samples: np.ndarray) -> np.ndarray:
    face = LiveFace.load(file, "cpu")
    return np.concatenate([face.push(samples.astype(np.float32) / 32768).values, face.finish().values])


def wav(samples: np.ndarray, rate: int, channels: int = 1, size: int | None = None) -> bytes:
    """A WAV as it comes through a pipe; `size` is what a program writes that does not know how long it will be."""
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setparams((channels, samples.itemsize, rate, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    whole = held.getvalue()
    return whole if size is None else whole[:40] + struct.pack("<I", size) + whole[44:]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], live_file: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `live` with these bytes on stdin: exit status, what it printed, and what it said on stderr."""

    def command(*arguments: object, stdin: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(stdin))))
        status = main([*map(str, ("live", *arguments)), "--model", str(live_file)])
        return status, *capsys.readouterr()

    return command


def test_samples_from_a_pipe_become_a_take_that_can_be_read(run: Run, live_file: Path, tmp_path: Path) -> None:
    status, out, err = run(stdin=syllables().tobytes())
    assert (status, err) == (0, "")
    (tmp_path / "take.csv").write_text(out)
    take = formats.read(tmp_path / "take.csv")
    assert take.rate == 50
    expected = rows_of(live_file, syllables())
    np.testing.assert_allclose(take.select(("jawOpen", "mouthClose")).values, expected[:, :2], atol=1e-5)


def test_json_lines_name_their_moment_and_channels(run: Run, live_file: Path) -> None:
    status, out, _ = run("--json", stdin=syllables().tobytes())
    lines = [json.loads(line) for line in out.splitlines()]
    assert (status, len(lines)) == (0, 75)
    assert [line["s"] for line in lines[:3]] == [0, 0.02, 0.04]
    assert [line["jawOpen"] for line in lines] == pytest.approx(rows_of(live_file, syllables())[:, 0], abs=1e-4)


@pytest.mark.parametrize("size", [None, 2**32 - 1, 2**31 - 1, 0])
def test_wav_is_known_by_its_first_letters(run: Run, size: int | None) -> None:
    assert json_rows(run("--json", stdin=wav(syllables(), 16_000, size=size))) == json_rows(
        run("--json", stdin=syllables().tobytes())
    )


def test_wav_of_the_longer_kind_is_heard_up_to_where_its_sound_ends(run: Run) -> None:
    plain = wav(syllables(), 16_000)
    guid = struct.pack("<H", 1) + bytes.fromhex("000000001000800000aa00389b71")
    form = b"fmt " + struct.pack("<IH", 40, 0xFFFE) + plain[22:36] + struct.pack("<HHI", 22, 16, 4) + guid
    before, after = b"JUNK" + struct.pack("<I", 100_001) + bytes(100_002), b"LIST" + struct.pack("<I", 4_000) * 1_001
    said = run("--json", stdin=plain[:12] + before + form + plain[36:] + after)
    assert json_rows(said) == json_rows(run("--json", stdin=syllables().tobytes()))


def json_rows(result: tuple[int, str, str]) -> list[dict[str, float]]:
    status, out, err = result
    assert (status, err) == (0, "")
    return [json.loads(line) for line in out.splitlines()]


def test_wav_of_another_rate_and_two_channels_says_the_same(run: Run) -> None:
    both = np.repeat(syllables(rate=48_000), 2)
    rows = json_rows(run("--json", stdin=wav(both, 48_000, channels=2)))
    expected = json_rows(run("--json", stdin=syllables().tobytes()))
    assert len(rows) == len(expected)
    assert [row["jawOpen"] for row in rows] == pytest.approx([row["jawOpen"] for row in expected], abs=0.02)


def test_a_file_is_heard_as_a_stream_too_and_at_its_own_pace(run: Run, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "line.flac", syllables(0.4), 16_000)
    begin = time.monotonic()
    paced = json_rows(run(tmp_path / "line.flac", "--json", "--pace"))
    assert time.monotonic() - begin >= 0.4
    assert paced == json_rows(run("--json", stdin=syllables(0.4).tobytes()))


def test_a_file_goes_to_an_engine_at_its_own_pace(run: Run, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "line.flac", syllables(1.0), 16_000)
    begin = time.monotonic()
    assert run(tmp_path / "line.flac", "--to", "127.0.0.1:9")[0] == 0
    assert time.monotonic() - begin >= 1.0


def test_what_is_amiss_with_a_file_is_told(run: Run, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "line.wav", np.stack([syllables(), -syllables()], axis=1), 16_000)
    status, _, err = run(tmp_path / "line.wav")
    assert (status, len(err.splitlines())) == (0, 1)
    assert "the channels of 'line.wav' cancel each other out" in err


def test_rows_go_out_while_the_sound_still_comes_in(live_file: Path) -> None:
    command = [sys.executable, "-m", "addon", "live", "--json", "--model", str(live_file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(syllables(1.0).tobytes())
        process.stdin.flush()
        assert [json.loads(process.stdout.readline())["s"] for _ in range(47)][-1] == 0.92  # 80 ms before the end
        process.stdin.close()
        assert len(process.stdout.read().splitlines()) == 3
    assert process.returncode == 0


@pytest.fixture
def begun_late(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """A stdin that is silent for a second before its sound begins, and the time of day when it does."""
    reader, writer = os.pipe()
    begun_s: list[float] = []

    def speak() -> None:
        time.sleep(1.0)
        with os.fdopen(writer, "wb") as pipe:
            begun_s.append(sinks.midnight_s())
            pipe.write(syllables(0.5).tobytes())

    monkeypatch.setattr(sys, "stdin", os.fdopen(reader))
    speaker = threading.Thread(target=speak)
    speaker.start()
    yield begun_s
    speaker.join()
    sys.stdin.close()


def test_speech_after_a_pause_is_paced_too(begun_late: list[float], live_file: Path) -> None:
    assert main(["live", "--pace", "--json", "--model", str(live_file)]) == 0
    assert (sinks.midnight_s() - begun_late[0]) % 86_400 >= 0.5


def test_a_take_begins_when_its_sound_does_not_when_the_program_is_ready(
    begun_late: list[float], live_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["live", "--model", str(live_file)]) == 0
    (tmp_path / "take.csv").write_text(capsys.readouterr().out)
    begins_s = formats.record(tmp_path / "take.csv", 50.0).start_s
    assert begins_s is not None
    assert abs(begins_s - begun_late[0]) < 0.5


def test_packets_begin_when_their_sound_does_not_when_the_program_is_ready(
    begun_late: list[float], live_file: Path
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unreal:
        unreal.bind(("127.0.0.1", 0))
        unreal.settimeout(10)
        assert main(["live", "--model", str(live_file), "--to", f"127.0.0.1:{unreal.getsockname()[1]}"]) == 0
        begins_s = struct.unpack(">I", unreal.recv(2_000)[55:59])[0] / 50
    assert abs(begins_s - begun_late[0]) < 0.5


def test_rows_go_to_live_link_as_packets(run: Run, live_file: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unreal:
        unreal.bind(("127.0.0.1", 0))
        unreal.settimeout(10)
        port = unreal.getsockname()[1]
        assert run("--to", f"127.0.0.1:{port}", "--subject", "Bob", stdin=syllables(0.5).tobytes()) == (0, "", "")
        packets = [unreal.recv(2_000) for _ in range(25)]
    jaw = [struct.unpack(">61f", packet[-244:])[17] for packet in packets]
    np.testing.assert_allclose(jaw, rows_of(live_file, syllables(0.5))[:, 0], atol=1e-6)
    frames = [struct.unpack(">I", packet[48:52])[0] for packet in packets]
    assert np.diff(frames).tolist() == [1] * 24
    assert packets[0][45:48] == b"Bob"


def most_of_each_row(unreal: socket.socket) -> list[float]:
    """The largest value of each packet that has come, until none comes for a while."""
    rows = []
    with suppress(TimeoutError):
        while True:
            rows.append(max(struct.unpack(">61f", unreal.recv(2_000)[-244:])))
    return rows


def test_a_mouth_that_was_open_at_the_end_closes_in_the_engine(run: Run) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unreal:
        unreal.bind(("127.0.0.1", 0))
        unreal.settimeout(1)
        assert run("--to", f"127.0.0.1:{unreal.getsockname()[1]}", stdin=syllables(0.76).tobytes())[0] == 0
        rows = most_of_each_row(unreal)
    assert len(rows) == 38 + 6
    assert rows[37] > 0.2
    assert np.diff(rows[37:]) == pytest.approx([-rows[37] / 6] * 6)
    assert rows[-1] == 0


@pytest.mark.parametrize(("stop", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stream_that_is_stopped_leaves_a_closed_mouth_in_the_engine(
    live_file: Path, stop: signal.Signals, status: int
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unreal:
        unreal.bind(("127.0.0.1", 0))
        unreal.settimeout(20)
        command = [sys.executable, "-m", "addon", "live", "--model", str(live_file)]
        command += ["--to", f"127.0.0.1:{unreal.getsockname()[1]}"]
        usual = partial(signal.signal, signal.SIGINT, signal.default_int_handler)  # also in the background of a script
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stderr=pipe, preexec_fn=usual) as process:
            assert process.stdin
            process.stdin.write(syllables(0.84).tobytes())
            process.stdin.flush()
            rows = [max(struct.unpack(">61f", unreal.recv(2_000)[-244:])) for _ in range(38)]
            process.send_signal(stop)
            unreal.settimeout(5)
            rows += most_of_each_row(unreal)
            process.stdin.close()
            assert process.wait() == status
    assert rows[-7] > 0.1
    assert rows[-1] == 0


def text_of(sound: bytes, *, written: str) -> bytes:
    """What PowerShell before 7.4 sends on: lines of text, read by the console's code and written in another."""
    return b"".join(line.encode(written, "replace") + b"\r\n" for line in sound.decode("cp437").splitlines())


@pytest.mark.parametrize("written", ["ascii", "utf-8"])  # up to 5.1, and later
def test_sound_that_powershell_made_text_of_is_refused(run: Run, written: str) -> None:
    noisy = syllables() + np.random.default_rng(0).integers(-300, 300, len(syllables())).astype("<i2")
    status, out, err = run(stdin=text_of(noisy.tobytes(), written=written))
    assert (status, out) == (2, "")
    assert "made text of on its way; use cmd, or PowerShell 7.4 or later" in err


@pytest.mark.parametrize("quiet", [np.zeros(8_000), np.full(8_000, 63), np.arange(8_000) % 100])
def test_silence_and_quiet_sound_are_no_text(run: Run, quiet: np.ndarray) -> None:
    assert run("--json", stdin=quiet.astype("<i2").tobytes())[0] == 0


class Windows:
    """A clock of which one hand goes by steps of a 64th of a second, and that moves only while somebody sleeps."""

    now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s // (1 / 64) / 64

    def perf_counter(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def test_a_hop_waits_no_longer_on_windows_than_it_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Windows()
    monkeypatch.setattr(stream, "time", clock)
    came_s = [clock.now_s for _ in stream._paced([np.zeros(320, np.float32)] * 50)]
    assert came_s == pytest.approx(np.arange(1, 51) / 50)


def test_an_engine_that_is_not_there_yet_is_no_news_on_windows(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[bytes] = []

    def refuse(_outlet: socket.socket, data: bytes, _address: object) -> None:
        sent.append(data)
        if not len(sent) % 2:
            raise ConnectionResetError(10054, "An existing connection was forcibly closed by the remote host")

    monkeypatch.setattr(socket.socket, "sendto", refuse)
    assert run("--to", "127.0.0.1", stdin=syllables(0.4).tobytes()) == (0, "", "")
    assert len(sent) == 20 + 6


def hears_ipv6() -> bool:
    with suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as unreal:
        unreal.bind(("::1", 0))
        return True
    return False


@pytest.mark.skipif(not hears_ipv6(), reason="needs IPv6")
def test_rows_go_to_an_ipv6_address_in_brackets(run: Run) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as unreal:
        unreal.bind(("::1", 0))
        unreal.settimeout(5)
        assert run("--to", f"[::1]:{unreal.getsockname()[1]}", stdin=syllables(0.2).tobytes()) == (0, "", "")
        assert len(most_of_each_row(unreal)) == 10 + 6


@pytest.mark.skipif(sys.platform != "linux", reason="needs a network on which this machine hears its own broadcasts")
def test_rows_go_to_every_engine_of_a_network(run: Run) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unreal:
        unreal.bind(("", 0))
        unreal.settimeout(5)
        to = f"127.255.255.255:{unreal.getsockname()[1]}"
        assert run("--to", to, stdin=syllables(0.2).tobytes()) == (0, "", "")
        assert len(most_of_each_row(unreal)) == 10 + 6


OWN_NETWORK = ("unshare", "--user", "--map-root-user", "--net", "/bin/sh", "-c")


def has_networks_of_its_own() -> bool:
    if not shutil.which("unshare"):
        return False
    return not subprocess.run([*OWN_NETWORK, "ip link set lo up"], capture_output=True, check=False).returncode


@pytest.mark.skipif(not has_networks_of_its_own(), reason="needs a network that can be taken away")
def test_a_network_that_goes_and_comes_back_ends_no_stream(live_file: Path, tmp_path: Path) -> None:
    (tmp_path / "part.raw").write_bytes(syllables(5.0).tobytes())  # far more than a pipe holds back
    cable = "ip addr %s 10.9.9.1/24 dev lo;"
    sound = " ".join((cable % "del", "cat part.raw;", cable % "add", "cat part.raw;") * 2)
    live = f"{sys.executable} -m addon live --to 10.9.9.2 --model {live_file}"
    script = f"ip link set lo up; {cable % 'add'} (cat part.raw; {sound}) | (cd {Path.cwd()} && {live})"
    done = subprocess.run([*OWN_NETWORK, script], cwd=tmp_path, capture_output=True, check=False)
    said = [line for line in done.stderr.decode().splitlines() if "so the mouth falls behind" not in line]  # so busy
    assert (done.returncode, len(said)) == (0, 2)
    assert all("'10.9.9.2' cannot be sent to" in line and "rows are lost until it can" in line for line in said)


@pytest.mark.skipif(not has_networks_of_its_own(), reason="needs names of hosts of its own")
def test_a_host_that_has_two_addresses_is_sent_to_where_unreal_hears(live_file: Path, tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("::1 stage\n127.0.0.1 stage\n")
    (tmp_path / "line.raw").write_bytes(syllables(0.5).tobytes())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unreal:
        unreal.bind(("127.0.0.1", 0))
        unreal.settimeout(10)
        live = f"{sys.executable} -m addon live --to stage:{unreal.getsockname()[1]} --model {live_file}"
        script = f"mount --bind {tmp_path}/hosts /etc/hosts && {live} < {tmp_path}/line.raw"
        subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-c", script], check=True)
        assert len(unreal.recv(2_000)) == 41 + 4 + len("Facewright") + 16 + 1 + 61 * 4


@pytest.mark.parametrize(
    ("arguments", "stdin", "says"),
    [
        (("--to", "127.0.0.1:99999"), b"", "--to must be a host"),
        (("--to", ":11111"), b"", "--to must be a host"),
        (("--to", "[::1"), b"", "--to must be a host"),
        (("--to", "fe80::5"), b"", "such as 192.168.0.5:11111 or [fe80::5]:11111"),
        (("--to", "127.0.0.1:0"), b"", "--to must be a host"),
        (("--to", "127.0.0.1", "--json"), b"", "choose one"),
        (("--to", "127.0.0.1", "--subject", ""), b"", "--subject must be"),
        (("--to", "127.0.0.1", "--subject", "\udcff"), b"", "--subject must be"),  # bytes that are no text
        (("--to", "a..b:11111"), b"", "not a host's name"),
        (("none.wav",), b"", "none.wav"),
        (("--to", ""), b"", "--to must be a host"),
        ((), b"fLaC and so on", "is FLAC, which is not read from a pipe"),
        ((), b"BW64\xff\xff\xff\xffWAVEds64", "is BW64, which is not read from a pipe"),
        ((), b"FORM\0\0\0\0AIFF", "is AIFF, which is not read from a pipe"),
        ((), b"\xff\xfb\x90\x00" + bytes(400), "is MP3, which is not read from a pipe"),
        ((), b"\xff\xf3\x64\xc4" + bytes(400), "is MP3, which is not read from a pipe"),
        ((), b"RIFF", "begins as WAV but cannot be read (it ends there)"),
        ((), b"RIFFsomething else", "begins as WAV but cannot be read"),
        ((), wav(np.zeros(100, np.int32), 16_000), "32 bits at 16000 Hz"),
        ((), wav(np.zeros(100, "<i2"), 16_000).replace(b"\x10\0\0\0\x01\0", b"\x10\0\0\0\x03\0"), "in format 3"),
        ((), wav(np.zeros(100, "<i2"), 16_000)[:30], "begins as WAV but cannot be read (it ends there)"),
    ],
)
def test_what_cannot_be_heard_or_sent_is_one_line(
    run: Run, arguments: tuple[str, ...], stdin: bytes, says: str
) -> None:
    status, out, err = run(*arguments, stdin=stdin)
    assert (status, out) == (2, "")
    assert err.startswith("facewright: ")
    assert len(err.splitlines()) == 1
    assert says in err


@pytest.mark.parametrize("samples", [[-1025, -700], [-1025, 15], [-3073, -3000], [-1025]])
def test_samples_that_look_like_an_mp3_are_heard(run: Run, samples: list[int]) -> None:
    status, out, err = run(stdin=np.array(samples, "<i2").tobytes())
    assert (status, err) == (0, "")
    assert len(out.splitlines()) == 2  # a heading and a row


@pytest.mark.parametrize(("name", "says"), [("none.onnx", "does not exist"), ("n" * 300, "cannot be read")])
def test_a_missing_live_model_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, says: str
) -> None:
    assert main(["live", "--model", str(tmp_path / name)]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert len(said.splitlines()) == 1


def test_who_stops_reading_is_no_error(live_file: Path) -> None:
    command = f"{sys.executable} -m addon live --model {live_file} | head -n 1"
    sound = syllables(20.0).tobytes()
    done = subprocess.run(["/bin/sh", "-c", command], input=sound, capture_output=True, check=True)
    assert done.stdout.startswith(b"Timecode,")
    assert done.stderr == b""


@pytest.mark.parametrize(
    ("redirect", "says"),
    [
        ("<&-", "no sound comes in on stdin"),
        ("< /dev/null", "no sound comes in on stdin"),
        ("> /dev/full", "the stream broke off: No space left on device"),
    ],
)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_stream_that_breaks_off_is_one_line(live_file: Path, redirect: str, says: str) -> None:
    command = f"{sys.executable} -m addon live --model {live_file} {redirect}"
    done = subprocess.run(["/bin/sh", "-c", command], input=syllables().tobytes(), capture_output=True)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert says in done.stderr.decode()


def test_without_a_stdout_a_sound_is_heard_all_the_same(live_file: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "line.wav", syllables(0.4), 16_000)
    command = f"{sys.executable} -m addon live {tmp_path}/line.wav --model {live_file} >&-"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("stdin", [b"", b"\x01", wav(np.zeros(0, "<i2"), 16_000), wav(np.zeros(1, "<i2"), 192_000)])
def test_a_pipe_without_a_sample_is_one_line(run: Run, stdin: bytes) -> None:
    status, out, err = run(stdin=stdin)
    assert (status, out) == (2, "")
    assert err.startswith("facewright: no sound comes in on stdin: name a sound file, or send it as `ffmpeg")
    assert len(err.splitlines()) == 1


def test_a_file_too_short_for_a_sample_is_one_line(run: Run, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "click.wav", np.zeros(1), 44_100)
    says = "facewright: 'click.wav' is too short to hold any sound; export it again\n"
    assert run(tmp_path / "click.wav") == (2, "", says)


def test_the_moment_of_day_is_within_one() -> None:
    assert 0 <= sinks.midnight_s() < 86_400
    clock = time.localtime()
    now_s = clock.tm_hour * 3600 + clock.tm_min * 60 + clock.tm_sec
    assert -2 < (now_s - sinks.midnight_s() + 43_200) % 86_400 - 43_200 <= 0


def test_a_machine_that_hears_slower_than_sound_comes_is_told_once_each_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = Windows()
    for number, _hop in enumerate(stream.watched([np.zeros(320, np.float32)] * 3000, clock.perf_counter)):
        clock.sleep(0.03 if 500 <= number < 1500 or number >= 2500 else 0.01)
    told = "10 s of sound took 15.0 s, so the mouth falls behind; end other programs that keep the processor busy"
    assert capsys.readouterr().err.splitlines() == [f"facewright: note: {told}"] * 2


def test_a_hop_that_is_waited_for_is_no_work(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Windows()

    def hops() -> Iterator[np.ndarray]:
        for _ in range(1000):
            clock.sleep(1.0)
            yield np.zeros(320, np.float32)

    assert len(list(stream.watched(hops(), clock.perf_counter))) == 1000
    assert capsys.readouterr().err == ""
