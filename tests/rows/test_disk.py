"""Files of every format, against the same rows in memory, to the bit."""

import gzip

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

import fastem
from fastem.rows import Stream
from fastem.rows import open as open_rows

#: Keeps nothing in memory, and works in several blocks.
SMALL = "1M"
N, D = 40_000, 3


def clusters(dtype=np.float64):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, D)) + 4 * rng.integers(0, 3, size=(N, 1))
    return X.astype(dtype)


def write(path, X, names="abc", **options):
    """A table in the format of its suffix."""
    if path.suffix == ".npy":
        np.save(path, X)
    elif path.suffix == ".parquet":
        columns = dict(zip(names, X.T, strict=True))
        parquet.write_table(pyarrow.table(columns), path, **options)
    elif path.suffix == ".bin":
        X.tofile(path)
    else:
        text = ",".join(names) + "\n" + "\n".join(",".join(map(repr, r)) for r in X.tolist())
        path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def rows_of(source):
    """All rows and weights that a source streams."""
    assert isinstance(source, Stream)
    blocks = list(source.passes.each(lambda X, w, _: (X.copy(), w if w is None else w.copy())))
    X = np.concatenate([X for X, _ in blocks])
    return X, None if blocks[0][1] is None else np.concatenate([w for _, w in blocks])


def assert_same(source, X, weight=None):
    """Fits agree to the bit."""
    got = fastem.fit(source, 2, random_state=0, tol=1e-2)
    expected = fastem.fit(X, 2, random_state=0, tol=1e-2, sample_weight=weight)
    assert got.mixture == expected.mixture
    assert got.log_likelihood == expected.log_likelihood
    assert got.n_samples == expected.n_samples


@pytest.mark.parametrize("memory", [SMALL, "256M"])
@pytest.mark.parametrize("name", ["a.npy", "a.csv", "a.csv.gz", "a.parquet"])
def test_formats(tmp_path, name, memory):
    X = clusters()
    source = open_rows(write(tmp_path / name, X), memory=memory)
    assert (source.n_features, source.dtype) == (D, np.float64)
    assert_same(source, X)


@pytest.mark.parametrize("dtype", ["f4", "f8", ">f8", ">f4", "i2", "f2", "u8", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("columns", [None, [2, 0]])
def test_dtypes_orders_and_columns_of_npy(tmp_path, dtype, order, columns):
    X = (10 * clusters()[:3000]).astype(dtype)
    write(tmp_path / "a.npy", np.asarray(X, order=order))
    source = open_rows(tmp_path / "a.npy", columns, memory=SMALL)
    assert source.dtype == (np.float32 if dtype in ("f4", ">f4") else np.float64)
    got = rows_of(source)[0]
    assert got.dtype == source.dtype
    assert got.flags.c_contiguous
    assert np.array_equal(got, X if columns is None else X[:, columns])
    chosen = np.array([0, 5, 99])
    assert np.array_equal(source.passes.take(chosen)[0], got[chosen])


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
def test_members_of_npz(tmp_path, save, order):
    X = clusters(np.float32)
    save(tmp_path / "a.npz", X=np.asarray(X, order=order), y=np.arange(N))
    if save is np.savez_compressed and order == "F":
        with pytest.raises(ValueError, match="column after column; save it in C order"):
            open_rows(tmp_path / "a.npz")
        return
    source = open_rows(tmp_path / "a.npz", memory=SMALL)
    assert np.array_equal(rows_of(source)[0], X)
    chosen = np.array([7, 39_999])
    assert np.array_equal(source.passes.take(chosen)[0], X[chosen])
    assert_same(source, X)
    assert np.array_equal(rows_of(open_rows(tmp_path / "a.npz", member="y"))[0][:, 0], np.arange(N))
    with pytest.raises(ValueError, match="no 'z' among 2 arrays, X, y"):
        open_rows(tmp_path / "a.npz", member="z")


def test_raw_binary(tmp_path):
    X = clusters(np.float32)
    path = write(tmp_path / "a.bin", X)
    source = open_rows(path, dtype="float32", n_columns=D, memory=SMALL)
    assert np.array_equal(rows_of(source)[0], X)
    with pytest.raises(ValueError, match="no whole number of rows of 7 numbers of dtype float64"):
        open_rows(path, dtype=float, n_columns=7)
    with pytest.raises(ValueError, match="needs both dtype and n_columns"):
        open_rows(path, dtype=float)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_columns_by_name(tmp_path, suffix):
    X = clusters()[:500]
    path = write(tmp_path / f"a.{suffix}", X)
    assert np.array_equal(rows_of(open_rows(path, ["c", 0]))[0], X[:, [2, 0]])
    for columns, message in [
        (["aa"], "no column 'aa'; did you mean 'a'"),
        ([7], "no column 7; it has a, b, c"),
        (["a", 0], "asks for column 0 .* twice"),
        ([], "no column .* is chosen"),
    ]:
        with pytest.raises(ValueError, match=message):
            open_rows(path, columns)
    with pytest.raises(TypeError, match=r"columns is 'ab'; give a list"):
        open_rows(path, "ab")


@pytest.mark.parametrize("suffix", ["npy", "csv", "parquet"])
def test_several_files_a_folder_and_a_pattern(tmp_path, suffix):
    """Parts are taken in the order of their numbers."""
    X = clusters()[:5000]
    cuts = [0, 700, 1900, 1901, 5000]
    parts = zip((1, 2, 10, 11), cuts, cuts[1:], strict=False)
    paths = [write(tmp_path / f"part-{i}.{suffix}", X[a:b]) for i, a, b in parts]
    (tmp_path / "_SUCCESS").touch()
    for source in tmp_path, tmp_path / f"*.{suffix}", str(tmp_path / "part-?*"), paths:
        opened = open_rows(source, memory=SMALL)
        assert np.array_equal(rows_of(opened)[0], X)
        chosen = np.array([0, 699, 700, 1900, 4999])
        assert np.array_equal(opened.passes.take(chosen)[0], X[chosen])
    assert np.array_equal(rows_of(open_rows(paths[::-1]))[0][:3099], X[1901:])


def test_files_are_matched_by_the_names_of_their_columns(tmp_path):
    X = clusters()[:100]
    write(tmp_path / "0.parquet", X)
    write(tmp_path / "1.parquet", X[:, ::-1], names="cba")
    assert np.array_equal(rows_of(open_rows(tmp_path))[0], np.concatenate([X, X]))
    write(tmp_path / "2.parquet", X[:, :2], names="ab")
    with pytest.raises(ValueError, match=r"2.parquet has no column 'c'"):
        open_rows(tmp_path)


def test_files_of_different_dtypes_are_float64(tmp_path):
    X = clusters(np.float32)[:100]
    paths = [write(tmp_path / "0.npy", X), write(tmp_path / "1.npy", X.astype(float))]
    assert np.array_equal(rows_of(open_rows(paths))[0], np.concatenate([X, X]).astype(float))


def test_parquet_of_several_dtypes_and_row_groups(tmp_path):
    columns = {
        "a": np.arange(5000, dtype=np.float32),
        "b": np.arange(5000, dtype=np.int16),
        "c": np.arange(5000) % 2 == 0,
        "d": list(map(str, range(5000))),
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet", row_group_size=700)
    got = rows_of(open_rows(tmp_path / "a.parquet", ["a", "b", "c"]))[0]
    assert np.array_equal(got, np.stack([columns[name] for name in "abc"], axis=1))
    assert open_rows(tmp_path / "a.parquet", ["a"]).dtype == np.float32
    with pytest.raises(
        TypeError, match=r"column 'd' of type string; take .* with columns=\['0:2'\]"
    ):
        open_rows(tmp_path / "a.parquet")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_many_columns_are_read_few_rows_at_a_time(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr("fastem.rows.formats.text.ENOUGH", 4000)
    monkeypatch.setattr("fastem.rows.formats.arrow.NUMBERS", 200)
    X = np.random.default_rng(0).normal(size=(65, 20))
    path = write(tmp_path / f"a.{suffix}", X, [f"x{j}" for j in range(20)])
    (part,) = open_rows(path).passes.frame.parts
    sizes = [len(block) for block in part.table.blocks(part.columns)]
    assert max(sizes) < 20
    assert np.array_equal(rows_of(open_rows(path))[0], X)


# Weights -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("memory", [SMALL, "256M"])
@pytest.mark.parametrize("suffix", ["npy", "csv", "parquet"])
def test_a_column_of_weights(tmp_path, suffix, memory):
    X, weight = clusters(), np.random.default_rng(0).integers(0, 3, N)
    path = write(tmp_path / f"a.{suffix}", np.column_stack([X[:, 0], weight, X[:, 1:]]), "awbc")
    at = 1 if suffix == "npy" else "w"
    assert_same(open_rows(path, sample_weight=at, memory=memory), X, weight)
    kept, weights = rows_of(open_rows(path, sample_weight=at, memory=memory))
    assert np.array_equal(kept, X[weight > 0])
    assert np.array_equal(weights, weight[weight > 0])


@pytest.mark.parametrize("form", ["array", "mapped", "file", "text"])
def test_weights_from_elsewhere(tmp_path, form):
    X, weight = clusters(), 3.0 * np.random.default_rng(0).integers(0, 3, N)
    path = write(tmp_path / "a.npy", X)
    np.save(tmp_path / "w.npy", weight)
    np.savetxt(tmp_path / "w.csv", weight)
    given = {
        "array": weight.astype(np.int32),
        "mapped": np.load(tmp_path / "w.npy", mmap_mode="r"),
        "file": tmp_path / "w.npy",
        "text": tmp_path / "w.csv",
    }[form]
    assert_same(open_rows(path, sample_weight=given, memory=SMALL), X, weight)
    got = fastem.fit(path, 2, sample_weight=given, random_state=0, tol=1e-2)
    expected = fastem.fit(X, 2, sample_weight=weight, random_state=0, tol=1e-2)
    assert got.mixture == expected.mixture


def test_weights_that_do_not_fit(tmp_path):
    path = write(tmp_path / "a.csv", clusters()[:100])
    np.save(tmp_path / "w.npy", np.ones(101))
    for weight, message in [
        (np.ones(99), "99 weights but .* has more rows"),
        (np.ones(101), "more weights but .* has 100 rows"),
        (tmp_path / "w.npy", "more weights but .* has 100 rows"),
        (np.full(100, -1.0), "sample_weight of -1.0 at row 0"),
        (np.zeros(100), "has no rows of weight above 0"),
        (np.ones((100, 1)), r"sample_weight has shape \(100, 1\)"),
        (path, "has 3 columns; give one"),
    ]:
        with pytest.raises(ValueError, match=message):
            fastem.fit(open_rows(path, sample_weight=weight), 1)
    with pytest.raises(TypeError, match="beside a source of rows"):
        fastem.fit(open_rows(path), 1, sample_weight=np.ones(100))
    with pytest.raises(ValueError, match=r"99 weights but .* has 100 rows"):
        open_rows(write(tmp_path / "a.npy", clusters()[:100]), sample_weight=np.ones(99))


# What cannot be read -----------------------------------------------------------------------------


@pytest.mark.parametrize("memory", [SMALL, "256M"])
@pytest.mark.parametrize("suffix", ["npy", "parquet"])
def test_a_bad_number_is_named_with_file_row_and_column(tmp_path, suffix, memory):
    X = clusters()
    X[30_000, 1] = np.inf
    write(tmp_path / f"0.{suffix}", X[:5000])
    write(tmp_path / f"1.{suffix}", X[5000:])
    column = "'b'" if suffix == "parquet" else r"1 \(counted from 0\)"
    with pytest.raises(ValueError, match=rf"1.{suffix}, row 25000, column {column} is inf"):
        fastem.fit(open_rows(tmp_path, memory=memory), 2)


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("", "line 9001: column 'b' is missing; 1 row has missing values, of 20000: fill them, or"),
        ("nan", "line 9001: column 'b' is missing; 1 row has missing values"),
        ("x", "line 9001: column 'b' is 'x', not a number"),
        ("inf", "line 9001: column 'b' is inf"),
        ("1,1", "line 9001 has 4 fields where 3 were expected"),
    ],
)
def test_a_bad_line_is_named(tmp_path, field, message):
    lines = ["a,b,c"] + ["1,2,3"] * 20_000
    lines[9000] = f"1,{field},3"
    (tmp_path / "a.csv").write_text("\n".join(lines))
    with pytest.raises(ValueError, match=f"a.csv, {message}"):
        fastem.fit(open_rows(tmp_path / "a.csv", memory=SMALL), 2)


def test_a_null_is_named(tmp_path):
    values = [1.0] * 70_000
    values[68_000] = None
    parquet.write_table(pyarrow.table({"a": values}), tmp_path / "a.parquet", row_group_size=3000)
    with pytest.raises(ValueError, match=r"a.parquet, row 68000, column 'a' is missing"):
        fastem.fit(tmp_path / "a.parquet", 2)


def test_damaged_files(tmp_path):
    X = clusters()
    held = write(tmp_path / "a.npy", X).read_bytes()
    for content, error, message in [
        (held[:-1], ValueError, "ends at row 39999, before the 40000 rows"),
        (held[:9], ValueError, "is damaged"),
        (b"PK\x03\x04" + held, ValueError, "is damaged"),
        (b"PAR1" + held[:500], ValueError, "is no Parquet file or damaged"),
        (b"\0" * 100, ValueError, "is not text"),
        (b"", ValueError, "is empty"),
    ]:
        (tmp_path / "b.npy").write_bytes(content)
        with pytest.raises(error, match=message):
            open_rows(tmp_path / "b.npy")
    for array, error, message in [
        (np.zeros((2, 2, 2)), ValueError, r"shape \(2, 2, 2\)"),
        (np.zeros((0, 2)), ValueError, r"shape \(0, 2\)"),
        (np.array([["a"]]), TypeError, "has dtype <U1"),
        (np.array([[1j]]), TypeError, "has dtype complex128"),
    ]:
        np.save(tmp_path / "b.npy", array)
        with pytest.raises(error, match=message):
            open_rows(tmp_path / "b.npy")
    with pytest.raises(FileNotFoundError):
        open_rows(tmp_path / "c.npy")
    with pytest.raises(ValueError, match="matches no file"):
        open_rows(tmp_path / "*.h5")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "other.txt").symlink_to(tmp_path / "nowhere")  # and is not opened
    with pytest.raises(ValueError, match="is a folder without"):
        open_rows(tmp_path / "empty")


@pytest.mark.parametrize(
    ("memory", "error"),
    [("1X", ValueError), ("10", ValueError), (0, ValueError), (1.5, TypeError), (True, TypeError)],
)
def test_budgets_that_are_none(tmp_path, memory, error):
    with pytest.raises(error, match="memory is "):
        open_rows(tmp_path, memory=memory)
