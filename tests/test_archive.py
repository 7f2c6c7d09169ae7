"""Archives: what they hold is the oracle's, `numpy.load`; what is forged is refused at no cost."""

import io
import os
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest

from fastem import archive
from fastem.archive import Damaged, header, members

ARRAYS = {
    "numbers": np.arange(12.0).reshape(3, 4),
    "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "texts": np.array(["a", "äöü"]),
    "text": np.array("full"),
    "nothing": np.zeros((0, 3)),
    "one": np.array(7),
    "swapped": np.arange(3, dtype=">i2"),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_are_those_of_numpy(tmp_path, save):
    save(tmp_path / "x.npz", **ARRAYS)
    found = members(tmp_path / "x.npz", [*ARRAYS, "absent"])
    assert list(found) == list(ARRAYS)
    with np.load(tmp_path / "x.npz") as expected:
        for name, array in found.items():
            assert array.dtype == expected[name].dtype
            assert array.flags.writeable
            assert array.flags.aligned
            assert array.flags.f_contiguous == expected[name].flags.f_contiguous
            np.testing.assert_array_equal(array, expected[name])


def npy(text, version=(1, 0), size=None):
    """A file with that header."""
    text = text.encode("latin-1")
    length = (len(text) if size is None else size).to_bytes(2 * version[0], "little")
    return b"\x93NUMPY" + bytes(version) + length + text


def of_shape(shape, descr="'<f8'"):
    return npy(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}\n")


HEADERS = {
    "nothing": b"",
    "a word": b"no array",
    "no length": b"\x93NUMPY\x01\x00",
    "another version": npy("", (9, 0)),
    "no text": npy(""),
    "brackets": npy("[" * 4000),
    "round brackets": npy("(" * 4000 + ")" * 4000),
    "signs": npy("-" * 9000 + "1"),
    "a call": npy("__import__('os').abort()"),
    "too long": npy(" " * 9, size=60_000),
    "longer than any file": npy("{}", (2, 0), size=2**32 - 1),
    "a negative shape": of_shape("(-3, 2)"),
    "a shape of text": of_shape("'x'"),
    "a shape of fractions": of_shape("(0.5,)"),
    "no dtype": of_shape("(3,)", "'zz'"),
    "a dtype of objects": of_shape("(3,)", "[('a', '|O')] * 3"),
    "a dtype in a dtype": of_shape("(3,)", "('<f8', (2**40,))"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_that_are_none(name):
    with pytest.raises(Damaged) as caught:
        header(io.BytesIO(HEADERS[name]))
    assert "pickle" not in str(caught.value)
    assert len(str(caught.value)) < 100


def write(path, content, name="x.npy", **more):
    with zipfile.ZipFile(path, "w", **more) as file:
        file.writestr(name, content)


@pytest.mark.parametrize("shape", ["(2**70,)".replace("2**70", str(2**70)), "(10**13, 1)"])
def test_no_memory_is_taken_on_the_word_of_a_header(tmp_path, shape):
    path = tmp_path / "x.npz"
    write(path, of_shape(shape.replace("10**13", str(10**13))) + bytes(80))
    with pytest.raises(Damaged, match="x is said to have shape"):
        members(path, ["x"])


@pytest.mark.parametrize("known", [True, False])
def test_bombs_take_no_memory(tmp_path, known):
    """An array of 256 MiB of zeros in a file of 256 KiB."""
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        with file.open("bomb.npy", "w") as member:
            member.write(of_shape(f"({2**25},)"))
            for _ in range(256):
                member.write(bytes(2**20))
        file.writestr("x.npy", of_shape("(1,)") + bytes(8))
    tracemalloc.start()
    if known:
        with pytest.raises(Damaged, match=r"bomb is said to take 26843.* and the file has 2"):
            members(path, ["bomb", "x"])
    else:
        assert members(path, ["x"]) == {"x": 0.0}
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


FORGED = {
    "objects": (of_shape("(1,)", "'|O'") + bytes(8), {}, "x holds objects"),
    "too few bytes": (of_shape("(9,)") + bytes(8), {}, r"x is said to have shape \(9,\)"),
    "too many": (of_shape("(1,)") + bytes(80), {}, r"x is said to have shape \(1,\)"),
    "bzip2": (b"x", {"compression": zipfile.ZIP_BZIP2}, "packed in a way that is not read"),
    "lzma": (b"x", {"compression": zipfile.ZIP_LZMA}, "packed in a way that is not read"),
    "too many dimensions": (of_shape((1,) * 99) + bytes(8), {}, "does not belong there"),
}


@pytest.mark.parametrize("name", FORGED)
def test_what_is_forged_is_told(tmp_path, name):
    content, more, told = FORGED[name]
    write(tmp_path / "x.npz", content, **more)
    with pytest.raises(Damaged, match=told):
        members(tmp_path / "x.npz", ["x"])


def test_encrypted_members(tmp_path):
    path = tmp_path / "x.npz"
    write(path, of_shape("(1,)") + bytes(8))
    raw = bytearray(path.read_bytes())
    raw[6] |= 1  # of the local header
    raw[raw.index(b"PK\x01\x02") + 8] |= 1  # of the directory
    path.write_bytes(raw)
    with pytest.raises(Damaged, match="it is encrypted"):
        members(path, ["x"])


def test_paths_that_cannot_be_read(tmp_path):
    for path in tmp_path, tmp_path / "absent":
        with pytest.raises(OSError, match="; give the path of a file that can be read") as caught:
            members(path, ["x"])
        assert caught.value.filename == str(path)


@pytest.mark.skipif(os.name == "nt", reason="POSIX devices")
@pytest.mark.parametrize("name", ["/dev/zero", "/dev/full", "/dev/null", "pipe"])
def test_devices_and_pipes_are_not_read(tmp_path, name):
    """Some have no end, and to open a pipe waits for who writes to it."""
    path = tmp_path / name
    if name == "pipe":
        os.mkfifo(path)
    with pytest.raises(Damaged, match="it is a device or a pipe"):
        members(path, ["x"])


@pytest.mark.parametrize("kind", archive.CAUSES)
def test_each_cause_is_told_in_words(kind):
    with (
        pytest.raises(Damaged, match=r"^x is damaged .*; save it again$"),
        archive.damage("x", "save it again"),
    ):
        raise kind("NumPy: allow_pickle=True")


def test_an_error_of_the_disk_is_no_damage():
    with pytest.raises(OSError, match="Input/output error"), archive.damage():
        raise OSError(5, "Input/output error")


def test_causes_that_are_special_come_before_general_ones():
    assert archive.cause(RecursionError()) == "its text is nested too deeply"
    assert archive.cause(zlib.error()) == archive.cause(EOFError()) != archive.cause(ValueError())
