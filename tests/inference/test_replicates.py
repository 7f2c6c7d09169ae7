"""Replicates: what is read off them, against NumPy on numbers made up."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import fastem
from fastem.inference.replicates import LINES

RNG = np.random.default_rng(0)
MIXTURE = fastem.Mixture([0.25, 0.75], [[0, 1], [5, 6]], [[[1, 0.5], [0.5, 2]], np.eye(2)])
COVARIANCES = np.array(MIXTURE.covariances) + 0.01 * RNG.random((50, 2, 1, 1))
MADE = fastem.Bootstrap(
    MIXTURE, "nonparametric", RNG.dirichlet([2, 6], 50), RNG.normal(size=(50, 2, 2)), COVARIANCES
)


def test_standard_errors_are_standard_deviations():
    errors = MADE.standard_errors
    assert_allclose(errors.weights, np.std(MADE.weights, axis=0, ddof=1))
    assert_allclose(errors.means, np.std(MADE.means, axis=0, ddof=1))
    assert_allclose(errors.covariances, np.std(COVARIANCES, axis=0, ddof=1))
    assert_array_equal(errors.variances, errors.covariances[:, [0, 1], [0, 1]])
    assert_array_equal(MADE.variances, COVARIANCES[:, :, [0, 1], [0, 1]])


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_intervals_are_percentiles(level):
    low, high = MADE.interval(level)
    tails = 50 * (1 - level), 50 * (1 + level)
    for name in ("weights", "means", "covariances"):
        expected = np.percentile(getattr(MADE, name), tails, axis=0)
        assert_allclose([getattr(low, name), getattr(high, name)], expected)


def test_the_table_has_a_line_for_each_weight_mean_and_variance():
    columns = MADE.table_columns(0.8)
    lines = list(zip(*columns.values(), strict=True))
    assert list(columns) == [
        *("parameter", "component", "column"),
        *("estimate", "standard_error", "low", "high"),
    ]
    assert [line[:4] for line in lines[:3]] == [
        ("weight", 0, None, 0.25),
        ("weight", 1, None, 0.75),
        ("mean", 0, 0, 0.0),
    ]
    assert lines[-1][:4] == ("variance", 1, 1, 1.0)
    assert len(lines) == 2 + 4 + 4
    low, high = MADE.interval(0.8)
    assert lines[3][4:] == (MADE.standard_errors.means[0, 1], low.means[0, 1], high.means[0, 1])


def test_repr_is_the_table_for_people():
    text = repr(MADE)
    assert text.startswith("Bootstrap (nonparametric) of 50 replicates; intervals hold 95%")
    assert "  variance 0, column 1          2" in text
    assert len(text.splitlines()) == 3 + 10
    many = fastem.Mixture(np.full(9, 1 / 9), np.zeros((9, 2)), np.ones((9, 2)), "diag")
    wide = [
        np.repeat(a[None], 3, axis=0) for a in (many.weights, many.means, many.full_covariances)
    ]
    text = repr(fastem.Bootstrap(many, "weighted-likelihood", *wide))
    assert len(text.splitlines()) == 3 + LINES + 2
    assert text.endswith(f"and {9 + 18 + 18 - LINES} more lines: table_columns()")


@pytest.mark.parametrize(("level", "error"), [(0, ValueError), (1, ValueError), ("95%", TypeError)])
def test_levels_lie_between_nought_and_one(level, error):
    with pytest.raises(error, match="level is"):
        MADE.interval(level)
