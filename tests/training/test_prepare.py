"""What may be trained on, and the shard that it becomes."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from model_training import config, corpora, prepare
from model_training.articulation import ROW_SAMPLES
from model_training.corpora import CorpusError
from model_training.phones import INVENTORY, Phone, read_phones

from .conftest import CONFIGS


def test_an_actors_other_lines_stay_in_where_speakers_need_not_be_apart(corpus: Path) -> None:
    lines = corpora.read(corpus / "speech.tsv")
    actor = [dataclasses.replace(line, speaker="actor") for line in lines]
    apart = config.CorpusSettings(development=(lines[0].folder,))
    assert not prepare.choose(actor, apart)[0]
    chosen, why = prepare.choose(actor, dataclasses.replace(apart, speakers_apart=False))
    assert chosen
    assert all(line.folder != lines[0].folder for line in chosen)
    assert "dropped: speaks in the development set" not in why


def test_development_speakers_and_texts_stay_unheard(corpus: Path) -> None:
    utterances = corpora.read(corpus / "speech.tsv")
    held = utterances[0]
    settings = config.CorpusSettings(development=(held.folder,))
    copied = [dataclasses.replace(u, text=held.text) if i == 1 else u for i, u in enumerate(utterances)]
    chosen, why = prepare.choose(copied, settings)
    assert all(u.folder != held.folder and u.text != held.text for u in chosen)
    assert why["dropped: text of the development set"] == 1
    assert len(chosen) + sum(why.values()) == len(utterances)


def test_texts_are_compared_in_any_script_and_those_without_words_not_at_all(corpus: Path) -> None:
    held, *others = corpora.read(corpus / "speech.tsv")[:6]
    settings = config.CorpusSettings(languages=("en", "ru"), development=(held.folder,))
    for told, said in (
        ("Мама мыла раму.", {"МАМА МЫЛА РАМУ": False, "Папа пил чай.": True, "1 2": True}),
        ("Été à Łódź, 1,500", {"ete a łódź 1500!": False, "ete a łódz 1501": True}),
        ("...", {"?!": True, "Папа": True}),
    ):
        lines = [dataclasses.replace(held, text=told)]
        lines += [dataclasses.replace(one, text=text) for one, text in zip(others, said, strict=False)]
        chosen, _ = prepare.choose(lines, settings)
        assert {one.text for one in chosen} == {text for text, kept in said.items() if kept}


def test_a_shard_holds_the_recording_to_the_last_bit_but_one(corpus: Path, shard: Path) -> None:
    line = prepare.read_lines(shard)[2]
    whole, _ = soundfile.read(corpus / line.path, dtype="int16")
    kept = prepare.open_shard(shard).samples[line.first_row * ROW_SAMPLES :][: line.rows * ROW_SAMPLES]
    assert len(whole) - ROW_SAMPLES < len(kept) <= len(whole)
    assert np.abs(kept.astype(int) - whole[: len(kept)]).max() <= 1


def test_preparing_again_after_a_kill_gives_the_same_shard(corpus: Path, shard: Path, tmp_path: Path) -> None:
    chosen, _ = prepare.choose(corpora.read(corpus / "speech.tsv"), config.load(CONFIGS / "tiny.toml").corpus)
    phones = read_phones(corpus / "phones.tsv")
    prepare.prepare(chosen[:2], phones, tmp_path)
    with (tmp_path / "samples.i16").open("ab") as file:
        file.write(b"half a line")  # written, but never entered in the index
    prepare.prepare(chosen, phones, tmp_path)
    for name in ("lines.tsv", "samples.i16", "targets.f16", "phones.u8"):
        assert (tmp_path / name).read_bytes() == (shard / name).read_bytes()


def test_a_shard_with_lines_that_are_left_out_now_is_refused(corpus: Path, shard: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(shard, tmp_path / "shard")
    index = (copy / "lines.tsv").read_bytes()
    fewer = [one for one in corpora.read(corpus / "speech.tsv") if one.folder == "en-us"]
    with pytest.raises(CorpusError, match=r"shard' holds [0-9]+ lines that this config leaves out: choose another"):
        prepare.prepare(fewer, read_phones(corpus / "phones.tsv"), copy)
    assert (copy / "lines.tsv").read_bytes() == index


def test_a_shard_of_other_phone_times_is_refused_and_left_as_it_is(corpus: Path, shard: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(shard, tmp_path / "shard")
    chosen, _ = prepare.choose(corpora.read(corpus / "speech.tsv"), config.load(CONFIGS / "tiny.toml").corpus)
    phones = read_phones(corpus / "phones.tsv")
    burst = {path: [_bursting_early(phone) for phone in line] for path, line in phones.items()}
    later = {
        path: [p._replace(start_s=p.start_s + 0.03, end_s=p.end_s + 0.03) for p in line]
        for path, line in phones.items()
    }
    fewer = {path: line for path, line in phones.items() if path != chosen[-1].path}
    for other, told in (
        (burst, "was prepared from other phone times"),
        (later, "was prepared from other phone times"),
        (fewer, "holds 1 lines that these phone times leave out"),
    ):
        with pytest.raises(CorpusError, match=told):
            prepare.prepare(chosen, other, copy)
    for name in ("lines.tsv", *prepare.ROW_BYTES):
        assert (copy / name).read_bytes() == (shard / name).read_bytes()


def _bursting_early(phone: Phone) -> Phone:
    return phone._replace(burst_s=phone.start_s + 0.02) if phone.name in ("p", "b") else phone


def test_a_shard_that_is_cut_off_does_not_go_on(corpus: Path, shard: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(shard, tmp_path / "shard")
    chosen, _ = prepare.choose(corpora.read(corpus / "speech.tsv"), config.load(CONFIGS / "tiny.toml").corpus)
    with (copy / "targets.f16").open("r+b") as file:
        file.truncate((copy / "targets.f16").stat().st_size // 2)
    with pytest.raises(CorpusError, match="targets.f16 is shorter than lines.tsv says"):
        prepare.prepare(chosen, read_phones(corpus / "phones.tsv"), copy)


def test_rows_in_a_gap_between_phones_are_a_pause() -> None:
    phones = [Phone("aa", 0.0, 0.04), Phone("m", 0.08, 0.12)]
    assert prepare.rows_of(phones, 8).tolist() == [
        INVENTORY.index(name) for name in "aa aa sil sil m m sil sil".split()
    ]


def test_lines_without_phones_are_dropped_and_counted(corpus: Path, tmp_path: Path) -> None:
    outcome = prepare.prepare(corpora.read(corpus / "speech.tsv")[:2], {}, tmp_path)
    assert outcome == {"dropped: not aligned": 2}
    with pytest.raises(CorpusError, match="empty"):
        prepare.open_shard(tmp_path)


@pytest.mark.parametrize("name", prepare.ROW_BYTES)
def test_a_shard_that_is_cut_off_is_told(shard: Path, tmp_path: Path, name: str) -> None:
    copy = shutil.copytree(shard, tmp_path / "shard")
    with (copy / name).open("r+b") as file:
        file.truncate((copy / name).stat().st_size - 1)
    with pytest.raises(CorpusError, match=f"{name} is shorter than lines.tsv says"):
        prepare.open_shard(copy)
    (copy / name).unlink()
    with pytest.raises(CorpusError, match=f"{name} is shorter than lines.tsv says"):
        prepare.open_shard(copy)


def test_a_place_that_cannot_be_written_is_one_line(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, phones = str(corpus / "speech.tsv"), str(corpus / "phones.tsv")
    (tmp_path / "file").write_text("in the way")
    inputs = ["--config", str(CONFIGS / "tiny.toml"), "--corpus", table, "--phones", phones]
    assert prepare.main([*inputs, "--out", str(tmp_path / "file")]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "file" in err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a\tb\n", "is not what model_training.prepare writes"),
        (b"a\tb\tc\tfirst\t1\n", "is not what model_training.prepare writes"),
        (b"\xff\n", "is not what model_training.prepare writes"),
        (b"a\tb\tc\t-7\t9\n", "names rows that do not follow one another"),
        (b"a\tb\tc\t0\t9\nd\tb\tc\t8\t9\n", "names rows that do not follow one another"),
    ],
)
def test_an_index_that_somebody_has_edited_is_told(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "lines.tsv").write_bytes(content)
    with pytest.raises(CorpusError, match=said) as refusal:
        prepare.open_shard(tmp_path)
    assert len(str(refusal.value).splitlines()) == 1


def test_a_path_with_a_line_end_of_unicode_is_one_path(tmp_path: Path) -> None:
    (tmp_path / "lines.tsv").write_text("a\u2028b.wav\tanna\t\t0\t9\n", encoding="utf-8")
    assert [line.path for line in prepare.read_lines(tmp_path)] == ["a\u2028b.wav"]
