"""Phones and their times: the ARPAbet classes that articulation and scoring share, and the TSV that holds them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from addon.core.errors import reason

from .corpora import CorpusError

VOWELS = ("aa", "ae", "ah", "ao", "aw", "ay", "eh", "er", "ey", "ih", "iy", "ow", "oy", "uh", "uw")
CONSONANTS = (
    "b", "ch", "d", "dh", "f", "g", "hh", "jh", "k", "l", "m", "n", "ng", "p", "r", "s", "sh", "t", "th", "v", "w",
    "y", "z", "zh",
)  # fmt: skip
INVENTORY = ("sil", *VOWELS, *CONSONANTS)  # 40 classes
STOPS = ("p", "b", "t", "d", "k", "g", "ch", "jh")
PAUSES = ("sil", "sp", "")  # what aligners call a pause


class Phone(NamedTuple):
    """One phone, lower case without stress, from start_s to end_s; burst_s is when a stop's closure ends, if known."""

    name: str
    start_s: float
    end_s: float
    burst_s: float | None = None


def read_phones(table: Path) -> dict[str, list[Phone]]:
    """Phones of every path of a TSV with the columns path, phone, start_s, end_s; stress digits are dropped.

    A column burst_s is read where there is one.
    """
    phones: dict[str, list[Phone]] = {}
    try:
        with table.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                name = row["phone"].lower().rstrip("012")
                burst_s = float(row["burst_s"]) if row.get("burst_s") else None
                phone = Phone("sil" if name in PAUSES else name, float(row["start_s"]), float(row["end_s"]), burst_s)
                phones.setdefault(row["path"], []).append(phone)
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise CorpusError(
            f"cannot read phone times from {str(table)!r} ({reason(error)}): its columns are path, phone, start_s "
            "and end_s"
        ) from error
    return phones


def energy_db(samples: npt.NDArray[np.float32], rate: int, hop_s: float) -> npt.NDArray[np.float32]:
    """Loudness over time, (T,) dB, in frames of three hops around each hop; silence is -100."""
    hop = round(hop_s * rate)
    count = -(-len(samples) // hop)
    squared = np.zeros(count * hop, np.float32)
    squared[: len(samples)] = samples**2
    power = np.convolve(squared.reshape(count, hop).mean(axis=1), np.ones(3) / 3, mode="same")
    return np.asarray(10 * np.log10(power + 1e-10), np.float32)
