"""What a user waits for: the import, and the first fit on a machine and in a process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import fastem

#: Seconds of the import beyond NumPy's, of a first fit and of one more, on rows like the user's.
START = """
import json, sys, time
import numpy as np

began = time.perf_counter()
import fastem

imported = time.perf_counter()
n, covariance_type = json.loads(sys.argv[1])
rng = np.random.default_rng(0)
X = np.concatenate([rng.normal(0, 1, (n // 2, 2)), rng.normal(5, 1, (n - n // 2, 2))])
ready = time.perf_counter()
fastem.fit(X, 2, covariance_type=covariance_type, random_state=0)
fitted = time.perf_counter()
fastem.fit(X, 2, covariance_type=covariance_type, random_state=0)
print(json.dumps([imported - began, fitted - ready, time.perf_counter() - fitted]))
"""


def _start(cache, *arguments):
    """Seconds of each part, in a fresh process that keeps compiled code in that folder."""
    paths = [str(Path(fastem.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    own = {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    environment = {k: v for k, v in os.environ.items() if k != "FASTEM_CACHE"}
    done = subprocess.run(
        [sys.executable, "-c", START, json.dumps(arguments)],
        env={**environment, **own},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("covariance_type", ["full", "diag"])
@pytest.mark.parametrize("n", [272, 200_000])
def bench_startup(report, rounds, tmp_path, n, covariance_type):
    """n x 2, K = 2; the small fit compiles the serial loop over slots, the large one both."""
    caches = [tmp_path / str(i) for i in range(rounds)]
    empty = [_start(cache, n, covariance_type) for cache in caches]
    kept = [_start(cache, n, covariance_type) for cache in caches]
    seconds = {
        "import": min(run[0] for run in kept),
        "first_fit_compiling": min(run[1] for run in empty),
        "first_fit_next_process": min(run[1] for run in kept),
        "second_fit": min(run[2] for run in kept),
    }
    report(
        "Seconds to start (wanted: 5 with nothing kept, 0.5 in the next process)",
        rows=n,
        covariances=covariance_type,
        **{name: f"{value:.3g}" for name, value in seconds.items()},
    )
