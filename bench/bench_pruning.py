"""A pass that leaves out what rounding would swallow, beside the one that computes everything."""

import itertools
import math

import numpy as np
import pytest
from bench_time_to_solution import BIRCH
from measure import Rounds, ratio

import fastem
import fastem.density
from fastem import covariance
from fastem.covariance import Parameters
from fastem.density import accumulator
from fastem.ordering import Order
from fastem.units import Units

#: Rows, columns, components, and how many standard deviations apart their means are.
PASSES = [
    (65_536, 2, 100, 30.0),
    (65_536, 2, 100, 8.0),
    (65_536, 2, 16, 8.0),
    (65_536, 4, 64, 20.0),
    (65_536, 8, 16, 20.0),
    (65_536, 2, 50, 3.0),
    (65_536, 2, 100, 1.0),
    (65_536, 2, 8, 1.0),
    (65_536, 8, 16, 1.0),
]


@pytest.mark.parametrize("size", PASSES, ids=str)
def bench_pass(benchmark, report, scale, rounds, size):
    """Below 1.0x an order is not worth its cost and should not be used; it costs 5% at most."""
    n, D, K, separation = size
    X, density, units = problem(int(n * scale), D, K, separation)
    order = Order.of(X, units)
    race = Rounds(
        {
            "in order": lambda: density.summarise(X, None, units, order=order),
            "as they come": lambda: density.summarise(X, None, units),
            "ordering": lambda: Order.of(X, units),
        }
    )
    benchmark.group = "one pass"
    benchmark.pedantic(race.contenders["in order"], setup=race.once, rounds=rounds)
    dense = race.best("as they come")
    report(
        "Pruning, one pass: gain over the pass that computes all; what ordering takes, in passes",
        n=len(X),
        D=D,
        K=K,
        separation=separation,
        components_a_tile=f"{order.share(*density.cast(X.dtype)) * K:.1f}",
        gain=ratio(dense / race.best("in order")),
        ordering=f"{race.best('ordering') / dense:.1f}",
        noise=f"{race.noise('as they come'):.0%}",
    )


#: Rows, columns, components, and how many standard deviations apart their means are.
WIDE = [
    (50_000, 64, 16, 12.0),
    (50_000, 64, 4, 12.0),
    (50_000, 32, 16, 12.0),
    (50_000, 24, 16, 12.0),
    (50_000, 64, 16, 1.0),
    (50_000, 24, 16, 1.0),
]


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("size", WIDE, ids=str)
def bench_gathering(benchmark, report, monkeypatch, scale, rounds, size, dtype):
    """Wide rows: those that share in a component gathered, beside passes that gather none."""
    n, D, K, separation = size
    X, density, units = problem(int(n * scale), D, K, separation)
    X = X.astype(dtype)

    def summarise(wide):
        with monkeypatch.context() as patch:
            if not wide:
                patch.setattr(accumulator, "WIDE", math.inf)
            density.summarise(X, None, units)

    race = Rounds({"gathered": lambda: summarise(True), "dense": lambda: summarise(False)})
    benchmark.group = "one pass over wide rows"
    benchmark.pedantic(race.contenders["gathered"], setup=race.once, rounds=rounds)
    report(
        "Gathering, one pass: gain over the pass that computes all",
        n=len(X),
        D=D,
        K=K,
        dtype=np.dtype(dtype).name,
        separation=separation,
        gain=ratio(race.best("dense") / race.best("gathered")),
        noise=f"{race.noise('dense'):.0%}",
    )


FITS = ["birch1", (500_000, 2, 100, 30.0), (500_000, 2, 100, 8.0), (1_000_000, 2, 50, 3.0)]


@pytest.mark.parametrize("size", FITS, ids=str)
def bench_fit(benchmark, report, monkeypatch, scale, rounds, size):
    """Whole fits with the default options, at most 50 passes over all rows."""
    if size == "birch1":
        with np.load(BIRCH) as file:
            X, K = file["X"].astype(np.float64), 100
    else:
        n, D, K, separation = size
        X, _, _ = problem(int(n * scale), D, K, separation)

    def fit(prune):
        with monkeypatch.context() as patch:
            if not prune:
                patch.setattr(fastem.density, "PRUNABLE_WORK", math.inf)
            return fastem.fit(X, K, random_state=0, max_iter=50)

    race = Rounds({"pruned": lambda: fit(True), "dense": lambda: fit(False)})
    benchmark.group = "whole fits"
    benchmark.pedantic(race.contenders["pruned"], setup=race.once, rounds=rounds)
    report(
        "Pruning, whole fits: gain",
        rows=size if size == "birch1" else " x ".join(map(str, X.shape)),
        K=K,
        gain=ratio(race.best("dense") / race.best("pruned")),
        noise=f"{race.noise('dense'):.0%}",
    )


def problem(n, D, K, separation):
    """Rows of round components on a lattice, the density they were drawn from, and its units."""
    rng = np.random.default_rng(0)
    side = range(math.ceil(round(K ** (1 / D), 6)))
    points = itertools.islice(itertools.product(side, repeat=D), K)
    means = separation * np.array(list(points), dtype=float)
    X = rng.normal(size=(n, D)) + means[rng.integers(K, size=n)]
    family, units = covariance.family_by_name("full"), Units.of(X)
    covariances = family.rescale(np.broadcast_to(np.eye(D), (K, D, D)), units.scale)
    parameters = Parameters(np.full(K, 1 / K), units.enter(means), covariances)
    return X, family.factor(parameters), units
