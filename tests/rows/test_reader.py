"""One meaning of columns, missing values and their marks, whatever the format, streamed or not.

Every cell of the table formats x questions gives the same bits; the oracle is the array that was
written, its columns chosen and its incomplete rows dropped by NumPy.
"""

import bz2
import gzip
import lzma
import os
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow
import pytest
from pyarrow import dataset, feather, orc, parquet

import fastem
from fastem import cli
from fastem.rows import Memory, frame
from fastem.rows import open as open_rows
from fastem.rows.formats import text
from fastem.validation.column_choice import ranges

NAMES = "a", "b", "c", "d"
#: In memory, and streamed: what is over a quarter of a budget is not kept.
MEMORY = "256M", "1M"
N = 9000


@pytest.fixture(scope="module")
def X():
    """Quarters of whole numbers, which every format holds; some are -200, some are missing."""
    rng = np.random.default_rng(0)
    X = np.round(4 * rng.normal(3, 2, (N, 4))) / 4
    X[:, 0] += 20 * (np.arange(N) % 2)
    X[5::700, 1] = -200.0
    X[17::900, 3] = np.nan
    return X


def as_table(X):
    columns = {n: pyarrow.array(x, mask=np.isnan(x)) for n, x in zip(NAMES, X.T, strict=True)}
    return pyarrow.table(columns)


def as_text(X, delimiter=",", decimal=".", gap=""):
    def field(x):
        return gap if np.isnan(x) else repr(x).replace(".", decimal)

    lines = [delimiter.join(NAMES), *(delimiter.join(map(field, row)) for row in X.tolist())]
    return ("\n".join(lines) + "\n").encode()


def raw_feather(X, path, compression):
    feather.write_feather(as_table(X), path, compression=compression, chunksize=1000)


def folder(X, path):
    dataset.write_dataset(as_table(X), path, format="parquet", max_rows_per_file=1024,
                          max_rows_per_group=512)  # fmt: skip


#: What writes each format; those whose columns have no names are last.
WRITERS = {
    "x.csv": lambda X, path: path.write_bytes(as_text(X)),
    "x.tsv": lambda X, path: path.write_bytes(as_text(X, "\t", gap="NA")),
    "x.txt": lambda X, path: path.write_bytes(as_text(X, " ", gap="nan")),
    "pipes.txt": lambda X, path: path.write_bytes(as_text(X, "|", gap="?")),
    "comma.csv": lambda X, path: path.write_bytes(as_text(X, ";", ",", "NULL")),
    "utf16.csv": lambda X, path: path.write_bytes(as_text(X).decode().encode("utf-16")),
    "x.csv.gz": lambda X, path: path.write_bytes(gzip.compress(as_text(X))),
    "x.csv.bz2": lambda X, path: path.write_bytes(bz2.compress(as_text(X))),
    "x.csv.xz": lambda X, path: path.write_bytes(lzma.compress(as_text(X))),
    "x.parquet": lambda X, path: parquet.write_table(as_table(X), path, row_group_size=2000),
    "x.feather": lambda X, path: raw_feather(X, path, "lz4"),
    "x.arrow": lambda X, path: raw_feather(X, path, "uncompressed"),
    "x.orc": lambda X, path: orc.write_table(as_table(X), path),
    "parts": folder,
    "x.npy": lambda X, path: np.save(path, X),
    "fortran.npy": lambda X, path: np.save(path, np.asfortranarray(X)),
    "x.npz": lambda X, path: np.savez(path, X=X),
    "packed.npz": lambda X, path: np.savez_compressed(path, X=X),
    "x.bin": lambda X, path: X.tofile(path),
}
UNNAMED = {"x.npy", "fortran.npy", "x.npz", "packed.npz", "x.bin"}


@pytest.fixture(scope="module")
def files(X, tmp_path_factory):
    top = tmp_path_factory.mktemp("formats")
    for name, write in WRITERS.items():
        write(X, top / name)
    # Two files one after the other, whose columns stand in other orders.
    (top / "several").mkdir()
    parquet.write_table(as_table(X[:4000]), top / "several" / "0.parquet")
    parquet.write_table(as_table(X[4000:]).select(list("dbca")), top / "several" / "1.parquet")
    return {name: top / name for name in [*WRITERS, "several"]}


#: Columns, how they are missed, what else stands for a missing value --> columns, rows.
QUESTIONS = {
    "position": ([1], {}, [1]),
    "positions": ([2, 0], {}, [2, 0]),
    "position as text": (["2", "0"], {}, [2, 0]),
    "range of positions": (["0:2"], {}, [0, 1, 2]),
    "name": (["b"], {}, [1]),
    "names": (["c", "a"], {}, [2, 0]),
    "range of names": (["a:c"], {}, [0, 1, 2]),
    "range of both": (["1:c", "a"], {}, [1, 2, 0]),
    "dropped": (None, {"missing": "drop"}, [0, 1, 2, 3]),
    "dropped of two": (["3", 0], {"missing": "drop"}, [3, 0]),
    "na_values": (["0:2"], {"missing": "drop", "na_values": -200}, [0, 1, 2]),
    "na_values and gaps": (None, {"missing": "drop", "na_values": ["@", "-200"]}, [0, 1, 2, 3]),
}


def oracle(X, options, chosen):
    X = X[:, chosen].copy()
    if "na_values" in options:
        X[X == -200.0] = np.nan
    return X, ~np.isnan(X).any(axis=1)


def opened(files, name, columns=None, **options):
    if name == "x.bin":
        options |= {"dtype": float, "n_columns": 4}
    return open_rows(files[name], columns, **options)


@pytest.mark.parametrize("memory", MEMORY)
@pytest.mark.parametrize("name", [*WRITERS, "several"])
def test_every_format_gives_the_same_bits(X, files, name, memory):
    for question in QUESTIONS:
        columns, options, _ = QUESTIONS[question]
        by_name = columns is not None and any(str(c).strip("0123456789:") for c in columns)
        if name in UNNAMED and by_name:
            with pytest.raises(ValueError, match="its columns have no names; give positions"):
                opened(files, name, columns, memory=memory, **options)
        else:
            check(X, files, name, question, memory)


def check(X, files, name, question, memory):
    """One cell of the table."""
    columns, options, chosen = QUESTIONS[question]
    rows = opened(files, name, columns, memory=memory, **options)
    expected, kept = oracle(X, options, chosen)
    assert (rows.scan.kept is None) == (memory == "1M" and len(chosen) > 3)
    assert rows.n_samples == kept.sum()
    assert np.array_equal(rows.take(np.arange(kept.sum()))[0], expected[kept])
    some = np.arange(3, kept.sum(), 500)
    assert np.array_equal(rows.take(some)[0], expected[kept][some])
    assert rows.gaps.n_dropped == (~kept).sum()
    assert rows.gaps.by_column.tolist() == np.isnan(expected).sum(axis=0).tolist()
    mixture = fastem.Mixture([0.5, 0.5], np.full((2, len(chosen)), [[0.0], [9.0]]), [1.0, 1.0],
                             "spherical")  # fmt: skip
    labels = np.full(N, -2)
    labels[kept] = mixture.predict(expected[kept])
    assert np.array_equal(mixture.predict(rows), labels)
    assert np.array_equal(np.isnan(mixture.log_prob(rows)), ~kept)


@pytest.mark.parametrize("name", [*WRITERS, "several"])
def test_what_is_missing_is_told_in_the_same_words(X, files, name):
    rows = opened(files, name)
    column = r"3 \(counted from 0\)" if name in UNNAMED else "'d'"
    with pytest.raises(ValueError, match=rf"column {column} is missing; 10 rows have missing") as e:
        rows.limits()
    assert 'of 9000: fill them, or leave such rows out with missing="drop"' in str(e.value)


@pytest.mark.parametrize("name", [*WRITERS, "several"])
def test_a_mixture_finds_its_columns_by_their_names(X, files, name, capsys, tmp_path):
    """Or in their order, where there are none."""
    model = tmp_path / "m.npz"
    words = "--components", "2", "--n-init", "1", "--tol", "1e-2", "--json", "--model", str(model)
    assert cli.main(["fit", str(files["x.csv"]), "--columns", "c,a", *words]) == 0
    capsys.readouterr()
    expected = fastem.Mixture.load(model).predict(X[:, [2, 0]])
    source = str(files[name])
    if name == "x.bin":
        return  # the command reads none
    which = ["--columns", "2,0"] if name in UNNAMED else []
    assert cli.main(["predict", str(model), source, *which]) == 0
    assert capsys.readouterr().out.split() == ["label", *map(str, expected)]


@pytest.mark.parametrize("memory", MEMORY)
def test_a_name_comes_before_a_position(tmp_path, memory):
    np.savetxt(tmp_path / "x.csv", np.arange(12.0).reshape(4, 3), delimiter=",", header="a,2,1",
               comments="")  # fmt: skip
    for columns, chosen in (["1"], [2]), (["2"], [1]), ([1], [1]), (["2:1"], [1, 2]):
        rows = open_rows(tmp_path / "x.csv", columns, memory=memory)
        assert np.array_equal(rows.limits()[0], np.arange(3.0)[chosen])


@pytest.mark.parametrize("suffix", ["csv", "parquet", "feather", "orc"])
def test_beside_text_every_format_suggests_the_columns_of_numbers(tmp_path, suffix, capsys):
    table = pyarrow.table({"id": ["x", "y", "z"], "a": [1.0, 2.0, 4.0], "b": [1, 2, 3],
                           "s": ["u", "v", "w"], "c": [0.5, 1.0, 0.0]})  # fmt: skip
    path = tmp_path / f"x.{suffix}"
    if suffix == "csv":
        table.to_pandas().to_csv(path, index=False)
    else:
        {"parquet": parquet.write_table, "feather": feather.write_feather,
         "orc": orc.write_table}[suffix](table, path)  # fmt: skip
    with pytest.raises((TypeError, ValueError), match=r"with columns=\['1:2', 4\]"):
        open_rows(path).limits()
    assert open_rows(path, ["1:2", 4]).names == ("a", "b", "c")
    assert cli.main(["fit", str(path)]) == 2
    assert "with --columns 1:2,4" in capsys.readouterr().err
    assert cli.main(["fit", str(path), "--columns", "1:2,4", "--components", "1", "--json"]) == 3


def test_ranges_are_those_that_columns_take():
    assert ranges([0, 1, 2, 5, 7, 8]) == ["0:2", 5, "7:8"]


# Text is parsed once -----------------------------------------------------------------------------


def test_text_is_parsed_once(X, files, monkeypatch):
    passes = []
    copied = frame.Part._copied
    monkeypatch.setattr(frame.Part, "_copied", lambda *of: passes.append(1) or copied(*of))
    rows = open_rows(files["x.csv"], ["a:c"], memory="1M")
    fitted = fastem.fit(rows, 2, n_init=1, random_state=0)
    assert np.array_equal(fitted.mixture.predict(rows), fitted.mixture.predict(X[:, :3]))
    assert len(passes) == 1


@pytest.mark.parametrize("trouble", ["no file", "full"])
def test_without_room_for_a_copy_text_is_parsed_at_every_pass(X, files, monkeypatch, trouble):
    def no_room(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(frame.Temporary, "__init__" if trouble == "no file" else "write", no_room)
    parses = []
    blocks = text.Text.blocks
    monkeypatch.setattr(text.Text, "blocks", lambda *of: parses.append(1) or blocks(*of))
    rows = open_rows(files["x.csv"], ["a:c"], memory="1M")
    for n in 1, 2:
        assert np.array_equal(rows.passes.take(np.arange(N))[0], X[:, :3])
        assert len(parses) == n


def test_a_budget_beyond_the_machine_is_one_for_all_rows(X, files):
    rows = open_rows(files["x.csv"], ["a:c"], memory="4000T")
    assert np.array_equal(rows.take(np.arange(N))[0], X[:, :3])
    assert rows.digest() == Memory(X[:, :3].copy()).digest()


def test_a_copy_is_read_where_the_system_reads_from_no_offset(X, files, monkeypatch):
    monkeypatch.delattr(os, "preadv")
    rows = open_rows(files["x.csv"], ["a:c"], memory="1M")
    some = np.arange(3, N, 500)
    with ThreadPoolExecutor(4) as pool:
        for taken, _ in pool.map(rows.take, [some, np.arange(N)] * 4):
            assert np.array_equal(taken, X[some if len(taken) == len(some) else slice(None), :3])


def test_a_copy_takes_no_more_than_a_share_of_the_disk(monkeypatch):
    from fastem.rows import files

    monkeypatch.setattr(files, "SHARE_OF_DISK", 0.0)
    with pytest.raises(OSError, match=r"a copy .* than half of the free disk space; free some"):
        files.Temporary().write(b"x")


# Missing values ----------------------------------------------------------------------------------


def test_dropping_most_rows_is_warned_of_with_the_columns_to_blame(tmp_path):
    X = np.random.default_rng(0).normal(size=(298, 3))
    X[:250, 1] = np.nan
    X[240:292, 2] = np.nan
    np.save(tmp_path / "x.npy", X)
    told = r"292 of 298 rows have missing values .* column 1 \(250 rows\), column 2 \(52 rows\)"
    with pytest.warns(UserWarning, match=told):
        assert open_rows(tmp_path / "x.npy", missing="drop").n_samples == 6
    np.save(tmp_path / "x.npy", np.full((9, 2), np.nan))
    with pytest.raises(ValueError, match="every row has missing values; choose other columns="):
        open_rows(tmp_path / "x.npy", missing="drop").limits()
    np.save(tmp_path / "x.npy", np.column_stack([X[:, :2], np.full(len(X), np.nan)]))
    with pytest.raises(ValueError, match="column 2 has no number in any row; leave it out with"):
        open_rows(tmp_path / "x.npy", missing="drop").limits()


@pytest.mark.parametrize(
    ("values", "held"),
    [
        ([-200.0] * 4 + [0.3, 1.4, 2.2, 9.8, 11.0, 4.4], "holds -200 several times"),
        ([9.96921e36] * 3 + [0.3, 1.4, 2.2, 9.8, 11.0, 4.4], "holds 9.96921e\\+36 several times"),
        ([0.0] * 3 + [44, 45, 47, 48, 50, 60, 62, 63, 70, 99], "holds 0 several times"),
        ([0.0] * 5 + [1, 2, 3, 4, 5, 6, 7, 9], None),
        ([0.0] * 5 + [0.1, 0.2, 0.4, 3.0, 9.0, 20.0], None),
        ([-5.0] * 4 + [0.3, 1.4, 2.2, 9.8, 11.0, 4.4], None),
        ([0, 1, 1, 1, 0, 0, 1, 1], None),
        ([3.0] * 9, None),
    ],
)
def test_a_value_that_may_stand_for_missing_ones_is_noted(tmp_path, values, held):
    np.save(tmp_path / "x.npy", np.array(values))
    notes = open_rows(tmp_path / "x.npy").notes
    if held is None:
        assert notes == []
    else:
        with pytest.raises(AssertionError, match=held):
            assert not notes, notes[0]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"missing": "mean"}, ValueError, "missing is 'mean'; use one of 'error', 'drop'"),
        ({"na_values": [None]}, TypeError, "na_values holds None; give texts and numbers"),
        ({"na_values": True}, TypeError, "na_values holds True"),
        ({"skip_rows": -1}, ValueError, "skip_rows is -1"),
    ],
)
def test_options_that_are_none(files, options, error, message):
    with pytest.raises(error, match=message):
        open_rows(files["x.csv"], **options)


def test_columns_of_partitions_are_taken_by_name(tmp_path):
    table = pyarrow.table({"year": [2020, 2020, 2021], "a": [1.0, 2.0, 5.0]})
    hive = dataset.partitioning(pyarrow.schema([("year", pyarrow.int32())]), flavor="hive")
    dataset.write_dataset(table, tmp_path / "x", format="feather", partitioning=hive)
    assert open_rows(tmp_path / "x").names == ("a",)
    rows = open_rows(tmp_path / "x", ["a", "year"])
    assert np.array_equal(rows.take(np.arange(3))[0], [[1, 2020], [2, 2020], [5, 2021]])


def test_pandas_index_is_no_data(tmp_path):
    frame = as_table(np.ones((3, 4))).to_pandas()
    frame.index = [5, 7, 6]
    frame.to_parquet(tmp_path / "x.parquet")
    assert open_rows(tmp_path / "x.parquet").names == NAMES


def test_numbers_of_other_types(tmp_path):
    import decimal

    table = pyarrow.table({
        "decimal": [decimal.Decimal("1.25"), None],
        "truth": [True, None],
        "big": pyarrow.array([2**60, None]),
    })  # fmt: skip
    parquet.write_table(table, tmp_path / "x.parquet")
    rows = open_rows(tmp_path / "x.parquet", missing="drop")
    assert rows.take(np.arange(1))[0].tolist() == [[1.25, 1.0, 2.0**60]]


@pytest.mark.parametrize(
    "name", ["x.csv", "x.parquet", "x.feather", "x.npy", "packed.npz", "parts"]
)
def test_files_by_uri(X, files, name):
    """As of an object store, in the only one that there is everywhere."""
    rows = open_rows(files[name].as_uri(), missing="drop", memory="1M")
    kept = ~np.isnan(X).any(axis=1)
    assert np.array_equal(rows.take(np.arange(kept.sum()))[0], X[kept])
    with pytest.raises(FileNotFoundError, match="does not exist or is an empty folder"):
        open_rows(files[name].as_uri() + "x")
    with pytest.raises(ValueError, match="nowhere://x cannot be read"):
        open_rows("nowhere://x")


def test_a_damaged_page_is_told(tmp_path):
    path = tmp_path / "x.parquet"
    column = pyarrow.table({"a": np.random.default_rng(0).normal(size=5000)})
    parquet.write_table(column, path, write_page_checksum=True, compression="none",
                        use_dictionary=False)  # fmt: skip
    held = bytearray(path.read_bytes())
    held[20_000] ^= 1
    path.write_bytes(held)
    with pytest.raises(ValueError, match="is no Parquet file or damaged"):
        open_rows(path).limits()


def test_no_warning_where_nothing_is_missing(files):
    with warnings.catch_warnings(action="error"):
        open_rows(files["x.csv"], ["a:c"], missing="drop").limits()
