"""Files that were damaged or forged: the right answer, or an error that names the file.

A few examples are tried in every run, and as many as FASTEM_FUZZ says by hand:

    FASTEM_FUZZ=20000 FASTEM_EXPLORE=1 pytest tests/fuzz

A file whose bytes are changed is refused by its sums, if it has any; one that was forged has right
sums, and its members are changed before they are packed.
"""

import bz2
import gzip
import io
import lzma
import os
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import fastem

EXAMPLES = int(os.environ.get("FASTEM_FUZZ", 30))
fuzzed = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
X = np.random.default_rng(0).normal(size=(60, 2)).round(2)
FIT = {"means_init": [[0.0, 0.0], [1.0, 1.0]], "covariance_type": "diag", "max_iter": 6, "tol": 0}
#: Numbers that headers are not ready for.
EXTREMES = [n.to_bytes(8, "little") for n in (0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)]


@st.composite
def damaged(draw, whole, most=4):
    """Some bytes changed, lost, repeated, or cut off."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, most))):
        at, n = draw(st.integers(0, len(data))), draw(st.integers(1, 64))
        match draw(st.sampled_from(["flip", "cut", "lose", "put", "extreme", "repeat"])):
            case "flip" if at < len(data):
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del data[at:]
            case "lose":
                del data[at : at + n]
            case "put":
                data[at : at + n] = draw(st.binary(max_size=64))
            case "extreme":
                data[at : at + 8] = draw(st.sampled_from(EXTREMES))
            case "repeat":
                data[at:at] = data[at : at + n]
    return bytes(data)


def packed(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


arrays = hnp.arrays(
    st.sampled_from(["f8", "f4", ">f8", "i8", "u1", "?", "c16", "U4", "S3", "M8[s]"]).map(np.dtype),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)


@st.composite
def forged(draw, whole):
    """An archive with right sums, of members that are not what they were."""
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for name in draw(st.sets(st.sampled_from(sorted(members)), min_size=1, max_size=2)):
        match draw(st.sampled_from(["bytes", "array", "values", "lost"])):
            case "bytes":
                members[name] = draw(damaged(members[name]))
            case "array":
                members[name] = npy(draw(arrays))
            case "values":
                was = np.load(io.BytesIO(members[name]))
                members[name] = npy(draw(hnp.arrays(was.dtype, was.shape)))
            case "lost":
                del members[name]
    return packed(members)


def hostile(whole):
    return st.one_of(damaged(whole), forged(whole), st.binary(max_size=200))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


def outcome(path, call, errors=(ValueError, OSError)):
    """What the call returns; None where it refuses the file by its name, with a remedy."""
    try:
        return call()
    except errors as error:
        said = f"{error} {getattr(error, 'filename', '')}"
        assert path.name in said
        assert ";" in said or ": fastem.fit(" in said  # where another library reads it
        assert "pickle" not in said
        return None


# Models and checkpoints --------------------------------------------------------------------------


def model(noise=None, names=None):
    mixture = fastem.Mixture(
        [0.4, 0.6 if noise is None else 0.5],
        [[0.0, 1.0], [2.0, 3.0]],
        [[1.0, 2.0], [3.0, 4.0]],
        "diag",
        noise,
        names,
    )
    path = io.BytesIO()
    fields = {} if noise is None else noise.fields()
    if names:
        fields["columns"] = np.array(names)
    np.savez(
        path,
        format=np.array("fastem mixture"),
        version=np.array(2 if noise else 1),
        weights=mixture.weights,
        means=mixture.means,
        covariances=mixture.covariances,
        covariance_type=np.array("diag"),
        **fields,
    )
    return path.getvalue()


NOISE = fastem.Noise(0.1, [0.0, 0.0], [4.0, 5.0])


@fuzzed
@given(st.one_of(hostile(model()), hostile(model(NOISE, ("a", "b")))))
def test_model_files(folder, content):
    path = folder / "model.npz"
    path.write_bytes(content)
    mixture = outcome(path, lambda: fastem.Mixture.load(path))
    if mixture is not None:
        mixture.save(path)
        assert fastem.Mixture.load(path) == mixture
        assert not np.isnan(mixture.log_prob(mixture.means)).any()


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "fit.npz"
    fastem.fit(X, 2, **FIT, checkpoint=path)
    return path.read_bytes()


@fuzzed
@given(st.data())
def test_checkpoints(folder, checkpoint, data):
    """One that was forged with care may lead the fit anywhere, but to a mixture."""
    path = folder / "fit.npz"
    path.write_bytes(data.draw(hostile(checkpoint)))
    fitted = outcome(path, lambda: fastem.fit(X, 2, **FIT, checkpoint=path))
    if fitted is not None:
        assert np.isfinite(fitted.log_likelihood)
        assert np.isfinite(fitted.mixture.log_prob(X)).all()
    assert {file.name for file in folder.iterdir()} <= {"fit.npz", "model.npz", "rows"}


# Rows --------------------------------------------------------------------------------------------

REFUSALS = ValueError, TypeError, OSError


def limits_of(path, **how):
    """Smallest and largest number of each column, if the rows can be read."""
    return outcome(path, lambda: fastem.rows.open(path, **how).limits(), REFUSALS)


headers = st.builds(
    lambda descr, fortran, shape, end: npy_header(repr_of(descr, fortran, shape) + end),
    st.sampled_from(["<f8", "<f4", "|O", "<U9", "|V0", "zz", "<i2", [("a", "<f8")], ("<f8", (2,))]),
    st.sampled_from([False, True, None, 1]),
    st.one_of(
        st.lists(
            st.sampled_from([-1, 0, 1, 2, 30, 60, 120, 2**40, 2**70, 0.5, "x"]), max_size=4
        ).map(tuple),
        st.sampled_from([None, "x", 60]),
    ),
    st.sampled_from(["\n", "", "}", "[" * 4000, "\0", " " * 9000 + "\n", "# x"]),
)


def repr_of(descr, fortran, shape):
    return repr({"descr": descr, "fortran_order": fortran, "shape": shape})


def npy_header(text):
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@fuzzed
@given(st.one_of(damaged(npy(X)[:140]).map(lambda head: head + npy(X)[140:]), headers))
def test_npy_headers(folder, content):
    """Oracle: NumPy, where it reads the file."""
    path = folder / "rows"
    path.write_bytes(content + X.tobytes() * content.startswith(b"\x93NUMPY\x01\x00"))
    found = limits_of(path)
    if found is not None and content.startswith(b"\x93NUMPY"):
        rows = np.load(path).astype(float).reshape(-1, len(found[0]))
        np.testing.assert_array_equal(found, (rows.min(axis=0), rows.max(axis=0)))


@fuzzed
@given(st.sampled_from([np.savez, np.savez_compressed]), st.data())
def test_npz_files(folder, save, data):
    whole, path = io.BytesIO(), folder / "rows"
    save(whole, X=X, y=X[:, 0])
    path.write_bytes(data.draw(st.one_of(damaged(whole.getvalue()), forged(whole.getvalue()))))
    found = limits_of(path)
    assert found is None or np.isfinite(found).all()


def table(X):
    return "a,b\n" + "".join(f"{a},{b}\n" for a, b in X)


PACKERS = bytes, gzip.compress, bz2.compress, lzma.compress
pieces = st.sampled_from(
    [*",;|\t \"'\n\r#.-+eE0123456789", "\r\n", "NA", "nan", "inf", "1e999", "\0", "é", "1_0", "0x1"]
)


@fuzzed
@given(
    st.one_of(
        damaged(table(X).encode()),
        st.lists(pieces, max_size=40).map(lambda some: "".join(some).encode()),
        st.lists(pieces, max_size=9).map(lambda some: (table(X) + "".join(some)).encode()),
    ),
    st.sampled_from(PACKERS),
    st.sampled_from(["error", "drop"]),
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_csv_files(folder, content, pack, missing):
    path = folder / "rows"
    path.write_bytes(pack(content))
    found = limits_of(path, missing=missing)
    assert found is None or np.isfinite(found).all()


@fuzzed
@given(st.sampled_from(PACKERS[1:]), st.data())
def test_packed_csv_files(folder, pack, data):
    path = folder / "rows"
    path.write_bytes(data.draw(damaged(pack(table(X).encode()))))
    found = limits_of(path)
    assert found is None or np.isfinite(found).all()


@pytest.fixture(scope="module")
def parquet():
    pyarrow = pytest.importorskip("pyarrow")
    file = io.BytesIO()
    columns = pyarrow.table({"a": X[:, 0], "b": X[:, 1]})
    pytest.importorskip("pyarrow.parquet").write_table(
        columns, file, row_group_size=20, write_page_checksum=True
    )
    return file.getvalue()


@fuzzed
@given(st.data())
def test_parquet_files(folder, parquet, data):
    path = folder / "rows"
    path.write_bytes(data.draw(damaged(parquet)))
    found = limits_of(path)
    assert found is None or np.isfinite(found).all()
