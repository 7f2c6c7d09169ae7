"""Text and small arrays in files; the oracle is what was written to them."""

import gzip
import io
from types import SimpleNamespace

import numpy as np
import pytest

from fastem.cli.arguments import listed
from fastem.rows import open as open_rows
from fastem.validation import column_choice


def read(path, columns=None, **options):
    """All that a file says, at once; columns as the command has them."""
    rows = open_rows(path, listed(columns), **options)
    return SimpleNamespace(
        X=rows.take(np.arange(rows.n_samples))[0],
        columns=tuple(rows.columns),
        named=rows.names is not None,
        notes=tuple(rows.notes),
        gaps=rows.gaps,
    )


ROWS = np.array([[3.6, 79.0], [1.8, -54.5], [3.333, 7.4e3], [2e-3, 62.0]])


def written(tmp_path, text, name="data.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def as_text(delimiter, header=None, decimal=".", ending="\n"):
    lines = [delimiter.join(header)] if header else []
    for row in ROWS:
        lines.append(delimiter.join(f"{value:.6f}".replace(".", decimal) for value in row))
    return ending.join(lines) + ending


@pytest.mark.parametrize("delimiter", [",", ";", "\t", " ", "   ", ", ", " \t "])
@pytest.mark.parametrize("header", [None, ("eruptions", "waiting")])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_delimiters_and_headers_are_found(tmp_path, delimiter, header, ending):
    table = read(written(tmp_path, as_text(delimiter, header, ending=ending)))
    np.testing.assert_array_equal(table.X, ROWS)
    assert table.columns == (header or ("column 0", "column 1"))
    assert table.named == (header is not None)


@pytest.mark.parametrize("delimiter", [";", "\t", " "])
@pytest.mark.parametrize("header", [None, ("a", "b")])
def test_decimal_commas_where_the_comma_does_not_delimit(tmp_path, delimiter, header):
    table = read(written(tmp_path, as_text(delimiter, header, decimal=",")))
    np.testing.assert_array_equal(table.X, ROWS)
    assert "3,6 is read as 3.6" in table.notes[0]


def test_quoted_fields_may_hold_delimiters_and_line_breaks(tmp_path):
    text = '"height, cm","note","w"\n"1.5","a, b\nc","2"\n"3","d","4.5"\n'
    table = read(written(tmp_path, text), "0,w")
    np.testing.assert_array_equal(table.X, [[1.5, 2.0], [3.0, 4.5]])
    assert table.columns == ("height, cm", "w")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('"","a","b"\n"1",0.5,2\n"2",3,4\n', ("a", "b")),
        ('"a" "b"\n"Mazda RX4" 0.5 2\n"Fiat" 3 4\n', ("a", "b")),
        (",a,b\n7,0.5,2\n3,3,4\n", ("a", "b")),
        ("rownames,a,b\n1,0.5,2\n2,3,4\n", ("a", "b")),
    ],
    ids=["write.csv", "write.table", "pandas", "Rdatasets"],
)
def test_row_names_are_left_out_with_a_note(tmp_path, text, kept):
    path = written(tmp_path, text)
    table = read(path)
    np.testing.assert_array_equal(table.X, [[0.5, 2.0], [3.0, 4.0]])
    assert table.columns == kept
    assert "row names and is left out" in table.notes[0]
    assert read(path, "a:b").columns == kept


def test_row_numbers_are_kept_where_asked_for_by_position(tmp_path):
    table = read(written(tmp_path, ",a\n1,0.5\n2,3\n"), "0:1")
    np.testing.assert_array_equal(table.X, [[1.0, 0.5], [2.0, 3.0]])
    assert table.notes == ()


@pytest.mark.parametrize("text", [",a\n1,0.5\n1,3\n", ",a\n1.5,0.5\n2.5,3\n"])
def test_a_nameless_column_that_holds_data_is_kept(tmp_path, text):
    table = read(written(tmp_path, text))
    assert table.columns == ("column 0", "a")


@pytest.mark.parametrize("text", ["a,b,\n1,2,\n3,4,\n", "1,2,\n3,4,\n", "a,b\n1,2,\n3,4,\n"])
def test_a_trailing_delimiter_adds_no_column(tmp_path, text):
    np.testing.assert_array_equal(read(written(tmp_path, text)).X, [[1, 2], [3, 4]])


def test_names_that_are_years_are_a_header_and_noted(tmp_path):
    table = read(written(tmp_path, "id,2019,2020\n1,3,4\n2,5,6\n"), "2019:2020")
    np.testing.assert_array_equal(table.X, [[3, 4], [5, 6]])
    assert "the first line is read as names" in table.notes[0]


def test_text_beside_numbers_in_the_first_line_is_no_header(tmp_path):
    table = read(written(tmp_path, "1,2,setosa\n3,4,virginica\n"), "0:1")
    np.testing.assert_array_equal(table.X, [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("latin-1"),
        lambda text: gzip.compress(text.encode()),
    ],
    ids=["UTF-8 with mark", "UTF-16", "Latin-1", "gzip"],
)
def test_encodings(tmp_path, encode):
    table = read(written(tmp_path, encode("Größe,b\n1,2\n3,4\n")))
    assert table.columns == ("Größe", "b")
    np.testing.assert_array_equal(table.X, [[1, 2], [3, 4]])


def test_comments_and_blank_lines_are_passed_over(tmp_path):
    path = written(tmp_path, "# made by hand\n\na b\n1 2\n\n3 4\n\n")
    np.testing.assert_array_equal(read(path).X, [[1, 2], [3, 4]])


def test_many_rows_agree_with_numpy(tmp_path):
    X = np.random.default_rng(0).normal(size=(20_000, 3))
    np.savetxt(tmp_path / "data.csv", X, delimiter=",", fmt="%.17g")
    np.testing.assert_array_equal(read(str(tmp_path / "data.csv")).X, X)


def test_standard_input(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(as_text(",").encode()))
    monkeypatch.setattr("sys.stdin", stream)
    np.testing.assert_array_equal(read("-").X, ROWS)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16])
def test_npy_keeps_its_type(tmp_path, dtype):
    X = np.arange(12).reshape(4, 3).astype(dtype)
    np.save(tmp_path / "x.npy", X)
    table = read(str(tmp_path / "x.npy"), "0,2")
    assert table.X.dtype == (np.float32 if dtype == np.float32 else np.float64)
    np.testing.assert_array_equal(table.X, X[:, [0, 2]])
    assert table.columns == ("column 0", "column 2")


@pytest.mark.parametrize("arrays", [{"rows": ROWS}, {"X": ROWS, "y": ROWS[:, 0]}])
def test_npz_of_one_array_or_one_called_X(tmp_path, arrays):
    np.savez(tmp_path / "x.npz", **arrays)
    np.testing.assert_array_equal(read(str(tmp_path / "x.npz")).X, ROWS)


def test_one_dimensional_npy_is_one_column(tmp_path):
    np.save(tmp_path / "x.npy", ROWS[:, 0])
    assert read(str(tmp_path / "x.npy")).X.shape == (4, 1)


@pytest.mark.parametrize("gap", ["", "NA", "nan", "N/A", "null", "?"])
def test_missing_values_are_refused_or_dropped(tmp_path, gap):
    path = written(tmp_path, f"a,b\n1,2\n{gap},4\n5,{gap}\n7,8\n")
    told = r"line 3: column 'a' is missing; 2 rows have missing values, of 4: .* missing=\"drop\""
    with pytest.raises(ValueError, match=told):
        read(path)
    table = read(path, missing="drop")
    np.testing.assert_array_equal(table.X, [[1, 2], [7, 8]])
    assert (table.gaps.n_rows, table.gaps.n_dropped) == (4, 2)


def test_missing_values_of_arrays(tmp_path):
    np.save(tmp_path / "x.npy", np.array([[1.0, 2.0], [3.0, np.nan]]))
    with pytest.raises(ValueError, match=r"row 1, column 1 \(counted from 0\) is missing; 1 row"):
        read(str(tmp_path / "x.npy"))
    assert len(read(str(tmp_path / "x.npy"), missing="drop").X) == 1


def test_missing_values_elsewhere_do_not_matter(tmp_path):
    table = read(written(tmp_path, "a,b\n1,NA\n3,4\n"), "a")
    np.testing.assert_array_equal(table.X, [[1], [3]])


LONG = "a,b\n" + "1,2\n" * 9000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,x\n2,y\n", r"line 2: column 'b' holds text, 'x'; .* columns=\[0\]"),
        ("a,b\n1,f\n2,4\n3,r\n", r"line 2: column 'b' holds text, 'f'; .* columns=\[0\]"),
        ("a,b,c\nx,1,2\ny,2,3z\n", r"line 2: column 'a' holds text, 'x'; .* columns=\[1\]"),
        ("1,x\n2,y\n", r"line 1: column 1 \(counted from 0\) holds text, 'x'"),
        ('a,b\n"1\n",2\n3,4\n5,6z\n', "line 5: column 'b' is '6z', not a number"),
        (LONG + "1,2x\n", "line 9002: column 'b' is '2x', not a number"),
        (LONG + "1,1_000\n", "line 9002: column 'b' is '1_000', not a number"),
        (LONG + "1,2,3\n", "line 9002 has 3 fields where 2 were expected"),
        ("a,b\n1,2\n3\n4,5\n", "line 3 has 1 field where 2 were expected"),
        ("a,b\n1,2\n3,inf\n", "line 3: column 'b' is inf"),
        ("a,b,c\n1,2\n3,4\n", "3 names of columns but 2 fields"),
        ("a,b\n", "names of columns but no rows"),
        ("", "is empty"),
        ("# nothing\n\n", "is empty"),
        ("a,b\nx,y\nz,w\n", "no column holds numbers"),
        (b"a,b\n1,\x00\n", "is not text"),
        (
            gzip.compress(b"1,2\n" * 999, mtime=0)[:30],
            "is damaged or cut short .Compressed file ended",
        ),
        ('a,b\n1,2\n"3,' + "4\n" * 90000, "line 3: a quote is never closed"),
    ],
    ids=lambda value: None if len(value) < 60 else "long",
)
def test_text_that_cannot_be_used(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read(written(tmp_path, text))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 2, 2)), r"shape \(2, 2, 2\)"),
        (np.array([["a"]]), "has dtype <U1"),
        (np.array([[1j]]), "has dtype complex128"),
        (np.array([[None]]), "has dtype object; give real numbers"),
    ],
)
def test_arrays_that_cannot_be_used(tmp_path, array, message):
    np.save(tmp_path / "x.npy", array)
    with pytest.raises((TypeError, ValueError), match=message):
        read(str(tmp_path / "x.npy"))


def test_npz_of_several_arrays_is_refused(tmp_path):
    np.savez(tmp_path / "x.npz", a=ROWS, b=ROWS)
    with pytest.raises(ValueError, match="holds 2 arrays, a, b; say which in member, or save"):
        read(str(tmp_path / "x.npz"))


@pytest.mark.parametrize(
    ("spec", "chosen"),
    [
        ("b", [1]),
        ("2", [2]),
        ("0:2", [0, 1, 2]),
        ("b:d", [1, 2, 3]),
        ("c, a", [2, 0]),
        ('"x,y",0', [4, 0]),
        ("3:4", [3, 4]),
        ("7", [5]),
    ],
)
def test_columns_by_name_position_and_range(spec, chosen):
    names = ["a", "b", "c", "d", "x,y", "7"]
    assert column_choice.positions(listed(spec), names, 6, "data.csv") == chosen


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("wating", "data.csv has no column 'wating'; did you mean 'waiting'?"),
        ("zzz", "has no column 'zzz'; it has waiting, b, b"),
        ("9", "no column '9'"),
        ("-1", "no column '-1'"),
        ("2:0", "columns: 2:0 runs backwards; write 0:2"),
        ("0,waiting", "asks for column 0 of data.csv twice"),
        ("b", "2 columns 'b'; give positions"),
        ("", "give at least one in columns"),
        ("0,", "no column ''"),
    ],
)
def test_columns_that_are_not_there(spec, message):
    with pytest.raises(ValueError) as caught:
        column_choice.positions(listed(spec), ["waiting", "b", "b"], 3, "data.csv")
    assert message in str(caught.value)


def test_columns_without_names_are_chosen_by_position():
    with pytest.raises(ValueError, match="have no names; give positions from 0 to 1"):
        column_choice.positions(["a"], None, 2, "data.csv")


def test_a_last_line_of_blanks_is_no_row(tmp_path):
    path = tmp_path / "x.csv"
    for end in "\t", " ", "\t\n":
        path.write_text("a,b\n1,2\n3,5\n" + end)
        assert np.array_equal(open_rows(path).limits(), [[1, 2], [3, 5]])


@pytest.mark.parametrize("text", ['"', '""\n""\n'])
def test_quotes_with_nothing_between_are_no_table(tmp_path, text):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(ValueError, match=r"x\.csv is empty; give a file with rows of numbers"):
        open_rows(tmp_path / "x.csv")
