"""Steps whitened, against the information of the complete data in closed form."""

import numba
import numpy as np
import pytest
from numpy.testing import assert_allclose

from fastem.kernels.convergence import measure_steps
from fastem.kernels.whitening import whiten, whiten_steps
from fastem.kernels.wide import COLUMNS

#: Columns from which factors are given as those of many columns are.
AS_OF_MANY = 60


def whitened(step, weights, factors, unit=1.0):
    D = factors.shape[-1]
    out, point = step.copy(), np.zeros_like(step)
    point[: len(weights)] = weights
    given, scratch = unit * factors, np.empty_like(out)
    given = given if D >= AS_OF_MANY else given.reshape(len(factors), -1)
    whiten(out, point, len(weights), D, given, unit, scratch)
    return out


def mixture(K, D, diagonal, shared=False):
    rng = np.random.default_rng(0)
    roots = rng.normal(size=(1 if shared else K, D, D)) + 2 * np.eye(D)
    covariances = roots @ roots.swapaxes(1, 2)
    if diagonal:
        covariances = np.diagonal(covariances, axis1=1, axis2=2)
        return rng.dirichlet(np.full(K, 5.0)), covariances, 1 / np.sqrt(covariances)
    factors = np.linalg.inv(np.linalg.cholesky(covariances))
    return rng.dirichlet(np.full(K, 5.0)), covariances, factors


@pytest.mark.parametrize("unit", [1.0, 0.7])
@pytest.mark.parametrize(
    ("K", "D", "diagonal", "shared"),
    [
        (3, 4, False, False),
        (3, 4, False, True),
        (2, 1, False, False),
        (3, 4, True, False),
        *[(2, D, False, False) for D in (63, 64, 65, 128, COLUMNS, 300)],
        (2, COLUMNS + 9, False, True),
    ],
)
def test_whitened_lengths_are_information(K, D, diagonal, shared, unit):
    """Oracle: dw'dw / w + w (dm' S^-1 dm + tr(S^-1 dS S^-1 dS) / 2), component by component."""
    weights, covariances, factors = mixture(K, D, diagonal, shared)
    rng = np.random.default_rng(1)
    changes, means = rng.normal(size=K), rng.normal(size=(K, D))
    spread = rng.normal(size=(K, D) if diagonal else (K, D, D))
    if not diagonal:
        spread = spread + spread.swapaxes(1, 2)
    vector = np.concatenate([changes, means.ravel(), spread.ravel()])
    white = whitened(vector, weights, factors, unit)
    expected = 0.0
    for k in range(K):
        S, dS = covariances[0 if shared else k], spread[k]
        S, dS = (np.diag(S), np.diag(dS)) if diagonal else (S, dS)
        A = np.linalg.solve(S, dS)
        form = means[k] @ np.linalg.solve(S, means[k]) + 0.5 * np.trace(A @ A)
        expected += changes[k] ** 2 / weights[k] + weights[k] * form
    assert_allclose(white @ white, expected, rtol=1e-12 if D < AS_OF_MANY else 1e-9)


def wide_steps(D, shared, seed=0):
    """A point of so many columns, an earlier one, the EM steps from both; shape and factors."""
    K = 2
    weights, covariances, factors = mixture(K, D, False, shared)
    rng = np.random.default_rng(seed)

    def symmetric():
        turn = rng.normal(size=covariances.shape)
        return (turn + turn.swapaxes(1, 2)).ravel()

    point = np.concatenate([weights, rng.normal(size=K * D), covariances.ravel()])
    steps = [np.concatenate([rng.normal(size=K + K * D), symmetric()]) for _ in range(3)]
    return point, *steps, (K, D), factors


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("D", [1, 64, COLUMNS + 9])
@pytest.mark.parametrize("case", ["first", "followed", "led elsewhere"])
def test_wide_steps_are_whitened_for_whoever_measures_them(case, D, shared):
    """Oracle: each step by itself, in one thread."""
    point, step, way, last, shape, factors = wide_steps(D, shared)
    before = np.zeros((2, len(point)))
    if case != "first":
        before[0] = point - way
        before[1] = point - before[0] if case == "followed" else last
    expected = [step, point - before[0], before[1] - step]
    em_step, given = point + step, before.copy()
    expected[0] = em_step - point
    expected[2] = before[1] - expected[0]
    steps, scale = np.full((4, len(point)), np.nan), 0.7
    whiten_steps(point, em_step, shape, scale * factors, scale, before, steps)
    assert np.array_equal(before, given)
    for raw in expected:
        whiten(raw, point, *shape, scale * factors, scale, np.empty_like(raw))
    if case == "first":
        expected[1:] = np.zeros((2, len(point)))
    for got, wanted in zip(steps, expected, strict=False):
        assert_allclose(got, wanted, rtol=0, atol=1e-12 * np.abs(wanted).max())
    r, m, shrank = expected
    found = measure_steps(point, em_step, shape, False, factors, scale, before, steps)
    assert_allclose(found, [r @ r, m @ shrank, m @ m], rtol=1e-9)
    assert np.array_equal(before, [point, em_step - point])


def test_wide_steps_are_the_same_to_the_bit_for_any_number_of_threads():
    D, n_threads, found = 400, numba.get_num_threads(), []
    point, step, way, last, shape, factors = wide_steps(D, shared=False)
    try:
        for n in range(1, n_threads + 1):
            numba.set_num_threads(n)
            steps = np.empty((4, len(point)))
            own = point + step, shape, factors, 1.0, np.stack([point - way, last])
            whiten_steps(point, *own, steps)
            found.append(steps[:3])
    finally:
        numba.set_num_threads(n_threads)
    assert all(np.array_equal(found[0], other) for other in found[1:])
