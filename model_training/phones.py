"""Phones and their times: the ARPAbet classes that articulation and scoring share, and the TSV that holds them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from addon.core.errors import quoted, reason

from .corpora import CorpusError

VOWELS = ("aa", "ae", "ah", "ao", "aw", "ay", "eh", "er", "ey", "ih", "iy", "ow", "oy", "uh", "uw")
CONSONANTS = (
    "b", "ch", "d", "dh", "f", "g", "hh", "jh", "k", "l", "m", "n", "ng", "p", "r", "s", "sh", "t", "th", "v", "w",
    "y", "z", "zh",
)  # fmt: skip
INVENTORY = ("sil", *VOWELS, *CONSONANTS)  # 40 classes
STOPS = ("p", "b", "t", "d", "k", "g", "ch", "jh")
PAUSES = ("sil", "sp", "")  # what aligners call a pause
COLUMNS = ("path", "phone", "start_s", "end_s", "burst_s")  # of a table; the last may be missing
LATEST_S = 86_400.0  # a day; a time beyond it is no time in a line
HEADER = "\t".join(COLUMNS) + "\n"


class Phone(NamedTuple):
    """One phone, lower case without stress, from start_s to end_s; burst_s is when a stop's closure ends, if known."""

    name: str
    start_s: float
    end_s: float
    burst_s: float | None = None


def rows_of_table(path: str, phones: Iterable[Phone]) -> str:
    """A line's rows of a table of phone times, under HEADER."""
    bursts = (("" if p.burst_s is None else f"{p.burst_s:.3f}", p) for p in phones)
    return "".join(f"{path}\t{p.name}\t{p.start_s:.3f}\t{p.end_s:.3f}\t{burst}\n" for burst, p in bursts)


def read_phones(table: Path) -> dict[str, list[Phone]]:
    """Phones of every path of a TSV with the columns path, phone, start_s, end_s; stress digits are dropped.

    A column burst_s is read where there is one.
    """
    phones: dict[str, list[Phone]] = {}
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                phones.setdefault(row["path"], []).append(_phone(row, table))
    except (OSError, KeyError, ValueError, TypeError, AttributeError, csv.Error) as error:
        raise CorpusError(
            f"cannot read phone times from {quoted(table)} ({reason(error)}): its columns are path, phone, start_s "
            "and end_s"
        ) from error
    return phones


def _phone(row: Mapping[str | None, str], table: Path) -> Phone:
    """What a row tells; times that cannot be, and more cells than the heading has, are an error that names the path."""
    name = row["phone"].lower().rstrip("012")
    burst_s = float(row["burst_s"]) if row.get("burst_s") else None
    start_s, end_s = float(row["start_s"]), float(row["end_s"])
    told = f"{quoted(table)} has a row of {row['path']!r}"
    if not 0 <= start_s <= end_s <= LATEST_S or not 0 <= (burst_s or 0.0) <= LATEST_S:
        raise CorpusError(f"{told} from {row['start_s']} to {row['end_s']} s: mend its times, or take the line out")
    if None in row:
        raise CorpusError(f"{told} with more cells than its heading: join tables only under {' '.join(COLUMNS)}")
    return Phone("sil" if name in PAUSES else name, start_s, end_s, burst_s)


def energy_db(samples: npt.NDArray[np.float32], rate: int, hop_s: float) -> npt.NDArray[np.float32]:
    """Loudness over time, (T,) dB, in frames of three hops around each hop; silence is -100."""
    hop = round(hop_s * rate)
    count = -(-len(samples) // hop)
    squared = np.zeros(count * hop, np.float32)
    squared[: len(samples)] = samples**2
    power = np.convolve(squared.reshape(count, hop).mean(axis=1), np.ones(3) / 3)[1:-1]  # "same" gives three for one
    return np.asarray(10 * np.log10(power + 1e-10), np.float32)
