"""The lean pipeline compiles what Numba's own compiles; oracle: the same kernel without it."""

import gc

import numba
import numpy as np
import pytest
from numba.core import event
from numba.core.base import BaseContext

from fastem.kernels import jit as options
from fastem.kernels import pipeline
from fastem.kernels.jit import jit


@jit
def mixed(x, n, flag):
    total = 0.0
    for i in range(n):
        if flag and i % 3 == 1:
            continue
        total += x[i] * i - n // 2 + (x[i] > 0.5) + n**2 / (i + 1)
    return total


class Passes(event.Listener):
    """Names of the passes that have run."""

    def __init__(self):
        self.names, self.collecting = [], []

    def on_start(self, event):
        self.names.append(event.data["name"].partition(" [")[0])
        self.collecting.append(gc.isenabled())

    def on_end(self, event):
        pass


def compiled_passes(function, *args):
    seen = Passes()
    with event.install_listener("numba:run_pass", seen):
        result = function(*args)
    return result, seen


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("flag", [False, True])
def test_same_types_and_results_as_by_numbas_whole_pipeline(kind, flag):
    x = np.random.default_rng(0).uniform(size=50).astype(kind)
    whole = numba.njit(_nrt=False, **options._options())(mixed.py_func)
    lean = jit(mixed.py_func)
    assert lean(x, 50, flag) == whole(x, 50, flag)
    assert [s.return_type for s in lean.nopython_signatures] == [
        s.return_type for s in whole.nopython_signatures
    ]


def test_needless_passes_are_numbas_and_do_not_run():
    x = np.ones(3)
    whole = numba.njit(_nrt=False, **options._options())(mixed.py_func)
    _, by_numba = compiled_passes(whole, x, 3, True)
    _, lean = compiled_passes(jit(mixed.py_func), x, 3, True)
    assert set(by_numba.names) >= pipeline.NEEDLESS
    assert not set(lean.names) & pipeline.NEEDLESS
    assert "native_lowering" in lean.names


def test_garbage_is_left_alone_while_compiling_only():
    _, seen = compiled_passes(jit(mixed.py_func), np.ones(3), 3, True)
    assert not any(seen.collecting)
    assert gc.isenabled()
    gc.disable()
    try:
        jit(mixed.py_func)(np.ones(3), 3, True)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_operators_on_numbers_are_resolved_once():
    jit(mixed.py_func)(np.ones(3), 3, True)
    known = dict(pipeline._Typing._known)
    jit(mixed.py_func)(np.ones(4), 4, False)
    assert pipeline._Typing._known == known


def test_arrays_are_known_to_be_arrays(monkeypatch):
    """Oracle: Numba's own pipeline asks."""
    asked, look_up = [], BaseContext.get_function

    def get_function(self, function, *more, **named):
        asked.append(function)
        return look_up(self, function, *more, **named)

    monkeypatch.setattr(BaseContext, "get_function", get_function)
    numba.njit(_nrt=False, **options._options())(mixed.py_func)(np.ones(3), 3, True)
    assert "__array__" in asked
    asked.clear()
    jit(mixed.py_func)(np.ones(3), 3, True)
    assert asked
    assert "__array__" not in asked


def test_unknown_numba_compiles_by_its_whole_pipeline(monkeypatch):
    monkeypatch.setattr(pipeline, "OPTIONS", {})
    result, seen = compiled_passes(jit(mixed.py_func), np.ones(3), 3, True)
    assert result == mixed(np.ones(3), 3, True)
    assert set(seen.names) >= pipeline.NEEDLESS
