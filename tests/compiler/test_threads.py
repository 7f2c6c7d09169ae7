"""How many threads share some work, and how they wait: OpenMP's own account of its environment."""

import os
import subprocess
import sys

import numba
import pytest

from fastem.compiler import threads

pytestmark = pytest.mark.processes

#: OpenMP says what it has read when it is loaded; the environment is then as it was.
STARTED = """
import os
from fastem.compiler.threads import n_threads
before = dict(os.environ)
n = n_threads(1e9)
assert os.environ == before
import numba
print(n, numba.threading_layer())
"""


def started(**variables):
    kept = {name: value for name, value in os.environ.items() if name not in threads.DECIDED}
    environment = kept | {"OMP_DISPLAY_ENV": "VERBOSE", "NUMBA_NUM_THREADS": "2"} | variables
    command = [sys.executable, "-c", STARTED]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    n, layer = done.stdout.split()
    assert n == "2"
    if layer != "omp" or "GOMP_SPINCOUNT" not in done.stderr:
        pytest.skip("Numba's threads are not those of GNU's OpenMP")
    return done.stderr


def test_threads_soon_sleep_while_they_wait():
    assert f"GOMP_SPINCOUNT = '{threads.SPINS['GOMP_SPINCOUNT']}'" in started()


@pytest.mark.parametrize("name", threads.DECIDED)
def test_what_the_user_has_decided_stays(name):
    value = {"GOMP_SPINCOUNT": "17", "OMP_WAIT_POLICY": "ACTIVE"}[name]
    assert f"{name} = '{value}'" in started(**{name: value})


@pytest.mark.parametrize("is_reentrant", [True, False])
def test_little_work_is_for_one_thread(is_reentrant, monkeypatch):
    monkeypatch.setattr(threads, "is_reentrant", lambda: is_reentrant)
    least = threads.LAUNCH_WORK if is_reentrant else threads.WORKQUEUE_LAUNCH_WORK
    assert threads.n_threads(least / 2) == 1
    assert threads.n_threads(least) == numba.get_num_threads()


def test_a_forked_process_has_one_thread(monkeypatch):
    monkeypatch.setattr(threads, "forked", lambda: True)
    assert threads.n_threads(1e12) == 1
