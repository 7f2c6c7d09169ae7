"""The demo: its files, its table, its numbers."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fastem import demo

PROJECT = Path(__file__).parents[2]
PICTURES = PROJECT / "bench" / "pictures"
README_PICTURES = {"em-beside-k-means.png", "em-passes.png", "how-many-clusters.png"}


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo") / "made" / "by the demo"
    lines = []
    demo.run(out, say=lines.append)
    return out, "\n".join(lines)


def test_every_picture_is_a_picture(story):
    out, _ = story
    names = {path.name for path in out.iterdir()} - {"em.mp4"}
    assert names == README_PICTURES | {
        "em.gif",
        "passes",
        "random-clusters.png",
        "restarts.png",
        "symmetric-start.png",
    }
    for path in [*out.glob("*.png"), *out.glob("passes/*.png")]:
        with Image.open(path) as picture:
            assert picture.width >= 600
            assert len(np.unique(np.asarray(picture).reshape(-1, 4)[::7], axis=0)) > 20


def test_frames_are_numbered_and_as_many_as_the_animation_has(story):
    out, text = story
    frames = sorted(path.name for path in (out / "passes").iterdir())
    n_passes = int(re.search(r"EM took (\d+) passes", text)[1])
    assert frames == [f"em-{i:02d}-clusters-02.png" for i in range(n_passes + 1)]
    with Image.open(out / "em.gif") as gif:
        assert gif.n_frames == n_passes + 1


def test_em_wins(story):
    _, text = story
    em, k_means = (float(re.search(rf"{name} +([\d.]+)", text)[1]) for name in ("EM", "k-means"))
    assert em == pytest.approx(0.62, abs=0.02)
    assert k_means == pytest.approx(0.18, abs=0.02)


def test_bic_picks_the_clusters_that_were_drawn(story):
    _, text = story
    truth = re.search(r"(\d) clusters in truth", text)[1]
    marked = [line for line in text.splitlines() if re.match(rf" +{truth} .*\*$", line)]
    assert len(marked) == 1


def test_the_table_finds_the_truth_by_bic(story):
    """Five starts are never worse than one, and their BIC is lowest at the truth."""
    _, text = story
    truth = re.search(r"(\d) clusters in truth", text)[1]
    rows = re.findall(r"^ +(\d+) +[\d,]+\*? +([\d,]+)\*? +[\d,]+\*? +([\d,]+)(\*?)$", text, re.M)
    assert rows
    for k, one, five, _ in rows:
        assert k > truth or int(five.replace(",", "")) <= int(one.replace(",", "")) + 1
    assert [k for k, *_, best in rows if best] == [truth]


def test_the_table_tells_of_the_symmetric_start(story):
    _, text = story
    assert "components 0, 1 start at the same means and covariances" in text
    assert text.count("covariance [[7.05, 6.17], [6.17, 7.23]]") == 2


def test_the_readme_pictures_alone_on_demand(tmp_path):
    demo.run(tmp_path, readme=True, say=lambda line: None)
    assert {path.name for path in tmp_path.iterdir()} == README_PICTURES
    assert all(path.stat().st_size < 150_000 for path in tmp_path.iterdir())


def test_the_readme_pictures_are_kept():
    pages = [PROJECT / "README.md", *(PROJECT / "fastem" / "guides").glob("*.md")]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    shown = set(re.findall(r"bench/pictures/([\w-]+\.png)", text))
    assert {path.name for path in PICTURES.iterdir()} == shown
    assert shown >= README_PICTURES
    assert all(path.stat().st_size < 150_000 for path in PICTURES.glob("*.png"))


def test_a_folder_that_cannot_be_made_is_one_line_and_status_2(tmp_path):
    (tmp_path / "taken").write_text("")
    run = subprocess.run(
        [sys.executable, "-m", "fastem.demo", "--out", str(tmp_path / "taken")],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 2
    assert len(run.stderr.splitlines()) == 1
    assert "taken" in run.stderr
