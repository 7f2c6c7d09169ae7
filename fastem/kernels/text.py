"""Delimited text: where its fields are, and the numbers in them.

A number of at most 19 digits is a whole number times a power of ten. Where both are exact in
float64 so is their product or quotient, rounded once (W. D. Clinger, PLDI 1990); else it is
computed in twice the precision, and taken where no error of that could change how it is rounded.
Digits are read eight at a time (D. Lemire, Softw. Pract. Exper. 51 (2021) 1700).
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from fastem.compiler.byte_words import byte_at, trailing_zeros, word_at
from fastem.compiler.options import jit_strict, jit_strict_inlined, read_only
from fastem.kernels.double_double import fma, two_sum

SPACE, TAB, NEWLINE, RETURN, QUOTE = (ord(c) for c in ' \t\n\r"')
ZERO, NINE, PLUS, MINUS, POINT, E, SMALL_E = (ord(c) for c in "09+-.Ee")
#: Digits that a uint64 holds, whatever they are.
DIGITS = 19
#: Powers of ten that float64 holds, and the range in which twice its precision is enough.
EXACT, MOST = 22, 280
#: Relative error of a product in twice the precision, and some more.
ERROR = 2.0**-100
#: Bytes behind the text that may be read.
PADDING = 8
#: Bytes of a word: of zeros, what raises above 127 all beyond nine, high bits, and masks.
ZEROS, ABOVE_NINE, HIGH_BITS = (np.uint64(0x0101010101010101 * c) for c in (0x30, 0x76, 0x80))
PAIRS, FOURS = np.uint64(0x00FF00FF00FF00FF), np.uint64(0x0000FFFF0000FFFF)


def _powers() -> tuple[np.ndarray, np.ndarray]:
    """10^-MOST to 10^MOST, each as the sum of two floats."""
    exact = [Fraction(10) ** k for k in range(-MOST, MOST + 1)]
    high = np.array([float(power) for power in exact])
    rests = zip(exact, high, strict=True)
    low = np.array([float(power - Fraction(float(above))) for power, above in rests])
    return read_only(high), read_only(low)


POWERS, POWERS_LOW = _powers()


@jit_strict
def parse(
    text,
    delimiter,
    blanks,
    ended,
    comment,
    decimal,
    place,
    powers,
    powers_low,
    values,
    starts,
    ends,
):
    """The numbers in the wanted fields of whole rows; blank lines are passed over.

    Parameters
    ----------
    text : (n + PADDING,) uint8
        Zeros behind it: a place is looked at without asking whether the text has ended.
    delimiter : int
    blanks : bool
        Whether any run of blanks and tabs delimits.
    ended : bool
        Whether nothing follows the text.
    comment : int
        Lines that begin with it are passed over; -1 if there are none.
    decimal : int
        The sign before the fraction.
    place : (width,) int64
        The column of what is filled that a field goes to; -1 where it is not wanted.
    powers, powers_low : arrays
        `POWERS` and `POWERS_LOW`.
    values : (most_rows, n_wanted) float64
        Filled; NaN where a field holds something else, or more than is known here.
    starts, ends : (most_rows, n_wanted) int64
        Filled with where each field begins and ends, without quotes and blanks about it; empty
        where that is not wanted.

    Returns
    -------
    n_rows : int
    at : int
        Where the first row begins that was not taken.
    found : int
        Its number of fields, if that is wrong; -1 if a quote in it is never closed, else 0.
    n_left : int
        How many values are NaN.
    """
    n, at, row, n_left = text.size - PADDING, 0, 0, 0
    tab = TAB if blanks or delimiter != TAB else SPACE
    while row < values.shape[0]:
        i = _past_blanks(text, at, tab)
        if byte_at(text, i) == comment:
            while i < n and not _ends_line(byte_at(text, i)):
                i += 1
        if i == n:
            return row, n if ended else at, 0, n_left
        if _ends_line(byte_at(text, i)):
            at = i + 1
            continue
        field, odd = 0, 0
        while True:
            k = place[field] if field < place.size else -1
            begin, quoted = i, byte_at(text, i) == QUOTE
            start = begin + quoted
            value, end = np.nan, start
            if k >= 0:
                value, end = _number(text, start, decimal, powers, powers_low)
            closed = not quoted or (end > start and byte_at(text, end) == QUOTE)
            after = _past_blanks(text, end + quoted, tab)
            if closed and (
                _stops(byte_at(text, after), delimiter)
                or after == n
                or (blanks and start < end < after - quoted)
            ):
                i = after
            else:
                # It is no number, or more than one.
                value = np.nan
                i, end, quoted = _other(text, begin, n, delimiter, blanks)
                if i > n:
                    return row, at, -1 if ended else 0, n_left
                start = begin + quoted
                end -= quoted
                if not blanks or quoted:
                    i = _past_blanks(text, i, tab)
            if blanks:
                i = _past_blanks(text, i, TAB)
            if i == n and not ended:
                return row, at, 0, n_left
            if k >= 0:
                values[row, k] = value
                if starts.size > 0:
                    starts[row, k] = start
                    ends[row, k] = end
                odd += value != value
            field += 1
            if i == n or _ends_line(byte_at(text, i)):
                break
            if not blanks:
                i = _past_blanks(text, i + 1, tab)
        if field != place.size:
            return row, at, field, n_left
        n_left += odd
        row += 1
        at = min(n, i + 1)
    return row, at, 0, n_left


@jit_strict_inlined
def _past_blanks(text, i, tab):
    """Where the next byte is that is no blank."""
    while byte_at(text, i) == SPACE or byte_at(text, i) == tab:
        i += 1
    return i


@jit_strict
def _ends_line(c):
    return c == NEWLINE or c == RETURN


@jit_strict
def _stops(c, delimiter):
    return c == delimiter or _ends_line(c)


@jit_strict
def _other(text, i, n, delimiter, blanks):
    """Pass over a field: where what follows it begins, where it ends, and whether it has quotes.

    The place is beyond the text if a quote is not closed in it.
    """
    quoted = text[i] == QUOTE
    if quoted:
        i += 1
        while i < n and (text[i] != QUOTE or (i + 1 < n and text[i + 1] == QUOTE)):
            i += 2 if text[i] == QUOTE else 1
        i += 1
        if i > n:
            return i, i, quoted
    end = i
    while i < n and not _stops(text[i], delimiter) and not (blanks and text[i] == TAB):
        if text[i] != SPACE and text[i] != TAB:
            # What follows a closing quote makes the field a text, quotes and all.
            end, quoted = i + 1, False
        i += 1
    return i, end, quoted


@jit_strict_inlined
def _number(text, i, decimal, powers, powers_low):
    """The number that begins at a place, and where it ends: NaN and there if there is none."""
    begin = i
    negative = byte_at(text, i) == MINUS
    i += negative | (byte_at(text, i) == PLUS)
    first = i
    mantissa, i = _digits(text, i, np.uint64(0), powers)
    n_digits, scale = i - first, 0
    if byte_at(text, i) == decimal:
        point = i + 1
        mantissa, i = _digits(text, point, mantissa, powers)
        scale = point - i
        n_digits -= scale
    if n_digits == 0:
        return np.nan, begin
    if n_digits > DIGITS:
        n_digits -= _n_zeros(text, first, i, decimal)
    if byte_at(text, i) == E or byte_at(text, i) == SMALL_E:
        i += 1
        below = byte_at(text, i) == MINUS
        i += below or byte_at(text, i) == PLUS
        first = i
        exponent = 0
        while ZERO <= byte_at(text, i) <= NINE and i - first < 5:
            exponent = 10 * exponent + (byte_at(text, i) - ZERO)
            i += 1
        if i == first:
            return np.nan, begin
        scale += -exponent if below else exponent
    if n_digits > DIGITS:
        return np.nan, i
    value = _scaled(mantissa, scale, powers, powers_low)
    return (-value if negative else value), i


@jit_strict_inlined
def _digits(text, i, mantissa, powers):
    """A mantissa with the digits behind it that begin at a place, and where they end."""
    while True:
        word = word_at(text, i) ^ ZEROS
        # A byte's high bit says that it is no digit, or stands behind one that is none.
        others = ((word + ABOVE_NINE) | word) & HIGH_BITS
        if others != np.uint64(0):
            break
        mantissa = mantissa * np.uint64(10**8) + _eight(word)
        i += 8
    n_digits = np.int64(trailing_zeros(others)) >> 3
    if n_digits == 0:
        return mantissa, i
    # With zeros before them.
    word <<= np.uint64(64 - 8 * n_digits)
    shift = np.uint64(np.int64(powers[MOST + n_digits]))
    return mantissa * shift + _eight(word), i + n_digits


@jit_strict_inlined
def _eight(word):
    """The number of eight digits, each a byte: neighbours are joined, then pairs, then fours."""
    word = (word * np.uint64(10 * 2**8 + 1)) >> np.uint64(8) & PAIRS
    word = (word * np.uint64(100 * 2**16 + 1)) >> np.uint64(16) & FOURS
    return (word * np.uint64(10000 * 2**32 + 1)) >> np.uint64(32)


@jit_strict
def _n_zeros(text, i, end, decimal):
    """Zeros before the first other digit."""
    n = 0
    while i < end and (text[i] == ZERO or text[i] == decimal):
        n += text[i] == ZERO
        i += 1
    return n


@jit_strict_inlined
def _scaled(mantissa, scale, powers, powers_low):
    """Mantissa times 10^scale rounded once, or NaN where that is not certain."""
    whole = np.float64(mantissa)
    if mantissa == np.uint64(0) or scale == 0:
        return whole
    if not -MOST <= scale <= MOST:
        return np.nan
    if mantissa <= np.uint64(2**53) and -EXACT <= scale <= EXACT:
        if scale < 0:
            return whole / powers[MOST - scale]
        return whole * powers[MOST + scale]
    rounded = np.uint64(whole)
    if rounded > mantissa:
        rest = -np.float64(rounded - mantissa)
    else:
        rest = np.float64(mantissa - rounded)
    power, power_low = powers[MOST + scale], powers_low[MOST + scale]
    product = whole * power
    lost = fma(whole, power, -product) + (whole * power_low + rest * power)
    value, rounding = two_sum(product, lost)
    error = ERROR * value
    if value + (rounding - error) == value == value + (rounding + error):
        return value
    return np.nan
