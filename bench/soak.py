"""A soak: many random fits of random shapes beside the oracle, with an eye on memory.

    python bench/soak.py            # 1,000 fits, a few minutes
    python bench/soak.py 100 7      # 100 fits from seed 7

Each fit is T plain EM iterations from a random start, which must end where the oracle's do, and a
whole fit from the default starts, which must reach the likelihood of the mixture that the rows were
drawn from. It exits with 1 at the first answer that is wrong, or if memory has grown.
"""

import contextlib
import ctypes
import gc
import resource
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import oracle

import fastem

#: Memory after so many fits, which have loaded all kernels, is what later fits are held to.
WARM = 300
#: Growth that is none: MiB.
SLACK = 10


def problem(rng):
    """Rows from a random mixture of a random family, weights or none, and a start."""
    covariance_type = str(rng.choice(oracle.COVARIANCE_TYPES))
    D = int(rng.integers(1, 13))
    K = int(rng.integers(1, 9))
    n = int(np.exp(rng.uniform(np.log(20 * K * (D + 1)), np.log(20_000))))
    truth = oracle.random_mixture(rng, K, D, covariance_type)
    X, _ = oracle.sample(rng, n, *truth, covariance_type)
    start = oracle.random_mixture(rng, K, D, covariance_type)
    weight = rng.uniform(0.1, 3.0, n) if rng.random() < 0.3 else None
    dtype = np.float32 if rng.random() < 0.3 else np.float64
    X = np.asarray(X.astype(dtype), order=str(rng.choice(["C", "F"])))
    return covariance_type, K, truth, X, start, weight


def check(rng):
    """One problem; returns what is wrong with the answers, or None, and a description."""
    covariance_type, K, truth, X, start, weight = problem(rng)
    T = int(rng.integers(1, 6))
    single = X.dtype == np.float32
    weighted = "weighted" if weight is not None else ""
    what = f"{covariance_type} K={K} shape={X.shape} {X.dtype} {weighted} T={T}"
    options = {"covariance_type": covariance_type, "sample_weight": weight}
    plain = fastem.fit(
        X,
        K,
        weights_init=start.weights,
        means_init=start.means,
        covariances_init=start.covariances,
        accelerate=False,
        tol=0,
        reg_covar=0,
        max_iter=T,
        **options,
    )
    rows = X.astype(float)
    expected, trace = oracle.em(rows, *start, covariance_type, T, weight)
    tolerance = 2e-3 if single else 1e-7
    mine = plain.mixture.weights, plain.mixture.means, plain.mixture.covariances
    for name, found, right in zip(expected._fields, mine, expected, strict=True):
        if not np.allclose(found, right, rtol=tolerance, atol=tolerance):
            return f"{name} are off by {np.abs(found - right).max():.1e}", what
    if not np.allclose(plain.trace, trace, rtol=1e-4 if single else 1e-9):
        return f"trace {plain.trace} is not {trace}", what
    whole = fastem.fit(X, K, random_state=int(rng.integers(2**31)), n_init=5, **options)
    fell = -np.diff(whole.trace).min() if len(whole.trace) > 1 else 0.0
    # A row's log density is rounded by its dtype's eps times the condition of its component.
    conditions = np.linalg.cond(whole.mixture.full_covariances)
    rounding = np.finfo(X.dtype).eps * float(whole.mixture.weights @ conditions)
    if fell > max(1e-5 if single else 1e-12, rounding) * (1 + abs(whole.trace).max()):
        return f"the likelihood fell by {fell:.1e} a row", what
    total = len(X) if weight is None else weight.sum()
    least = oracle.log_likelihood(rows, *truth, covariance_type, weight) / total
    if whole.trace[-1] < least - 0.02:
        return f"{whole.trace[-1]:.6f} a row, but the truth has {least:.6f}", what
    return None, what


def resident():
    """MiB in memory now, less what the C library keeps for later; at most, where none can say."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # not GNU's
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 2**20
    except OSError:
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main(n_fits=1000, seed=0):
    """Run it; returns the exit status."""
    rng = np.random.default_rng(seed)
    began, warm, base = time.perf_counter(), min(WARM, n_fits // 2), None
    for i in range(n_fits):
        wrong, what = check(rng)
        if wrong:
            print(f"fit {i} from seed {seed}, {what}: {wrong}")
            return 1
        if i == warm:
            base = resident()
        if (i + 1) % 100 == 0:
            print(
                f"{i + 1} fits, {resident():.0f} MiB, {time.perf_counter() - began:.0f} s",
                flush=True,
            )
    grown = resident() - base
    print(f"{n_fits} fits are right; memory grew by {grown:.1f} MiB after the first {warm}")
    return int(grown > SLACK)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
