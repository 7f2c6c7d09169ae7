"""A fit of a small file, where the time is what the programs do around their arithmetic."""

import numba
import numpy as np
import peers
import pytest
from measure import Rounds, ratio

import fastem

#: A small fit is timed this many times in one go.
REPEATS = 20


@pytest.mark.parametrize("n_iter", [10, 50])
@pytest.mark.parametrize("covariance_type", ["full", "diag"])
def bench_small(benchmark, report, rounds, covariance_type, n_iter):
    """300 x 2, K = 3, the same start and iterations; the whole call, its checks included."""
    X, start = peers.overlapping(300, 2, 3, covariance_type=covariance_type, separation=2.0)
    programs = peers.installed(X, start, covariance_type)
    ours = peers.fastem_iterations(X, start, n_iter, covariance_type)
    for name in programs[1:]:
        theirs = peers.ITERATIONS[name](X, start, n_iter, covariance_type)
        np.testing.assert_allclose(theirs.means, ours.means, rtol=1e-6, atol=1e-6)

    def repeat(iterate):
        for _ in range(REPEATS):
            iterate(X, start, n_iter, covariance_type)

    race = Rounds({name: lambda name=name: repeat(peers.ITERATIONS[name]) for name in programs})
    benchmark.group = f"{REPEATS} fits of 300 x 2, K = 3"
    benchmark.pedantic(race.contenders["fastem"], setup=race.once, rounds=rounds)
    report(
        "A fit of 300 x 2, K = 3: peers' time over fastem's (wanted: 5x scikit-learn)",
        covariances=covariance_type,
        iterations=n_iter,
        **{name: ratio(race.best(name) / race.best("fastem")) for name in programs[1:]},
        noise=f"{max(race.noise(name) for name in programs):.0%}",
    )


@pytest.mark.parametrize(
    ("n", "D", "K"), [(300, 2, 3), (1_000, 4, 5), (1_000, 8, 5), (3_000, 4, 6), (10_000, 8, 6)]
)
def bench_threads(report, rounds, n, D, K):
    """Default fits, whose short runs threads make side by side, over those of one thread."""
    X = peers.overlapping(n, D, K)[0]

    def fits(n_threads):
        numba.set_num_threads(n_threads)
        for seed in range(6):
            fastem.fit(X, K, random_state=seed)

    most = numba.config.NUMBA_NUM_THREADS
    race = Rounds({"all": lambda: fits(most), "one": lambda: fits(1)})
    try:
        for _ in range(rounds):
            race.once()
    finally:
        numba.set_num_threads(most)
    report(
        "Default fits, six seeds: time of one thread over that of all",
        rows=f"{n} x {D}",
        K=K,
        threads=most,
        ratio=ratio(race.best("one") / race.best("all")),
        noise=f"{max(race.noise('all'), race.noise('one')):.0%}",
    )


@pytest.mark.parametrize(("n", "D", "K"), [(300, 2, 3), (1_000, 4, 4), (10_000, 4, 4)])
def bench_beside(report, rounds, n, D, K):
    """Default fits beside noise, of rows that lack a tenth, and of labels, over plain ones."""
    X = peers.overlapping(n, D, K, separation=4.0)[0]
    rng = np.random.default_rng(0)
    scattered = np.where(rng.random((n, 1)) < 0.1, rng.uniform(-12, 12, X.shape), X)
    gaps = np.where((rng.random(X.shape) < 0.1) & (np.arange(D) > 0), np.nan, X)
    labels = np.where(rng.random(n) < 0.2, fastem.fit(X, K, random_state=0).mixture.predict(X), -1)
    kinds = {
        "plain": lambda: fastem.fit(X, K, random_state=0),
        "noise": lambda: fastem.fit(scattered, K, noise=True, random_state=0),
        "missing": lambda: fastem.fit(gaps, K, missing="mar", random_state=0),
        "labels": lambda: fastem.fit(X, K, labels=labels, random_state=0),
    }
    race = Rounds(kinds)
    for _ in range(rounds):
        race.once()
    report(
        "Default fits: time over that of plain ones",
        rows=f"{n} x {D}",
        K=K,
        **{name: ratio(race.best(name) / race.best("plain")) for name in list(kinds)[1:]},
        noise_of_runs=f"{max(map(race.noise, kinds)):.0%}",
    )
