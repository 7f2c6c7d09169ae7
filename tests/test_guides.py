"""Every block of Python in the guides runs, and every page is listed and linked."""

import re
import shutil
import textwrap
import tomllib
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

import fastem
from fastem import guides
from fastem.cli import main

DATA = Path(__file__).parent / "data"
ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
#: What a page tells of; one that fastem lacks is not tried.
FEATURES = {"missing_values_and_labels": "classify"}
EXTRAS = {
    "from_scikit_learn": ["sklearn"],
    "from_mclust": ["matplotlib"],
    "how_many_clusters": ["matplotlib"],
    "how_sure": ["matplotlib", "pandas"],
    "gallery": ["matplotlib"],
    "more_rows_than_memory": ["dask.array", "pyarrow", "pandas"],
}


def test_every_page_is_listed():
    folder = resources.files("fastem.guides")
    files = {Path(file.name).stem for file in folder.iterdir() if file.name.endswith(".md")}
    assert files == set(guides.PAGES)


@pytest.mark.parametrize("name", guides.PAGES)
def test_pages_have_a_title_and_links_that_lead_somewhere(name):
    text = guides.page(name)
    assert text.startswith("# ")
    for target in re.findall(r"\]\((\w+)\.md\)", text):
        assert target in guides.PAGES


def test_the_readme_links_every_page():
    text = README.read_text()
    for name in guides.PAGES:
        assert f"fastem/guides/{name}.md" in text
    assert len(text.splitlines()) <= 130


def test_the_page_for_package_indexes_stands_alone():
    """Relative links and pictures would lead nowhere there."""
    assert PROJECT["readme"] == "fastem/guides/getting_started.md"
    assert re.findall(r"\]\(|<img|<a ", guides.page("getting_started")) == []


def test_the_first_page_shows_what_the_command_prints(capsys, monkeypatch, tmp_path):
    shutil.copy(DATA / "faithful.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    main(["fit", "faithful.csv", "--components", "1:9"])
    (shown,) = re.findall(r"(    The best fit.*?)\n\n`", guides.page("getting_started"), re.DOTALL)
    assert textwrap.dedent(shown) in capsys.readouterr().out


def test_the_outputs_shown_are_those_printed():
    """Oracle: fastem itself; the guide's blocks of output are lines of what it prints."""
    text = guides.page("from_mclust")
    X = np.loadtxt(DATA / "faithful.csv", delimiter=",", skiprows=1)
    iris = np.loadtxt(DATA / "iris.csv", delimiter=",", skiprows=1, usecols=range(4))
    diabetes = np.loadtxt(DATA / "diabetes.csv", delimiter=",", skiprows=1, usecols=range(3))
    for rows, most in (X, 6), (iris, 3), (diabetes, 6):
        counts = range(1, most + 1)
        choice = fastem.select(rows, counts, covariance_type="mclust", random_state=0)
        shown = "\n".join(f"    {line}".rstrip() for line in str(choice).splitlines()[:6])
        assert shown in text


@pytest.mark.slow
def test_the_ten_lines_of_the_readme_run(monkeypatch, tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("sklearn")
    (block,) = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    assert len(block.split("\n\n")[1].splitlines()) == 10
    (tmp_path / "tests" / "data").mkdir(parents=True)
    shutil.copy(DATA / "faithful.csv", tmp_path / "tests" / "data")
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {})
    assert {file.name for file in tmp_path.iterdir()} == {"tests", "choice.png", "mixture.npz"}


#: What this guide's blocks do `test_the_outputs_shown_are_those_printed` does as well.
SLOW = {"from_mclust": pytest.mark.slow}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=SLOW.get(name, ()))
        for name in guides.PAGES
        if guides.examples(name)
    ],
)
def test_blocks_run(name, monkeypatch, tmp_path):
    if not hasattr(fastem, FEATURES.get(name, "fit")):
        pytest.skip(f"fastem has no {FEATURES[name]}")
    for module in EXTRAS.get(name, []):
        pytest.importorskip(module)
    for file in "faithful.csv", "iris.csv", "diabetes.csv":
        shutil.copy(DATA / file, tmp_path)
    monkeypatch.chdir(tmp_path)
    names = {"__name__": name}
    for block in guides.examples(name):
        exec(compile(block, f"{name}.md", "exec"), names)
    for picture in re.findall(r"!\[.*?\]\(pictures/(.*?)\)", guides.page(name)):
        assert (tmp_path / picture).stat().st_size > 1000
