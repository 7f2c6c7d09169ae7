"""Signals during long fits: within a pass, no threads left behind, no half-written files."""

import os
import signal

import numpy as np
import processes
import pytest

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(os.name == "nt", reason="POSIX signals"),
]

INTERRUPTED = """
import importlib
import sys
import threading
import time
import numba, numpy as np
import fastem
if {layer!r} != "default":
    numba.config.THREADING_LAYER = {layer!r}
rng = np.random.default_rng(0)
X = rng.normal(size=(100_000, 4))

def ready(event=None, seen=[]):
    seen.append(1)
    if len(seen) == 3:
        print("running", flush=True)

def watch():  # and say so when this thread has come to be deep in fastem
    def look(caller=threading.get_ident(), seen=0):
        while seen < 3:
            seen += "/fastem/" in sys._current_frames()[caller].f_code.co_filename
            time.sleep(0.001)
        print("running", flush=True)
    threading.Thread(target=look).start()

def moves(*args, **more):
    while True:
        ready()
        improve(*args, **more)

racing = importlib.import_module("fastem.search.race")  # the package's `race` is a function
improve = racing._Race._improve
before = fastem.fit(X[:500], 2, random_state=0).mixture
threads = threading.enumerate()
try:
    {call}
except KeyboardInterrupt:
    racing._Race._improve = improve
    # A thread of a pool that was interrupted in its making ends by itself.
    while threading.enumerate() != threads:
        time.sleep(0.01)
    assert fastem.fit(X[:500], 2, random_state=0).mixture == before
    fastem.fit(X, 3, means_init=X[:3], max_iter=3, tol=0)
    print("fits again", flush=True)
"""
# Compiled code sees no signal: what runs long must be made in pieces.
CALLS = {
    "seeding": "watch(); fastem.fit(X, 40, n_init=10**4)",
    "fit": "fastem.fit(X, 12, means_init=X[:12], tol=0, max_iter=10**6, callback=ready)",
    "race": "fastem.fit(X, 12, tol=0, max_iter=10**6, n_init=100, callback=ready)",
    "select": "fastem.select(X, range(2, 99), tol=0, max_iter=10**6, callback=ready)",
    "bootstrap": (
        "mixed = fastem.fit(X, 4, means_init=X[:4], max_iter=3); "
        "watch(); fastem.bootstrap(mixed, X, 10**6)"
    ),
    "lrt": "watch(); fastem.lrt(X, 2, n_replicates=10**6)",
    "disk": (
        "np.save('rows.npy', X); fastem.fit(fastem.rows.open('rows.npy', memory='1M'), 12, "
        "means_init=X[:12], tol=0, max_iter=10**6, callback=ready)"
    ),
    "estimator": (
        "model = fastem.GaussianMixture; watch(); "  # imported, then interrupted
        "model(12, tol=0, max_iter=10**6, means_init=X[:12]).fit(X)"
    ),
    "k-means of the estimator": (
        "model = fastem.GaussianMixture; watch(); "
        "model(99, n_init=10**4, max_iter=1, init_params='kmeans').fit(X)"
    ),
    "moves": "racing._Race._improve = moves; fastem.fit(X[:2000], 3, random_state=0)",
    "log_prob": (
        "mixture = fastem.Mixture(np.full(200, 1 / 200), X[:200], np.ones((200, 4)), 'diag'); "
        "[(mixture.log_prob(X), ready()) for _ in range(10**6)]"
    ),
}


@pytest.mark.parametrize(
    ("layer", "call"),
    [
        *(
            pytest.param("default", name, marks=() if i % 2 == 0 else pytest.mark.slow)
            for i, name in enumerate(CALLS)
        ),
        ("workqueue", "fit"),
    ],
)
def test_ctrl_c(fresh, layer, call):
    process = fresh.start(INTERRUPTED.format(layer=layer, call=CALLS[call]))
    processes.wait_for(process, "running")
    process.send_signal(signal.SIGINT)
    out, err = processes.finish(process)
    assert process.returncode == 0, err
    assert out == "fits again\n"


def test_ctrl_c_while_machine_code_is_read(fresh):
    """In LLVM's callback no exception comes out: the process crashed, or went on."""
    fit = """
        import signal, sys
        import numpy as np
        import fastem

        def watch(frame, event, arg):
            if event == "call" and frame.f_code.co_name == "_object_getbuffer_hook":
                sys.setprofile(None)
                signal.raise_signal(signal.SIGINT)

        X = np.random.default_rng(0).normal(size=(300, 2))
        sys.setprofile(watch if {watched} else None)
        try:
            fastem.fit(X, 2)
            print("fitted")
        except KeyboardInterrupt:
            print("interrupted")
        fastem.fit(X, 2)
        print("fits again")
    """
    assert fresh.run(fit.format(watched=False)) == "fitted\nfits again\n"  # and is kept
    assert fresh.run(fit.format(watched=True)) == "interrupted\nfits again\n"


@pytest.mark.parametrize(
    ("number", "code", "existing"), [(signal.SIGTERM, 143, True), (signal.SIGINT, 130, False)]
)
def test_signal_during_the_command(fresh, number, code, existing):
    """Neither output appears, and an older file stays as it was."""
    np.savetxt(
        fresh.folder / "rows.csv", np.random.default_rng(0).normal(size=(20_000, 4)), delimiter=","
    )
    if existing:
        (fresh.folder / "labels.csv").write_text("older\n")
    process = fresh.start("""
        import sys
        import fastem.cli
        from fastem.cli import fit

        passes, select = [], fit.select

        def tell(event):
            passes.append(event)
            if len(passes) == 3:
                print("running", flush=True)

        fit.select = lambda *args, **more: select(*args, **more | {"callback": tell})
        sys.exit(fastem.cli.main(
            "fit rows.csv --components 2:60 --tol 0 --max-iter 100000 "
            "--labels labels.csv --model model.npz".split()
        ))
    """)
    processes.wait_for(process, "running")
    before = {p.name for p in fresh.folder.iterdir()} - {"script.py", "rows.csv", "__pycache__"}
    process.send_signal(number)
    _, err = processes.finish(process)
    assert process.returncode == code, err
    assert "Traceback" not in err
    left = {p.name for p in fresh.folder.iterdir()} - {"script.py", "rows.csv", "__pycache__"}
    assert left == ({"labels.csv"} if existing else set())
    assert left >= before
    if existing:
        assert (fresh.folder / "labels.csv").read_text() == "older\n"
