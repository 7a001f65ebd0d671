"""What an animator directs over time, beside the settings: emotions that are keyed, and where the character looks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import archive, emotions
from .curves import Array, Curves
from .errors import SettingsError

KIND = "facewright-direction"
SCHEMA = 1
LOOK = ("lookYaw", "lookPitch")  # radians from straight ahead; + is the character's right, and down
INWARDS = "lookInwards"  # radians that each eye turns towards the nose, since what is looked at is near; optional
FARTHEST_RAD = np.pi / 2  # nobody looks behind himself without turning the body
NEAREST_RAD = np.deg2rad(20.0)  # 9 cm away with eyes 63 mm apart; people reach 5 to 7 cm (Scheiman et al. 2003)


@dataclass(frozen=True)
class Direction:
    """Curves of any rate, from the line's beginning, held at their ends; None where nothing is directed.

    `emotion` has columns of `emotions.NAMES` (those left out are 0), which neutral has held back already, and takes the
    place of what the settings say; `look` has `lookYaw` and `lookPitch`, and `lookInwards` where the distance is known.
    """

    emotion: Curves | None = None
    look: Curves | None = None

    def __post_init__(self) -> None:
        for what, curves, names in (
            ("emotion", self.emotion, emotions.NAMES),
            ("look-at", self.look, (*LOOK, INWARDS)),
        ):
            if curves is None:
                continue
            if unknown := [name for name in curves.names if name not in names]:
                raise SettingsError(f"{what} has a curve {unknown[0]!r}; it may have {', '.join(names)}")
            if not len(curves.values) or not np.isfinite(curves.values).all():
                raise SettingsError(f"the {what} curves are empty or hold values that are not numbers; key them again")

    def moods(self, rows: int, rate: float) -> Array | None:
        """Emotion weights at every row, (T, 8), within 0..1; None if they are left to the settings."""
        if self.emotion is None:
            return None
        return np.clip(_at_rows(self.emotion.select(emotions.NAMES), rows, rate), 0, 1)

    def looks(self, rows: int, rate: float) -> Array | None:
        """Yaw and pitch of what is looked at, (T, 2) radians; None if there is no target."""
        if self.look is None:
            return None
        return np.clip(_at_rows(self.look.select(LOOK), rows, rate), -FARTHEST_RAD, FARTHEST_RAD)

    def inwards(self, rows: int, rate: float) -> Array | None:
        """How far each eye turns towards the nose to look there, (T,) radians; None if there is no target."""
        if self.look is None:
            return None
        return np.clip(_at_rows(self.look.select((INWARDS,)), rows, rate)[:, 0], 0, NEAREST_RAD)

    def to_bytes(self) -> bytes:
        """Bytes that `from_bytes` turns back into the same."""
        given = {name: curves for name, curves in (("emotion", self.emotion), ("look", self.look)) if curves}
        about = {name: {"names": curves.names, "rate": curves.rate} for name, curves in given.items()}
        return archive.pack(KIND, SCHEMA, about, {name: curves.values for name, curves in given.items()})

    @classmethod
    def from_bytes(cls, data: bytes) -> Direction:
        """What `to_bytes` wrote; anything else is refused in one line."""
        remedy = "key it again"
        about, arrays = archive.unpack(KIND, SCHEMA, data, remedy)
        try:
            given = {
                name: Curves(values, tuple(about[name]["names"]), float(about[name]["rate"]))
                for name, values in arrays.items()
            }
            return cls(**given)
        except (ValueError, KeyError, TypeError) as error:
            raise archive.damaged(error, remedy) from error


UNDIRECTED = Direction()


def _at_rows(curves: Curves, rows: int, rate: float) -> Array:
    t, given = np.arange(rows) / rate, np.arange(len(curves.values)) / curves.rate
    columns = [np.interp(t, given, column) for column in curves.values.T]
    return np.stack(columns, axis=1).astype(np.float32)
