"""Rows in memory: one pass over all of them, and samples that are honest."""

import numpy as np
import pytest
from factored import factored
from numpy.testing import assert_allclose
from oracle import random_mixture, sample

from fastem.covariance import FAMILIES
from fastem.data import Data
from fastem.rows import Memory, MemoryRows
from fastem.search.samples import Samples
from fastem.units import Units

dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def problem(n=1500, D=3, dtype=np.float64):
    rng = np.random.default_rng(0)
    mixture = random_mixture(rng, 3, D)
    return sample(rng, n, *mixture)[0].astype(dtype), mixture


def rows_of(X, weight=None):
    return MemoryRows(X, weight, Units.of(X))


# Passes -----------------------------------------------------------------------------------------


@dtypes
@pytest.mark.parametrize("weighted", [False, True])
def test_read_only_rows_are_summarised_and_left_as_they_were(dtype, weighted):
    """Oracle: the density on the same arrays, and copies of them."""
    X, mixture = problem(dtype=dtype)
    weight = np.random.default_rng(1).exponential(size=len(X)) if weighted else None
    density, units = factored(mixture, "full", X)
    expected = density.summarise(X, weight, units)
    kept = X.copy(), None if weight is None else weight.copy()
    X.flags.writeable = False
    if weighted:
        weight.flags.writeable = False
    got = MemoryRows(X, weight, units).summarise(density)
    assert np.array_equal(got.second, expected.second)
    assert got.log_likelihood == expected.log_likelihood
    assert np.array_equal(X, kept[0])
    assert not weighted or np.array_equal(weight, kept[1])


def test_rows_in_a_mapped_file(tmp_path):
    """Oracle: the same rows in memory."""
    X, mixture = problem()
    np.save(tmp_path / "rows.npy", X)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    density, units = factored(mixture, "full", X)
    got = MemoryRows(mapped, None, units).summarise(density)
    assert got.log_likelihood == rows_of(X).summarise(density).log_likelihood


@dtypes
def test_what_they_say_of_themselves(dtype):
    rows = rows_of(problem(dtype=dtype)[0])
    assert (rows.n_samples, rows.n_features) == (1500, 3)
    assert rows.precision == np.finfo(dtype).eps


# Samples ----------------------------------------------------------------------------------------


def numbered(n=5000):
    """Rows that tell their own number, and weights that do."""
    X = np.stack([np.arange(n, dtype=float), np.arange(n) % 7], axis=1)
    return Memory(X, np.arange(1.0, n + 1))


def test_samples_are_without_replacement_in_order_and_with_their_weights():
    """Oracle: the rows' numbers."""
    X, weight = numbered().draw(300, np.random.default_rng(0))
    numbers = X[:, 0]
    assert X.shape == (300, 2)
    assert (np.diff(numbers) > 0).all()
    assert np.array_equal(X[:, 1], numbers % 7)
    assert np.array_equal(weight, numbers + 1)


def test_samples_are_drawn_evenly():
    """Oracle: the mean and range of a uniform distribution."""
    numbers = numbered().draw(2000, np.random.default_rng(0))[0][:, 0]
    assert abs(numbers.mean() - 2500) < 4 * 5000 / np.sqrt(12 * 2000)
    assert numbers[0] < 50
    assert numbers[-1] > 4950


def test_the_same_seed_draws_the_same_rows_and_another_others():
    first, again, other = (
        numbered().draw(100, np.random.default_rng(seed))[0] for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("n", [5000, 5001, 10**9])
def test_a_sample_of_all_rows_is_all_rows(n):
    rows = numbered()
    X, weight = rows.draw(n, np.random.default_rng(0))
    assert np.array_equal(X, rows.X)
    assert np.array_equal(weight, rows.sample_weight)


@dtypes
def test_what_a_source_says_of_itself(dtype):
    X, _ = problem(dtype=dtype)
    source = Memory(X)
    assert (source.n_samples, source.n_features, source.dtype) == (1500, 3, dtype)
    assert np.array_equal(source.limits(), (X.min(axis=0), X.max(axis=0)))
    assert source.widened().dtype == np.float64
    assert np.array_equal(source.widened().X, X)
    assert 400 <= len(source.look(400)) < 800
    assert np.array_equal(source.look(5000), X)


@dtypes
@pytest.mark.parametrize("name", ["full", "spherical"])
def test_samples_are_in_standard_units(dtype, name):
    """Oracle: `Units.standard` of the rows drawn."""
    X, _ = problem(n=30_000, dtype=dtype)
    kind = FAMILIES[name]
    rows = Samples(Data.of(X, None), np.random.SeedSequence(0)).of(kind, 2)
    assert rows.n_samples == 4096
    expected = Units.standard(rows.X, per_column=kind.per_column)
    assert np.array_equal(rows.units.array, expected.array)
    assert_allclose(np.median((rows.X - rows.units.centre) * rows.units.scale, axis=0), 0, atol=0.1)
    assert (rows.units.scale == rows.units.scale[0]).all() == (not kind.per_column)
    assert rows.X.dtype == dtype
    assert rows.X.flags.c_contiguous
    assert rows.sample_weight is None
