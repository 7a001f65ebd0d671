"""Tables as text: commas, semicolons or tabs, decimal commas, quotes, byte-order marks, any line end, any length."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TextIO

import numpy as np

from ..curves import LARGEST, Array, are_sane
from ..errors import FormatError, quoted, reason

DELIMITERS = ",;\t"
BLOCK_ROWS = 2048  # in memory as text at a time, so that half a million rows cost no more than their numbers
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")  # what spreadsheets call Unicode text

Numbered = tuple[int, str]  # a line and its number in the file


@dataclass
class Block:
    """Rows of a table: line numbers, the text of the time column, and the values, (N, C)."""

    numbers: list[int]
    times: list[str]
    values: Array


@dataclass
class Table:
    """An open table: its header, then its rows in blocks; `kind` is what a refusal says that the file is not."""

    path: Path
    kind: str
    header: tuple[str, ...] = ()
    empty_rows: int = 0  # rows with a time and no values
    is_cut: bool = False  # whether the last row is not whole
    _file: TextIO | None = field(default=None, repr=False)
    _delimiter: str = ","
    _line: int = 0

    def __enter__(self) -> Table:
        try:
            with self.path.open("rb") as raw:
                encoding = "utf-16" if raw.read(2) in UTF_16_MARKS else "utf-8-sig"
            self._file = self.path.open(encoding=encoding)
            self.header = self._header()
        except OSError as error:
            raise FormatError(f"{quoted(self.path)} cannot be read: {reason(error)}") from error
        except (UnicodeError, csv.Error) as error:
            self.__exit__(None, None, None)
            raise self._no_text() from error
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()

    def blocks(self, time: int, columns: Sequence[int]) -> Iterator[Block]:
        """The rows that have values, with these columns as numbers; a FormatError names the row that cannot be read."""
        try:
            waiting = self._lines(1)
            while waiting:
                lines = waiting + self._lines(BLOCK_ROWS - 1)
                waiting = self._lines(1)  # one line ahead tells which is the last
                yield self._block(lines, time, list(columns), is_last=not waiting)
        except (UnicodeError, csv.Error) as error:
            raise self._no_text() from error

    def refuse(self, number: int, fault: str) -> FormatError:
        """What is wrong with one line, for the caller to raise."""
        return FormatError(f"{quoted(self.path)}, line {number}: {fault}")

    def _no_text(self) -> FormatError:
        return FormatError(f"{quoted(self.path)} is not {self.kind}: it is not a CSV text")

    def _header(self) -> tuple[str, ...]:
        lines = self._lines(1)
        if not lines:
            return ()
        self._delimiter = max(DELIMITERS, key=lines[0][1].count)
        return tuple(cell.strip() for cell in next(csv.reader([lines[0][1]], delimiter=self._delimiter)))

    def _lines(self, count: int) -> list[Numbered]:
        """The next lines that are not empty."""
        lines: list[Numbered] = []
        while self._file and len(lines) < count:
            batch = list(islice(self._file, count - len(lines)))
            if not batch:
                break
            lines += [(self._line + i, text) for i, text in enumerate(batch, 1) if text.strip(f" \r\n{DELIMITERS}")]
            self._line += len(batch)
        return lines

    def _block(self, lines: list[Numbered], time: int, columns: list[int], is_last: bool) -> Block:
        lines, delimiter = self._plain(lines)
        width = len(self.header) - 1
        if any(text.count(delimiter) != width for _number, text in lines):
            lines = self._whole(lines, delimiter, min(columns), is_last)
        values = self._numbers(lines, delimiter, columns)
        if values is None:  # rows with a time and empty cells, or something that is no number
            lines = self._whole(lines, delimiter, min(columns), is_last)
            values = self._numbers(lines, delimiter, columns)
        if values is None or not are_sane(values):
            raise self._culprit(lines, delimiter, columns)
        times = [text.split(delimiter, time + 1)[time].strip() for _number, text in lines]
        return Block([number for number, _text in lines], times, values)

    def _plain(self, lines: list[Numbered]) -> tuple[list[Numbered], str]:
        """The lines without quotes and with decimal points, and what stands between their cells."""
        if any('"' in text for _number, text in lines):
            rows = csv.reader([text for _number, text in lines], delimiter=self._delimiter)
            cells = ["\t".join(cell.replace(",", ".") for cell in row) for row in rows]
            if len(cells) != len(lines):
                raise self.refuse(lines[0][0], "from here on a quotation mark is missing")
            return [(number, text) for (number, _), text in zip(lines, cells, strict=True)], "\t"
        if self._delimiter != ",":
            lines = [(number, text.replace(",", ".")) for number, text in lines]
        return lines, self._delimiter

    def _whole(self, lines: list[Numbered], delimiter: str, first: int, is_last: bool) -> list[Numbered]:
        """The lines that have values; one of another length than the header is refused, unless the file ends in it."""
        kept = []
        for index, (number, text) in enumerate(lines):
            bare = text.rstrip(f" \r\n{delimiter}")
            cells, here = bare.count(delimiter) + 1, text.count(delimiter) + 1
            if cells <= first:
                self.empty_rows += 1
            elif here == len(self.header) or cells == len(self.header):
                kept.append((number, text))
            elif is_last and index == len(lines) - 1 and here < len(self.header):
                self.is_cut = True
            else:
                hint = "; write decimal points, or semicolons between values" if here > 1.5 * len(self.header) else ""
                raise self.refuse(number, f"{here} cells, where the first row names {len(self.header)}{hint}")
        return kept

    def _numbers(self, lines: list[Numbered], delimiter: str, columns: list[int]) -> Array | None:
        """The columns' values, (N, C); None if one of them is no number."""
        if not lines:
            return np.zeros((0, len(columns)), np.float32)
        try:
            with warnings.catch_warnings(), np.errstate(over="ignore"):
                warnings.simplefilter("error")
                texts = [text for _number, text in lines]
                values = np.loadtxt(texts, np.float32, None, delimiter, usecols=columns, ndmin=2)
        except (ValueError, Warning):
            return None
        return values

    def _culprit(self, lines: list[Numbered], delimiter: str, columns: list[int]) -> FormatError:
        """The first cell that is no number, by line and column."""
        for number, text in lines:
            cells = text.split(delimiter)
            for column in columns:
                cell = cells[column].strip()
                if not _is_number(cell):
                    what = f"is {quoted(cell)}, not a number up to {LARGEST:g}" if cell else "is empty"
                    return self.refuse(number, f"{self.header[column]} {what}")
        return self.refuse(lines[0][0], "something from here on is not a number")


def _is_number(cell: str) -> bool:
    try:
        return abs(float(cell)) <= LARGEST
    except ValueError:
        return False
