"""Loops over slots: which form runs, and that threads never hurt."""

import os
import sys

import numba
import numpy as np
import processes
import pytest

from fastem.compiler import function_pointers
from fastem.compiler.function_pointers import call, jit_calling
from fastem.compiler.slot_loop import PIECE_WORK, _parallel, slot_loop

MUCH, LITTLE = 1e9, 1.0


@slot_loop
def scale(i, x, out):
    """Multiply an element by three."""
    out[i] = 3.0 * x[i]


@slot_loop
def element(i, x):
    return x[i]


@jit_calling
def run_all(launcher, address, n, arguments):
    call(launcher, None, (address, 0, n, arguments))


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


@pytest.mark.skipif(not function_pointers.AVAILABLE, reason="this Numba calls no addresses")
def test_compiled_code_runs_a_loop_by_its_address():
    x, out = np.arange(7.0), np.empty(7)
    arguments = x, out
    run_all(scale.launcher(arguments), scale.address(arguments), len(x), arguments)
    np.testing.assert_array_equal(out, 3.0 * x)


@pytest.mark.skipif(not function_pointers.AVAILABLE, reason="this Numba calls no addresses")
def test_that_loop_is_the_one_which_python_runs():
    x, out = np.arange(7.0), np.empty(7)
    scale.parallel(0, len(x), x, out)
    before = list(_parallel.overloads)
    assert scale.launcher((x, out)) == scale.launcher((x, out))
    assert list(_parallel.overloads) == before


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


@pytest.mark.skipif(
    numba.version_info.short < (0, 68), reason="this Numba drops what is returned without a word"
)
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


# Threads, each case in a process of its own -----------------------------------------------------


def test_import_compiles_and_starts_nothing(run):
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
    run(code)


def test_little_work_and_one_thread_start_no_threads(run):
    code = """
from prepare import *
count_launches()
sines(1.0, 64, x, np.empty(64))
numba.config.NUMBA_NUM_THREADS = 1
call()
assert not launches
assert numba.np.ufunc.parallel._threading_layer is None
"""
    run(code)


def test_both_forms_agree_to_the_bit(run, layer):
    code = """
from prepare import *
out = np.empty(64)
sines.serial(0, 64, x, out)
count_launches()
assert same(out, call())
assert launches
"""
    run(code, layer)


EIGHT = """
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


def test_eight_threads_make_the_first_launch_at_once(run, layer):
    run(EIGHT, layer)


def test_eight_threads_compile_and_make_the_first_launch_at_once(run):
    run(EIGHT, FASTEM_CACHE="0")


def test_work_queue_is_entered_by_one_thread_at_a_time(run):
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
    run(code, "workqueue")


def test_failed_launch_leaves_the_work_queue_free(run):
    code = """
from prepare import *
try: sines(1e9, 64, x)
except TypeError: pass
else: raise SystemExit("a missing argument was not noticed")
count_launches()
call()
assert launches
"""
    run(code, "workqueue")
