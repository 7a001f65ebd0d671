"""The yardstick itself: what perfect, lucky, late, still and chattering mouths score."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from addon.core.channels import ARKIT
from addon.core.curves import Curves, resample
from addon.core.errors import RigError
from model_training import baselines, timeline
from model_training.align import read_speech
from model_training.mesh_score import Head, arkit_channel, load_head, mesh_measure, mesh_signals
from model_training.phones import CONSONANTS, VOWELS, Phone, read_phones
from model_training.score import LINEAR, SIGNALS, Score, Take, aggregate, articulation_score, linear_signals, report
from model_training.targets import CLASSES, COUNTER, NEITHER, TARGET, events, frames, merge_pauses, target_spans

SHARED = Path(__file__).parents[3] / "shared"
LABELS = SHARED / "speech" / "ljspeech-phones.tsv"
HEAD = SHARED / "characters" / "ict_head.npz"
needs_labels = pytest.mark.skipif(not LABELS.is_file(), reason="the labelled development speech is not at hand")
needs_head = pytest.mark.skipif(not HEAD.is_file(), reason="ICT-FaceKit's head is not at hand")


def said(*timed: tuple[str, float]) -> list[Phone]:
    """Phones one after the other, from names and lengths in seconds."""
    phones, now = [], 0.0
    for name, seconds in timed:
        phones.append(Phone(name, round(now, 6), round(now + seconds, 6)))
        now += seconds
    return phones


def sentence(seed: int, syllables: int = 24) -> list[Phone]:
    """Random syllables, of the lengths that speech has, with pauses here and there."""
    rng = np.random.default_rng(seed)
    timed: list[tuple[str, float]] = []
    for _ in range(syllables):
        if rng.uniform() < 0.1:
            timed.append(("sil", rng.uniform(0.22, 0.5)))
        timed.append((str(rng.choice(CONSONANTS)), rng.uniform(0.05, 0.11)))
        timed.append((str(rng.choice(VOWELS)), rng.uniform(0.06, 0.16)))
    return said(*timed)


SENTENCES = [sentence(seed) for seed in range(20)]


@pytest.fixture(scope="module")
def perfect() -> Score:
    return articulation_score(visemes())


def visemes() -> list[Take]:
    return [Take(phones, baselines.viseme_curves(phones, phones[-1].end_s)) for phones in SENTENCES]


def moved(curves: Curves, seconds: float) -> Curves:
    return Curves(np.roll(curves.values, round(seconds * curves.rate), axis=0), curves.names, curves.rate)


def jaw(values: np.ndarray, rate: float = 100.0) -> Curves:
    return Curves(values[:, None].astype(np.float32), ("jawOpen",), rate)


def test_hand_labels_through_a_viseme_table_are_nearly_perfect(perfect: Score) -> None:
    assert perfect.score >= 97
    assert perfect.best_lag_ms == 0
    assert abs(perfect.correlation_lag_ms) <= 10


def test_the_right_mouth_for_another_line_scores_nothing() -> None:
    takes = [
        Take(phones, baselines.shuffled_curves(SENTENCES[index - 1], phones[-1].end_s))
        for index, phones in enumerate(SENTENCES)
    ]
    assert abs(articulation_score(takes).score) <= 5


def test_a_mouth_that_never_moves_scores_exactly_nothing() -> None:
    takes = [Take(phones, jaw(np.full(900, 0.2))) for phones in SENTENCES[:5]]
    score = articulation_score(takes)
    assert score.score == 0
    assert score.motion.jitter == 0


def test_a_mouth_that_chatters_scores_next_to_nothing() -> None:
    chatter = jaw(0.2 + 0.2 * np.sin(2 * np.pi * 6.5 * np.arange(900) / 100))
    assert abs(articulation_score([Take(phones, chatter) for phones in SENTENCES]).score) <= 5


def test_doing_everything_half_as_much_changes_nothing(perfect: Score) -> None:
    halved = [Take(t.phones, Curves(t.curves.values / 2, t.curves.names, t.curves.rate)) for t in visemes()]
    assert articulation_score(halved).score == pytest.approx(perfect.score, abs=0.01)


@pytest.mark.parametrize("rate", [24.0, 30.0, 60.0, 120.0])
def test_the_score_hardly_depends_on_the_frame_rate(rate: float, perfect: Score) -> None:
    takes = [Take(t.phones, resample(t.curves, rate)) for t in visemes()]
    assert articulation_score(takes).score == pytest.approx(perfect.score, abs=4)


@pytest.mark.parametrize("lag_s", [-0.06, 0.06, 0.1])
def test_a_late_mouth_loses_and_its_lag_is_found(lag_s: float) -> None:
    late = articulation_score([Take(t.phones, moved(t.curves, lag_s)) for t in visemes()])
    assert late.score < 75
    assert late.best_lag_ms == pytest.approx(1000 * lag_s)
    assert late.best_lag_score > 95
    assert late.correlation_lag_ms == pytest.approx(1000 * lag_s, abs=15)


def test_the_offset_of_closures_is_measured_against_their_middle() -> None:
    phones = said(("sil", 0.3), *[("aa", 0.2), ("m", 0.1)] * 8, ("aa", 0.2), ("sil", 0.3))
    on_time = baselines.viseme_curves(phones, phones[-1].end_s)
    before = articulation_score([Take(phones, on_time)]).closure_offset_ms
    after = articulation_score([Take(phones, moved(on_time, 0.04))])
    assert before is not None
    assert before == pytest.approx(0, abs=11)  # half a row at 50 a second
    assert after.closure_offset_ms == pytest.approx(before + 40, abs=1)
    assert after.closure_spread_ms == pytest.approx(0, abs=1)


def test_lips_that_do_not_quite_meet_are_counted_as_open() -> None:
    phones = said(("sil", 0.3), *[("aa", 0.2), ("b", 0.1), ("eh", 0.1), ("m", 0.1)] * 4, ("aa", 0.2))
    sealed = baselines.viseme_curves(phones, phones[-1].end_s)
    ajar = sealed.with_columns({"mouthClose": sealed.column("mouthClose") * 0.5})
    assert articulation_score([Take(phones, sealed)]).motion.closures_sealed == 1
    assert articulation_score([Take(phones, ajar)]).motion.closures_sealed == 0
    assert articulation_score([Take(phones, sealed)]).motion.open_sealed == 0
    shut = sealed.with_columns({"mouthClose": sealed.column("jawOpen")})
    assert articulation_score([Take(phones, shut)]).motion.open_sealed == 1


def test_rest_in_silence_is_the_share_of_pauses_with_the_lips_together() -> None:
    phones = said(("sil", 1.0), ("aa", 0.3), ("sil", 1.0))
    opened = np.zeros(230)
    opened[:130] = 0.3  # through the first pause, closed in the second
    assert articulation_score([Take(phones, jaw(opened))]).motion.rest_in_silence == pytest.approx(0.5, abs=0.02)


def test_a_shaky_mouth_has_more_jitter_and_more_reversals(perfect: Score) -> None:
    rng = np.random.default_rng(3)
    shaken = [
        Take(t.phones, Curves(t.curves.values + rng.normal(0, 0.03, t.curves.values.shape), t.curves.names, 50.0))
        for t in visemes()
    ]
    shaky = articulation_score(shaken).motion
    assert shaky.jitter > 1.5 * perfect.motion.jitter
    assert shaky.reversals_per_s > 1.5 * perfect.motion.reversals_per_s


def test_peak_speeds_are_those_of_the_aperture() -> None:
    ramp = np.concatenate([np.zeros(40), np.linspace(0, 0.4, 21), np.full(40, 0.4), np.linspace(0.4, 0, 11)])
    phones = said(("sil", 0.4), ("aa", 0.61), ("sil", 0.2))
    motion = articulation_score([Take(phones, jaw(np.concatenate([ramp, np.zeros(20)])))]).motion
    assert motion.peak_opening_per_s == pytest.approx(2.0, abs=0.05)  # .4 in .2 s
    assert motion.peak_closing_per_s == pytest.approx(4.0, abs=0.1)


def test_frames_near_targets_and_similar_phones_prove_nothing() -> None:
    phones = said(("aa", 0.1), ("m", 0.1), ("aa", 0.1), ("v", 0.1), ("aa", 0.1))
    labels = frames(phones, "closure", 50, 100)
    expected = np.full(50, COUNTER)
    expected[7:23] = NEITHER  # 30 ms around the m
    expected[10:20] = TARGET
    expected[30:40] = NEITHER  # v is nearly closed
    assert labels.tolist() == expected.tolist()


def test_pauses_are_no_speech_and_short_ones_no_rest() -> None:
    phones = said(("aa", 0.2), ("sil", 0.1), ("aa", 0.2), ("sil", 0.3))
    assert (frames(phones, "spread", 80, 100)[20:30] == NEITHER).all()
    silence = frames(phones, "silence", 80, 100)
    assert (silence[20:30] == NEITHER).all()
    assert (silence[53:77] == TARGET).all()


def test_a_pause_in_two_pieces_is_one_pause() -> None:
    assert merge_pauses(said(("sil", 0.1), ("sil", 0.15), ("aa", 0.1))) == said(("sil", 0.25), ("aa", 0.1))


def test_an_unsplit_stop_is_closed_for_its_first_part_and_a_split_one_through_its_closure() -> None:
    assert target_spans(said(("p", 0.1)), "closure") == [(0.0, pytest.approx(0.06))]
    split = target_spans(said(("bcl", 0.06), ("b", 0.05)), "closure")
    assert split == [(0.0, 0.06), (0.06, pytest.approx(0.08))]
    assert events(split).end_s.tolist() == [pytest.approx(0.08)]


def test_a_stop_whose_burst_is_known_is_closed_until_then() -> None:
    phones = [Phone("p", 0.1, 0.2, 0.16), Phone("t", 0.2, 0.3, 0.25), Phone("b", 0.3, 0.36, 0.35)]
    spans = [edge for span in target_spans(phones, "closure") for edge in span]
    assert spans == pytest.approx([0.1, 0.18, 0.3, 0.36])


def test_touching_targets_are_one_gesture() -> None:
    joined = events(target_spans(said(("m", 0.08), ("p", 0.1), ("aa", 0.2), ("b", 0.1)), "closure"))
    assert joined.phones.tolist() == [2, 1]


def test_every_class_has_targets_apart_from_its_similar_phones_and_the_weights_are_whole() -> None:
    for rule in CLASSES.values():
        assert not set(rule.targets) & rule.similar
        assert rule.signal in SIGNALS
    assert sum(rule.weight for rule in CLASSES.values()) == pytest.approx(1)


def lane_of(phones: list[Phone], curves: Curves, kind: str) -> timeline.Lane:
    signals = [{name: np.asarray(values) for name, values in linear_signals(curves).items()}]
    return timeline.lay_out(kind, [phones], signals)


def test_f1_counts_hits_misses_and_false_peaks_one_to_one() -> None:
    # Four m; the mouth closes on two of them, twice on a third (the second time is false), and once on nothing.
    phones = said(*[("ah", 0.4), ("m", 0.1)] * 4, ("ah", 0.4))
    opened = np.full(240, 0.3)
    for at in (45, 95, 142, 147, 20):
        opened[at - 1 : at + 2] = 0.0
    lane = lane_of(phones, jaw(opened), "closure")
    assert timeline.f1(lane, 0.04) == pytest.approx(2 * 3 / (5 + 4))


def test_a_peak_just_outside_an_event_counts_only_with_a_wider_tolerance() -> None:
    phones = said(("ah", 0.4), ("m", 0.1), ("ah", 0.4))
    opened = np.full(90, 0.3)
    opened[55:58] = 0.0  # its middle is 60 ms after the m
    lane = lane_of(phones, jaw(opened), "closure")
    assert [timeline.f1(lane, tolerance_s) for tolerance_s in (0.02, 0.04, 0.08)] == [0, 0, 1]


def test_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    rng = np.random.default_rng(5)
    lane = lane_of(SENTENCES[0], jaw(np.round(rng.uniform(size=900), 1)), "open")
    wanted = lane.signal[lane.labels == TARGET][:, None]
    others = lane.signal[lane.labels == COUNTER][None, :]
    assert timeline.auc(lane) == pytest.approx((wanted > others).mean() + (wanted == others).mean() / 2)


def test_a_class_that_nobody_speaks_leaves_the_others_their_weight() -> None:
    phones = said(("sil", 0.3), *[("aa", 0.15), ("k", 0.08), ("m", 0.1), ("t", 0.08)] * 6, ("sil", 0.3))
    score = articulation_score([Take(phones, baselines.viseme_curves(phones, phones[-1].end_s))])
    assert score.classes["labiodental"].score is None
    assert score.score > 95
    assert "| labiodental | 0.15 | – |" in report(score)
    assert aggregate({}) == 0


def test_left_and_right_are_averaged_and_a_one_sided_face_counts_half() -> None:
    both = linear_signals(Curves(np.ones((1, 2), np.float32), ("mouthSmileLeft", "mouthSmileRight"), 50.0))
    left = linear_signals(Curves(np.ones((1, 1), np.float32), ("mouthSmileLeft",), 50.0))
    assert both["spread"][0] == pytest.approx(0.8)
    assert left["spread"][0] == pytest.approx(0.4)


def test_every_signal_is_made_of_channels_that_exist() -> None:
    for weights in SIGNALS.values():
        assert all(name in ARKIT or name + "Left" in ARKIT for name in weights)


@pytest.mark.parametrize(
    "takes",
    [[], [Take([], jaw(np.zeros(5)))], [Take(said(("aa", 0.1)), jaw(np.zeros(0)))]],
    ids=["no", "mute", "empty"],
)
def test_nothing_to_score_is_a_mistake_of_the_caller(takes: list[Take]) -> None:
    with pytest.raises(ValueError, match="at least one take"):
        articulation_score(takes)


def test_one_phone_on_one_row_can_be_scored() -> None:
    score = articulation_score([(said(("aa", 0.01)), jaw(np.array([0.3]), 50.0))])
    assert score.score == 0


def test_the_result_is_told_as_markdown_and_as_json() -> None:
    score = articulation_score(visemes()[:4])
    told = json.loads(json.dumps(asdict(score)))
    assert told["score"] == score.score
    assert told["classes"]["closure"]["f1"].keys() == {"20", "40", "80"}
    rows = [line for line in report(score).splitlines() if line.startswith("|")]
    assert len(rows) == 2 + len(CLASSES)
    assert len({row.count("|") for row in rows}) == 1


@needs_labels
def test_real_speech_calibrates_the_scale() -> None:
    labels = read_phones(LABELS)
    paths = sorted(labels)[:40]
    told = [labels[path] for path in paths]
    by_table = [Take(one, baselines.viseme_curves(one, one[-1].end_s)) for one in told]
    assert articulation_score(by_table).score >= 97
    wrong = [Take(one, baselines.shuffled_curves(told[i - 1], one[-1].end_s)) for i, one in enumerate(told)]
    assert abs(articulation_score(wrong).score) <= 5
    sounds = [read_speech(LABELS.parent / path) for path in paths]
    loud = [Take(one, baselines.loudness_curves(heard, 16_000)) for one, heard in zip(told, sounds, strict=True)]
    # On speech labelled by hand it is 34; an aligner's labels, which call many a schwa ih, bring it lower.
    assert 20 <= articulation_score(loud).score <= 45


@pytest.fixture(scope="module")
def head() -> Head:
    return load_head(HEAD)


def posed(head: Head, **weights: float) -> dict[str, float]:
    values = np.array([list(weights.values())], np.float32)
    rest = mesh_signals(head, jaw(np.zeros(1)))
    return {
        name: float(value[0] - rest[name][0])
        for name, value in mesh_signals(head, Curves(values, tuple(weights), 50.0)).items()
    }


@needs_head
def test_on_the_mesh_every_shape_moves_the_measure_that_it_is_meant_to(head: Head) -> None:
    assert posed(head, jawOpen=0.3)["aperture"] > 5
    assert abs(posed(head, jawOpen=0.1, mouthClose=0.1)["gap"]) < LINEAR.sealed * posed(head, jawOpen=1.0)["gap"] * 2
    pucker = posed(head, mouthPucker=0.5)
    assert pucker["rounding"] > 2
    assert pucker["spread"] < 0
    assert posed(head, mouthStretchLeft=0.5, mouthStretchRight=0.5)["spread"] > 1
    teeth = posed(head, mouthRollLower=0.5, mouthUpperUpLeft=0.3, mouthUpperUpRight=0.3)
    assert teeth["labiodental"] > 1
    assert posed(head, jawOpen=0.5)["labiodental"] < -5


@needs_head
def test_both_views_agree_on_perfect_labels(head: Head) -> None:
    by_mesh = articulation_score(visemes(), mesh_measure(head))
    assert by_mesh.unit == "mm"
    assert by_mesh.score >= 95


def test_ict_shapes_carry_arkit_names() -> None:
    assert arkit_channel("mouthSmile_L") == "mouthSmileLeft"
    assert arkit_channel("browInnerUp_R") == "browInnerUp"
    assert arkit_channel("mouthLeft") == "mouthLeft"


def test_a_file_that_is_no_head_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(RigError, match="cannot read the head"):
        load_head(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("hello", encoding="utf-8")
    with pytest.raises(RigError, match="cannot read the head"):
        load_head(tmp_path / "text.npz")
    np.savez(tmp_path / "half.npz", vertices=np.zeros((3, 3)))
    with pytest.raises(RigError, match="has no faces"):
        load_head(tmp_path / "half.npz")
