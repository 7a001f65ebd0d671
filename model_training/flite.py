"""flite, a program that other people install: English voices made from recordings, and when each of their phones ends.

It is optional: `apt-get install flite` on Debian. Its voices rms (a man from the United States), slt (a woman from
there) and awb (a man from Scotland) are statistics of real recordings, so they sound nearer to people than espeak-ng's
formants do.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from .corpora import CorpusError
from .phones import Phone

VOICES = ("rms", "slt", "awb")
# Its phones that are not ARPAbet as we write it.
NAMES = {
    "pau": "sil", "ax": "ah", "axr": "er", "dx": "t", "el": "ah l", "em": "m", "en": "n", "hv": "hh", "nx": "n",
    "ix": "ih", "ux": "uw",
}  # fmt: skip


def speak(
    text: str, voice: str = "rms", stretch: float = 1.0
) -> tuple[npt.NDArray[np.float32], int, tuple[Phone, ...]]:
    """Samples (N,), their rate, and the exact times of the phones; stretch 2 speaks half as fast."""
    program = shutil.which("flite")
    if program is None:
        raise CorpusError("flite is not on the path: install it (Debian: apt-get install flite) or leave it out")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "said.wav"
        options = ["-voice", voice, "--setf", f"duration_stretch={stretch:.4f}", "-psdur", "-o", str(file), "-t", text]
        told = subprocess.run([program, *options], capture_output=True, encoding="utf-8", check=False)
        if told.returncode != 0 or not file.exists() or voice not in VOICES:
            raise CorpusError(
                f"flite could not speak with the voice {voice!r}: its voices here are {', '.join(VOICES)}"
            )
        samples, rate = soundfile.read(file, dtype="float32")
    return samples, rate, _phones(told.stdout, len(samples) / rate)


def _phones(told: str, duration_s: float) -> tuple[Phone, ...]:
    """What `-psdur` prints, phone:end in seconds, as phones; one that stands for two of ours is shared between them."""
    phones: list[Phone] = []
    start_s = 0.0
    for entry in told.split():
        flite_name, _, end = entry.rpartition(":")
        names = NAMES.get(flite_name, flite_name).split()
        end_s = min(float(end), duration_s)
        step_s = (end_s - start_s) / len(names)
        if step_s > 0:
            phones += [Phone(n, start_s + i * step_s, start_s + (i + 1) * step_s) for i, n in enumerate(names)]
        start_s = end_s
    return tuple(phones)
