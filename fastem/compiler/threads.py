"""Threads: how many of them pay for some work, and how they wait for one another."""

import os
import threading
from typing import Any

import numba

from fastem.compiler.fork_safety import forked

# Floating point operations from which threads pay. Measured on two cores: OpenMP and TBB take 2 to
# 3 us to start and finish a loop, the work queue 40 to 140 us. When other programs want the cores,
# a loop waits for the last thread to get one: so less than 100 us of work is left alone.
LAUNCH_WORK = 4e6
WORKQUEUE_LAUNCH_WORK = 2e7

# GNU's OpenMP lets a thread that waits for others turn 300,000 times before it sleeps: a
# millisecond, for which a process that shares the cores gets none. Two processes that fitted 20,000
# rows each on two cores took 17 times as long as one, with 3,000 turns 1.5 times; alone, the same.
SPINS = {"GOMP_SPINCOUNT": "3000"}
#: What says how threads wait, where the user has decided.
DECIDED = "GOMP_SPINCOUNT", "OMP_WAIT_POLICY"

_starting = threading.Lock()
_started = False


def n_threads(work: float) -> int:
    """How many threads may share this many floating point operations, here and now."""
    config: Any = numba.config
    if forked() or work < LAUNCH_WORK or config.NUMBA_NUM_THREADS == 1 or config.DISABLE_JIT:
        return 1
    _start()
    if work < WORKQUEUE_LAUNCH_WORK and not is_reentrant():
        return 1
    return int(numba.get_num_threads())


def is_reentrant() -> bool:
    """Whether several Python threads may be in parallel loops at once; after `n_threads`."""
    return numba.threading_layer() != "workqueue"  # type: ignore[attr-defined]


def _start() -> None:
    """Start Numba's threads. OpenMP reads the environment once, when it is loaded for them."""
    global _started
    with _starting:
        if _started:
            return
        changes = {} if any(name in os.environ for name in DECIDED) else SPINS
        os.environ.update(changes)
        try:
            numba.get_num_threads()
        finally:
            for name in changes:
                del os.environ[name]
        _started = True
