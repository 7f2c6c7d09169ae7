"""Fits whose every bit is on record in golden.json, so that no change goes unnoticed.

After a change that is meant to move the last bits, make the record again:

    python tests/trust/golden.py
"""

import json
from pathlib import Path

import llvmlite
import numpy as np
from llvmlite import binding

import fastem

FILE = Path(__file__).with_name("golden.json")


def rows(n=6000, D=4):
    """Three clusters on a grid of 2**-20, the same numbers on every machine."""
    rng = np.random.default_rng(12)
    X = rng.normal(size=(n, D)) * [1.0, 2.0, 0.5, 1.0][:D] + 5.0 * rng.integers(0, 3, (n, 1))
    return np.rint(X * 2**20) / 2**20


def fits():
    """Name and arrays of each fit."""
    X = rows()
    weight = 1.0 + np.arange(len(X)) % 7
    made = {
        kind: fastem.fit(X, 3, covariance_type=kind, random_state=3, n_init=4)
        for kind in ("full", "tied", "diag", "spherical")
    }
    made["float32"] = fastem.fit(X.astype(np.float32), 3, random_state=3, n_init=4)
    made["weighted"] = fastem.fit(X, 3, sample_weight=weight, random_state=3, n_init=4)
    made["one column"] = fastem.fit(X[:, :1], 3, random_state=3, n_init=4)
    made["plain"] = fastem.fit(X, 5, random_state=3, n_init=2, accelerate=False, max_iter=20)
    made["random-subsets"] = fastem.fit(X, 4, random_state=3, init="random-subsets", n_init=4)
    made["selected"] = fastem.select(X[:500], [2, 3], n_init=3, random_state=3).best
    return {name: arrays(fitted) for name, fitted in made.items()}


def arrays(fitted):
    """All that a fit found."""
    m = fitted.mixture
    return {
        "log_likelihood": np.array([fitted.log_likelihood]),
        "trace": fitted.trace,
        "weights": m.weights,
        "means": m.means,
        "covariances": m.covariances,
    }


def machine():
    """What the last bits depend on."""
    return {
        "cpu": binding.get_host_cpu_name(),
        "llvmlite": llvmlite.__version__,
        "numpy": np.__version__,
    }


def to_hex(found):
    """Arrays as lists of hex floats."""
    return {key: [float(x).hex() for x in array.ravel()] for key, array in found.items()}


if __name__ == "__main__":
    record = {name: to_hex(found) for name, found in fits().items()}
    FILE.write_text(json.dumps({"machine": machine(), "fits": record}, indent=1) + "\n")
    print(f"Wrote {FILE}")
