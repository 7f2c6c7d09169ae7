"""Machine code called by its address: the same answers as by its name."""

import numpy as np
import pytest
from numba import types

from fastem.compiler import function_pointers
from fastem.compiler.function_pointers import address_of, call, jit_calling
from fastem.compiler.options import jit

PAIR = types.float64(types.float64, types.float64)
VECTOR = types.Array(types.float64, 1, "C")
FILL = types.none(VECTOR, types.float64)


@jit
def power(x, y):
    return x**y


@jit
def quotient(x, y):
    if y == 0.0:
        raise ZeroDivisionError
    return x / y


@jit
def fill(x, value):
    for i in range(len(x)):
        x[i] = value


@jit_calling
def called(address, x, y):
    return call(address, 0.0, (x, y))


@jit_calling
def call_fill(address, x, value):
    call(address, None, (x, value))


def test_a_function_is_called_by_its_address():
    """One compiled caller serves all functions of such arguments."""
    before = len(called.signatures) if function_pointers.AVAILABLE else 0
    assert called(address_of(power, PAIR), 3.0, 2.0) == 9.0
    assert called(address_of(quotient, PAIR), 3.0, 2.0) == 1.5
    if function_pointers.AVAILABLE:
        assert len(called.signatures) == before + 1


def test_a_function_may_write_and_return_nothing():
    x = np.zeros(3)
    assert call_fill(address_of(fill, FILL), x, 7.0) is None
    np.testing.assert_array_equal(x, 7.0)


def test_errors_come_through():
    with pytest.raises(ZeroDivisionError):
        called(address_of(quotient, PAIR), 3.0, 0.0)


def test_an_address_is_the_same_at_every_call():
    if not function_pointers.AVAILABLE:
        pytest.skip("numbers stand for functions here")
    assert address_of(power, PAIR) == address_of(power, PAIR)


def test_without_pointers_python_makes_the_calls(monkeypatch):
    monkeypatch.setattr(function_pointers, "AVAILABLE", False)
    address = address_of(power, PAIR)
    assert function_pointers._call_in_python(address, 0.0, (3.0, 2.0)) == 9.0
    assert jit_calling(power) is power
