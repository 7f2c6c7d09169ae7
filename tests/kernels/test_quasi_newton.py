"""The quasi-Newton step, against BFGS with whole matrices."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fastem.kernels.convergence import measure_steps
from fastem.kernels.quasi_newton import ascend, reach, reach_wide
from fastem.kernels.whitening import whiten, whiten_steps
from fastem.kernels.wide import COLUMNS

ORDER = 4


def dense_bfgs(pairs, gradient):
    """The inverse Hessian's product with the gradient, whole matrices, oldest pair first."""
    step, change = pairs[-1]
    H = max(1.0, step @ change / (change @ change)) * np.eye(len(gradient))
    for step, change in pairs:
        rho = 1 / (step @ change)
        left = np.eye(len(gradient)) - rho * np.outer(step, change)
        H = left @ H @ left.T + rho * np.outer(step, step)
    return H @ gradient


def memory(size):
    """What `ascend` keeps from call to call."""
    return (
        np.empty((2, size)),
        np.array([-1, 0]),
        np.empty((2, ORDER, size)),
        np.empty((2, ORDER + 1, size + 1)),
    )


@pytest.mark.parametrize("climbs", [True, False])
def test_steps_are_those_of_bfgs(climbs):
    """On a quadratic, more steps than are remembered; in a valley nothing is learnt."""
    K, D = 2, 3
    weights, factors = np.array([0.3, 0.7]), np.array([[1.0, 2.0, 3.0], [0.5, 1.0, 1.5]])
    size = K + 2 * K * D
    metric, point = np.ones(size), np.append(weights, np.zeros(size - K))
    whiten(metric, point, K, D, factors, 1.0, np.empty(size))
    rng = np.random.default_rng(2)
    A = rng.normal(size=(size, size))
    A = (A @ A.T / size + 0.1 * np.eye(size)) * (1.0 if climbs else -1.0)
    A[:K] = A[:, :K] = 0.0  # the weights stay, and with them the metric
    place = np.concatenate([weights, rng.normal(size=size - K)])
    state = (K, D), False, factors, 1.0, np.empty((0, size)), memory(size), np.inf
    kept, last = [], None
    for _ in range(3 * ORDER):
        residual = -A @ (metric * place) / metric
        direction = np.empty(size)
        found = ascend(place + residual, place, *state, direction)
        if last is not None and climbs:
            kept = [*kept, (metric * (place - last[0]), metric * (last[1] - residual))][-ORDER:]
        last = place, residual
        assert found == bool(kept)
        expected = dense_bfgs(kept, metric * residual) / metric if kept else residual
        assert_allclose(direction, expected, rtol=1e-8, atol=1e-10 * np.abs(expected).max())
        place = place + 0.3 * direction


@pytest.mark.parametrize("D", [3, COLUMNS])
@pytest.mark.parametrize("noisy", [False, True])
def test_what_was_whitened_for_the_judge_leads_to_the_same_steps(noisy, D):
    """Oracle: the same steps without it."""
    K, rng = 2, np.random.default_rng(4)
    roots = rng.normal(size=(K, D, D)) + 2 * np.eye(D)
    covariances = roots @ roots.swapaxes(1, 2)
    factors = np.linalg.inv(np.linalg.cholesky(covariances))
    start = np.concatenate([[0.3, 0.5], np.zeros(K * D), covariances.ravel()])
    size, ends = start.size, []
    if D < COLUMNS:
        factors = factors.reshape(K, -1)
    for judged in (False, True):
        learnt, before, steps = memory(size), np.zeros((2, size)), np.zeros((4, size))
        place, rng, found = start, np.random.default_rng(4), False
        for _ in range(4):
            residual = 0.1 * rng.normal(size=size) * np.sqrt(np.abs(place))
            residual[K + K * D :] = (
                residual[K + K * D :].reshape(K, D, D).swapaxes(1, 2)
                + residual[K + K * D :].reshape(K, D, D)
            ).ravel()
            residual[:K], direction = 0.01 * residual[:K], np.empty(size)
            own = (K, D), noisy, factors, 1.0
            if D >= COLUMNS:
                whiten_steps(place, place + residual, (K, D), factors, 1.0, before, steps)
            measure_steps(place, place + residual, *own, before, steps)
            known = steps if judged else steps[:0]
            found = ascend(place + residual, place, *own, known, learnt, 10.0, direction)
            place = place + 0.01 * direction
        assert found
        ends.append(direction)
    assert_allclose(*ends, rtol=1e-9, atol=1e-12 * np.abs(ends[0]).max())


def test_an_extrapolation_is_no_longer_than_asked():
    state = (1, 1), False, np.ones((1, 1)), 1.0, np.empty((0, 3)), memory(3), 10.0
    direction = np.empty(3)
    start, residual = np.array([1.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0])
    assert not ascend(start + residual, start, *state, direction)
    # The step grew shorter by a thousandth: the end seems a thousand steps away.
    assert ascend(start + 1.999 * residual, start + residual, *state, direction)
    assert_allclose(direction, 9.99 * residual, rtol=1e-9)


@pytest.mark.parametrize("D", [COLUMNS, 200])
def test_what_is_inside_the_domain_of_many_columns(D):
    """Oracle: `reach`."""
    K, rng = 2, np.random.default_rng(D)
    point = np.concatenate([[0.5, 0.4], np.zeros(K * D), np.tile(np.eye(D).ravel(), K)])
    found = []
    for amount in 0.0, 0.5 / np.sqrt(D), 2.0 / np.sqrt(D):
        turn = rng.normal(size=(K, D, D))
        turn = amount * (turn + turn.swapaxes(1, 2)) / 2
        direction = np.concatenate([np.zeros(K + K * D), turn.ravel()])
        ends = np.empty((2, len(point)))
        inside = reach(point, direction, (K, D), False, 1e-10, np.empty((K, D, D)), ends[0])
        wide = reach_wide(point, direction, (K, D), False, 1e-10, np.empty((2, D, D)), ends[1])
        assert wide == inside
        assert np.array_equal(*ends)
        found.append(inside)
    assert found[0]
    assert not found[-1]


@pytest.mark.parametrize("diagonal", [False, True])
def test_what_is_inside_the_domain(diagonal):
    K, D = 2, 2
    one = np.ones(D) if diagonal else np.eye(D)
    point = np.concatenate([[0.5, 0.4], np.zeros(K * D), np.tile(one.ravel(), K)])
    matrices, target = np.empty((0 if diagonal else K, D, D)), np.empty(len(point))

    def lands(where, amount, noisy=False):
        direction = np.zeros(len(point))
        direction[where] = amount
        return reach(point, direction, (K, D), noisy, 1e-10, matrices, target)

    assert lands(0, 0.05)
    assert np.array_equal(target[:2], [0.55, 0.4])
    assert not lands(0, -0.51)
    assert lands(0, 0.2)
    assert not lands(0, 0.2, noisy=True)
    assert not lands(3, np.nan)
    assert not lands(-1, -1.1)
    if not diagonal:
        assert lands([-3, -2], 0.9)
        assert not lands([-3, -2], 1.1)
