from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from model_training import align, bursts, corpora, evaluate, realign, robustness, worst
from model_training.corpora import CorpusError
from model_training.groups import read_speakers
from model_training.phones import Phone, read_phones

HEADER = "path\tseconds\tspeaker\tlanguage\tlicence\ttext\n"


def write(folder: Path, text: str) -> Path:
    table = folder / "speech.tsv"
    table.write_text(text, encoding="utf-8")
    return table


def test_a_table_is_read_in_its_order_with_files_beside_it(tmp_path: Path) -> None:
    table = write(tmp_path, HEADER + "b/2.wav\t2.5\tann\ten-US\tCC0-1.0\tHello\na/1.wav\t1\tbob\tde-DE\tCC0-1.0\t\n")
    first, second = corpora.read(table)
    assert (first.path, first.seconds, first.folder) == ("b/2.wav", 2.5, "b")
    assert second.file == tmp_path / "a" / "1.wav"
    assert second.text == ""


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "no rows"),
        ("path\tseconds\na.wav\t1\n", "'speaker'"),
        (200_000 * "x", "field larger than field limit"),
        (HEADER + "a.wav\tlong\tann\ten\tCC0-1.0\tHi\n", "line 2"),
        (HEADER + "a.wav\tinf\tann\ten\tCC0-1.0\tHi\n", "line 2"),
        (HEADER + "a.wav\t1\tann\n", "line 2 is cut off"),
        (HEADER + "a.wav\t-1\tann\ten\tCC0-1.0\tHi\n", "line 2"),
        (HEADER + 2 * "a.wav\t1\tann\ten\tCC0-1.0\tHi\n", "'a.wav' 2 times"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(CorpusError, match=named) as error:
        corpora.read(write(tmp_path, text))
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_table_is_one_line_wherever_a_table_is_read(tmp_path: Path) -> None:
    for read in (corpora.read, read_phones, read_speakers):
        with pytest.raises(CorpusError, match="cannot read .*field larger than field limit"):
            read(write(tmp_path, 200_000 * "x"))


def test_phone_times_are_read_as_a_spreadsheet_writes_them(tmp_path: Path) -> None:
    table = write(tmp_path, "\ufeffpath\tphone\tstart_s\tend_s\r\na/1.wav\tM\t0\t0.5\r\n")
    assert read_phones(table) == {"a/1.wav": [Phone("m", 0.0, 0.5)]}


def test_a_missing_table_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="none.tsv"):
        corpora.read(tmp_path / "none.tsv")


@pytest.mark.parametrize("command", [align, bursts, evaluate, realign, robustness, worst])
def test_a_folder_that_is_asked_for_in_vain_is_named_though_others_are_there(
    command: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = write(tmp_path, HEADER + "a/1.wav\t1\tann\ten\tx\tHi\nb/1.wav\t1\tann\ten\tx\tHi\n")
    told = {"--corpus": table, "--phones": tmp_path / "phones.tsv", "--out": tmp_path / "out", "--checkpoint": table}
    lacks = {align: ["--phones", "--checkpoint"], realign: [], bursts: ["--checkpoint"], worst: ["--checkpoint"]}
    left_out = lacks.get(command, ["--out", "--checkpoint"])
    given = [str(part) for option in told.items() if option[0] not in left_out for part in option]
    assert command.main([*given, "--folders", "a", "bb"]) == 2
    assert capsys.readouterr().err == "error: the corpus has no folder 'bb' to choose: known are a, b\n"
    assert not (tmp_path / "out").exists()


def test_folders_languages_and_limits_select(tmp_path: Path) -> None:
    rows = "".join(
        f"{f}/{i}.wav\t1\ts\t{lang}\tx\thi\n" for f, lang in (("a", "en-US"), ("b", "de-DE")) for i in range(3)
    )
    table = corpora.read(write(tmp_path, HEADER + rows))
    assert {u.folder for u in corpora.select(table, languages=["en"])} == {"a"}
    assert [u.path for u in corpora.select(table, limit=1)] == ["a/0.wav", "b/0.wav"]
    assert [u.path for u in corpora.select(table, folders=["b"], limit=2)] == ["b/0.wav", "b/1.wav"]
    with pytest.raises(CorpusError, match="no folder 'c' to choose: known are a, b"):
        corpora.select(table, folders=["c"])
