"""Variables that keep Numba from working are named, by the command in one line."""

import os
import sys
from pathlib import Path

import numpy as np
import processes
import pytest

import fastem

FAITHFUL = str(Path(__file__).parent / "data" / "faithful.csv")
TREE = str(Path(fastem.__file__).parents[1])
FIT = "-m", "fastem", "fit", FAITHFUL, "--components", "2"
THREADS = {"NUMBA_NUM_THREADS": "0"}, "NUMBA_NUM_THREADS is 0 in the environment; give at least 1"
UNCOMPILED = {"NUMBA_DISABLE_JIT": "1"}, "NUMBA_DISABLE_JIT is set in the environment, and fastem"


def run(words, variables):
    environment = {**os.environ, "PYTHONPATH": TREE, **variables}
    return processes.run([sys.executable, *words], env=environment)


@pytest.mark.parametrize(("variables", "told"), [THREADS, UNCOMPILED], ids=["threads", "jit"])
def test_the_command_says_one_line(tmp_path, variables, told):
    fastem.Mixture([1.0], [[0.0, 0.0]], [1.0], "spherical").save(tmp_path / "m.npz")
    for words in FIT, ("-m", "fastem", "predict", str(tmp_path / "m.npz"), FAITHFUL):
        done = run(words, variables)
        assert (done.returncode, done.stdout) == (2, "")
        assert told in done.stderr
        assert "unset it" in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("variables", "told"), [THREADS, UNCOMPILED], ids=["threads", "jit"])
def test_python_is_told_what_is_wrong(variables, told):
    error = "ImportError" if variables == THREADS[0] else "ValueError"
    for call in "fit([[0.0], [1.0]], 1)", "Mixture([1.0], [[0.0]], [1.0], 'spherical')":
        done = run(["-c", f"import fastem; fastem.{call}"], variables)
        assert f"{error}: {told}" in done.stderr


def test_text_is_not_parsed_by_what_is_not_compiled(tmp_path):
    """Numbers of many digits, whose exponents overflow in Python."""
    np.savetxt(tmp_path / "x.csv", np.random.default_rng(0).normal(size=(50, 2)), delimiter=",")
    done = run(["-m", "fastem", "fit", str(tmp_path / "x.csv")], UNCOMPILED[0])
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert UNCOMPILED[1] in done.stderr


def test_a_number_that_is_none_is_left_to_numba():
    assert run(["-c", "import fastem"], {"NUMBA_NUM_THREADS": "many"}).returncode == 0
