"""Sums without order; the oracle is `math.fsum`, which rounds once."""

import math
import operator
from functools import reduce

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fastem.moments import Moments
from fastem.rows.dask.sums import MomentsSum, Sum


def addends(scale, n=40):
    """Numbers of both signs, over so many powers of ten, some of them 0."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 5, 7)) * 10.0 ** rng.uniform(-scale, scale, (n, 5, 7))
    x[::7, ::3] = 0
    x[:, 4] = 0
    return x


def added_at_random(sums, rng):
    sums = [sums[i] for i in rng.permutation(len(sums))]
    while len(sums) > 1:
        i = rng.integers(len(sums) - 1)
        sums[i : i + 2] = [sums[i] + sums[i + 1]]
    return sums[0]


@pytest.mark.parametrize("scale", [0, 3, 30, 290])
def test_any_order_gives_the_same_bits(scale):
    x, rng = addends(scale), np.random.default_rng(1)
    expected = reduce(operator.add, map(Sum.of, x)).total()
    for _ in range(10):
        total = added_at_random([Sum.of(part) for part in x], rng).total()
        assert np.array_equal(total, expected)
    exact = np.apply_along_axis(math.fsum, 0, x)
    assert np.all(np.abs(expected - exact) <= 2**-52 * np.abs(x).sum(axis=0))


@pytest.mark.parametrize("scale", [0, 30, 290])
def test_a_single_addend_stays_what_it_is(scale):
    for part in addends(scale):
        assert np.array_equal(Sum.of(part).total(), part)


def test_what_cancels_leaves_what_is_small():
    x = np.array([[1e8], [1.0], [-1e8], [2.0**-40]])
    assert reduce(operator.add, map(Sum.of, x)).total() == 1 + 2.0**-40


def test_many_addends():
    """Their limbs have room for all."""
    one = Sum.of(np.full(3, 1 - 2.0**-53))
    many = reduce(operator.add, [one] * 5000)
    assert_allclose(many.total(), 5000 * (1 - 2.0**-53), rtol=1e-16)


@pytest.mark.parametrize("wild", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_stays_so(wild):
    x = np.array([[1.0, 1.0], [2.0, wild], [3.0, 1.0]])
    total = reduce(operator.add, map(Sum.of, x)).total()
    assert total[0] == 6
    assert np.isnan(total[1])


@pytest.mark.parametrize("second", [(2, 3, 3), (2, 3)])
def test_moments(second):
    """Oracle: the moments' own addition, to rounding."""
    rng = np.random.default_rng(2)
    about = rng.normal(size=(2, 3))
    parts = [
        Moments(about, 10.0, *rng.normal(size=2), *map(rng.normal, [0] * 3, [1] * 3, shapes), 0.5)
        for shapes in [((2,), (2, 3), second)] * 9
    ]
    got = reduce(operator.add, map(MomentsSum.of, parts)).moments()
    expected = reduce(operator.add, parts)
    for name in (
        "n_rows",
        "log_likelihood",
        "classification_entropy",
        "counts",
        "first",
        "second",
        "noise",
    ):
        assert_allclose(getattr(got, name), getattr(expected, name), rtol=1e-13, atol=1e-14)
