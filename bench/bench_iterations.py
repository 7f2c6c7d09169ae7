"""Time of one EM iteration beside scikit-learn and oneDAL, from the same start on the same rows."""

import numpy as np
import peers
import pytest
from measure import Rounds, extra_memory, ratio

SHORT, LONG = 1, 4
#: Nanoseconds that scikit-learn takes for a row and component, about: they set the number of rows,
#: so that a round of all programs takes about a second.
SKLEARN_NS = {
    "full": {2: 70, 4: 200, 8: 250, 16: 390, 32: 800, 64: 1300},
    "diag": {2: 20, 4: 40, 8: 40, 16: 40, 32: 40, 64: 42},
}
SECONDS_PER_ITERATION = 0.12
MOST_VALUES = 2**22

MEMORY = """
import peers
n, D, K, covariance_type, dtype = arguments
X, start = peers.overlapping(n, D, K, dtype=dtype, covariance_type=covariance_type)
for name in peers.installed(X[:4096].copy(), start, covariance_type):
    peak(name, lambda: peers.ITERATIONS[name](X, start, 2, covariance_type))
"""


@pytest.mark.parametrize("n_components", [8, 32])
@pytest.mark.parametrize("n_features", [2, 4, 8, 16, 32, 64])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("covariance_type", ["full", "diag"])
def bench_iteration(
    benchmark, report, scale, rounds, covariance_type, dtype, n_features, n_components
):
    D, K = n_features, n_components
    cost = K * SKLEARN_NS[covariance_type][D] * 1e-9
    n = int(scale * min(SECONDS_PER_ITERATION / cost, MOST_VALUES / D))
    n = max(n, 2 * K * D)  # fewer would leave a component without rows for its covariance
    X, start = peers.overlapping(n, D, K, dtype=dtype, covariance_type=covariance_type)
    programs = peers.installed(X, start, covariance_type)
    agree(X, start, covariance_type, programs)
    race = Rounds(
        {
            (name, n_iter): run(peers.ITERATIONS[name], X, start, n_iter, covariance_type)
            for n_iter in (SHORT, LONG)
            for name in programs
        }
    )
    benchmark.group = f"{LONG} iterations, {covariance_type}, {dtype}"
    benchmark.pedantic(race.contenders["fastem", LONG], setup=race.once, rounds=rounds)

    seconds = {name: race.best((name, LONG)) - race.best((name, SHORT)) for name in programs}
    memory = extra_memory(MEMORY, n, D, K, covariance_type, dtype)
    ns = seconds["fastem"] / (LONG - SHORT) / n / K * 1e9
    report(
        f"One EM iteration, {covariance_type}, {dtype}: peers' time over fastem's, peak extra MiB",
        D=D,
        K=K,
        n=n,
        fastem_ns_per_row_and_component=f"{ns:.2f}",
        **{f"{name}": ratio(seconds[name] / seconds["fastem"]) for name in programs[1:]},
        noise=f"{max(race.noise((name, LONG)) for name in programs):.0%}",
        **{f"{name}_MiB": f"{mib:.1f}" for name, mib in memory.items()},
    )


@pytest.mark.parametrize("D", [2, 4, 8, 16, 32, 64])
@pytest.mark.parametrize("covariance_type", ["full", "diag"])
@pytest.mark.parametrize("separation", [1.0, 10.0])
def bench_float32(benchmark, report, scale, rounds, covariance_type, D, separation):
    """What float32 rows gain over float64 ones, where clusters overlap and where they do not."""
    K = 16
    n = int(scale * min(5e7 / K / D, MOST_VALUES / D))
    X, start = peers.overlapping(n, D, K, covariance_type=covariance_type, separation=separation)
    rows = {"float64": X, "float32": X.astype(np.float32)}
    race = Rounds(
        {
            (dtype, n_iter): run(
                peers.fastem_iterations, rows[dtype], start, n_iter, covariance_type
            )
            for n_iter in (SHORT, LONG)
            for dtype in rows
        }
    )
    race.once()
    race = Rounds(race.contenders)
    benchmark.group = f"{LONG} iterations in float32, {covariance_type}"
    benchmark.pedantic(race.contenders["float32", LONG], setup=race.once, rounds=rounds)
    seconds = {dtype: race.best((dtype, LONG)) - race.best((dtype, SHORT)) for dtype in rows}
    report(
        "fastem's own time in float64 over that in float32",
        covariances=covariance_type,
        separation=separation,
        D=D,
        K=K,
        n=n,
        float32=ratio(seconds["float64"] / seconds["float32"]),
    )


def agree(X, start, covariance_type, programs):
    """Check that all programs end at the same parameters."""
    ours, *theirs = (peers.ITERATIONS[name](X, start, LONG, covariance_type) for name in programs)
    tolerance = 1e-6 if X.dtype == np.float64 else 2e-2
    for parameters in theirs:
        for mine, yours in zip(ours, parameters, strict=True):
            np.testing.assert_allclose(yours, mine, rtol=tolerance, atol=tolerance)


def run(iterate, X, start, n_iter, covariance_type):
    return lambda: iterate(X, start, n_iter, covariance_type)
