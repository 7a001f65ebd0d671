"""One page about a run, and the pictures of its worst lines."""

from __future__ import annotations

import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from model_training import evaluate, report, robustness, worst


class Outside(HTMLParser):
    """Collects what a page would have to fetch from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [v for k, v in attrs if k in ("src", "href") and v and not v.startswith(("data:", "#"))]


@pytest.fixture(scope="module")
def measured(run: Path, onnx_file: Path, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with everything that the page can show."""
    folder = tmp_path_factory.mktemp("measured")
    for name in ("run.json", "losses.tsv"):
        shutil.copy(run / name, folder / name)
    told = ["--model", onnx_file, "--corpus", corpus / "speech.tsv", "--phones", corpus / "phones.tsv"]
    bad = ["--lines", 1, "--conditions", "clean", "hiss5", "--no-rest", "--json", folder / "robustness.json"]
    commands = (
        (evaluate.main, ["--by", "folder", "sex", "pitch", "--json", folder / "score.json"]),
        (robustness.main, bad),
        (worst.main, ["--lines", 1, "--count", 2, "--out", folder / "worst"]),
    )
    for command, more in commands:
        assert command([str(one) for one in (*told, *more)]) == 0
    return folder


def test_the_worst_lines_are_listed_and_drawn(measured: Path) -> None:
    rows = [line.split("\t") for line in (measured / "worst" / "worst.tsv").read_text(encoding="utf-8").splitlines()]
    scores = [float(row[2]) for row in rows[1:]]
    assert scores == sorted(scores)
    pictures = sorted((measured / "worst").glob("*.png"))
    assert [p.name for p in pictures] == ["worst_1.png", "worst_2.png"]
    assert all(1_000 < p.stat().st_size <= 100_000 for p in pictures)


def test_fewer_pictures_leave_none_of_an_earlier_drawing(corpus: Path, tmp_path: Path) -> None:
    told = ["--baseline", "viseme", "--corpus", corpus / "speech.tsv", "--phones", corpus / "phones.tsv"]
    for count in (2, 1):
        more = ["--folders", "en-us", "--lines", 2, "--count", count, "--out", tmp_path]
        assert worst.main([str(one) for one in (*told, *more)]) == 0
        assert len(list(tmp_path.glob("*.png"))) == count


def test_lines_of_any_name_are_drawn(corpus: Path, tmp_path: Path) -> None:
    names = {"en-us": "$100_$", "en-us+f2": "日本語", "en-us+f4": "x" * 200, "en-us+m3": '<b> & "q"'}
    for table in ("speech.tsv", "phones.tsv"):
        rows = [line.split("/") for line in (corpus / table).read_text(encoding="utf-8").splitlines()]
        named = ["/".join([names.get(folder, folder), *rest]) if rest else folder for folder, *rest in rows]
        (tmp_path / table).write_text("\n".join(named) + "\n", encoding="utf-8")
    for folder, name in names.items():
        (tmp_path / name).symlink_to(corpus / folder)
    told = ["--baseline", "viseme", "--corpus", tmp_path / "speech.tsv", "--phones", tmp_path / "phones.tsv"]
    more = ["--folders", *names.values(), "--lines", 1, "--count", 4, "--out", tmp_path / "worst"]
    assert worst.main([str(one) for one in (*told, *more)]) == 0
    assert len(list((tmp_path / "worst").glob("*.png"))) == 4


def test_the_page_shows_the_worst_line_first_and_the_tenth_after_the_ninth(run: Path, tmp_path: Path) -> None:
    shutil.copy(run / "run.json", tmp_path / "run.json")
    (tmp_path / "worst").mkdir()
    for place in (10, 2, 1):
        (tmp_path / "worst" / f"worst_{place}.png").write_bytes(b"picture")
    page = report.page(tmp_path)
    assert page.index('alt="worst_1"') < page.index('alt="worst_2"') < page.index('alt="worst_10"')


@pytest.mark.parametrize("option", ["--count", "--lines"])
def test_fewer_than_none_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        worst.main(["--corpus", "x", "--phones", "x", "--out", "x", option, "-1"])
    assert f"argument {option}: must be 0 or more, not -1" in capsys.readouterr().err


def test_the_page_stands_alone_and_shows_everything(measured: Path) -> None:
    assert report.main(["--run", str(measured)]) == 0
    text = (measured / "report.html").read_text(encoding="utf-8")
    seen = Outside()
    seen.feed(text)
    assert seen.fetched == []
    assert seen.tags.count("svg") == 3  # losses, scores, conditions
    assert seen.tags.count("img") == 2
    for told in ("code revision", "hiss5", "closure", "165 Hz and above", "unknown", "channels", "phone recogniser"):
        assert told in text
    assert "milestone" not in text  # whose, its reader could not know
    first = (measured / "report.html").read_bytes()
    assert report.main(["--run", str(measured)]) == 0
    assert (measured / "report.html").read_bytes() == first


def test_a_run_that_was_not_measured_says_how_to(run: Path, tmp_path: Path) -> None:
    assert report.main(["--run", str(run), "--out", str(tmp_path / "page.html")]) == 0
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    for command in ("model_training.evaluate", "model_training.robustness", "model_training.worst"):
        assert command in text


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("run.json", None, "is no run folder"),
        ("losses.tsv", "10\tmany\n", "not all numbers"),
        ("score.json", "{", "cannot read"),
        ("score.json", "[]", "is not what the command writes"),
        ("score.json", '{"weights": {}}', "another version"),
        ("score.json", '{"weights": {"overall": {"score": "high"}}}', "another version"),
    ],
)
def test_a_broken_run_folder_is_one_line(
    name: str, content: str | None, reason: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(run / "run.json", tmp_path / "run.json")
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(content, encoding="utf-8")
    assert report.main(["--run", str(tmp_path)]) == 2
    error = capsys.readouterr().err.strip()
    assert reason in error
    assert "\n" not in error
    assert not (tmp_path / "report.html").exists()
