"""A small package with a kernel of its own, which tests run in processes of their own."""

import os
import shutil
import sys
from functools import cache
from pathlib import Path

import processes
import pytest

import fastem

COMPILER = Path(fastem.__file__).parent / "compiler"
#: Of which Numba takes one by default.
LAYERS = ["omp", "workqueue", pytest.param("tbb", marks=pytest.mark.slow)]

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


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def run(folder):
    """Run code there; what it printed."""

    def go(code, layer="default", **environment):
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
        process = processes.run([sys.executable, *options, "-c", code], cwd=folder, env=environment)
        assert process.returncode == 0, process.stdout + process.stderr
        assert not process.stderr
        return process.stdout

    return go


@pytest.fixture(scope="session")
def loads(run):
    """Whether Numba can load a threading layer here."""
    code = "import numba\ntry: print(numba.get_num_threads())\nexcept ValueError: print(0)"
    return cache(lambda layer: run(code, layer).strip() != "0")


@pytest.fixture(params=LAYERS)
def layer(request, loads):
    """Each threading layer that can be loaded."""
    if not loads(request.param):
        pytest.skip(f"Numba's threading layer {request.param} does not load here")
    return request.param
