"""Completion in shells: what argcomplete's protocol answers to a line that is not finished."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import processes
import pytest

import fastem
from fastem import cli

TREE = Path(fastem.__file__).parents[1]


def answer(line, tmp_path):
    """The words that may follow, as a shell asks for them."""
    told = tmp_path / "told"
    path = os.pathsep.join([str(TREE), os.environ.get("PYTHONPATH", "")])
    asked = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(told),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    words = [sys.executable, "-m", "fastem"]
    done = processes.run(words, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path, **asked})
    return done, told.read_text().split("\n") if told.exists() else []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("fastem f", {"fit"}),
        ("fastem fit --crit", {"--criterion"}),
        ("fastem fit x.csv --criterion ", {"aic", "bic", "icl"}),
        ("fastem fit x.csv --missing m", {"mar"}),
        ("fastem fit x.csv --covariance VE", {"VEI", "VEE", "VEV"}),
        ("fastem example ", {"faithful", "iris", "diabetes"}),
        ("fastem fit row", {"rows.csv"}),
    ],
)
def test_words_are_completed(tmp_path, line, expected):
    pytest.importorskip("argcomplete")
    (tmp_path / "rows.csv").touch()
    done, words = answer(line, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {word.strip() for word in words} >= expected
    assert {word.strip() for word in words} - {"-h", "--help"} == expected


@pytest.mark.skipif(find_spec("argcomplete") is not None, reason="argcomplete is installed")
def test_without_argcomplete_nothing_is_completed(tmp_path):
    done, words = answer("fastem f", tmp_path)
    assert (done.returncode, words) == (2, [])
    assert "pip install 'fastem[completion]'" in done.stderr


def test_argcomplete_finds_its_mark():
    assert "PYTHON_ARGCOMPLETE_OK" in Path(cli.__file__).read_text()[:1024]
