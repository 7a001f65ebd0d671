from __future__ import annotations

import dataclasses
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import soundfile

from model_training import align, corpora, espeak, labels
from model_training.corpora import CorpusError
from model_training.phones import Phone, read_phones

LINE = "bob and mabel put a pebble by the pump"


def utterance(folder: Path, text: str, samples: np.ndarray, rate: int = 22050) -> corpora.Utterance:
    file = folder / "line.wav"
    soundfile.write(file, samples, rate)
    return corpora.Utterance("line.wav", file, len(samples) / rate, "ann", "en-US", "CC0-1.0", text)


def test_alignment_finds_the_phones_where_the_synthesiser_put_them(tmp_path: Path) -> None:
    samples, rate, phones = espeak.speak(LINE, "en-us")
    aligned = align.align_utterance(utterance(tmp_path, LINE, samples, rate))
    assert aligned.reason == ""
    exact = [p.start_s for p in phones if p.name in ("b", "p", "m")]
    found = [p.start_s for p in aligned.phones if p.name in ("b", "p", "m")]
    assert len(found) == len(exact)
    assert np.median(np.abs(np.subtract(found, exact))) < 0.02


def test_words_that_no_dictionary_holds_are_still_aligned(tmp_path: Path) -> None:
    text = "zorblax put the pump by fribbleton"
    samples, rate, _ = espeak.speak(text, "en-us")
    aligned = align.align_utterance(utterance(tmp_path, text, samples, rate))
    assert aligned.reason == ""
    assert aligned.phones[0].name in ("z", "sil")


def test_phones_cover_the_file_without_gap_or_overlap(tmp_path: Path) -> None:
    samples, rate, _ = espeak.speak(LINE, "en-us")
    quiet = np.zeros(rate // 2, np.float32)
    phones = align.align_utterance(utterance(tmp_path, LINE, np.concatenate([quiet, samples, quiet]), rate)).phones
    assert phones[0].name == phones[-1].name == "sil"
    assert all(abs(a.end_s - b.start_s) < 1e-6 for a, b in zip(phones, phones[1:], strict=False))
    assert abs(phones[1].start_s - 0.5) < 0.06


def test_what_cannot_be_aligned_says_why(tmp_path: Path) -> None:
    samples, rate, _ = espeak.speak(LINE, "en-us")
    assert align.align_utterance(utterance(tmp_path, "", samples, rate)).reason == "no text"
    missing = corpora.Utterance("x.wav", tmp_path / "x.wav", 1, "ann", "en", "x", LINE)
    assert align.align_utterance(missing).reason == "missing file"
    assert "tenth of a second" in align.align_utterance(utterance(tmp_path, LINE, samples[:100], rate)).reason
    soundfile.write(missing.file, np.full(rate, np.nan, np.float32), rate, subtype="FLOAT")
    assert "not a number" in align.align_utterance(missing).reason


def test_an_interrupted_alignment_goes_on_and_mends_the_last_line(corpus: Path, tmp_path: Path) -> None:
    utterances = corpora.read(corpus / "speech.tsv")[:3]
    out = tmp_path / "phones.tsv"
    align.align_corpus(utterances, out, workers=1)
    whole, whole_phones = out.read_text(encoding="utf-8"), read_phones(out)
    out.write_text(whole[: int(len(whole) * 0.8)], encoding="utf-8")  # killed in the middle of a row
    outcome = align.align_corpus(utterances, out, workers=1)
    mended = read_phones(out)
    assert list(mended) == list(whole_phones)
    for path, phones in whole_phones.items():  # times may differ by a frame: the aligner adapts to what it heard
        assert [p.name for p in mended[path] if p.name != "sil"] == [p.name for p in phones if p.name != "sil"]
        assert mended[path][-1].end_s == phones[-1].end_s
    assert outcome["already aligned"] >= 1
    assert sum(outcome.values()) == len(utterances)


def test_what_was_dropped_is_tried_again_and_what_is_not_asked_for_stays(corpus: Path, tmp_path: Path) -> None:
    first, second, third = corpora.read(corpus / "speech.tsv")[:3]
    mute, gone = dataclasses.replace(first, text=""), dataclasses.replace(second, file=tmp_path / "none.wav")
    out, dropped = tmp_path / "phones.tsv", tmp_path / "phones.dropped.tsv"
    assert sum(align.align_corpus([third, mute, gone], out, workers=1).values()) == 3
    assert dropped.read_text(encoding="utf-8") == f"{mute.path}\tno text\n{gone.path}\tmissing file\n"
    assert align.align_corpus([first], out, workers=1) == {"kept": 1}
    assert list(read_phones(out)) == [third.path, first.path]
    assert dropped.read_text(encoding="utf-8") == f"{gone.path}\tmissing file\n"


def test_a_table_without_bursts_goes_on_with_a_column_for_them(tmp_path: Path) -> None:
    out, lines = tmp_path / "phones.tsv", [corpora.Utterance(p, tmp_path / p, 1, "ann", "en", "x", "") for p in "abc"]
    out.write_text("path\tphone\tstart_s\tend_s\na\taa\t0.000\t0.100\nb\taa\t0.000\t0.1", encoding="utf-8")
    assert [one.path for one in labels.unwritten(lines[1:], out)] == ["b", "c"]
    labels.write([labels.Labelled("b", (Phone("p", 0.0, 0.1, 0.06),))], out, 1, "aligning")
    told = "path\tphone\tstart_s\tend_s\tburst_s\na\taa\t0.000\t0.100\t\nb\tp\t0.000\t0.100\t0.060\n"
    assert out.read_text(encoding="utf-8") == told


def test_a_file_that_is_no_table_of_phones_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.tsv").write_bytes(b"here before\xff\n")
    with pytest.raises(CorpusError, match=r"mine.tsv' is no table of phone times"):
        labels.unwritten([], tmp_path / "mine.tsv")
    assert (tmp_path / "mine.tsv").read_bytes() == b"here before\xff\n"


def test_a_process_that_dies_is_one_line(tmp_path: Path) -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        died = pool.map(os._exit, [1])
        with pytest.raises(CorpusError, match="a process that aligns has died, .*: give fewer --workers"):
            labels.write(died, tmp_path / "phones.tsv", 1, "aligning")  # type: ignore[arg-type]


def test_words_keep_what_lies_under_an_accent_and_numbers_their_thousands() -> None:
    assert align.words_of("The Café’s naïve, 1,500 fiancées!") == ["the", "cafe's", "naive", "1500", "fiancees"]
    assert align.words_of("2,000,000 or 1,50 or 12,3456") == ["2000000", "or", "1", "50", "or", "12", "3456"]


def test_a_pause_is_moved_to_where_the_energy_falls() -> None:
    rng = np.random.default_rng(0)
    samples = 0.1 * rng.standard_normal(16000).astype(np.float32)
    samples[6400:11200] *= 0.001  # quiet from 0.4 to 0.7 s
    heard = [Phone("aa", 0.0, 0.46), Phone("sil", 0.46, 0.66), Phone("iy", 0.66, 1.0)]
    settled = align.settle_pauses(heard, samples)
    assert [p.name for p in settled] == ["aa", "sil", "iy"]
    assert abs(settled[1].start_s - 0.4) < 0.025
    assert abs(settled[1].end_s - 0.7) < 0.025


@pytest.mark.parametrize(
    ("after", "ends_s", "starts_s"), [("ae", 0.8, 0.7), ("dh", 0.7, 0.66), ("b", 0.72, 0.6)], ids=["ae", "dh", "b"]
)
def test_a_pause_that_was_taken_for_the_next_phone_is_found(after: str, ends_s: float, starts_s: float) -> None:
    rng = np.random.default_rng(0)
    samples = 0.1 * rng.standard_normal(16000).astype(np.float32)
    samples[6080:11200] *= 0.001  # quiet from 0.38 to 0.7 s
    heard = [Phone("aa", 0.0, 0.4), Phone(after, 0.4, ends_s), Phone("iy", ends_s, 1.0)]
    settled = align.settle_pauses(heard, samples)
    assert [p.name for p in settled] == ["aa", "sil", after, "iy"]
    assert settled[1].start_s == pytest.approx(0.38, abs=0.025)
    assert settled[2].start_s == pytest.approx(starts_s, abs=0.025)
    assert settled[3].start_s == pytest.approx(ends_s)


def test_a_long_quiet_phone_is_no_pause() -> None:
    rng = np.random.default_rng(0)
    samples = 0.1 * rng.standard_normal(16000).astype(np.float32)
    samples[6400:9600] *= 0.001  # quiet from 0.4 to 0.6 s: a closure
    heard = [Phone("aa", 0.0, 0.4), Phone("b", 0.4, 0.62), Phone("iy", 0.62, 1.0)]
    assert [p.name for p in align.settle_pauses(heard, samples)] == ["aa", "b", "iy"]


def test_phone_tables_lose_stress_and_name_pauses(tmp_path: Path) -> None:
    table = tmp_path / "phones.tsv"
    table.write_text("path\tphone\tstart_s\tend_s\na\tAH0\t0.0\t0.1\na\tsp\t0.1\t0.4\n", encoding="utf-8")
    assert read_phones(table) == {"a": [Phone("ah", 0.0, 0.1), Phone("sil", 0.1, 0.4)]}


@pytest.mark.parametrize("row", ["nan\t0.1", "0.0\tnan", "0.0\tinf", "0.0\t-1", "-0.1\t0.1", "0.2\t0.1", "0\t1\tnan"])
def test_phone_times_that_cannot_be_are_refused_by_table_and_path(tmp_path: Path, row: str) -> None:
    table = tmp_path / "phones.tsv"
    table.write_text(f"path\tphone\tstart_s\tend_s\tburst_s\na/1.wav\taa\t{row}\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"phones.tsv' has a row of 'a/1.wav' from .* mend its times"):
        read_phones(table)


def test_a_burst_that_the_heading_does_not_know_is_not_lost_silently(tmp_path: Path) -> None:
    table = tmp_path / "phones.tsv"
    table.write_text("path\tphone\tstart_s\tend_s\na\tp\t0.0\t0.1\t0.06\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="a row of 'a' with more cells than its heading"):
        read_phones(table)


def test_german_under_english_text_and_the_wrong_line_are_rejected_with_their_score(tmp_path: Path) -> None:
    german, rate, _ = espeak.speak("Meine Mutter backt am Montag warme Brote im alten Ofen.", "de", 150)
    reason = align.align_utterance(utterance(tmp_path, LINE, german, rate)).reason
    assert "disagree (score -" in reason or reason == "the text could not be aligned to the audio"
    samples, rate, _ = espeak.speak(LINE, "en-us")
    wrong = align.align_utterance(utterance(tmp_path, "she sees the cheese he keeps in the freezer", samples, rate))
    assert "disagree (score -" in wrong.reason or wrong.reason == "the text could not be aligned to the audio"
    assert not wrong.phones
