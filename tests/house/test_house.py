"""What holds for the repository as a whole."""

from __future__ import annotations

import ast
import re
import runpy
import subprocess
import tomllib
from pathlib import Path

import pytest
import setuptools

import addon

ROOT = Path(__file__).parents[2]
TRACKED = [
    ROOT / name for name in subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True).split("\0")[:-1]
]
PYTHON = [path for path in TRACKED if path.suffix == ".py" and path.exists()]
SHIPPED = [path for path in PYTHON if path.is_relative_to(ROOT / "addon")]


def toml(name: str) -> dict:
    return tomllib.loads((ROOT / name).read_text(encoding="utf-8"))


def texts() -> list[tuple[Path, str]]:
    """Every tracked text file but this one, whose patterns would find themselves."""
    contents = [(path, path.read_bytes()) for path in TRACKED if path.is_file() and path != Path(__file__)]
    return [(path.relative_to(ROOT), data.decode("utf-8")) for path, data in contents if b"\0" not in data[:8192]]


def lines_with(pattern: str) -> list[str]:
    wanted = re.compile(pattern)
    return [
        f"{path}:{number}: {line.strip()}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if wanted.search(line)
    ]


def test_the_version_is_said_once_and_the_manifest_agrees():
    assert "version" in toml("pyproject.toml")["project"]["dynamic"]
    assert toml("blender_manifest.toml")["version"] == addon.__version__


def test_the_changelog_speaks_of_this_version():
    assert f"\n## {addon.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_statement_of_the_licence_is_the_same_one():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "GNU GENERAL PUBLIC LICENSE" in text
    assert "Version 3, 29 June 2007" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert toml("pyproject.toml")["project"]["license"] == "GPL-3.0-or-later"
    assert toml("blender_manifest.toml")["license"] == ["SPDX:GPL-3.0-or-later"]


def imports() -> list[tuple[str, int, int, list[str]]]:
    """Every import of the add-on: where it stands, how deep that file lies, its level, and the modules it names."""
    found = []
    for path in SHIPPED:
        depth = len(path.relative_to(ROOT / "addon").parts)  # addon/cli.py may climb 1 level, addon/core/model.py 2
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            where = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Import):
                found.append((where, depth, 0, [alias.name for alias in node.names]))
            if isinstance(node, ast.ImportFrom):
                found.append((where, depth, node.level, [node.module or ""]))
    return found


def test_the_add_on_imports_itself_relatively_because_blender_renames_it():
    own = {"addon", "facewright"}
    assert [w for w, _, level, names in imports() if level == 0 and own & {name.split(".")[0] for name in names}] == []


def test_relative_imports_stay_inside_the_add_on():
    assert [where for where, depth, level, _ in imports() if level > depth] == []


def test_every_folder_of_code_in_the_add_on_is_a_package():
    folders = {path.parent for path in SHIPPED}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_every_folder_of_the_add_on_with_files_is_a_package_to_setuptools(monkeypatch: pytest.MonkeyPatch):
    told: dict = {}
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(setuptools, "setup", told.update)
    runpy.run_path("setup.py")
    folders = {path.relative_to(ROOT).parent for path in TRACKED if path.is_relative_to(ROOT / "addon")}
    assert sorted(told["packages"]) == sorted(".".join(("facewright", *folder.parts[1:])) for folder in folders)


def test_no_file_names_a_path_of_somebody_s_machine():
    assert lines_with(r"/work/|/opt/\w|/root/|/home/(?!blender\b)\w|/Users/\w|[A-Z]:\\Users") == []


def test_no_file_names_a_host_that_packages_come_from():
    assert lines_with(r"pypi\.org|pythonhosted\.org|anaconda\.(org|com)|npmjs\.|download\.pytorch\.org") == []


def test_the_shipped_model_is_small_enough_to_bundle():
    assert [path.name for path in (ROOT / "addon/models").glob("*.onnx") if path.stat().st_size > 25e6] == []


def test_no_room_is_a_box_for_everything():
    boxes = {"utils", "util", "common", "helpers", "helper", "manager", "misc"}
    assert [str(path) for path in PYTHON if boxes & {part.removesuffix(".py") for part in path.parts}] == []


def test_every_make_goal_that_the_readme_names_exists():
    goals = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(
        re.findall(r"(?:^    |`)make ([a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert named
    assert named <= goals


def test_the_page_on_installing_knows_the_zip_of_every_platform():
    page = (ROOT / "docs/blender.md").read_text(encoding="utf-8")
    zips = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert sorted(zips) == sorted(name.replace("-", "_") for name in toml("blender_manifest.toml")["platforms"])


def test_every_link_of_the_documents_leads_somewhere():
    def anchors(page: Path) -> set[str]:
        titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}

    def leads(page: Path, link: str) -> bool:
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        return target.exists() and (not anchor or anchor in anchors(target))

    links = [
        (path.relative_to(ROOT), link)
        for path in TRACKED
        if path.suffix == ".md"
        for link in re.findall(r"\]\((?!http)([^)]+)\)", path.read_text(encoding="utf-8"))
    ]
    assert len(links) > 50
    assert [(str(path), link) for path, link in links if not leads(ROOT / path, link)] == []


def test_what_is_installed_elsewhere_is_built_without_what_trains():
    for goal in ("extension", "wheel"):
        command = ("make", "--dry-run", "--always-make", goal)
        steps = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True).stdout
        assert goal in steps
        assert [step for step in steps.splitlines() if re.search(r"editable.*\b(train|dev)\b", step)] == []
