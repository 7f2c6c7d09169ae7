"""The cache of compiled kernels: never stale, never fatal, never growing."""

import json
import os
import shutil
import sys
from pathlib import Path

import processes
import pytest

import fastem

pytestmark = pytest.mark.processes

COMPILER = Path(fastem.__file__).parent / "compiler"
TILE = """
from fastem.compiler.options import jit

FACTOR = 2.0

@jit
def scaled(x):
    return FACTOR * x
"""
LOOP = """
from fastem.compiler.options import jit
from fastem.compiler.slot_loop import slot_loop
from fastem.kernels.tile import scaled

@slot_loop
def scale(i, x, out):
    out[i] = scaled(x[i])

@jit
def total(x):
    s = 0.0
    for i in range(len(x)):
        s += scaled(x[i])
    return s

def adder(constant):
    @jit
    def add(x):
        return x + constant
    return add
"""
# What a process does with them: reports the results and how often the disk served it.
USE = """
import json, logging, sys, warnings
logging.basicConfig(filename="log", level=logging.INFO)
logging.getLogger("fastem").setLevel(logging.DEBUG)
import numpy as np
from fastem.compiler import slot_loop
from fastem.kernels.loop import scale, total

def uses(dispatcher):
    stats = dispatcher.stats
    return sum(stats.cache_hits.values()), sum(stats.cache_misses.values())

x = np.arange(5.0)
serial, parallel = np.empty(5), np.empty(5)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    scale.serial(0, 5, x, serial)
    scale.parallel(0, 5, x, parallel)
    sum_ = total(x)
print(json.dumps({
    "serial": list(serial), "parallel": list(parallel), "total": sum_,
    "used": [uses(d) for d in (scale.slot, slot_loop._serial, slot_loop._parallel, total)],
    "warnings": [w.category.__name__ for w in caught],
}))
"""
DOUBLED = [0.0, 2.0, 4.0, 6.0, 8.0]
ALL_HIT, ALL_MISSED = [[1, 0]] * 4, [[0, 1]] * 4


class Package:
    """A copy of the package with kernels of its own, and a cache folder."""

    def __init__(self, folder):
        self.folder = folder
        self.kernels = folder / "fastem" / "kernels"
        self.cache = folder / "cache"

    def files(self):
        return sorted(self.cache.rglob("*.*"))

    def start(self, code=USE, **environment):
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "FASTEM_"))},
            "PYTHONPATH": str(self.folder),
            "NUMBA_CACHE_DIR": str(self.cache),
            **environment,
        }
        words = [sys.executable, "-B", "-W", "error", "-c", code]
        return processes.start(words, cwd=self.folder, env=environment)

    def finish(self, process):
        out, err = processes.finish(process)
        assert process.returncode == 0, err
        return json.loads(out)

    def run(self, code=USE, **environment):
        return self.finish(self.start(code, **environment))


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    """A package that one process has used."""
    package = Package(tmp_path_factory.mktemp("used"))
    package.kernels.mkdir(parents=True)
    (package.kernels.parent / "__init__.py").touch()
    (package.kernels / "__init__.py").touch()
    shutil.copytree(COMPILER, package.kernels.parent / "compiler")
    (package.kernels / "tile.py").write_text(TILE)
    (package.kernels / "loop.py").write_text(LOOP)
    package.first = package.run()
    return package


@pytest.fixture
def package(used, tmp_path):
    """A fresh copy of it, cache included."""
    shutil.copytree(used.folder, tmp_path, dirs_exist_ok=True)
    return Package(tmp_path)


def test_first_process_compiles_and_second_one_reads(used, package):
    assert used.first == {
        "serial": DOUBLED,
        "parallel": DOUBLED,
        "total": 20.0,
        "used": ALL_MISSED,
        "warnings": [],
    }
    files = {path: path.stat().st_mtime_ns for path in package.files()}
    assert package.run() == {**used.first, "used": ALL_HIT}
    assert {path: path.stat().st_mtime_ns for path in package.files()} == files


def test_reading_imports_nothing_for_compiling(package):
    code = USE[: USE.index("print(")] + "print(json.dumps('scipy.linalg' in sys.modules))"
    assert package.run(code) is False


def test_one_file_for_each_function_and_form(package):
    names = [path.name.rsplit("-", 1)[0] for path in package.files()]
    assert names == [
        "fastem.compiler.slot_loop._each_slot-parallel",
        "fastem.compiler.slot_loop._each_slot-serial",
        "fastem.kernels.loop.scale-serial",
        "fastem.kernels.loop.total-serial",
    ]


def test_edit_of_a_called_file_is_noticed(package):
    tile = package.kernels / "tile.py"
    tile.write_text(TILE.replace("2.0", "3.0"))
    tripled = package.run()
    assert tripled["total"] == 30.0
    assert tripled["serial"] == tripled["parallel"] == [0.0, 3.0, 6.0, 9.0, 12.0]
    assert tripled["used"] == ALL_MISSED

    tile.write_text(TILE)
    assert package.run()["used"] == ALL_HIT


def test_edit_after_import_is_not_taken_for_the_code_that_runs(package):
    edit_then_use = (
        "import fastem.kernels.loop\n"
        f"open('fastem/kernels/tile.py', 'w').write({TILE.replace('2.0', '3.0')!r})\n{USE}"
    )
    shutil.rmtree(package.cache)
    assert package.run(edit_then_use)["total"] == 20.0
    assert package.run()["total"] == 30.0


def test_another_version_of_fastem_reads_no_old_code(package):
    (package.kernels.parent / "__init__.py").write_text("__version__ = '2'")
    assert package.run()["used"] == ALL_MISSED


@pytest.mark.parametrize("environment", [{"NUMBA_CPU_NAME": "generic"}, {"NUMBA_BOUNDSCHECK": "1"}])
def test_another_kind_of_code_has_files_of_its_own(package, environment):
    assert package.run(**environment)["used"] == ALL_MISSED


def test_folders_of_old_digests_are_removed(package):
    (current,) = (package.cache / "fastem" / "kernels").iterdir()
    for age in range(20):
        old = current.with_name(f"old{age:02}")
        old.mkdir()
        (old / "kernel.nbc").touch()
        os.utime(old, (1e9 - age, 1e9 - age))
    (package.kernels / "tile.py").write_text(TILE + "\n")
    package.run()
    left = {path.name for path in current.parent.iterdir()}
    assert len(left) == 8
    assert left > {current.name, "old00", "old05"}
    assert "old06" not in left


def test_damaged_files_are_replaced_with_one_warning(used, package):
    def empty(content):
        return b""

    def cut(content):
        return content[: len(content) // 2]

    def garble(content):
        return b"garbage" * 1000

    def flip_a_bit(content):
        return content[:-1] + bytes([content[-1] ^ 1])

    files = package.files()
    for path, damage in zip(files, [empty, cut, garble, flip_a_bit], strict=True):
        path.write_bytes(damage(path.read_bytes()))
    assert package.run() == {**used.first, "warnings": ["RuntimeWarning"]}
    assert package.files() == files
    assert package.run() == {**used.first, "used": ALL_HIT}


def test_warning_as_error_does_not_come_back(used, package):
    for path in package.files():
        path.write_bytes(b"")
    process = package.start(USE.replace('"always"', '"error"'))
    assert "RuntimeWarning: A damaged file of compiled code" in processes.finish(process)[1]
    assert process.returncode == 1
    remaining = [path for path in package.files() if not path.stat().st_size]
    assert len(remaining) == len(used.files()) - 1


def test_kernel_missing_on_disk_is_compiled_alone(used, package):
    (caller,) = package.cache.rglob("*total*")
    caller.unlink()
    assert package.run() == {**used.first, "used": [[1, 0]] * 3 + [[0, 1]]}


def test_processes_at_once(package):
    shutil.rmtree(package.cache)
    code = (
        "import numpy as np\n"
        "from fastem.kernels.loop import total\n"
        "print([total(np.arange(5, dtype=t)) for t in ('f8', 'f4')])"
    )
    started = [package.start(code) for _ in range(4)]
    assert [package.finish(process) for process in started] == [[20.0, 20.0]] * 4
    assert len(package.files()) == 2
    assert package.run()["used"] == [[0, 1]] * 3 + [[1, 0]]


def test_cache_can_be_turned_off(used, package):
    files = package.files()
    files.pop().unlink()
    assert package.run(FASTEM_CACHE="0") == used.first
    assert package.files() == files


@pytest.mark.skipif(sys.platform != "linux", reason="the folder has another name elsewhere")
def test_cache_is_the_users_unless_told_otherwise(package, tmp_path):
    shutil.rmtree(package.cache)
    package.run(NUMBA_CACHE_DIR="", XDG_CACHE_HOME=str(tmp_path / "mine"))
    assert len(list(tmp_path.glob("mine/fastem/kernels/*/*.nbc"))) == 4


def test_nowhere_to_write(used, package):
    (package.folder / "file").touch()
    assert package.run(NUMBA_CACHE_DIR=str(package.folder / "file" / "below")) == used.first
    log = (package.folder / "log").read_text().splitlines()
    own = [line for line in log if ":fastem.compiler.cache:" in line]  # old Numba lack other things
    assert own == ["DEBUG:fastem.compiler.cache:kernels are not kept on disk: Not a directory"]


def test_user_without_a_home(used, package):
    assert package.run(NUMBA_CACHE_DIR="", XDG_CACHE_HOME="~/.cache") == used.first
    assert not (package.folder / "~").exists()


def test_full_disk_is_read_and_left_clean(package):
    pytest.importorskip("resource")
    code = (
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "import numpy as np\n"
        "from fastem.kernels.loop import total\n"
        "print([total(np.arange(5.0)), sum(total.stats.cache_hits.values())])"
    )
    assert package.run(code) == [20.0, 1]
    (kept,) = package.cache.rglob("*total*")
    kept.unlink()
    files = package.files()
    assert package.run(code) == [20.0, 0]
    assert package.files() == files


@pytest.mark.parametrize(
    "change",
    [
        "import numba.misc.appdirs; del numba.misc.appdirs.AppDirs",
        "from numba.core.compiler import CompileResult; CompileResult._rebuild = None",
        "from numba.core.codegen import CPUCodegen; del CPUCodegen.magic_tuple",
    ],
)
def test_numba_that_cannot_be_asked_to_read(used, package, change):
    assert package.run(f"{change}\n{USE}") == used.first
    assert "DEBUG:fastem.compiler." in (package.folder / "log").read_text()


def test_numba_that_cannot_be_asked_to_write(used, package):
    shutil.rmtree(package.cache)
    change = "from numba.core.compiler import CompileResult; del CompileResult._reduce"
    assert package.run(f"{change}\n{USE}") == used.first
    assert "DEBUG:fastem.compiler.cache" in (package.folder / "log").read_text()
    assert not package.files()


def test_functions_made_in_functions_are_not_kept(package):
    code = "from fastem.kernels.loop import adder\nprint([adder(1)(1.0), adder(2)(1.0)])"
    files = package.files()
    assert package.run(code) == [2.0, 3.0]
    assert package.files() == files


def test_files_elsewhere_are_not_kept(package):
    (package.folder / "mine.py").write_text(TILE)
    files = package.files()
    assert package.run("import mine; print(mine.scaled(1.0))") == 2.0
    assert package.files() == files


def test_function_as_an_argument_is_not_kept(package):
    (package.kernels / "apply.py").write_text(
        "from fastem.compiler.options import jit\n"
        "@jit\ndef apply(f, x):\n    return f(x)\n"
        "@jit\ndef double(x):\n    return 2 * x\n"
    )
    assert package.run("from fastem.kernels.apply import *\nprint(apply(double, 4.0))") == 8.0
    assert not list(package.cache.rglob("*apply.apply*"))


def test_interpreted_kernels(package):
    code = "from fastem.kernels.loop import total\nprint(total([1.0, 2.0]))"
    assert package.run(code, NUMBA_DISABLE_JIT="1") == 6.0
