"""Text as people have it: headers, what stands before them, and fields that are no numbers."""

import zipfile

import numpy as np
import pandas as pd
import pytest

import fastem
from fastem import cli
from fastem.rows import open as open_rows

ROWS = [[0.5, 2.0], [3.0, 4.25], [5.0, 6.0]]


def read(tmp_path, text, **options):
    (tmp_path / "x.csv").write_text(text)
    rows = open_rows(tmp_path / "x.csv", **options)
    return rows.take(np.arange(rows.n_samples))[0], rows.columns, rows.notes


BODY = "0.5,2\n3,4.25\n5,6\n"
BLANKS = BODY.replace(",", " ")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("0,1\n" + BODY, ["0", "1"]),
        (",0,1\n0,0.5,2\n1,3,4.25\n2,5,6\n", ["0", "1"]),
        ("#ra dec\n" + BLANKS, ["ra", "dec"]),
        ("# ra dec\n" + BODY, ["ra", "dec"]),
        ("# ra,dec\n" + BODY, ["ra", "dec"]),
        ("# a survey\n#\n# ra dec\n" + BLANKS, ["ra", "dec"]),
        ("# a survey of stars\n" + BLANKS, ["column 0", "column 1"]),
        ("# ra dec\na b\n" + BLANKS, ["a", "b"]),
        ("Station Potsdam\n\n\na,b\n" + BODY, ["a", "b"]),
        ("Station: Potsdam\nSince: 1893\na,b\n" + BODY, ["a", "b"]),
        ("Made by a machine, yesterday, in haste\nversion 2\na,b\n" + BODY, ["a", "b"]),
        ("a|b\n" + BODY.replace(",", "|"), ["a", "b"]),
        ("a | b\n" + BODY.replace(",", " | "), ["a", "b"]),
    ],
)
def test_headers_and_preambles(tmp_path, text, names):
    X, columns, _ = read(tmp_path, text)
    assert np.array_equal(X, ROWS)
    assert columns == names


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("index", [True, False])
@pytest.mark.parametrize("width", [1, 2, 5])
def test_what_pandas_writes_is_what_is_read(tmp_path, header, index, width):
    X = np.random.default_rng(0).normal(size=(30, width))
    pd.DataFrame(X).to_csv(tmp_path / "x.csv", header=header, index=index)
    rows = open_rows(tmp_path / "x.csv")
    if index and not header:  # nothing tells the index from data
        rows = open_rows(tmp_path / "x.csv", [f"1:{width}"])
    assert np.array_equal(rows.take(np.arange(30))[0], X)
    if header:
        assert rows.names == tuple(map(str, range(width)))


def test_what_numpy_writes_with_a_header_is_what_is_read(tmp_path):
    X = np.random.default_rng(0).normal(size=(30, 3))
    for delimiter in " ", ",", "\t", ";":
        np.savetxt(tmp_path / "x.txt", X, "%.17g", delimiter, header="u v w")
        rows = open_rows(tmp_path / "x.txt")
        assert rows.names == ("u", "v", "w")
        assert np.array_equal(rows.take(np.arange(30))[0], X)


@pytest.mark.parametrize("text", ["0,1\n1,2\n2,3\n", "1,2\n3,4\n5,6\n"])
def test_rows_of_whole_numbers_are_no_header(tmp_path, text):
    assert len(read(tmp_path, text)[0]) == 3


@pytest.mark.parametrize("text", ["a,b,c\n1,2\n3,4\n5,6\n", "1,2,3\n1,2\n3,4\n5,6\n"])
def test_what_may_be_a_mistake_is_no_preamble(tmp_path, text):
    with pytest.raises(ValueError, match=r"3 names of columns but 2|line 1 has 3 fields where 2"):
        read(tmp_path, text)


@pytest.mark.parametrize(("n", "first"), [(1, [3.0, 4.25]), (2, [5.0, 6.0])])
def test_lines_are_skipped(tmp_path, n, first):
    assert read(tmp_path, BODY, skip_rows=n)[0][0].tolist() == first
    assert read(tmp_path, "x\n" * n + "a,b\n" + BODY, skip_rows=n)[1] == ["a", "b"]
    with pytest.raises(ValueError, match=r"x.csv is empty"):
        read(tmp_path, BODY, skip_rows=3)


def test_lines_are_counted_from_the_top(tmp_path):
    text = "preamble\n\n# more\na,b,c\n1,2,3\n\n4,5,x\n7,8,9\n"
    with pytest.raises(ValueError, match="line 7: column 'c' is 'x'"):
        read(tmp_path, text)
    with pytest.raises(ValueError, match="line 7: column 'c' is 'x'"):
        read(tmp_path, text, skip_rows=3)
    with pytest.raises(ValueError, match="line 7: column 'c' is missing"):
        read(tmp_path, text, na_values="x")


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ('"1,234.50"', "'1,234.50', a number with separators of thousands; write plain numbers"),
        ('"1.234,50"', "'1.234,50', a number with separators of thousands"),
        ("1 234", "'1 234', a number with separators of thousands"),
        ("45%", "'45%', a number with a unit; .* pandas.read_csv"),
        ("$3.50", "'$3.50', a number with a unit".replace("$", r"\$")),
        ("€ 12", "'€ 12', a number with a unit"),
        ("12 m", "'12 m', not a number; correct it, leave the column out with columns=, or name"),
    ],
)
def test_dressed_numbers_are_told_as_such(tmp_path, field, told):
    with pytest.raises(ValueError, match=told):
        read(tmp_path, f"a,b\n1,2\n3,{field}\n4,5\n")


def test_truths_are_numbers(tmp_path):
    X, columns, _ = read(tmp_path, "a,b\n0.5,True\n1,false\n2,TRUE\n")
    assert columns == ["a", "b"]
    assert X.tolist() == [[0.5, 1], [1, 0], [2, 1]]


def test_marks_are_texts_or_numbers(tmp_path):
    text = "a,b\n1,@\n2,5\n-200,6\n3,-200.0\n4,7\n8,9\n"
    for na_values in ["@", -200], ["@", "-200"]:
        X, _, _ = read(tmp_path, text, missing="drop", na_values=na_values)
        assert X.tolist() == [[2, 5], [4, 7], [8, 9]]
    with pytest.raises(ValueError, match=r"line 2: column 'b' is '@', not a number; .* na_values="):
        read(tmp_path, text)


def test_options_of_the_command(tmp_path, capsys):
    (tmp_path / "x.csv").write_text("junk\na,b\n1,@\n2,5\n-200,6\n3,1\n4,7\n")
    words = ["fit", str(tmp_path / "x.csv"), "--components", "1", "--json"]
    skip, marks = ["--skip-rows", "1"], ["--na-values=@,-200"]
    assert cli.main([*words, *skip]) == 2
    assert "or name it in --na-values if it stands" in capsys.readouterr().err
    assert cli.main([*words, *skip, *marks]) == 2
    told = "line 3: column 'b' is missing; 2 rows have missing values, of 5: fill them, or leave"
    err = capsys.readouterr().err
    assert told in err
    assert "leave such rows out with --missing drop; with --missing mar they count" in err
    for drop in ["--missing", "drop"], ["--drop-missing"]:
        assert cli.main([*words, *skip, *marks, *drop]) == 0
        assert '"n_samples": 3, "n_dropped": 2' in capsys.readouterr().out


def test_what_spreadsheets_and_archives_add(tmp_path):
    """The oracle is what was written."""
    X = np.random.default_rng(0).normal(size=(40, 2)).round(3)
    lines = [f"{a};{b}" for a, b in X.tolist()]
    texts = {
        "sep.csv": ["sep=;", "a;b", *lines],
        "comments.csv": ["# made by hand", "a;b", *lines[:9], "# a pause", *lines[9:], "# the end"],
        "twice.csv": ["a;a", *lines],
    }
    for name, held in texts.items():
        (tmp_path / name).write_text("\n".join(held))
        rows = open_rows(tmp_path / name)
        assert np.array_equal(rows.take(np.arange(rows.n_samples))[0], X)
        assert rows.names == (("a", "a.1") if name == "twice.csv" else ("a", "b"))
    for compression in zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED:
        with zipfile.ZipFile(tmp_path / "one.zip", "w", compression) as archive:
            archive.write(tmp_path / "sep.csv", "within/sep.csv")
        rows = open_rows(tmp_path / "one.zip")
        assert np.array_equal(rows.take(np.arange(40))[0], X)
    packed = bytearray((tmp_path / "one.zip").read_bytes())
    packed[200] ^= 1
    (tmp_path / "damaged.zip").write_bytes(packed)
    with pytest.raises(ValueError, match=r"damaged.zip is damaged or cut short"):
        open_rows(tmp_path / "damaged.zip").limits()
    with zipfile.ZipFile(tmp_path / "slow.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.write(tmp_path / "sep.csv")
    with pytest.raises(ValueError, match=r"slow.zip .*packed in a way that is not read here"):
        open_rows(tmp_path / "slow.zip")


def test_a_line_that_begins_with_a_hash_is_a_row_where_no_comment_came_first(tmp_path):
    (tmp_path / "x.csv").write_text("name,a\n" + "r,1\n" * 5 + "#r,2\n")
    assert open_rows(tmp_path / "x.csv", ["a"]).limits()[1] == 2.0


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_thousands_do_not_hide_the_delimiter(tmp_path, delimiter):
    rows = [f"1.{i}04,5{delimiter}-{i}.640,25" for i in range(1, 9)]
    (tmp_path / "x.csv").write_text("\n".join([f"a{delimiter}b", *rows]))
    with pytest.raises(ValueError, match=r"'a' is '1\.104,5', a number with separators"):
        open_rows(tmp_path / "x.csv").limits()


# Long lines --------------------------------------------------------------------------------------


@pytest.mark.parametrize("quoted", [False, True])
def test_lines_of_many_columns(tmp_path, quoted):
    """The oracle is what was written: 20,000 columns are some 400,000 characters."""
    X = np.random.default_rng(0).normal(size=(3, 20_000))
    names = [f'"gene {j}"' if quoted else f"g{j}" for j in range(X.shape[1])]
    lines = [",".join(names), *(",".join(map(repr, row)) for row in X.tolist())]
    (tmp_path / "x.csv").write_text("\n".join(lines))
    rows = open_rows(tmp_path / "x.csv", ["0:2", 19_999])
    assert np.array_equal(rows.take(np.arange(3))[0], X[:, [0, 1, 2, 19_999]])
    assert rows.names[-1] == names[-1].strip('"')


@pytest.mark.parametrize("weighted", [False, True])
def test_few_rows_of_many_columns_need_no_room_for_a_tile(tmp_path, weighted):
    """Oracle: the fit of the array. A tile of these rows would take more than the budget."""
    rng = np.random.default_rng(0)
    X, v = rng.normal(size=(60, 300)) + np.repeat([[0.0], [9.0]], 30, axis=0), rng.random(60)
    table = np.c_[X, v] if weighted else X
    np.save(tmp_path / "x.npy", table)
    weights = {"sample_weight": 300} if weighted else {}
    rows = open_rows(tmp_path / "x.npy", memory="1M", **weights)
    options = {"covariance_type": "diag", "random_state": 0}
    read = fastem.fit(rows, 2, **options)
    given = fastem.fit(X, 2, sample_weight=v if weighted else None, **options)
    assert np.array_equal(read.trace, given.trace)
    assert np.array_equal(read.mixture.predict(rows), given.mixture.predict(X))


def test_many_rows_of_many_columns_need_room_for_a_tile(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((400, 300)))
    with pytest.raises(ValueError, match=r"too few to work on .*x\.npy; give at least 7372800"):
        open_rows(tmp_path / "x.npy", memory="1M").limits()
    assert open_rows(tmp_path / "x.npy", memory=7372800).n_samples == 400


def test_a_line_beyond_the_budget_is_refused_with_the_limit(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n" + "1,2\n" * 9 + "1," * 200_000 + "\n")
    with pytest.raises(
        ValueError, match="line 11 is longer than 131072 bytes, an eighth of memory"
    ):
        open_rows(tmp_path / "x.csv", memory="1M").limits()
    (tmp_path / "x.csv").write_text("1," * 300_000)
    with pytest.raises(ValueError, match="line 1 is longer than 131072 bytes"):
        open_rows(tmp_path / "x.csv", memory="1M")


def test_rows_with_quoted_line_ends_across_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("fastem.rows.formats.text.ENOUGH", 64)
    rows = [f'{i},"one\n""two"", {i}",{i}.5' for i in range(500)]
    rows[77] = '77,5" pipe,1'
    X, *_ = read(tmp_path, "\n".join(["a,note,b", *rows]), columns=["a", "b"])
    expected = np.stack([np.arange(500.0), np.arange(500) + 0.5], axis=1)
    expected[77] = 77, 1
    assert np.array_equal(X, expected)
    (tmp_path / "x.csv").write_text("\n".join(["a,note,b", *rows, "3,x,y"]))
    with pytest.raises(ValueError, match="line 1001: column 'b' is 'y'"):
        open_rows(tmp_path / "x.csv", ["a", "b"]).limits()
