"""Whole fits in threads, forks, pools and workers, under each threading layer that loads here.

Each case is a process of its own. Every answer must be the one that a serial fit gives, to the bit.
"""

import importlib.util
import os

import pytest

pytestmark = pytest.mark.processes

#: Of which Numba takes one by default. OpenMP aborts forks that enter it, the work queue threads.
LAYERS = ["omp", "workqueue", pytest.param("tbb", marks=pytest.mark.slow)]
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

# Two columns and 3000 rows are fitted in a few ms; the second problem is large enough for threads,
# under the work queue too.
PREPARE = """
import multiprocessing, os, sys, threading, warnings
import numba, numpy as np
import fastem

LAYER = os.environ["LAYER"]
numba.config.THREADING_LAYER = LAYER

rng = np.random.default_rng(0)
X = rng.normal(size=(20_000, 6)) + 4.0 * rng.integers(0, 3, (20_000, 1))

def fit(_=None, K=12, steps=4, **more):
    # From a given start, accelerated: the same passes everywhere.
    start = dict(means_init=X[:K], covariances_init=np.array([np.eye(6)] * K))
    fitted = fastem.fit(X, K, max_iter=steps, tol=0, **start, **more)
    return answer(fitted)

def answer(fitted):
    m = fitted.mixture
    return [a.tobytes() for a in (m.weights, m.means, m.covariances)], fitted.log_likelihood

def race(_=None):
    return answer(fastem.fit(X[:3000], 3, random_state=1, n_init=3, covariance_type="diag"))

def serial():
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        return fit(), race()
    finally:
        numba.set_num_threads(before)

def expected():
    SERIAL = serial()
    assert fit() == SERIAL[0] and race() == SERIAL[1]  # and now the layer has been used
    assert numba.threading_layer() == LAYER
    return SERIAL

def work(_=None):
    return fit(), race()

def in_child(function):
    child = os.fork()
    if child == 0:
        good = False
        try:
            good = function()
        finally:
            os._exit(0 if good else 1)
    return os.waitpid(child, 0)[1] == 0
"""


@pytest.fixture(params=LAYERS)
def run(request, fresh, loadable):
    """Run code after PREPARE. At least two threads, whatever the machine."""
    layer = request.param
    if not loadable(layer):
        pytest.skip(f"Numba cannot load {layer} here")
    (fresh.folder / "prepare.py").write_text(PREPARE)

    def go(code):
        threads = str(max(2, min(os.cpu_count() or 2, 4)))
        fresh.run("from prepare import *\n" + code, LAYER=layer, NUMBA_NUM_THREADS=threads)

    return go


def test_eight_threads_at_once(run):
    run("""
answers = [None] * 8
barrier = threading.Barrier(8)

def body(i):
    barrier.wait()
    answers[i] = work()

threads = [threading.Thread(target=body, args=(i,)) for i in range(8)]
[t.start() for t in threads]
[t.join() for t in threads]
assert answers == [expected()] * 8
""")


@needs_fork
def test_forks(run):
    """A child and a grandchild, a pool, and children of a process whose other threads fit."""
    run("""
good = expected()

def grandchild():
    return work() == good

def child():
    return work() == good and in_child(grandchild)

assert in_child(child)
assert in_child(lambda: in_child(grandchild))  # the child itself fits nothing
assert work() == good

with warnings.catch_warnings(), multiprocessing.get_context("fork").Pool(2) as pool:
    assert pool.map(work, range(4)) == [good] * 4
    pool.close()
    pool.join()
assert work() == good

answers, stop = [], threading.Event()

def body():
    while not stop.is_set():
        answers.append(work())

threads = [threading.Thread(target=body) for _ in range(2)]
[t.start() for t in threads]
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12: a fork with threads
    forked = [in_child(grandchild) for _ in range(3)]
stop.set()
[t.join() for t in threads]
assert all(forked) and answers and all(a == good for a in answers)
""")


def test_other_ways_to_start_a_process(run):
    methods = ["spawn", "forkserver"] if hasattr(os, "fork") else ["spawn"]
    run(f"""
if __name__ == "__main__":
    good = expected()
    for method in {methods}:
        with multiprocessing.get_context(method).Pool(1) as pool:
            assert pool.map(work, range(2)) == [good] * 2, method
            pool.close()
            pool.join()
""")


def test_joblib(run):
    pytest.importorskip("joblib")
    run("""
import joblib
if __name__ == "__main__":
    good = expected()
    for backend in "threading", "multiprocessing", "loky":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            calls = (joblib.delayed(work)() for _ in range(3))
            assert joblib.Parallel(2, backend=backend)(calls) == [good] * 3, backend
""")


def test_dask_worker_threads(run):
    if importlib.util.find_spec("distributed") is None:
        pytest.skip("distributed is not installed")
    run("""
warnings.simplefilter("ignore")  # of distributed's own
from distributed import Client, LocalCluster
if __name__ == "__main__":
    good = expected()
    options = dict(n_workers=1, threads_per_worker=2, processes=False)
    options["dashboard_address"] = "127.0.0.1:0"
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        futures = [client.submit(work, i, pure=False) for i in range(3)]
        assert client.gather(futures) == [good] * 3
""")


def test_callback_that_fits(run):
    run("""
good = expected()
inner = []

def callback(event):
    if event.n_iter == 2:
        inner.append(work())

assert fit(callback=callback) == good[0]
assert inner == [good]
""")
