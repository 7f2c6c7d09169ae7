"""Files that appear whole or not at all; devices and pipes that stay what they are."""

import errno
import os
import stat
import threading

import numpy as np
import pytest

import fastem
from fastem import atomic

MIXTURE = fastem.Mixture([1.0], [[0.0]], [[[1.0]]])
posix = pytest.mark.skipif(os.name == "nt", reason="POSIX devices")


def write_half(path, error):
    with atomic.whole(path) as part:
        part.write_text("half")
        raise error


def same_device(path):
    mode = os.stat(path)
    return stat.S_ISCHR(mode.st_mode), mode.st_rdev


@posix
@pytest.mark.parametrize("linked", [False, True])
def test_devices_are_written_into(tmp_path, linked):
    path = "/dev/null"
    if linked:
        (tmp_path / "link.npy").symlink_to(path)
        path = tmp_path / "link.npy"
    before = same_device(path)
    MIXTURE.save(path)
    if linked:
        MIXTURE.predict_to(path, np.zeros((3, 1)))
        assert (tmp_path / "link.npy").is_symlink()
    assert same_device(path) == before == (True, os.stat("/dev/null").st_rdev)


@posix
@pytest.mark.parametrize("what", ["model", "labels"])
def test_pipes_are_written_into(tmp_path, what):
    path = tmp_path / "pipe.npy"
    os.mkfifo(path)
    held = []
    reader = threading.Thread(target=lambda: held.append(path.read_bytes()))
    reader.start()
    if what == "model":
        MIXTURE.save(path)
    else:
        MIXTURE.predict_to(path, np.zeros((3, 1)))
    reader.join()
    assert stat.S_ISFIFO(path.stat().st_mode)
    (tmp_path / "copy").write_bytes(held[0])
    if what == "model":
        assert fastem.Mixture.load(tmp_path / "copy") == MIXTURE
    else:
        assert np.load(tmp_path / "copy").tolist() == [0, 0, 0]


@pytest.mark.parametrize("before", [None, "older"])
def test_what_fails_leaves_things_as_they_were(tmp_path, before):
    path = tmp_path / "x.txt"
    if before:
        path.write_text(before)
    with pytest.raises(KeyError):
        write_half(path, KeyError())
    assert [p.read_text() for p in tmp_path.iterdir()] == [before] * bool(before)


def test_file_and_folder_are_synced_before_and_after_it_takes_its_place(tmp_path, monkeypatch):
    done = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor):
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", lambda *paths: done.append("placed") or replace(*paths))
    MIXTURE.save(tmp_path / "m.npz")
    assert done == ["file", "placed", "folder"]
    done.clear()
    MIXTURE.predict_to(tmp_path / "l.csv", np.zeros((3, 1)))
    assert done == ["file", "placed", "folder"]


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "No space left on device; free some space, or give a path on another disk"),
        (errno.EACCES, "Permission denied; give a path where you can write"),
    ],
)
def test_errors_name_path_and_remedy(tmp_path, number, remedy):
    with pytest.raises(OSError, match=remedy) as caught:
        write_half(tmp_path / "x", OSError(number, os.strerror(number)))
    assert caught.value.errno == number
    assert caught.value.filename == str(tmp_path / "x")
    assert not list(tmp_path.iterdir())


def test_errors_of_what_is_read_are_left_alone(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        MIXTURE.predict_to(tmp_path / "x.npy", tmp_path / "absent.npy")
    assert caught.value.filename == str(tmp_path / "absent.npy")


@pytest.mark.parametrize(
    ("name", "error", "told"),
    [
        (".", IsADirectoryError, "it is a directory; give the name of a file in it"),
        ("absent/m.npz", FileNotFoundError, "make its folder first"),
        ("x" * 300, OSError, "give a shorter name"),
    ],
)
def test_places_that_take_no_file(tmp_path, name, error, told):
    with pytest.raises(error, match=told):
        MIXTURE.save(tmp_path / name)


@posix
def test_a_full_disk_is_told(tmp_path):
    full = tmp_path / "full.npy"
    full.symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"No space left on device; free some space.*full.npy"):
        MIXTURE.predict_to(full, np.zeros((3, 1)))
