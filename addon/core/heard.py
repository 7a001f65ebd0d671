"""What listening to a line leaves: raw channels and prosody, slow to get, quick to perform on, and able to be kept."""

from __future__ import annotations

from dataclasses import dataclass

from . import archive, channels
from .curves import Curves
from .prosody import Prosody

KIND = "facewright-heard"
SCHEMA = 1
REMEDY = "listen to the line again"


@dataclass(frozen=True)
class Heard:
    """The model's raw channels, how the line is said, and what the user should know; the layers need nothing else."""

    curves: Curves
    prosody: Prosody
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.curves.values) != len(self.prosody.pitch_hz) or self.curves.rate != self.prosody.rate:
            raise ValueError(
                f"{len(self.curves.values)} rows of curves, {len(self.prosody.pitch_hz)} of prosody: need the same"
            )

    def to_bytes(self) -> bytes:
        """Bytes that `from_bytes` turns back into the same, bit for bit; the same gives the same bytes."""
        about = {"rate": self.curves.rate, "names": self.curves.names, "notes": self.notes}
        voice = self.prosody
        tracks = {"loudness_db": voice.loudness_db, "pitch_hz": voice.pitch_hz, "tilt_db": voice.tilt_db}
        return archive.pack(KIND, SCHEMA, about, {"raw": self.curves.values, **tracks})

    @classmethod
    def from_bytes(cls, data: bytes) -> Heard:
        """What `to_bytes` wrote; anything else is refused in one line."""
        about, arrays = archive.unpack(KIND, SCHEMA, data, REMEDY)
        try:
            names = tuple(str(name) for name in about["names"])
            if unknown := [name for name in names if name not in channels.ALL]:
                raise ValueError(f"no channel is called {unknown[0]!r}")
            rate = float(about["rate"])
            prosody = Prosody(arrays["loudness_db"], arrays["pitch_hz"], rate, arrays["tilt_db"])
            notes = tuple(str(note) for note in about["notes"])
            return cls(Curves(arrays["raw"], names, rate), prosody, notes)
        except (ValueError, KeyError, TypeError) as error:
            raise archive.damaged(error, REMEDY) from error
