"""Starts: what each gives to EM, with weights, ties and too few rows."""

from functools import cache

import numpy as np
import oracle
import pytest

import fastem
from fastem.covariance import FAMILIES, Bounds, Parameters
from fastem.search.hierarchy import Forest
from fastem.search.samples import Sample
from fastem.search.starts import STARTS, UserStart, nearest_means
from fastem.search.starts.random_rows import SUBSET_ROWS
from fastem.units import Units

NAMES = list(STARTS)
MEANS = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
X, LABELS = oracle.sample(
    np.random.default_rng(0), 800, np.full(4, 0.25), MEANS, np.ones(4), "spherical"
)


def sample_of(rows, weight=None):
    rows = np.ascontiguousarray(rows, dtype=float)
    D = rows.shape[1]
    units = Units(np.zeros(D), np.ones(D))
    return Sample(rows, weight, units, Forest(lambda n: (rows, weight)))


def generators(n, seed=0):
    return [np.random.default_rng([seed, i]) for i in range(n)]


def bounds(D=2):
    return Bounds(np.zeros(D), 1e-10)


@cache
def drawn_thrice(name):
    """Five starts, the same again, and others by another seed."""
    return [STARTS[name](sample_of(X), 4, generators(5, seed)) for seed in (0, 0, 1)]


@pytest.mark.parametrize("family", sorted(FAMILIES.keys() - {"E", "V"}))
@pytest.mark.parametrize("name", NAMES)
def test_starts_are_valid_mixtures_and_come_from_their_generator(name, family):
    drawn = [
        [s.parameters(FAMILIES[family], bounds()) for s in starts] for starts in drawn_thrice(name)
    ]
    assert len(drawn[0]) == 5
    for one, two in zip(drawn[0], drawn[1], strict=True):
        fastem.Mixture(*one, family)
        for mine, theirs in zip(one, two, strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert any(
        not np.array_equal(a.means, b.means) for a, b in zip(drawn[0], drawn[2], strict=True)
    )
    assert any(not np.array_equal(drawn[0][0].means, p.means) for p in drawn[0][1:])


def test_k_means_plus_plus_finds_separated_clusters():
    for start in STARTS["k-means++"](sample_of(X), 4, generators(5)):
        assert oracle.adjusted_rand_index(start.labels, LABELS) > 0.99
        found = start.parameters(FAMILIES["spherical"], bounds())
        nearest = ((found.means[:, None] - MEANS) ** 2).sum(axis=2).argmin(axis=1)
        assert sorted(nearest) == [0, 1, 2, 3]


@pytest.mark.parametrize("family", oracle.COVARIANCE_TYPES)
def test_parameters_of_labelled_rows_are_the_oracles_m_step(family):
    """Up to what each component borrows of the pooled covariance: D + 1 rows of it."""
    start = STARTS["k-means++"](sample_of(X), 4, generators(1))[0]
    found = start.parameters(FAMILIES[family], bounds())
    resp = np.eye(4)[start.labels]
    weights, means, _ = oracle.m_step(X, resp, family)
    np.testing.assert_allclose(found.weights, weights)
    np.testing.assert_allclose(found.means, means, rtol=1e-10, atol=1e-12)
    scatter = oracle.m_step(X, resp, "full").covariances
    counts = resp.sum(axis=0)[:, None, None]
    pooled = oracle.m_step(X, resp, "tied").covariances
    lent = (counts * scatter + 3 * pooled) / (counts + 3)
    expected = {
        "full": lent,
        "tied": pooled,
        "diag": np.diagonal(lent, axis1=1, axis2=2),
        "spherical": np.trace(lent, axis1=1, axis2=2) / 2,
    }[family]
    if family == "tied":
        np.testing.assert_allclose(found.covariances, pooled, rtol=0.05, atol=0.05)
    else:
        np.testing.assert_allclose(found.covariances, expected, rtol=1e-9, atol=1e-12)


def test_random_subsets_are_means_and_covariances_of_30_rows():
    start = STARTS["random-subsets"](sample_of(X), 3, generators(1))[0]
    found = start.parameters(FAMILIES["full"], bounds())
    np.testing.assert_allclose(found.weights, 1 / 3)
    for k in range(3):
        rows = start.rows[start.labels == k]
        assert len(rows) == SUBSET_ROWS == 30
        assert len(np.unique(rows, axis=0)) == 30
        assert (rows[:, None] == X).all(axis=2).any(axis=1).all()
        np.testing.assert_allclose(found.means[k], rows.mean(axis=0), rtol=1e-9)
        np.testing.assert_allclose(found.covariances[k], np.cov(rows.T, bias=True), rtol=1e-9)


def test_random_rows_are_rows():
    for start in STARTS["random"](sample_of(X), 5, generators(4)):
        assert (start.about[:, None] == X).all(axis=2).any(axis=1).all()
        assert len(np.unique(start.about, axis=0)) == 5
        nearest = ((X[:, None] - start.about) ** 2).sum(axis=2).argmin(axis=1)
        np.testing.assert_array_equal(start.labels, nearest)


@pytest.mark.parametrize("name", ["k-means++", "random"])
def test_rows_are_drawn_by_weight(name):
    """All weight but a trace lies on two of the four clusters."""
    weight = np.where(LABELS < 2, 1.0, 1e-9)
    for start in STARTS[name](sample_of(X, weight), 2, generators(10)):
        found = start.parameters(FAMILIES["spherical"], bounds())
        assert np.abs(found.means[:, 1]).max() < 1
        if name == "k-means++":
            assert sorted(np.round(found.means[:, 0] / 10)) == [0, 1]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("rows", "K"),
    [(np.ones((20, 2)), 3), (np.repeat(MEANS[:2], 10, axis=0), 5), (X[:4], 4), (X[:1], 1)],
    ids=["identical rows", "fewer distinct rows", "n = K", "one row"],
)
def test_too_few_distinct_rows_still_start(name, rows, K):
    for start in STARTS[name](sample_of(rows), K, generators(3)):
        found = start.parameters(FAMILIES["full"], bounds())
        fastem.Mixture(*found)
        assert set(start.labels) <= set(range(K))


def test_k_means_plus_plus_covers_every_distinct_row_before_it_repeats_one():
    rows = np.repeat(MEANS, 25, axis=0)
    for start in STARTS["k-means++"](sample_of(rows), 4, generators(10)):
        assert len(np.unique(start.labels)) == 4


def test_given_means_take_their_nearest_rows():
    start = nearest_means(sample_of(X), MEANS + 1)
    np.testing.assert_array_equal(start.labels, ((X[:, None] - MEANS - 1) ** 2).sum(2).argmin(1))


def test_given_parameters_replace_those_of_a_start_in_its_units():
    family = FAMILIES["full"]
    units = Units(np.array([3.0, -1.0]), np.array([0.5, 4.0]))
    given = UserStart.of(None, MEANS[:2], None, family, 2, 2)
    own = Parameters(np.array([0.3, 0.7]), np.zeros((2, 2)), np.array([np.eye(2)] * 2))
    found = given.override(own, family, units)
    np.testing.assert_allclose(found.means, (MEANS[:2] - units.centre) * units.scale)
    np.testing.assert_array_equal(found.weights, own.weights)
    np.testing.assert_array_equal(found.covariances, own.covariances)


def test_unscaled_k_means_sees_the_widest_column():
    """Two clusters lie apart in a column that is a hundred times as wide as nine others."""
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1], 200)
    rows = rng.normal(size=(400, 10))
    rows[:, 0] = 100.0 * (rng.normal(size=400) + 4.0 * truth)
    units = Units.standard(rows)
    sample = Sample(rows, None, units, Forest(lambda n: (rows, None)))
    (start,) = STARTS["k-means++-unscaled"](sample, 2, generators(1))
    assert oracle.adjusted_rand_index(start.labels, truth) > 0.85
    spheres = Units.standard(rows, per_column=False)
    sample = Sample(rows, None, spheres, Forest(lambda n: (rows, None)))
    (as_they_are,) = STARTS["k-means++-unscaled"](sample, 2, generators(1))
    (at_random,) = STARTS["random"](sample, 2, generators(1))
    np.testing.assert_array_equal(as_they_are.labels, at_random.labels)
