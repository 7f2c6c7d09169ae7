"""Whole fits whose kernels are not all on disk, damaged, stale, or nowhere to be kept.

Each hazard by itself is the work of compiler/test_cache.py, on a small package; here it meets the
kernels of fastem. What a fit reads is copied, and a test removes what is to be compiled again.
Where all is compiled again, densities speak for a fit: they need few kernels.
"""

import os
import shutil
import sys
from pathlib import Path

import processes
import pytest

import fastem

pytestmark = pytest.mark.processes

FIT = """
import os, threading, warnings
import numpy as np, fastem

X = np.random.default_rng(0).normal(size=(200, 2)) + 6.0 * np.repeat([[0], [1]], 100, axis=0)

def fit():
    start = dict(means_init=X[[0, -1]], covariances_init=[1.0, 2.0])
    fitted = fastem.fit(X, 2, covariance_type="spherical", accelerate=False, **start)
    mixture = fitted.mixture
    arrays = mixture.weights, mixture.means, mixture.covariances, fitted.trace
    return b"".join(array.tobytes() for array in arrays).hex()

def densities():
    mixture = fastem.Mixture([0.5, 0.5], X[[0, -1]], [1.0, 2.0], "spherical")
    return mixture.log_prob(X).tobytes().hex()
"""
PRINT, PRINT_DENSITIES = FIT + "print(fit())", FIT + "print(densities())"
#: Prints in which files what it needs is looked for, which are there once it has run.
PRINT_FILES = (
    """
from fastem.compiler import cache
read, seen = cache._read, []
cache._read = lambda path: seen.append(path) or read(path)
"""
    + f"{FIT}fit(), densities()\nprint(*seen, sep='\\n')"
)
#: Some of the kernels that a fit runs, which compile soon.
BRIEF = "matrices.scatter", "matrices.factor_diagonal"


class Kept:
    """A cache folder of its own."""

    def __init__(self, folder, answer, densities):
        self.folder, self.answer, self.densities = folder, answer, densities

    def files(self):
        return sorted(self.folder.rglob("*.*"))

    def named(self, name):
        (path,) = self.folder.rglob(f"fastem.kernels.{name}-*.nbc")
        return path

    def times(self):
        return {path: path.stat().st_mtime_ns for path in self.files()}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory, start_fresh):
    """What a fit reads: compiled by whatever test ran it first, and copied."""
    folder = tmp_path_factory.mktemp("first")
    fresh, cache = start_fresh(folder), folder / "cache"
    for path in map(Path, fresh.run(PRINT_FILES).split("\n")[:-1]):
        (cache / "fastem" / "kernels" / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, cache / "fastem" / "kernels" / path.parent.name)
    answers = [fresh.run(code, NUMBA_CACHE_DIR=str(cache)) for code in (PRINT, PRINT_DENSITIES)]
    return Kept(cache, *answers)


@pytest.fixture
def kept(compiled, tmp_path):
    """A copy of it."""
    shutil.copytree(compiled.folder, tmp_path / "cache")
    return Kept(tmp_path / "cache", compiled.answer, compiled.densities)


@pytest.mark.slow  # `compiler/test_cache.py` has quicker ones
def test_later_runs_read_and_leave_the_files_alone(fresh, kept):
    before = kept.times()
    assert len(before) >= 6
    for _ in range(2):
        assert fresh.run(PRINT, NUMBA_CACHE_DIR=str(kept.folder)) == kept.answer
    assert kept.times() == before


def test_damaged_files(fresh, kept):
    """One warning in all; the code is compiled again, and kept under the same names."""
    files = kept.files()
    cut, empty = map(kept.named, BRIEF)
    cut.write_bytes(cut.read_bytes()[:-1000])
    empty.write_bytes(b"")
    kept.named("averages.spherical").write_bytes(b"garbage" * 1000)
    caught = """
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    print(fit())
assert [w.category for w in caught] == [RuntimeWarning] * expected, caught
"""
    for expected in 1, 0:
        code = f"expected = {expected}\n{FIT}{caught}"
        assert fresh.run(code, NUMBA_CACHE_DIR=str(kept.folder)) == kept.answer
        assert kept.files() == files


@pytest.mark.slow  # `compiler/test_cache.py` has quicker ones
def test_processes_compile_at_once(fresh, kept):
    files = kept.files()
    kept.named("matrices.factor_diagonal").unlink()
    cache = {"NUMBA_CACHE_DIR": str(kept.folder)}
    started = [fresh.start(PRINT_DENSITIES, **cache) for _ in range(4)]
    assert [processes.finish(process) for process in started] == [(kept.densities, "")] * 4
    assert kept.files() == files


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.slow  # `compiler/test_cache.py` has quicker ones
def test_fork_while_a_fit_compiles(fresh, kept):
    """Parent and child compile what is missing, at once, and both go on."""
    for name in BRIEF:
        kept.named(name).unlink()
    answer = fresh.run(
        FIT
        + """
from numba.core import event

class Compiling(event.Listener):
    started = threading.Event()
    def on_start(self, event):
        self.started.set()
    def on_end(self, event):
        pass

event.register("numba:compile", Compiling())
answers = []
thread = threading.Thread(target=lambda: answers.append(fit()))
thread.start()
Compiling.started.wait()
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12: a fork with threads
read, write = os.pipe()
child = os.fork()
if child == 0:
    os.write(write, fit().encode())
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
thread.join()
assert answers == [os.read(read, 10**6).decode()]
print(*answers)
""",
        NUMBA_CACHE_DIR=str(kept.folder),
    )
    assert answer == kept.answer


@pytest.mark.skipif(sys.platform != "linux", reason="the folder has another name elsewhere")
def test_home_that_cannot_be_written(fresh, kept):
    """Compiled in every process, without a word."""
    (fresh.folder / "file").touch()
    home = str(fresh.folder / "file" / "home")
    nowhere = {"NUMBA_CACHE_DIR": "", "XDG_CACHE_HOME": "", "HOME": home}
    assert fresh.run(PRINT_DENSITIES, **nowhere) == kept.densities


@pytest.mark.slow  # `compiler/test_cache.py` has quicker ones
def test_without_the_cache(fresh, kept):
    kept.named("matrices.factor_diagonal").write_bytes(b"replaced if it was read")
    before = kept.times()
    off = {"NUMBA_CACHE_DIR": str(kept.folder), "FASTEM_CACHE": "0"}
    assert fresh.run(PRINT_DENSITIES, **off) == kept.densities
    assert kept.times() == before


@pytest.mark.slow  # `compiler/test_cache.py` has quicker ones
def test_edit_of_a_kernel_file_that_others_call(fresh, kept):
    """The logarithm, of which densities are made: old code would give the old ones."""
    shutil.copytree(Path(fastem.__file__).parent, fresh.folder / "fastem")
    elementary = fresh.folder / "fastem" / "kernels" / "elementary.py"
    source = elementary.read_text()
    assert source.count("np.float64(np.int32(shift))") == 1
    elementary.write_text(source.replace("np.float64(np.int32(shift))", "100.0"))
    assert fresh.run(PRINT_DENSITIES, NUMBA_CACHE_DIR=str(kept.folder)) != kept.densities
    before = kept.times()
    elementary.write_text(source)
    assert fresh.run(PRINT_DENSITIES, NUMBA_CACHE_DIR=str(kept.folder)) == kept.densities
    assert kept.times() == before
