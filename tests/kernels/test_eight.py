"""Arithmetic of eight numbers at a time, beside NumPy's."""

import numpy as np
import pytest

from fastem.compiler.slot_loop import packed_slot_loop, slot_loop
from fastem.kernels import eight


def _all(slot, f, x, y, out):
    """Each function once, a row of `out` each; the last is read and written by one call."""
    eight.put(eight.of(x), out[0])
    eight.put(eight.plus(y, f, x), out[1])
    eight.put(eight.times(f, x), out[2])
    eight.put(eight.less(2.0, x), out[3])
    eight.put(eight.reciprocal(x), out[4])
    eight.put(eight.where(f, y), out[5])
    eight.put(eight.plus(out[6], f, out[6]), out[6])


@pytest.fixture(params=[slot_loop, packed_slot_loop], ids=["plain", "packed"])
def computed(request):
    def of(f, x, y):
        out = np.ones((7, eight.LANES))
        request.param(_all)(1.0, 1, f, x, y, out)
        return out

    return of


def test_each_function_is_numpys(computed):
    rng = np.random.default_rng(0)
    f, x, y = rng.normal(size=(3, eight.LANES))
    wanted = [x, y + f * x, f * x, 2.0 - x, 1.0 / x, np.where(f > 0.0, y, 0.0), 1.0 + f]
    np.testing.assert_allclose(computed(f, x, y), wanted, rtol=1e-15, atol=1e-15)


def test_what_has_no_share_counts_as_0_whatever_it_is(computed):
    share = np.array([1.0, 0.0] * 4)
    found = computed(share, np.ones(eight.LANES), np.array([2.0, np.nan, 3.0, np.inf] * 2))[5]
    assert found.tolist() == [2.0, 0.0, 3.0, 0.0] * 2


@pytest.mark.parametrize("place", range(eight.LANES))
def test_one_positive_number_is_enough(place):
    x = np.zeros(eight.LANES)
    assert not eight.any_positive(x)
    x[place] = 1e-300
    assert eight.any_positive(x)
