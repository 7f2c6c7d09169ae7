"""A Numba that lacks a name: who uses it works without, and gives the same."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fastem
from fastem.compiler import internals
from fastem.compiler.internals import taken

COMPILER = Path(fastem.__file__).parent / "compiler"
LOOP = """
from fastem.compiler.options import jit
from fastem.compiler.slot_loop import slot_loop

@jit
def power(x, n):
    result = 1.0
    for _ in range(n):
        result *= x
    return result

@slot_loop
def powers(i, x, out):
    out[i] = power(x[i], 3) + power(x[i], 2)
"""
#: Both forms of a loop that calls a function, for two types; a fork; and the group that is None.
USE = """
import os, sys
import numpy as np
from fastem.compiler import internals
from fastem.kernels.loop import power, powers

for dtype in np.float64, np.float32:
    x = np.linspace(0.0, 1.0, 8, dtype=dtype)
    serial, parallel, split = np.empty(8), np.empty(8), np.empty(8)
    powers.serial(0, 8, x, serial)
    powers.parallel(0, 8, x, parallel)
    powers(1e9, 8, x, split)
    assert np.allclose(serial, x.astype(float) ** 3 + x.astype(float) ** 2, rtol=1e-6)
    assert np.array_equal(serial, parallel) and np.array_equal(serial, split)
if hasattr(os, "fork"):
    child = os.fork()
    if child == 0:
        again = np.empty(8)
        powers(1e9, 8, x, again)
        os._exit(0 if np.array_equal(serial, again) else 1)
    assert os.waitpid(child, 0)[1] == 0
assert getattr(internals, sys.argv[1]) is None
print(len(power.signatures))
"""
GROUPS = {
    "CACHE": "numba.core.caching:NullCache",
    "INLINING": "numba.core.typing.templates:make_concrete_template",
    "TIDYING": "numba.core.codegen:JITCPUCodegen._pass_builder",
    "POINTERS": "numba.core.cgutils:unpack_tuple",
    "WIDTH": "llvmlite.ir.values:FunctionAttributes._to_list",
    "LOCK": "numba.core.compiler_lock:global_compiler_lock",
    "FINGERPRINT": "numba._dispatcher:compute_fingerprint",
    "PRODUCTS": "numba._helperlib:c_helpers",
    "EVENTS": "numba.core.event:register",
}


@pytest.mark.parametrize(
    "place",
    ["numba.no_such:thing", "numba.core.codegen:NoSuch", "numba.core.codegen:JITCodeLibrary.no"],
)
def test_a_group_that_lacks_a_name_is_none(place, caplog):
    caplog.set_level("DEBUG", logger="fastem.compiler.internals")
    assert taken("nothing is done", x="numba.core.codegen:JITCodeLibrary", y=place) is None
    assert f"nothing is done: this Numba has no {place}" in caplog.text


def test_this_numba_has_all_groups_but_for_an_old_ones_tidying():
    missing = {name for name in GROUPS if getattr(internals, name) is None}
    assert missing <= {"TIDYING"}


@pytest.mark.parametrize("group", GROUPS)
def test_each_user_works_without_its_group(group, tmp_path):
    kernels = tmp_path / "fastem" / "kernels"
    kernels.mkdir(parents=True)
    (kernels.parent / "__init__.py").touch()
    (kernels / "__init__.py").touch()
    (kernels / "loop.py").write_text(LOOP)
    shutil.copytree(COMPILER, kernels.parent / "compiler")
    source = kernels.parent / "compiler" / "internals.py"
    assert source.read_text().count(f'"{GROUPS[group]}"') == 1
    source.write_text(source.read_text().replace(GROUPS[group], "numba.no_such:thing"))
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "FASTEM_"))}
    environment |= {"PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    command = [sys.executable, "-W", "error", "-W", "ignore:This process:DeprecationWarning"]
    process = subprocess.run(
        [*command, "-c", USE, group],
        cwd=tmp_path,
        env=environment | {"NUMBA_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    assert not process.stderr
    # A function that is not taken into its callers has machine code of its own.
    assert (int(process.stdout) > 0) == (group == "INLINING")
    # Without pointers the loops are functions made in a function, which have no name on disk.
    assert bool(list(tmp_path.glob("cache/**/*.nbc"))) == (group not in ("CACHE", "POINTERS"))


@pytest.mark.slow
def test_a_fit_without_pointers_is_the_fit_with_them():
    """Oracle: the fit with them. Its control then runs in Python, and not in one call.

    From a given start and round: without pointers no loop is kept on disk, and few are compiled.
    """
    lacking = """
import importlib
import_module = importlib.import_module

def lacking(name, package=None):
    if name == "numba.core.callconv":
        raise ImportError("of another Numba")
    return import_module(name, package)

importlib.import_module = lacking
"""
    fit = """
import numpy as np, fastem
from fastem.compiler import internals

X = np.random.default_rng(0).normal(size=(300, 2)) + 5 * np.arange(2).repeat(150)[:, None]
start = dict(means_init=X[[0, -1]], covariances_init=[1.0, 2.0])
fitted = fastem.fit(X, 2, covariance_type="spherical", **start)
print(internals.POINTERS is None, fitted.n_iter, fitted.log_likelihood)
"""
    found = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
        for code in (fit, lacking + fit)
    ]
    assert [known[0] for known in found] == ["False", "True"]
    assert found[0][1] == found[1][1]
    assert float(found[0][2]) == pytest.approx(float(found[1][2]), rel=1e-12)
