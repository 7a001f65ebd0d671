from __future__ import annotations

import shutil
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model_training import corpora, realign, train
from model_training.phones import INVENTORY, Phone, read_phones
from model_training.viterbi import best_path

SAID = (
    Phone("sil", 0.0, 0.1),
    Phone("b", 0.1, 0.2),
    Phone("aa", 0.2, 0.41),
    Phone("m", 0.41, 0.5),
    Phone("iy", 0.5, 0.7),
    Phone("sil", 0.7, 0.8),
)


def sure(phones: tuple[Phone, ...], certain: float = 9.0) -> np.ndarray:
    """Log posteriors of a student that knows every row of 20 ms for certain."""
    times = np.arange(round(phones[-1].end_s / 0.02)) * 0.02
    logits = np.zeros((len(times), len(INVENTORY)), np.float32)
    for phone in phones:
        inside = (times >= phone.start_s) & (times < phone.end_s)
        logits[inside, INVENTORY.index(phone.name)] = certain
    return realign.posteriors(logits)


def moved(phones: tuple[Phone, ...], which: int, by_s: float) -> list[Phone]:
    """The same with one onset moved."""
    told = list(phones)
    told[which - 1] = told[which - 1]._replace(end_s=told[which].start_s + by_s)
    told[which] = told[which]._replace(start_s=told[which].start_s + by_s)
    return told


def possible(path: tuple[int, ...], least: list[int], optional: list[bool]) -> bool:
    times = [(unit, path.count(unit)) for unit in dict.fromkeys(path)]
    missed = [unit for unit in range(len(least)) if unit not in path]
    in_order = all(a <= b for a, b in pairwise(path))
    return in_order and all(n >= least[u] for u, n in times) and all(optional[u] for u in missed)


@given(st.integers(0, 10_000), st.lists(st.integers(1, 2), min_size=1, max_size=4), st.booleans(), st.integers(0, 2))
@settings(max_examples=40, deadline=None)
def test_no_allowed_path_fits_better_than_the_best(seed: int, least: list[int], first: bool, spare: int) -> None:
    optional = [(unit % 2 == 0) == first and len(least) > 1 for unit in range(len(least))]  # every second may be missed
    needed = sum(n for n, may in zip(least, optional, strict=True) if not may)
    fits = np.random.default_rng(seed).normal(size=(needed + spare, len(least)))
    found = best_path(fits, np.array(least), np.array(optional))
    assert possible(tuple(found.tolist()), least, optional)
    frames = np.arange(len(fits))
    every = (p for p in product(range(len(least)), repeat=len(fits)) if possible(p, least, optional))
    assert fits[frames, found].sum() == pytest.approx(max(fits[frames, list(p)].sum() for p in every))


def test_a_path_needs_a_frame_for_every_unit() -> None:
    with pytest.raises(ValueError, match="3 frames are too few for 2 units"):
        best_path(np.zeros((3, 2)), np.array([2, 2]), np.array([False, False]))


@pytest.mark.parametrize("off_s", [-0.05, -0.02, 0.02, 0.05])
def test_a_misplaced_boundary_goes_where_the_phone_is_heard(off_s: float) -> None:
    again = realign.realign(moved(SAID, 2, off_s), sure(SAID), 0.8)
    assert [p.name for p in again.phones] == [p.name for p in SAID]
    assert again.phones[2].start_s == pytest.approx(0.19, abs=0.01)  # rows tell 0.18 from 0.20 s
    assert all(a.end_s == b.start_s for a, b in pairwise(again.phones))
    assert again.phones[0].start_s == 0
    assert again.phones[-1].end_s == 0.8


def test_a_boundary_lies_between_rows_where_one_phone_overtakes_the_other() -> None:
    rows = np.full((20, len(INVENTORY)), -20.0, np.float32)
    aa, iy = INVENTORY.index("aa"), INVENTORY.index("iy")
    rows[:10, aa] = rows[10:, iy] = 3.0
    rows[9, aa], rows[9, iy] = 2.0, 0.0
    rows[10, aa], rows[10, iy] = 0.0, 6.0  # from 2 below to 6 above between 0.18 and 0.20 s: equal after a quarter
    again = realign.realign([Phone("aa", 0, 0.2), Phone("iy", 0.2, 0.4)], realign.posteriors(rows), 0.4, pull=0)
    assert again.phones[1].start_s == pytest.approx(0.185, abs=1e-3)


def test_where_nothing_is_heard_the_given_times_stay() -> None:
    again = realign.realign(SAID, sure(SAID, certain=0.0), 0.8)
    assert [p.name for p in again.phones] == [p.name for p in SAID]
    assert np.allclose([p.start_s for p in again.phones], [p.start_s for p in SAID], atol=0.011)


def test_a_pause_that_the_other_aligner_missed_is_found() -> None:
    told = [Phone("b", 0, 0.2), Phone("aa", 0.2, 0.45), Phone("m", 0.45, 0.6), Phone("iy", 0.6, 0.8)]
    heard = (Phone("b", 0, 0.2), Phone("aa", 0.2, 0.3), Phone("sil", 0.3, 0.5), Phone("m", 0.5, 0.6), told[-1])
    assert [p.name for p in realign.realign(told, sure(heard), 0.8).phones] == ["b", "aa", "sil", "m", "iy"]


def test_agreement_is_measured_before_the_given_times_pull() -> None:
    assert realign.realign(SAID, sure(SAID), 0.8).agreed == 1
    far = [p._replace(start_s=p.start_s + 0.1 * (0.1 < p.start_s < 0.7)) for p in SAID]
    doubtful = realign.realign(far, sure(SAID), 0.8)
    assert doubtful.agreed == 0
    assert doubtful.doubt == "the aligners disagree (0 % of the boundaries within 50 ms)"


def test_a_few_wrong_words_are_told_with_their_time() -> None:
    names = "b aa m iy s ow k er t ih n aa d iy p uw z eh l ay".split()
    said = tuple(Phone(name, 0.1 * k, 0.1 * k + 0.1) for k, name in enumerate(names))
    wrong = [p._replace(name=n) for p, n in zip(said[8:14], "f aw g oy jh ae".split(), strict=True)]
    right = realign.realign(said, sure(said), 2.0)
    assert right.doubt == ""
    doubtful = realign.realign([*said[:8], *wrong, *said[14:]], sure(said), 2.0)
    assert doubtful.heard < -5 < realign.LEAST_HEARD < right.heard
    assert doubtful.heard_s == pytest.approx(0.8, abs=0.06)
    assert doubtful.doubt.startswith("not what is heard (from 0.")


def test_speech_faster_than_any_phone_lasts_is_still_aligned() -> None:
    phones = [Phone(name, 0.02 * k, 0.02 * k + 0.02) for k, name in enumerate(["b", "aa", "m", "iy"] * 3)]
    again = realign.realign(phones, sure(tuple(phones)), 0.24)
    assert [p.name for p in again.phones if p.name != "sil"] == ["b", "aa", "m", "iy"] * 3


def test_lines_that_cannot_be_aligned_say_why() -> None:
    logs = sure(SAID)
    with pytest.raises(ValueError, match="no phones"):
        realign.realign([Phone("sil", 0, 0.8)], logs, 0.8)
    with pytest.raises(ValueError, match="unknown phone 'ch2'"):
        realign.realign([Phone("ch2", 0, 0.8)], logs, 0.8)
    with pytest.raises(ValueError, match="too few"):
        realign.realign([Phone("aa", 0, 0.8)] * 100, logs, 0.8)


@pytest.fixture(scope="module")
def spoken(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four lines of the corpus in a folder of their own."""
    folder = tmp_path_factory.mktemp("spoken")
    rows = (corpus / "speech.tsv").read_text(encoding="utf-8").splitlines()[:5]
    (folder / "speech.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    for one in corpora.read(folder / "speech.tsv"):
        one.file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(corpus / one.path, one.file)
    shutil.copy(corpus / "phones.tsv", folder / "phones.tsv")
    return folder


def command(spoken: Path, run: Path, out: Path, *more: str) -> list[str]:
    given = [
        "--checkpoint",
        run / train.CHECKPOINT,
        "--corpus",
        spoken / "speech.tsv",
        "--phones",
        spoken / "phones.tsv",
    ]
    return [*map(str, given), "--out", str(out), "--workers", "1", *more]


def test_an_interrupted_run_goes_on_to_the_same_table(spoken: Path, run: Path, tmp_path: Path) -> None:
    out = tmp_path / "again.tsv"
    assert realign.main(command(spoken, run, out, "--keep-doubtful")) == 0
    whole, before = out.read_bytes(), read_phones(spoken / "phones.tsv")
    for path, phones in read_phones(out).items():
        assert [p.name for p in phones if p.name != "sil"] == [p.name for p in before[path] if p.name != "sil"]
    out.write_bytes(whole[: int(len(whole) * 0.6)])  # killed in the middle of a row
    assert realign.main(command(spoken, run, out, "--keep-doubtful")) == 0
    assert out.read_bytes() == whole


def test_what_is_dropped_is_listed_and_the_rest_goes_on(
    spoken: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = corpora.read(spoken / "speech.tsv")
    table = (spoken / "speech.tsv").read_text(encoding="utf-8")
    elsewhere = tmp_path / "corpus"
    for one in lines[1:]:
        (elsewhere / one.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(one.file, elsewhere / one.path)
    (elsewhere / "speech.tsv").write_text(table, encoding="utf-8")
    (elsewhere / "phones.tsv").write_bytes((spoken / "phones.tsv").read_bytes())
    out = tmp_path / "again.tsv"
    assert realign.main(command(elsewhere, run, out, "--keep-doubtful")) == 0
    assert "dropped: missing file" in capsys.readouterr().out
    assert (tmp_path / "again.dropped.tsv").read_text(encoding="utf-8") == f"{lines[0].path}\tmissing file\n"
    assert list(read_phones(out)) == [one.path for one in lines[1:]]


def test_folders_that_are_not_asked_about_keep_their_times_and_bursts(
    spoken: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines, given = corpora.read(spoken / "speech.tsv"), read_phones(spoken / "phones.tsv")
    asked, out = lines[0].folder, tmp_path / "again.tsv"
    more = ["--folders", asked, "--keep-doubtful", "--keep-times"]
    for _ in range(2):  # a second run changes nothing
        assert realign.main(command(spoken, run, out, *more)) == 0
        assert f"{sum(one.folder != asked for one in lines)} passed on as given" in capsys.readouterr().out
        assert read_phones(out) == {one.path: given[one.path] for one in lines}
    assert any(phone.burst_s is not None for phones in read_phones(out).values() for phone in phones)


def test_a_phone_that_counted_more_in_training_is_not_heard_more_for_that(run: Path, tmp_path: Path) -> None:
    made_by, state = train.load_checkpoint(run / train.CHECKPOINT)
    for name in ("phones.weight", "phones.bias"):
        state["average"][name].zero_()  # it finds every phone as likely as another, with rows that counted as they did
    torch.save(state, tmp_path / "unsure.pt")
    logs = realign.Listener([tmp_path / "unsure.pt"]).hear(np.zeros(16_000, np.float32))
    assert logs.shape == (2 * 50 - 1, len(INVENTORY))
    once, often = (logs[:, INVENTORY.index(name)] for name in ("aa", "m"))
    assert np.allclose(once - often, np.log(made_by.loss.closure_rows))


def test_doubtful_lines_are_dropped_with_the_figure(spoken: Path, run: Path) -> None:
    line = corpora.read(spoken / "speech.tsv")[0]
    listener = realign.Listener([run / train.CHECKPOINT])  # after sixty steps it hears next to nothing
    given = realign.Given(line, read_phones(spoken / "phones.tsv")[line.path])
    dropped = realign.realign_line(given, listener)
    assert dropped.reason.startswith(("not what is heard (from ", "the aligners disagree ("))
    assert not dropped.phones
    kept = realign.realign_line(given, listener, realign.Keeping(doubtful=True))
    assert kept.reason == ""
    assert kept.phones[-1].end_s == pytest.approx(line.seconds, abs=0.01)
    assert kept.phones != tuple(given.phones)
    same = realign.realign_line(given, listener, realign.Keeping(doubtful=True, times=True))
    assert same.phones == tuple(given.phones)


def test_what_the_user_can_mend_is_one_line_and_writes_nothing(
    spoken: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "again.tsv"
    assert realign.main(command(spoken, tmp_path, out)) == 2
    assert "cannot read the checkpoint" in capsys.readouterr().err
    assert realign.main(command(spoken, run, out, "--folders", "elsewhere")) == 2
    assert "has no folder 'elsewhere' to choose" in capsys.readouterr().err
    assert not out.exists()
    with pytest.raises(SystemExit, match="2"):
        realign.main(command(spoken, run, out, "--workers", "0"))
