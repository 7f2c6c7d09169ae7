"""Functions compiled within their callers."""

import numba
import numpy as np
import pytest

from fastem.compiler import inlining
from fastem.compiler.options import jit


@jit
def power(x, n):
    result = 1.0
    for _ in range(n):
        result *= x
    return result


@jit
def sum_of_powers(x, n):
    total = 0.0
    for i in range(len(x)):
        total += power(x[i], n) + power(x[i], 2)
    return total


@jit
def least_positive(x):
    least = np.inf
    for i in range(len(x)):
        if x[i] <= 0.0:
            raise ValueError("not positive")
        least = min(least, x[i])
    return least


@jit
def twice_least_positive(x):
    return 2.0 * least_positive(x)


def test_called_function_has_no_machine_code_of_its_own():
    assert sum_of_powers(np.array([1.0, 2.0]), 3) == 14.0
    assert not power.signatures
    assert power(3.0, 2) == 9.0
    assert len(power.signatures) == 1


def test_constants_are_no_types_of_their_own():
    assert sum_of_powers(np.ones(2), 1) == 4.0
    compiled = power.get_call_template.__self__._compiled
    assert list(compiled) == [(numba.float64, numba.int64)]


def test_exceptions_reach_the_caller_in_python():
    assert twice_least_positive(np.array([3.0, 2.0])) == 4.0
    with pytest.raises(ValueError, match="not positive"):
        twice_least_positive(np.zeros(1))


def test_unknown_numba_compiles_as_usual(monkeypatch):
    monkeypatch.setattr(inlining, "INLINING", None)
    inner = jit(least_positive.py_func)
    outer = jit(twice_least_positive.py_func)
    monkeypatch.setitem(outer.py_func.__globals__, "least_positive", inner)
    assert outer(np.array([3.0, 2.0])) == 4.0
    assert len(inner.signatures) == 1
