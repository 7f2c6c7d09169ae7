"""Forks of processes that compile and have threads, each in a process of its own."""

import os

import pytest

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


@needs_fork
@pytest.mark.parametrize("launched", [True, False])
def test_forked_child_and_grandchild(run, layer, launched):
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
    run(code, layer)


@needs_fork
def test_forked_pool(run, layer):
    code = """
from prepare import *
expected = call()
with multiprocessing.get_context("fork").Pool(2) as pool:
    results = pool.map(call, range(4))
    pool.close()
    pool.join()
assert same(expected, *results)
"""
    run(code, layer)


def test_spawned_process_uses_threads(run, folder, layer):
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
    run("import runpy; runpy.run_path('spawned.py', run_name='__main__')", layer)


@needs_fork
def test_fork_while_another_thread_is_in_the_work_queue(run):
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
    run(code, "workqueue")


@needs_fork
def test_fork_while_another_thread_compiles(run):
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
    run(code, FASTEM_CACHE="0")
