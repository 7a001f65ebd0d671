from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.core import channels
from addon.core.curves import Curves
from addon.core.errors import FormatError, RigError
from addon.core.rigs import CustomMap, Row
from addon.core.rigs.custom_keys import head_with, keyed
from addon.core.rigs.custom_toml import dumps, load, loads, save

HEAD = 'kind = "facewright-mapping"\nschema = 1\n'
ROW = '[[row]]\nchannel = "jawOpen"\nkey = "Drop"\n'

numbers = st.floats(-1000, 1000, allow_nan=False)
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40)


@st.composite
def rows(draw):
    low, high = sorted((draw(numbers), draw(numbers)))
    channel, key = draw(st.sampled_from(channels.ALL)), draw(names)
    return Row(channel, key, draw(numbers), draw(numbers), low, high, draw(st.booleans()))


tables = st.lists(rows(), max_size=8, unique_by=lambda row: (row.channel, row.key))
mappings = st.builds(
    CustomMap, tables.map(tuple), st.booleans(), st.sampled_from(["relative", "absolute", "share"])
)  # fmt: skip


@given(custom=mappings)
@settings(deadline=None, max_examples=50)
def test_a_mapping_comes_back_from_toml_to_the_last_bit(custom):
    again = loads("mine", dumps(custom))
    assert again == custom
    assert repr(again) == repr(custom)  # -0.0 equals 0.0
    assert dumps(again) == dumps(custom)


@given(custom=mappings)
@settings(deadline=None, max_examples=50)
def test_the_text_survives_the_disk(tmp_path_factory, custom):
    path = tmp_path_factory.getbasetemp() / "mapping.toml"
    save(path, custom)
    assert load(path) == custom
    assert path.read_bytes() == dumps(custom).encode()


def test_a_row_says_only_what_is_unusual():
    text = dumps(CustomMap((Row("jawOpen", 'Mund "auf"', gain=1.5),)))
    assert text == HEAD + '\n[[row]]\nchannel = "jawOpen"\nkey = "Mund \\u0022auf\\u0022"\ngain = 1.5\n'


def test_a_mapping_without_rows_is_one():
    assert loads("mine", HEAD) == CustomMap(())


def test_whole_numbers_are_numbers():
    assert loads("mine", HEAD + ROW + "gain = 2\nlow = -1").rows == (Row("jawOpen", "Drop", 2.0, low=-1.0),)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("row = ", "is no TOML: Invalid value"),
        ("[[row]]\ngain = 1\ngain = 2\n", "is no TOML: Cannot overwrite a value (at line 3"),
        ("a = " + "[" * 100_000, "is no TOML: it is nested too deep"),
        ("a = " + "9" * 10_000, "is no TOML"),
        ("", "says kind = \"facewright-mapping\""),
        ('title = "mine"\n', "unknown entry 'title'; known are kind, schema, only, closure, row"),
        ('kind = "facewright-curves"\nschema = 1', "another kind of TOML"),
        ('kind = "facewright-mapping"\nschema = 2', "is of schema 2; this version reads schema 1"),
        ('kind = "facewright-mapping"\nschema = true', "is of schema True"),
        ('kind = "facewright-mapping"', "is of schema a NoneType"),
        (HEAD + "row = 3", "has a row that is no table; write [[row]] above each"),
        (HEAD + "row = [3]", "has a row that is no table"),
        (HEAD + "only = 1", "only is true or false, not 1"),
        (HEAD + 'closure = "loose"', "closure is one of relative, absolute, share, not 'loose'"),
        (HEAD + "closure = []", "closure is one of relative, absolute, share, not a list"),
        (HEAD + ROW + "gain = nan", "row 1 (jawOpen to 'Drop'): gain must be -1000 to 1000, not nan"),
        (HEAD + ROW + "low = 1\nhigh = 0", "row 1 (jawOpen to 'Drop'): low 1 is above high 0; swap them"),
        (HEAD + ROW + ROW, "row 2 (jawOpen to 'Drop'): the same as row 1; remove one of them"),
        (HEAD + ROW.replace("jawOpen", "jawOpened"), "row 1: 'jawOpened' is no channel; nearest is jawOpen"),
        (HEAD + '[[row]]\nchannel = "jawOpen"', "row 1: it has no key; add key = ..."),
        (HEAD + ROW + "gain = 0x" + "f" * 9000, "gain must be -1000 to 1000, not a number of that size"),
    ],
)  # fmt: skip
def test_bad_toml_is_refused_in_one_line_that_names_the_file(tmp_path: Path, text, complaint):
    path = tmp_path / "hero.toml"
    path.write_text(text, encoding="utf-8")
    message = refusal(path)
    assert complaint in message
    assert "'hero.toml'" in message


def refusal(path: Path) -> str:
    with pytest.raises(RigError) as caught:
        load(path)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400
    return message


def test_the_mark_that_windows_editors_write_is_no_harm(tmp_path: Path):
    path = tmp_path / "hero.toml"
    path.write_bytes(b"\xef\xbb\xbf" + (HEAD + ROW).replace("\n", "\r\n").encode())
    assert load(path).rows == (Row("jawOpen", "Drop"),)


@pytest.mark.parametrize("data", [HEAD.encode("utf-16"), b"\xff\xfe\x00", "größe = 1".encode("latin-1")])
def test_text_in_another_encoding_is_refused(tmp_path: Path, data):
    path = tmp_path / "hero.toml"
    path.write_bytes(data)
    assert refusal(path) == "the mapping 'hero.toml' is not text in UTF-8; save it as UTF-8"


def test_a_huge_file_is_refused_without_being_read(tmp_path: Path):
    path = tmp_path / "hero.toml"
    with path.open("wb") as file:
        file.truncate(50 * 10**9)  # a hole: it takes no room
    assert refusal(path) == "the mapping 'hero.toml' is larger than 1000 kB, so it is none; choose another file"


def test_a_file_that_is_not_there_and_a_folder_are_refused(tmp_path: Path):
    assert "cannot be read: No such file" in refusal(tmp_path / "hero.toml")
    assert "cannot be read: Is a directory" in refusal(tmp_path)


def test_a_place_that_cannot_be_written_is_refused_and_nothing_is_left(tmp_path: Path):
    with pytest.raises(FormatError, match="its folder does not exist"):
        save(tmp_path / "gone" / "hero.toml", CustomMap(()))
    assert list(tmp_path.iterdir()) == []


def test_ten_thousand_rows_are_read_and_shown():
    custom = loads("many.toml", HEAD + "".join(ROW.replace("Drop", f"k{number}") for number in range(10_000)))
    head = head_with([row.key for row in custom.rows], custom)
    assert len(keyed(Curves(np.ones((2, 1), np.float32), ("jawOpen",), 50.0), head, 50.0).names) == 10_000
    with pytest.raises(RigError, match=r"row 10001 \(jawOpen to 'k7'\): the same as row 8; remove one of them"):
        loads("twice.toml", dumps(custom) + "\n" + ROW.replace("Drop", "k7"))
