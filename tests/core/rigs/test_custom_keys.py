from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from addon.cli import main
from addon.core import channels, formats
from addon.core.curves import Curves
from addon.core.errors import RigError
from addon.core.rigs import CustomMap, Row, custom_toml, detect, mapped
from addon.core.rigs.custom_keys import head_of, keyed, names_in

from .conftest import speech

ROWS = CustomMap((Row("jawOpen", "Jaw Drop", 0.5), Row("mouthClose", "Seal")))


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    custom_toml.save(tmp_path / "hero.toml", ROWS)
    return tmp_path / "hero.toml"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "keys.txt"
    path.write_text("\ufeffBasis\r\nJaw Drop\r\nSeal\r\n\r\nBrow_Inner_Up\r\nmouthFunnel\r\nJaw Drop\r\n", "utf-8")
    return path


def test_a_list_of_keys_is_read_as_it_is_written(keys: Path):
    assert names_in(keys) == ("Basis", "Jaw Drop", "Seal", "Brow_Inner_Up", "mouthFunnel")


def test_a_head_is_known_by_its_keys_its_mapping_or_both(keys: Path, mapping: Path):
    assert set(head_of(keys, mapping).controls) == {"Jaw Drop", "Seal", "Brow_Inner_Up", "mouthFunnel"}
    assert set(head_of(keys, None).controls) == {"Brow_Inner_Up", "mouthFunnel"}
    assert head_of(None, mapping).controls == ("Jaw Drop", "Seal")


def test_a_head_that_would_not_move_is_refused_in_one_line(tmp_path: Path):
    (tmp_path / "keys.txt").write_text("Zonk\n")
    with pytest.raises(RigError, match="this head would not move: None of the 1 keys has a name that is known"):
        head_of(tmp_path / "keys.txt", None)


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", "is empty"), (b"\n \n", "is empty"), (b"\xff\xfe", "is not text"), (b"a\n" * 600_000, "is larger than")],
)
def test_a_list_that_is_none_is_refused(tmp_path: Path, data: bytes, reason: str):
    (tmp_path / "keys.txt").write_bytes(data)
    with pytest.raises(RigError, match=rf"the list of keys 'keys.txt' {reason}.*; write a key's name on each line"):
        names_in(tmp_path / "keys.txt")


def test_closures_survive_another_rate(keys: Path, mapping: Path):
    mouth = speech(2.0)
    shown = keyed(mouth, head_of(keys, mapping), 12.0)
    assert shown.rate == 12
    gap = shown.column("Jaw Drop") - shown.column("Seal")
    assert gap.min() <= 1e-6
    assert gap.max() > 0.1


def raw(path: Path) -> Curves:
    """Every column of a file, under the name that it has there."""
    if path.suffix == ".json":
        return formats.as_named(path).curves
    with np.load(path) as file:
        return Curves(file["values"], tuple(file["names"].tolist()), float(file["rate"]))


@pytest.mark.parametrize("output", ["a.json", "a.npz"])
def test_the_command_line_writes_what_a_bake_would_set(tmp_path: Path, keys, mapping, output, capsys):
    formats.write(tmp_path / "take.json", speech(2.0))
    command = ["convert", tmp_path / "take.json", "-o", tmp_path / output, "--keys", keys, "--mapping", mapping]
    assert main([str(item) for item in command]) == 0
    assert "mapped by hand" in capsys.readouterr().err
    written = raw(tmp_path / output)  # a reader of takes looks for channels alone
    head = mapped(detect(names_in(keys)), ROWS)
    expected = head.rig.controls(formats.read(tmp_path / "take.json"), head.controls)
    assert set(written.names) == set(head.controls)
    np.testing.assert_allclose(written.select(expected.names).values, expected.values, atol=1e-5)


@pytest.mark.parametrize("output", ["a.csv", "a.a2f.json"])
def test_a_format_of_fixed_names_is_refused_before_the_work(tmp_path: Path, mapping, output, capsys):
    formats.write(tmp_path / "take.json", speech(0.1).select(channels.ARKIT))
    command = ["convert", tmp_path / "take.json", "-o", tmp_path / output, "--mapping", mapping]
    assert main([str(item) for item in command]) == 2
    assert f"'{output}' has no place for a head's own keys; use .json or .npz" in capsys.readouterr().err
    assert not (tmp_path / output).exists()
