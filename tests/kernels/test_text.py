"""Fields and numbers of text in compiled code; the oracle is Python's float and csv module."""

import csv
import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastem.compiler.options import read_only
from fastem.kernels.text import PADDING, POWERS, POWERS_LOW, parse


def parsed(
    text, width=1, delimiter=",", blanks=False, ended=True, decimal=".", most=None, comment=-1
):
    """What is said of the rows, their numbers and their fields."""
    raw = np.frombuffer(text.encode() + bytes(PADDING), np.uint8)
    shape = most or text.count("\n") + text.count("\r") + 1, width
    values, starts, ends = np.empty(shape), np.empty(shape, np.int64), np.empty(shape, np.int64)
    place = read_only(np.arange(width))
    how = ord(delimiter), blanks, ended, comment, ord(decimal)
    n, *said = parse(raw, *how, place, POWERS, POWERS_LOW, values, starts, ends)
    fields = [
        [text.encode()[a:b].decode() for a, b in zip(*row, strict=True)]
        for row in zip(starts[:n], ends[:n], strict=True)
    ]
    return said, values[:n], fields


def assert_numbers(texts):
    """Each is what float says, or is left to Python."""
    values = parsed("\n".join(texts))[1][:, 0]
    expected = np.array(list(map(float, texts)))
    left = np.isnan(values)
    assert np.array_equal(values[~left].view(np.int64), expected[~left].view(np.int64))
    return left


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_are_rounded_as_python_rounds_them(numbers):
    left = assert_numbers(list(map(repr, numbers)))
    usual = (np.abs(numbers) > 1e-250) & (np.abs(numbers) < 1e250)
    assert not left[usual].any()


@pytest.mark.parametrize(
    "form", ["%.17g", "%.3f", "%.6f", "%.19f", "%d", "%.3e", "%.12e", "%.16e", "%+.5f", "%025.6f"]
)
def test_numbers_in_many_forms(form):
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=20_000) * 10.0 ** rng.integers(-12, 12, 20_000)
    left = assert_numbers([form % x for x in numbers])
    if form != "%.19f":  # has more than 19 digits from 1 on
        assert not left.any()


@pytest.mark.parametrize("form", ["%r", "%.17g", "%.3e"])
def test_numbers_of_any_bits(form):
    """Subnormal ones and those near the largest too."""
    bits = np.random.default_rng(0).integers(0, 2**64, 20_000, np.uint64).view(np.float64)
    limits = [5e-324, 2.2250738585072014e-308, 2.2250738585072011e-308, 1e308, 1.7e308, 2.0**-1074]
    numbers = [*bits[np.isfinite(bits)].tolist(), *limits, *(-x for x in limits)]
    left = assert_numbers([form % x for x in numbers])
    usual = (np.abs(numbers) > 1e-250) & (np.abs(numbers) < 1e250)
    assert not left[usual].any()


@pytest.mark.parametrize("before", range(18))
def test_digits_at_each_distance_from_words(before):
    """Eight are taken at once: more, fewer, none, zeros before them, and the text's end."""
    digits = "9081726354453627180"
    points = "", ".", "." + "0" * before
    texts = [
        zeros + digits[:before] + point + digits[before:after]
        for after in range(before + 1, len(digits) + 1)
        for zeros in ("", "0" * before)
        for point in points
    ]
    signed = [sign + text for text in texts for sign in ("", "-", "+")]
    assert not assert_numbers([x for x in signed if len(x.strip("-+0.")) < 20]).any()
    for text in signed:
        assert_numbers([text])
    assert not assert_numbers(["0" * 30, "-" + "0" * 30 + ".5", "0." + "0" * 30 + "25e31"]).any()


def test_halfway_cases_are_left_or_right():
    """Decimal expansions of points halfway between two floats, cut to 19 digits."""
    from fractions import Fraction

    rng = np.random.default_rng(0)
    texts = []
    for bits in rng.integers(0x3000_0000_0000_0000, 0x4FFF_0000_0000_0000, 20_000):
        low, high = (struct.unpack("d", struct.pack("q", bits + i))[0] for i in (0, 1))
        half = (Fraction(low) + Fraction(high)) / 2
        exponent = int(np.floor(np.log10(low))) - 17
        texts.append(f"{round(half / Fraction(10) ** exponent)}e{exponent}")
    assert_numbers(texts)


NO_NUMBERS = [
    "-",
    ".",
    "x",
    "1e",
    "1e+",
    "e5",
    "1.2.3",
    "--1",
    "0x10",
    "1_0",
    "nan",
    "inf",
    "1e400",
    "1e-320",
    "1e99999",
    "+",
    '""',
    '"x"',
]


@pytest.mark.parametrize("text", [*NO_NUMBERS, "1" * 20, "1 2", "1e5 x"])
def test_what_is_no_number_here_is_left(text):
    said, values, fields = parsed(f"7\n{text}\n8\n")
    assert said[1:] == [0, 1]
    assert np.isnan(values[1, 0])
    assert fields[1][0] == text.strip('"')
    assert values[[0, 2], 0].tolist() == [7, 8]


@pytest.mark.parametrize("text", ["0", "-0", "0.0", "00012", "1.", ".5", "+.5e+3", "1E5", "0e999"])
def test_what_is_a_number(text):
    assert parsed(text)[1][0, 0] == float(text)
    assert parsed(f' "{text}" \n')[1][0, 0] == float(text)


fields = st.text(st.sampled_from('ab 1.,;"\n\r\t'), max_size=8)


@given(st.lists(st.lists(fields, min_size=3, max_size=3), min_size=1), st.sampled_from(",;\t"))
def test_fields_are_those_of_the_csv_module(rows, delimiter):
    """Without blanks about them: quoted ones keep theirs, and double quotes."""
    held = io.StringIO()
    csv.writer(held, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(
        rows
    )
    said, _, found = parsed(held.getvalue(), 3, delimiter)
    assert said[1] == 0
    assert [[field.replace('""', '"') for field in row] for row in found] == rows


@given(st.lists(st.lists(st.sampled_from(["1", "2.5", "x"]), min_size=2, max_size=2), min_size=1),
       st.integers(0, 40))  # fmt: skip
def test_text_that_ends_anywhere_gives_whole_rows(rows, end):
    text = "".join(f"{','.join(row)}\n" for row in rows)
    (at, found, _), _, fields = parsed(text[:end], 2, ended=False)
    assert found == 0
    assert fields == rows[: text[:end].count("\n")]
    assert text[:end].rfind("\n") + 1 == at


@pytest.mark.parametrize(
    ("text", "at", "found"),
    [("1,2\n1\n", 4, 1), ("1,2\n1,2,3\n", 4, 3), ('1,2\n"1,2\n', 4, -1), ("1,2\n\n 1\n", 5, 1)],
)
def test_rows_of_other_widths_and_open_quotes_are_told(text, at, found):
    assert parsed(text, 2)[0][:2] == [at, found]


def test_blanks_and_ends_of_lines():
    for text in "1 2\n3 4\n", " 1\t2 \r\n\r\n3   4", "1 2\r3 4\r", '"1" 2\n3 "4"\n':
        assert parsed(text, 2, " ", blanks=True)[1].tolist() == [[1, 2], [3, 4]]
    assert parsed("1\t\n\t2\n", 2, "\t")[2] == [["1", ""], ["", "2"]]
    assert parsed("1,5;2\n", 2, ";", decimal=",")[1].tolist() == [[1.5, 2]]


def test_only_so_many_rows_are_taken():
    (at, *_), values, _ = parsed("1\n2\n3\n", most=2)
    assert (at, values.tolist()) == (4, [[1], [2]])


@pytest.mark.parametrize("ended", [False, True])
def test_comments_are_passed_over(ended):
    text = "1,2\n# 3,4\r\n  #,\n5,6\n# the end"
    said, values, _ = parsed(text, width=2, ended=ended, comment=ord("#"))
    assert np.array_equal(values, [[1.0, 2.0], [5.0, 6.0]])
    assert said == ([len(text), 0, 0] if ended else [text.index("# the"), 0, 0])
