"""How kernels are compiled: what their options mean."""

import threading
import time

import numba
import numpy as np
import pytest

from fastem.compiler.options import jit, jit_allocating, jit_strict, overload


@jit
def total(x):
    s = 0.0
    for i in range(len(x)):
        s += x[i]
    return s


@jit
def log_sum_exp(x):
    largest = -np.inf
    for i in range(len(x)):
        if np.isnan(x[i]):
            return np.inf
        largest = max(largest, x[i])
    if largest == -np.inf:
        return largest
    s = 0.0
    for i in range(len(x)):
        s += np.exp(x[i] - largest)
    return largest + np.log(s)


@jit
def quotient(x, y):
    return x / y


@jit
def wait(flag, ticks, limit):
    i = 0
    while flag[0] == 0.0 and i < limit:
        i += 1
        ticks[0] = i
    return i < limit


@jit_strict
def add_one_by_one(x):
    s = 0.0
    for i in range(len(x)):
        s += x[i] * x[i]
    return s


@jit_allocating
def squares(n):
    return np.arange(n) ** 2


def n_bits(x):
    raise NotImplementedError


@overload(n_bits)
def _n_bits(x):
    bits = x.dtype.bitwidth
    return lambda x: bits


def inverse_sum(x):
    raise NotImplementedError


@overload(inverse_sum)
def _inverse_sum(x, start=0.0):  # the bodies may leave out an argument
    def body(x):
        s = 0.0
        for i in range(len(x)):
            s += 1.0 / x[i]
        return s

    return body


@jit
def count_bits(x):
    return n_bits(x)


@jit
def call_inverse_sum(x):
    return inverse_sum(x)


def flags(dispatcher):
    (llvm,) = dispatcher.inspect_llvm().values()
    additions = [line.split("double")[0] for line in llvm.splitlines() if " fadd " in line]
    assert additions
    return {word for line in additions for word in line.split("fadd")[1].split()} - {"<"}


def test_sums_are_reordered_but_infinities_are_kept():
    assert total(np.ones(1000)) == 1000.0
    assert {"reassoc", "contract", "nsz", "arcp"} <= flags(total)
    assert not {"nnan", "ninf", "fast"} & flags(total)


def test_strict_means_rounded_as_written():
    x = np.random.default_rng(0).normal(size=1000)
    total = 0.0
    for value in x.tolist():
        total += value * value
    assert add_one_by_one(x) == total
    assert not flags(add_one_by_one)


def test_infinity_and_nan_keep_their_meaning():
    assert log_sum_exp(np.full(3, -np.inf)) == -np.inf
    assert log_sum_exp(np.array([-np.inf, 0.0])) == 0.0
    assert log_sum_exp(np.array([np.nan, 0.0])) == np.inf
    assert np.isnan(total(np.array([np.inf, -np.inf, 1.0])))


def test_division_by_zero_is_as_in_numpy():
    assert quotient(1.0, 0.0) == np.inf
    assert np.isnan(quotient(0.0, 0.0))


def test_other_python_threads_run_meanwhile():
    flag, ticks = np.zeros(1), np.zeros(1)
    wait(np.ones(1), np.zeros(1), 1)
    seen = []
    thread = threading.Thread(target=lambda: seen.append(wait(flag, ticks, 4_000_000_000)))
    thread.start()
    while ticks[0] == 0.0:
        time.sleep(0.001)
    flag[0] = 1.0
    thread.join()
    assert seen == [True]


def test_only_jit_allocating_may_create_arrays():
    np.testing.assert_array_equal(squares(4), [0, 1, 4, 9])
    with pytest.raises(numba.TypingError):
        jit(squares.py_func)(4)


def test_overload_chooses_by_type():
    assert [count_bits(np.ones(1, dtype)) for dtype in ("f4", "f8")] == [32, 64]


def test_overload_has_the_options_of_jit():
    assert call_inverse_sum(np.array([1.0, 2.0, 4.0])) == 1.75
    assert call_inverse_sum(np.zeros(2)) == np.inf
    assert "reassoc" in flags(call_inverse_sum)
    assert not {"nnan", "ninf", "fast"} & flags(call_inverse_sum)
