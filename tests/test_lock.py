"""Locks: one process has a file, others are told which, and nobody needs to clear up after a kill.

The oracle of who may have it is the system: a process that runs, or does not.
"""

import json
import os
import signal
import socket
import sys
import time
from pathlib import Path

import processes
import pytest

import fastem
from fastem.atomic import beside
from fastem.lock import Owner, sole

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX locks and signals")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(fastem.__file__).parents[1])}

HOLD = """
import sys
from fastem.atomic import whole
from fastem.lock import sole

with sole(sys.argv[1], "wait=True", wait=False), whole(sys.argv[1]) as part:
    part.write_text("half")
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "fit.npz"


def lock_of(path):
    return path.with_name(f".{path.name}.lock")


def held(path, wait=False):
    return sole(path, "wait=True", wait=wait)


def forged(path, **changes):
    text = json.dumps(vars(Owner.me()) | changes)
    lock_of(path).write_text(text)


def refusal(path):
    with pytest.raises(BlockingIOError) as caught, held(path):
        pass
    return str(caught.value)


def test_others_are_told_who_has_it(path):
    with held(path):
        told = refusal(path)
        assert told.startswith(f"{path} is in use by process {os.getpid()} on ")
        assert f"on {socket.gethostname()} since 20" in told
        assert told.endswith("; wait for it with wait=True, or give another path")
    assert not lock_of(path).exists()
    with held(path):
        pass


def test_no_path_needs_no_lock():
    with held(None), held(None):
        pass


def test_links_lead_to_one_lock(path, tmp_path):
    (tmp_path / "link.npz").symlink_to(path)
    with held(path):
        assert "is in use" in refusal(tmp_path / "link.npz")


def test_who_waits_has_it_next(path, monkeypatch):
    first = held(path)
    first.__enter__()
    paused = []

    def pause(seconds):
        paused.append(lock_of(path).exists())
        first.__exit__(None, None, None)

    monkeypatch.setattr(time, "sleep", pause)
    with held(path, wait=True):
        assert paused == [True]
        assert json.loads(lock_of(path).read_text())["process"] == os.getpid()


def start_holder(path):
    words = [sys.executable, "-c", HOLD, str(path)]
    process = processes.start(words, stdin=-1, env=ENVIRONMENT)
    processes.wait_for(process, "held")
    return process


def test_a_killed_process_has_nothing(path):
    other = start_holder(path)
    (path.parent / ".x.other-1-0.part.npz").write_text("another's")
    assert f"process {other.pid} on " in refusal(path)
    other.send_signal(signal.SIGKILL)
    other.wait()
    processes.finish(other)
    left = sorted(p.name for p in path.parent.iterdir())
    assert len(left) == 3
    with held(path):
        pass
    assert [p.name for p in path.parent.iterdir()] == [".x.other-1-0.part.npz"]


FORK = """
import os, sys
from pathlib import Path
from fastem.lock import sole

def held():
    return sole(sys.argv[1], "wait=True", wait=False)

first = held()
first.__enter__()
read, write = os.pipe()
child = os.fork()
if not child:
    os.close(write)
    os.read(read, 1)  # until its parent has closed the pipe
    first.__exit__(None, None, None)
    os._exit(0)
try:
    held().__enter__()
    raise AssertionError("a fork has freed it")
except BlockingIOError:
    pass
first.__exit__(None, None, None)
with held():
    os.close(write)
    os.waitpid(child, 0)
    assert len(os.listdir(Path(sys.argv[1]).parent)) == 1
"""


def test_a_fork_neither_frees_nor_keeps_it(path):
    done = processes.run([sys.executable, "-c", FORK, str(path)], env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    assert not lock_of(path).exists()


@pytest.mark.parametrize("wait", [False, True])
def test_another_machine_may_have_it(path, monkeypatch, wait):
    forged(path, host="elsewhere", kernel="another", process=7)
    monkeypatch.setattr(time, "sleep", lambda seconds: lock_of(path).unlink())
    if wait:
        with held(path, wait=True):
            return
    told = refusal(path)
    assert "by process 7 on elsewhere since 20" in told
    assert told.endswith(f"; if it does not run any more, delete {lock_of(path)}")
    assert lock_of(path).exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"kernel": "before it was started anew"},
        {"host": "a container here"},
        {"process": "1"},
        {"writer": "../../x"},
        {"more": 1},
    ],
    ids=str,
)
def test_what_nobody_holds_is_taken(path, changes):
    forged(path, **changes)
    part = beside(path)
    part.write_text("mine")
    if "writer" not in changes:
        part.unlink()
    with held(path):
        assert Owner.of(lock_of(path).read_bytes()).process == os.getpid()
    assert part.exists() == ("writer" in changes)


@pytest.mark.parametrize("text", [b"", b"{", b"[" * 10**5, b"\xff\0", b"[1]", b"{}", b'"x"'])
def test_any_text_may_be_left_there(path, text):
    lock_of(path).write_bytes(text)
    with held(path):
        assert f"process {os.getpid()}" in refusal(path)
        lock_of(path).write_bytes(text)
        assert "is in use by another process; wait" in refusal(path)


def test_a_file_system_without_locks_keeps_nobody_out(path, monkeypatch):
    import fcntl

    def cannot(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", cannot)
    with held(path), held(path):
        pass


def test_a_folder_that_takes_no_lock(tmp_path):
    with pytest.raises(OSError, match="No such file or directory; make its folder first"):
        held(tmp_path / "absent" / "fit.npz").__enter__()


@pytest.fixture
def windows(monkeypatch):
    """Locks of bytes, and files that nobody takes away while they are open, out of POSIX locks."""
    import fcntl

    class Msvcrt:
        LK_NBLCK = 2

        @staticmethod
        def locking(descriptor, mode, n_bytes):
            assert (mode, n_bytes) == (Msvcrt.LK_NBLCK, 1)
            assert os.lseek(descriptor, 0, os.SEEK_CUR) >= 2**30
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise PermissionError(13, "Permission denied") from None

    unlink = Path.unlink

    def unlink_closed(path, *args, **options):
        opened = {os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()}
        if os.path.realpath(path) in opened:
            raise PermissionError(13, "The process cannot access the file")
        unlink(path, *args, **options)

    monkeypatch.setattr("fastem.lock.fcntl", None)
    monkeypatch.setitem(sys.modules, "msvcrt", Msvcrt)
    monkeypatch.setattr(Path, "unlink", unlink_closed)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="tells which files are open")
def test_windows(windows, path):
    with held(path):
        assert f"process {os.getpid()} on {socket.gethostname()} since 20" in refusal(path)
        assert lock_of(path).stat().st_size < 2**30
    assert not lock_of(path).exists()
    other = os.open(lock_of(path), os.O_RDWR | os.O_CREAT)
    with held(path):
        pass
    assert lock_of(path).exists()  # somebody has it open, and it keeps nobody out
    os.close(other)
    with held(path):
        pass
    assert not lock_of(path).exists()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="tells which files are open")
def test_a_file_system_without_locks_on_windows(windows, path, monkeypatch):
    def cannot(*_):
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(sys.modules["msvcrt"], "locking", cannot)
    with held(path), held(path):
        pass


def test_the_module_imports_without_fcntl():
    code = (
        "import sys; sys.modules['fcntl'] = None; import fastem.lock as lock; "
        "assert lock.fcntl is None; assert lock.sole"
    )
    done = processes.run([sys.executable, "-c", code], env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
