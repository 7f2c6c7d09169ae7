"""k-means and its seeds, held against plain NumPy, whole and step by step."""

import numba
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastem.kernels import k_means as module
from fastem.kernels.k_means import k_means, nearest, step
from fastem.kernels.seeding import plus_plus, tiled
from fastem.kernels.tile import STRIDE


def problem(n, D, K, n_starts=3, seed=0):
    """Rows in clusters, weights, and what the draws of so many starts are made by."""
    rng = np.random.default_rng([seed, n, D, K])
    rows = rng.normal(size=(n, D)) + 4 * rng.normal(size=(K, D))[rng.integers(K, size=n)]
    n_trials = 2 + int(np.log(K))
    return rows, rng.exponential(size=n), rng.random((n_starts, K, n_trials))


def squared(rows, points):
    return ((rows[:, None] - points) ** 2).sum(axis=2)


def seeds(rows, weight, uniforms):
    """Oracle: greedy k-means++ of one start."""
    chosen, near = [], np.full(len(rows), np.inf)
    for k, draws in enumerate(uniforms):
        running = np.cumsum(weight * np.where(np.isinf(near), 1.0, near))
        drawn = np.searchsorted(running, draws[: 1 if k == 0 else None] * running[-1], "right")
        left = np.minimum(near[:, None], squared(rows, rows[drawn])).T @ weight
        chosen.append(drawn[left.argmin()])
        near = np.minimum(near, squared(rows, rows[chosen[-1:]])[:, 0])
        near = near if near.any() else np.full(len(rows), np.inf)
    return rows[chosen]


def clusters(rows, weight, centres, n_steps):
    """Oracle: Lloyd's algorithm."""
    centres = centres.copy()
    for _ in range(n_steps):
        labels = squared(rows, centres).argmin(axis=1)
        for k in set(labels):
            centres[k] = np.average(rows[labels == k], axis=0, weights=weight[labels == k])
    return centres, squared(rows, centres).argmin(axis=1)


@pytest.fixture(params=["whole", "step by step"])
def way(request, monkeypatch):
    monkeypatch.setattr(module, "LITTLE", np.inf if request.param == "whole" else 0.0)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("n_steps", [0, 1, 6])
@pytest.mark.parametrize(("n", "D", "K"), [(9, 1, 2), (700, 2, 5), (3000, 7, 9), (600, 20, 1)])
def test_the_clusters_are_those_of_plain_numpy(n, D, K, n_steps):
    rows, weight, uniforms = problem(n, D, K)
    centres, labels = k_means(rows, weight, uniforms, n_steps)
    for s in range(len(uniforms)):
        expected = clusters(rows, weight, seeds(rows, weight, uniforms[s]), n_steps)
        assert_allclose(centres[s], expected[0], rtol=1e-10, atol=1e-10)
        assert_array_equal(labels[s], expected[1])


@pytest.mark.parametrize("D", range(1, 14))
def test_any_number_of_columns_and_of_points(D):
    for K in range(1, 10):
        rows, weight, uniforms = problem(1100, D, K, n_starts=1)
        points = rows[:K][None] + 0.5
        labels = nearest(rows, weight, points)
        assert_array_equal(labels[0], squared(rows, points[0]).argmin(axis=1))
        expected = seeds(rows, weight, uniforms[0])
        assert_allclose(plus_plus(rows, tiled(rows), weight, uniforms)[0], expected)


def test_rounding_puts_no_row_beyond_the_last_centre(monkeypatch):
    """Columns beyond the end repeat the last centre, and may round otherwise than it."""

    def squared_distances(tile, points, a, out):
        out[: 4 * STRIDE].reshape(4, -1)[:] = np.linspace(1.0, 1.0 - 1e-15, 4)[:, None]

    monkeypatch.setattr(module, "squared_distances", squared_distances)
    centres, label = np.zeros((1, 2)), np.full(9, -1, np.int32)
    changed = module.assign.py_func(np.zeros(2 * STRIDE), centres, np.empty(6 * STRIDE), label)
    assert changed == 9
    assert not label.any()


@pytest.mark.usefixtures("way")
def test_starts_do_not_depend_on_those_beside_them():
    """Oracle: each start alone, to the bit."""
    rows, weight, uniforms = problem(5000, 3, 4, n_starts=module.TOGETHER + 3)
    centres, labels = k_means(rows, weight, uniforms, 20)
    for s in range(len(uniforms)):
        alone = k_means(rows, weight, uniforms[s : s + 1], 20)
        assert_array_equal(alone[0][0], centres[s])
        assert_array_equal(alone[1][0], labels[s])


@pytest.mark.usefixtures("way")
def test_the_same_bits_for_any_number_of_threads(monkeypatch):
    rows, weight, uniforms = problem(20_000, 6, 8)
    expected = k_means(rows, weight, uniforms, 30)
    monkeypatch.setattr("fastem.compiler.slot_loop.n_threads", lambda work: numba.get_num_threads())
    before = numba.get_num_threads()
    try:
        for threads in range(1, numba.config.NUMBA_NUM_THREADS + 1):
            numba.set_num_threads(threads)
            got = k_means(rows, weight, uniforms, 30)
            assert_array_equal(got[0], expected[0])
            assert_array_equal(got[1], expected[1])
    finally:
        numba.set_num_threads(before)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_far_rows_close_together_are_parted(offset, scale):
    """Products of rows with centres would have lost all digits of their distances."""
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(3), 200)
    rows = (rng.normal(size=(600, 2)) + 100 * truth[:, None] + offset) * scale
    uniforms = rng.random((5, 3, 3))
    _, labels = k_means(rows, np.ones(600), uniforms, 50)
    assert all(len({*zip(found, truth, strict=True)}) == 3 for found in labels)


@pytest.mark.usefixtures("way")
def test_fewer_distinct_rows_than_clusters():
    rows = np.repeat([[0.0, 0.0], [1.0, 0.0]], 300, axis=0)
    centres, labels = k_means(rows, np.ones(600), problem(600, 2, 5)[2], 10)
    assert ((centres == [0.0, 0.0]) | (centres == [1.0, 0.0])).all()
    for s in range(3):
        assert_array_equal(centres[s][labels[s]], rows)


@pytest.mark.usefixtures("way")
def test_rows_of_weight_zero_are_never_drawn():
    rows, _, uniforms = problem(2000, 2, 3, n_starts=20)
    weight = (np.arange(2000) % 100 == 99).astype(float)
    centres, _ = k_means(rows, weight, uniforms, 0)
    assert (squared(centres.reshape(-1, 2), rows[99::100]).min(axis=1) == 0).all()


def test_a_step_says_what_changed_and_a_centre_without_rows_stays():
    rows = np.arange(10.0)[:, None]
    centres, labels = np.array([[[1.0], [8.0], [99.0]]]), np.zeros((1, 10), np.int32)
    moved, changed = step(rows, tiled(rows), np.ones(10), centres, labels, np.zeros(1, int))
    assert_array_equal(labels[0], [0] * 5 + [1] * 5)
    assert_array_equal(moved, [[[2.0], [7.0], [99.0]]])
    assert_array_equal(changed, [5])
