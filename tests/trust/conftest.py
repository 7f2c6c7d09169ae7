"""Code run in processes of its own: what threads, forks and signals do must not reach the tests."""

import os
import sys
import textwrap
from functools import cache
from pathlib import Path

import processes
import pytest

ROOT = Path(__file__).parents[2]


class Fresh:
    """Starts Python with warnings as errors. Compiled kernels are those of the user's cache."""

    def __init__(self, folder):
        self.folder = folder

    def environment(self, **more):
        ours = "NUMBA_THREADING_LAYER", "NUMBA_NUM_THREADS", "FASTEM_CACHE"
        kept = {name: value for name, value in os.environ.items() if name not in ours}
        paths = [str(self.folder), str(ROOT), os.environ.get("PYTHONPATH", "")]
        # pip puts libtbb where only an activated environment would look for it.
        libraries = [str(Path(sys.prefix) / "lib"), os.environ.get("LD_LIBRARY_PATH", "")]
        joined = {
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "LD_LIBRARY_PATH": os.pathsep.join(filter(None, libraries)),
        }
        return kept | joined | more

    def start(self, code, **environment):
        """A process with pipes; the code may import what it needs."""
        script, code = self.folder / "script.py", textwrap.dedent(code)
        if not script.exists() or script.read_text() != code:  # processes may be about to read it
            script.write_text(code)
        words = [sys.executable, "-W", "error", str(script)]
        return processes.start(words, cwd=self.folder, env=self.environment(**environment))

    def run(self, code, **environment):
        """What it printed. It must end well."""
        process = self.start(code, **environment)
        out, err = processes.finish(process)
        assert process.returncode == 0, f"{process.returncode}: {err}"
        return out


@pytest.fixture
def fresh(tmp_path):
    return Fresh(tmp_path)


@pytest.fixture(scope="session")
def start_fresh():
    """The same in a folder of one's own, for fixtures that outlive a test."""
    return Fresh


@pytest.fixture(scope="session")
def loadable(tmp_path_factory):
    """Whether Numba can load a threading layer here."""
    fresh = Fresh(tmp_path_factory.mktemp("layers"))

    @cache
    def loads(layer):
        code = (
            f"import numba; numba.config.THREADING_LAYER = {layer!r}\n"
            "numba.np.ufunc.parallel._launch_threads()"
        )
        process = fresh.start(code)
        processes.finish(process)
        return process.returncode == 0

    return loads
