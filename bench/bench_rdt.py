"""RDT's ClusterBasedNormalizer, which fits a mixture to each column, with the class swapped.

    pip install rdt
    pytest bench/bench_rdt.py --scale 0.1

RDT looks BayesianGaussianMixture up in sklearn.mixture when it fits. Each column goes there and
back with scikit-learn's class and with fastem's, in turn; the fastest turns count. What comes back
must be as near to the column, from as many components.
"""

import time
import warnings
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy as np
import pytest
from measure import ratio

from fastem import BayesianGaussianMixture

sklearn_mixture = pytest.importorskip("sklearn.mixture")
pandas = pytest.importorskip("pandas")
transformers = pytest.importorskip("rdt.transformers")

DATA = Path(__file__).parents[1] / "tests" / "data"
CLASSES = {
    "fastem": BayesianGaussianMixture,
    "sklearn": sklearn_mixture.BayesianGaussianMixture,
}


class Trip(NamedTuple):
    """A table there and back."""

    fit: float  # seconds
    transforms: float  # seconds
    n_components: list[int]  # that RDT keeps of each column
    error: float  # of a value that came back, on average, in standard deviations of its column


def columns(table, scale):
    """Columns of measurements, or drawn from clusters that touch."""
    if table != "drawn":
        with np.load(DATA / f"{table}.npz") as file:
            return pandas.DataFrame(file["X"].astype(float)).add_prefix("column ")
    rng = np.random.default_rng(0)
    n = max(1000, int(50_000 * scale))
    return pandas.DataFrame({"column": rng.normal(rng.normal(0, 4, 5)[rng.integers(5, size=n)])})


def there_and_back(X, cls):
    """Fit, transform and reverse each column by RDT."""
    fit = transforms = 0.0
    n_components, errors = [], []
    for name in X:
        normalizer, began = transformers.ClusterBasedNormalizer(), time.perf_counter()
        with mock.patch.object(sklearn_mixture, "BayesianGaussianMixture", cls):
            normalizer.fit(X[[name]], name)
        fitted = time.perf_counter()
        back = normalizer.reverse_transform(normalizer.transform(X[[name]]))
        transforms += time.perf_counter() - fitted
        fit += fitted - began
        assert isinstance(normalizer._bgm_transformer, cls)
        n_components.append(int(normalizer.valid_component_indicator.sum()))
        errors.append((back[name] - X[name]).abs().mean() / X[name].std())
    return Trip(fit, transforms, n_components, float(np.mean(errors)))


@pytest.mark.parametrize("table", ["abalone", "winequality_white", "drawn"])
def bench_normalizer(table, scale, rounds, report):
    X = columns(table, scale)
    trips = {name: [] for name in CLASSES}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        there_and_back(X.iloc[:100, :1], BayesianGaussianMixture)
        for _ in range(rounds):
            for name, cls in CLASSES.items():
                trips[name].append(there_and_back(X, cls))
    ours, theirs = trips["fastem"][-1], trips["sklearn"][-1]
    assert ours.n_components == theirs.n_components
    # RDT draws a component for each value, now and then one so far that it cuts the value off.
    assert ours.error <= 1.01 * theirs.error + 1e-6
    best = {name: min(trip.fit for trip in own) for name, own in trips.items()}
    report(
        "RDT's ClusterBasedNormalizer: all columns of a table",
        table=table,
        n=f"{len(X)} x {X.shape[1]}",
        components=f"{sum(ours.n_components)}",
        errors=f"{ours.error:.2e} and {theirs.error:.2e}",
        fastem=f"{1e3 * best['fastem']:.0f} ms",
        sklearn=f"{1e3 * best['sklearn']:.0f} ms",
        fits=ratio(best["sklearn"] / best["fastem"]),
        transforms=f"{1e3 * min(trip.transforms for trip in trips['fastem']):.0f} ms",
    )
