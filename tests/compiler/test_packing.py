"""Tuples in memory: compiled code loads what was stored."""

from typing import NamedTuple

import numba
import numpy as np
import pytest
from numba import types

from fastem.compiler import function_pointers
from fastem.compiler.function_pointers import address_of, call, jit_calling
from fastem.compiler.options import jit, read_only
from fastem.compiler.packing import Packed, load

pytestmark = pytest.mark.skipif(
    not function_pointers.AVAILABLE, reason="machine code cannot be called by its address"
)


class Pair(NamedTuple):
    x: np.ndarray
    times: float


@jit
def unpacked(address, kind):
    """Writes to one array what the others come to."""
    flag, pair, (n, matrix, out), small = load(address, kind)
    for i in range(out.shape[0]):
        out[i] = pair.times * pair.x[i] + n * matrix[1, i] + small[0] + (100.0 if flag else 0.0)


@jit_calling
def enter(function, address):
    call(function, None, (address, None))


def values(flag, times):
    x, matrix = read_only(np.arange(3.0)), np.arange(6.0).reshape(2, 3)
    return flag, Pair(x, times), (7, matrix, np.zeros(3)), np.array([2.0], np.float32)


def test_each_is_what_was_stored():
    some = [values(i % 2 == 0, float(i)) for i in range(5)]
    packed, kind = Packed(5, some[0]), types.TypeRef(numba.typeof(some[0]))
    function = address_of(unpacked, types.none(types.int64, kind))
    for i, own in enumerate(some):
        packed[i] = own
    for i, (flag, pair, (n, matrix, out), small) in enumerate(some):
        enter(function, packed.addresses[i])
        expected = pair.times * pair.x + n * matrix[1] + small[0] + 100.0 * flag
        np.testing.assert_array_equal(out, expected)


def test_arrays_are_kept_alive_until_others_take_their_place():
    packed = Packed(1, values(True, 1.0))
    function = address_of(
        unpacked, types.none(types.int64, types.TypeRef(numba.typeof(values(True, 1.0))))
    )
    for times in 1.0, 2.0:
        packed[0] = values(True, times)  # nothing else refers to these
        other = [np.full(3, np.nan) for _ in range(100)]
        enter(function, packed.addresses[0])
        ((_, pair, (_, matrix, out), _),) = packed._kept
        np.testing.assert_array_equal(out, times * pair.x + 7 * matrix[1] + 102.0)
        assert len(other) == 100


def test_rows_of_memory_do_not_overlap():
    some = values(True, 1.0)
    step = np.diff(Packed(4, some).addresses)
    assert (step == step[0]).all()
    assert step[0] >= 8 * (1 + (5 + 2) + 1 + 1 + (5 + 4) + (5 + 2) + (5 + 2))
