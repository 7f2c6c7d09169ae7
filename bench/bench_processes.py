"""What processes that share two processors cost each other: whole fits, in one process and in two.

    pytest bench/bench_processes.py

Where threads do all of the work, two processes at once should take twice as long as one that has
both processors; where one thread does, no longer than that one. What is beyond is lost in waiting.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from measure import ratio

#: Prints the seconds of a fit, on average, once a line from outside says that all are ready.
FITS = """
import sys, time, warnings
import peers
n, D, K = map(int, sys.argv[2:])
X, _ = peers.overlapping(n, D, K, separation=2.0)
if sys.argv[1] == "fastem":
    import fastem
    fit = lambda seed: fastem.fit(X, K, random_state=seed)
else:
    from sklearn.mixture import GaussianMixture
    fit = lambda seed: GaussianMixture(K, random_state=seed).fit(X)
warnings.simplefilter("ignore")
fit(0)
print("ready", flush=True)
input()
began, n_fits = time.perf_counter(), 0
while time.perf_counter() - began < 5:
    fit(n_fits % 6)
    n_fits += 1
print((time.perf_counter() - began) / n_fits)
"""


def seconds(n_processes, program, *shape):
    """Of a fit, in the slowest of so many processes at once."""
    here = str(Path(__file__).parent)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    environment["PYTHONPATH"] = os.pathsep.join([here, str(Path(here).parent)])
    command = [sys.executable, "-c", FITS, program, *map(str, shape)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    running = [subprocess.Popen(command, env=environment, **pipes) for _ in range(n_processes)]
    for process in running:
        assert process.stdout.readline() == "ready\n"
    for process in running:
        process.stdin.write("\n")
        process.stdin.flush()
    return max(float(process.communicate()[0]) for process in running)


@pytest.mark.parametrize(
    ("n", "D", "K"), [(10_000, 4, 4), (20_000, 4, 4), (50_000, 8, 5), (200_000, 4, 5)]
)
def bench_processes(report, scale, n, D, K):
    shape = int(n * scale), D, K
    report(
        "Two processes at once: seconds of a default fit over those of one process alone",
        n=shape[0],
        D=D,
        K=K,
        **{
            name: ratio(seconds(2, name, *shape) / seconds(1, name, *shape))
            for name in ("fastem", "sklearn")
        },
    )
