"""Samples: honest, of the right size, and the same ones for every fit of one seed."""

import numpy as np
import pytest

import fastem
from fastem.covariance import FAMILIES
from fastem.data import Data
from fastem.search.samples import MIN_SAMPLE, Samples
from fastem.units import Units

SEED = np.random.SeedSequence(0)
FULL = FAMILIES["full"]


@pytest.mark.parametrize("extra", [-1, 0, 1, MIN_SAMPLE])
def test_samples_around_the_sample_size_hold_distinct_rows(extra):
    """n just below, at and above the size: the sample never repeats or invents a row."""
    n = MIN_SAMPLE + extra
    rows = np.arange(2.0 * n).reshape(n, 2)
    weight = np.linspace(0.5, 1.5, n)
    data = Data.of(rows, weight)
    sample = Samples(data, SEED).of(FULL, 2)
    hardly_more = n < 1.3 * MIN_SAMPLE
    assert sample.n_samples == (n if hardly_more else MIN_SAMPLE)
    which = (sample.X[:, 0] / 2).astype(int)
    assert (np.diff(which) > 0).all()
    np.testing.assert_array_equal(sample.X, rows[which])
    np.testing.assert_array_equal(sample.sample_weight * data.weight_unit, weight[which])
    fitted = fastem.fit(rows % 97, 2, sample_weight=weight, n_init=2, random_state=0)
    assert fitted.n_samples == pytest.approx(weight.sum())


@pytest.mark.parametrize("name", ["full", "spherical"])
def test_all_rows_are_looked_at_once(name, monkeypatch):
    """Oracle: `Units.standard` of the rows."""
    rows, kind = np.random.default_rng(0).normal(3.0, 2.0, size=(500, 3)), FAMILIES[name]
    data = Data.of(rows, None)
    expected = Units.standard(rows, per_column=kind.per_column)
    assert data.location  # units of all rows are chosen from it
    monkeypatch.setattr("fastem.search.samples.location_and_spread", None)
    sample = Samples(data, SEED).of(kind, 2)
    assert np.array_equal(sample.units.array, expected.array)


def test_the_race_ends_over_larger_and_larger_samples_of_the_same_units():
    rows = np.random.default_rng(0).normal(size=(3 * 8**2 * MIN_SAMPLE, 1))
    samples = Samples(Data.of(rows, None), SEED)
    sample = samples.of(FULL, 2)
    larger = list(samples.larger(sample))
    assert [part.n_samples for part in larger] == [8 * MIN_SAMPLE]
    assert all(part.units is sample.units for part in larger)
    assert larger[0].X is next(samples.larger(sample)).X
    fewer = Samples(Data.of(rows[: 31 * MIN_SAMPLE], None), SEED)
    assert list(fewer.larger(sample)) == []


def test_in_many_columns_a_quarter_of_the_rows_may_do():
    many = Samples(Data.of(np.random.default_rng(0).normal(size=(40_000, 20)), None), SEED)
    assert many.of(FULL, 16).n_samples == 10_000
    assert many.of(FULL, 32).n_samples == 40_000  # 10,000 are 15 a column
    assert many.of(FULL, 1).n_samples == MIN_SAMPLE
