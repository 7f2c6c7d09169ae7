"""How kernels are compiled, and that threads and forks never hurt."""

import os
import shutil
import sys
import threading
import time
from functools import cache
from pathlib import Path

import numba
import numpy as np
import processes
import pytest

import fastem
from fastem.compiler.options import jit, jit_allocating, jit_strict, overload
from fastem.compiler.slot_loop import PIECE_WORK, slot_loop

COMPILER = Path(fastem.__file__).parent / "compiler"
LAYERS = ["omp", "tbb", "workqueue"]  # of which Numba takes one by default
MUCH, LITTLE = 1e9, 1.0


# Compiler options -----------------------------------------------------------------------------


@jit
def total(x):
    s = 0.0
    for i in range(len(x)):
        s += x[i]
    return s


@jit
def log_sum_exp(x):
    largest = -np.inf
    for i in range(len(x)):
        if np.isnan(x[i]):
            return np.inf
        largest = max(largest, x[i])
    if largest == -np.inf:
        return largest
    s = 0.0
    for i in range(len(x)):
        s += np.exp(x[i] - largest)
    return largest + np.log(s)


@jit
def quotient(x, y):
    return x / y


@jit
def wait(flag, ticks, limit):
    i = 0
    while flag[0] == 0.0 and i < limit:
        i += 1
        ticks[0] = i
    return i < limit


@jit_strict
def add_one_by_one(x):
    s = 0.0
    for i in range(len(x)):
        s += x[i] * x[i]
    return s


@jit_allocating
def squares(n):
    return np.arange(n) ** 2


def n_bits(x):
    raise NotImplementedError


@overload(n_bits)
def _n_bits(x):
    bits = x.dtype.bitwidth
    return lambda x: bits


def inverse_sum(x):
    raise NotImplementedError


@overload(inverse_sum)
def _inverse_sum(x, start=0.0):  # the bodies may leave out an argument
    def body(x):
        s = 0.0
        for i in range(len(x)):
            s += 1.0 / x[i]
        return s

    return body


@jit
def count_bits(x):
    return n_bits(x)


@jit
def call_inverse_sum(x):
    return inverse_sum(x)


@slot_loop
def scale(i, x, out):
    """Multiply an element by three."""
    out[i] = 3.0 * x[i]


@slot_loop
def element(i, x):
    return x[i]


def flags(dispatcher):
    (llvm,) = dispatcher.inspect_llvm().values()
    additions = [line.split("double")[0] for line in llvm.splitlines() if " fadd " in line]
    assert additions
    return {word for line in additions for word in line.split("fadd")[1].split()} - {"<"}


def test_sums_are_reordered_but_infinities_are_kept():
    assert total(np.ones(1000)) == 1000.0
    assert {"reassoc", "contract", "nsz", "arcp"} <= flags(total)
    assert not {"nnan", "ninf", "fast"} & flags(total)


def test_strict_means_rounded_as_written():
    x = np.random.default_rng(0).normal(size=1000)
    total = 0.0
    for value in x.tolist():
        total += value * value
    assert add_one_by_one(x) == total
    assert not flags(add_one_by_one)


def test_infinity_and_nan_keep_their_meaning():
    assert log_sum_exp(np.full(3, -np.inf)) == -np.inf
    assert log_sum_exp(np.array([-np.inf, 0.0])) == 0.0
    assert log_sum_exp(np.array([np.nan, 0.0])) == np.inf
    assert np.isnan(total(np.array([np.inf, -np.inf, 1.0])))


def test_division_by_zero_is_as_in_numpy():
    assert quotient(1.0, 0.0) == np.inf
    assert np.isnan(quotient(0.0, 0.0))


def test_other_python_threads_run_meanwhile():
    flag, ticks = np.zeros(1), np.zeros(1)
    wait(np.ones(1), np.zeros(1), 1)
    seen = []
    thread = threading.Thread(target=lambda: seen.append(wait(flag, ticks, 4_000_000_000)))
    thread.start()
    while ticks[0] == 0.0:
        time.sleep(0.001)
    flag[0] = 1.0
    thread.join()
    assert seen == [True]


def test_only_jit_allocating_may_create_arrays():
    np.testing.assert_array_equal(squares(4), [0, 1, 4, 9])
    with pytest.raises(numba.TypingError):
        jit(squares.py_func)(4)


def test_overload_chooses_by_type():
    assert [count_bits(np.ones(1, dtype)) for dtype in ("f4", "f8")] == [32, 64]


def test_overload_has_the_options_of_jit():
    assert call_inverse_sum(np.array([1.0, 2.0, 4.0])) == 1.75
    assert call_inverse_sum(np.zeros(2)) == np.inf
    assert "reassoc" in flags(call_inverse_sum)
    assert not {"nnan", "ninf", "fast"} & flags(call_inverse_sum)


# Which form runs ------------------------------------------------------------------------------


class Counted:
    """A function that counts its calls."""

    def __init__(self, function):
        self.function, self.calls = function, 0

    def __call__(self, *args):
        self.calls += 1
        return self.function(*args)


@pytest.fixture
def counted(monkeypatch):
    monkeypatch.setattr(scale, "serial", Counted(scale.serial))
    monkeypatch.setattr(scale, "parallel", Counted(scale.parallel))

    def call(work):
        x, out = np.arange(7.0), np.empty(7)
        scale.serial.calls = scale.parallel.calls = 0
        scale(work, len(x), x, out)
        np.testing.assert_array_equal(out, 3.0 * x)
        assert scale.serial.calls + scale.parallel.calls == 1
        return "parallel" if scale.parallel.calls else "serial"

    return call


several_threads = pytest.mark.skipif(
    numba.config.NUMBA_NUM_THREADS == 1, reason="Numba has one thread here"
)


def test_a_slot_loop_describes_its_function():
    assert scale.__name__ == "scale"
    assert scale.__doc__ == "Multiply an element by three."


@several_threads
def test_work_decides(counted):
    assert [counted(LITTLE), counted(MUCH), counted(LITTLE)] == ["serial", "parallel", "serial"]


@several_threads
def test_one_thread_means_serial(counted):
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        assert counted(MUCH) == "serial"
    finally:
        numba.set_num_threads(before)
    assert counted(MUCH) == "parallel"


def test_long_loops_are_made_in_pieces(monkeypatch):
    """Between which Python sees Ctrl-C; every slot is worked on once, in order."""
    pieces = []
    for form in "serial", "parallel":
        run = getattr(scale, form)
        monkeypatch.setattr(
            scale, form, lambda first, stop, *args, run=run: (
                pieces.append((first, stop)), run(first, stop, *args)
            )
        )  # fmt: skip
    x, out = np.arange(100.0), np.empty(100)
    scale(10 * PIECE_WORK, len(x), x, out)
    np.testing.assert_array_equal(out, 3.0 * x)
    assert 5 <= len(pieces) <= 10
    assert [i for first, stop in pieces for i in range(first, stop)] == list(range(100))
    pieces.clear()
    scale(1e9 * PIECE_WORK, len(x), x, out)
    assert max(stop - first for first, stop in pieces) == numba.get_num_threads()


def test_slots_function_must_not_return_anything():
    with pytest.raises(numba.TypingError, match="none"):
        element(LITTLE, 2, np.ones(2))


def test_slot_loops_run_uncompiled():
    code = """
import numpy as np
from fastem.kernels.seeding import tiled
from fastem.kernels.k_means import step
rows, labels = np.zeros((2049, 1)), np.full((1, 2049), -1, np.int32)
centres, weight, only = np.zeros((1, 1, 1)), np.ones(2049), np.zeros(1, int)
moved, changed = step(rows, tiled(rows), weight, centres, labels, only)
assert changed == [2049] and not labels.any() and not moved.any()
"""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    processes.run([sys.executable, "-c", code], env=environment).check_returncode()


# Threads and forks, each in a process of its own -----------------------------------------------

LOOP = """
from fastem.compiler.options import jit
from fastem.compiler.slot_loop import slot_loop

@jit
def sine(x):
    return x - x**3 / 6.0 + x**5 / 120.0

@slot_loop
def sines(i, x, out):
    s = 0.0
    for j in range(x.shape[1]):
        s += sine(x[i, j])
    out[i] = s
"""
PREPARE = """
import multiprocessing, os, sys, threading
import numba, numpy as np
from fastem.kernels.loop import sines

launches = []

def count_launches():
    launch = sines.parallel
    sines.parallel = lambda *args: (launches.append(os.getpid()), launch(*args))

x = np.linspace(0.0, 1.0, 64 * 100).reshape(64, 100)

def call(_=None):
    out = np.empty(64)
    sines(1e9, 64, x, out)
    return out

def same(*results):
    return all((r == results[0]).all() for r in results)

def in_child(function):
    child = os.fork()
    if child == 0:
        os._exit(0 if function() else 1)
    return os.waitpid(child, 0)[1] == 0
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A copy of the package with a kernel of its own."""
    folder = tmp_path_factory.mktemp("package")
    kernels = folder / "fastem" / "kernels"
    kernels.mkdir(parents=True)
    (kernels.parent / "__init__.py").touch()
    (kernels / "__init__.py").touch()
    shutil.copytree(COMPILER, kernels.parent / "compiler")
    (kernels / "loop.py").write_text(LOOP)
    (folder / "prepare.py").write_text(PREPARE)
    return folder


def run(folder, code, layer="default", **environment):
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "FASTEM_"))},
        "PYTHONPATH": str(folder),
        "NUMBA_CACHE_DIR": str(folder / "cache"),
        "NUMBA_THREADING_LAYER": layer,
        "NUMBA_NUM_THREADS": "2",
        **environment,
    }
    if layer == "tbb":
        environment["LD_LIBRARY_PATH"] = str(Path(sys.prefix) / "lib")
    # From Python 3.12 on, os.fork warns of threads: that they do no harm is tested here.
    options = ["-W", "error", "-W", "ignore:This process:DeprecationWarning"]
    words = [sys.executable, *options, "-c", code]
    process = processes.run(words, cwd=folder, env=environment)
    assert process.returncode == 0, process.stdout + process.stderr
    assert not process.stderr
    return process.stdout


@cache
def loads(layer, folder):
    code = "import numba\ntry: print(numba.get_num_threads())\nexcept ValueError: print(0)"
    return run(folder, code, layer).strip() != "0"


@pytest.fixture(params=LAYERS)
def layer(request, folder):
    if not loads(request.param, folder):
        pytest.skip(f"Numba's threading layer {request.param} does not load here")
    return request.param


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


def test_import_compiles_and_starts_nothing(folder):
    code = """
import os
before = dict(os.environ)
import numba
config = {k: v for k, v in vars(numba.config).items() if k.isupper()}
from fastem.kernels.loop import sine, sines
assert dict(os.environ) == before
assert {k: v for k, v in vars(numba.config).items() if k.isupper()} == config
assert not sine.signatures and not sines.slot.signatures
assert numba.np.ufunc.parallel._threading_layer is None
"""
    run(folder, code)


def test_little_work_and_one_thread_start_no_threads(folder):
    code = """
from prepare import *
count_launches()
sines(1.0, 64, x, np.empty(64))
numba.config.NUMBA_NUM_THREADS = 1
call()
assert not launches
assert numba.np.ufunc.parallel._threading_layer is None
"""
    run(folder, code)


def test_both_forms_agree_to_the_bit(folder, layer):
    code = """
from prepare import *
out = np.empty(64)
sines.serial(0, 64, x, out)
count_launches()
assert same(out, call())
assert launches
"""
    run(folder, code, layer)


@pytest.mark.parametrize("kept", ["0", "1"])
def test_eight_threads_make_the_first_launch_at_once(folder, layer, kept):
    code = """
from prepare import *
count_launches()
barrier = threading.Barrier(8)
results = []

def work():
    barrier.wait()
    for _ in range(50):
        results.append(call())

threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert len(results) == 400 and same(*results)
assert launches
"""
    run(folder, code, layer, FASTEM_CACHE=kept)


def test_work_queue_is_entered_by_one_thread_at_a_time(folder):
    code = """
from prepare import *
call()
launch, inside, most = sines.parallel, [], []

def watched(*args):
    inside.append(1)
    most.append(len(inside))
    launch(*args)
    if threading.current_thread() is threading.main_thread() and len(most) == 1:
        other = threading.Thread(target=call)  # while this thread is in
        other.start()
        other.join()
        call()  # and once more in this one
    inside.pop()

sines.parallel = watched
call()
call()
assert most == [1, 1]
sines(2e6, 64, x, np.empty(64))  # too little to wake the work queue for
assert most == [1, 1]
"""
    run(folder, code, "workqueue")


def test_failed_launch_leaves_the_work_queue_free(folder):
    code = """
from prepare import *
try: sines(1e9, 64, x)
except TypeError: pass
else: raise SystemExit("a missing argument was not noticed")
count_launches()
call()
assert launches
"""
    run(folder, code, "workqueue")


@needs_fork
@pytest.mark.parametrize("launched", [True, False])
def test_forked_child_and_grandchild(folder, layer, launched):
    code = f"""
from prepare import *
expected = np.empty(64)
sines.serial(0, 64, x, expected)
if {launched}: call()
count_launches()

def grandchild():
    return same(expected, call()) and not launches

def child():
    return grandchild() and in_child(grandchild)

assert in_child(child)
assert same(expected, call()) and launches
"""
    run(folder, code, layer)


@needs_fork
def test_forked_pool(folder, layer):
    code = """
from prepare import *
expected = call()
with multiprocessing.get_context("fork").Pool(2) as pool:
    results = pool.map(call, range(4))
    pool.close()
    pool.join()
assert same(expected, *results)
"""
    run(folder, code, layer)


def test_spawned_process_uses_threads(folder, layer):
    (folder / "spawned.py").write_text("""
from prepare import *

def main():
    count_launches()
    return call(), len(launches)

if __name__ == "__main__":
    expected = call()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        result, n_launches = pool.apply(main)
        pool.close()
        pool.join()
    assert same(expected, result) and n_launches == 1
""")
    run(folder, "import runpy; runpy.run_path('spawned.py', run_name='__main__')", layer)


@needs_fork
def test_fork_while_another_thread_is_in_the_work_queue(folder):
    code = """
from prepare import *
expected = call()
inside, leave = threading.Event(), threading.Event()
launch = sines.parallel

def stay(*args):
    inside.set()
    leave.wait()
    launch(*args)

sines.parallel = stay
thread = threading.Thread(target=call)
thread.start()
inside.wait()
assert in_child(lambda: same(expected, call()))
leave.set()
thread.join()
"""
    run(folder, code, "workqueue")


@needs_fork
def test_fork_while_another_thread_compiles(folder):
    code = """
from prepare import *
from numba.core.compiler_lock import global_compiler_lock
compiling = threading.Event()

def compile():
    with global_compiler_lock:
        compiling.set()
        sines.slot.compile("(int64, float32[:, ::1], float32[::1])")

thread = threading.Thread(target=compile)
thread.start()
compiling.wait()
assert in_child(lambda: np.isfinite(call()).all())
thread.join()
"""
    run(folder, code, FASTEM_CACHE="0")
