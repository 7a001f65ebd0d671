"""A mapping as a TOML file, to be kept, shared and read by every door alike.

kind      "facewright-mapping", and schema, 1
only      true: keys without a row stay still; false, unless told: they move as they were recognised
closure   what rows of mouthClose set: "relative" (unless told), "absolute" or "share"; see RigMap
[[row]]   channel and key, and what differs from gain = 1, offset = 0, low = 0, high = 1, invert = false
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from ..errors import RigError, quoted, reason
from ..whole import written_whole
from .custom import OPTIONS, CustomMap, Row, build, told

KIND = "facewright-mapping"
SCHEMA = 1
MOST_BYTES = 1_000_000  # over ten thousand rows
ENTRIES = ("kind", "schema", "only", "closure", "row")


def load(path: Path) -> CustomMap:
    """The mapping in a file; a RigError names the file, the row and what is wrong with it."""
    where = f"the mapping {quoted(path.name)}"
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise RigError(f"{where} cannot be read: {reason(error)}; choose another file") from error
    if len(data) > MOST_BYTES:
        raise RigError(f"{where} is larger than {MOST_BYTES // 1000} kB, so it is none; choose another file")
    try:
        return loads(path.name, data.decode("utf-8-sig"))  # Windows' editors write a mark first
    except UnicodeDecodeError as error:
        raise RigError(f"{where} is not text in UTF-8; save it as UTF-8") from error


def loads(name: str, text: str) -> CustomMap:
    """The mapping that this TOML describes; `name` is what a RigError calls it."""
    where = f"the mapping {quoted(name)}"
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also numbers of thousands of digits
        raise RigError(f"{where} is no TOML: {reason(error)[:200]}") from error
    for entry in table:
        if entry not in ENTRIES:
            raise RigError(f"{where} has an unknown entry {quoted(entry)}; known are {', '.join(ENTRIES)}")
    if table.get("kind") != KIND:
        raise RigError(f'{where} is another kind of TOML; a mapping says kind = "{KIND}"')
    if isinstance(table.get("schema"), bool) or table.get("schema") != SCHEMA:
        raise RigError(f"{where} is of schema {told(table.get('schema'))}; this version reads schema {SCHEMA}")
    rows = table.get("row", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise RigError(f"{where} has a row that is no table; write [[row]] above each")
    return build(where, rows, table.get("only", False), table.get("closure", "relative"))


def dumps(custom: CustomMap) -> str:
    """TOML that `loads` turns back into the same mapping."""
    lines = [f'kind = "{KIND}"', f"schema = {SCHEMA}"]
    if custom.only:
        lines.append("only = true")
    if custom.closure != "relative":
        lines.append(f'closure = "{custom.closure}"')
    for row in custom.rows:
        lines += ["", "[[row]]", *_row(row)]
    return "\n".join(lines) + "\n"


def save(path: Path, custom: CustomMap) -> None:
    """Writes the file whole or not at all; a FormatError says why it cannot."""
    with written_whole(path) as file:
        file.write(dumps(custom))


def _row(row: Row) -> list[str]:
    usual = Row(row.channel, row.key)
    values = {name: getattr(row, name) for name in OPTIONS}
    told = {name: value for name, value in values.items() if name in ("channel", "key") or _differs(usual, name, value)}
    return [f"{name} = {_value(value)}" for name, value in told.items()]


def _differs(usual: Row, name: str, value: object) -> bool:
    return repr(value) != repr(getattr(usual, name))  # -0.0 is not 0.0


def _value(value: Any) -> str:
    if isinstance(value, str):
        escaped = "".join(f"\\u{ord(c):04X}" if ord(c) < 32 or c in '"\\\x7f' else c for c in value)
        return f'"{escaped}"'
    return str(value).lower() if isinstance(value, bool) else repr(value)
