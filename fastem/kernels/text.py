"""Delimited text: where its fields are, and the numbers in them.

A number of at most 19 digits is a whole number times a power of ten. Where both are exact in
float64 so is their product or quotient, rounded once (W. D. Clinger, PLDI 1990); else it is
computed in twice the precision, and taken where no error of that could change how it is rounded.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from fastem.compiler.options import jit_strict, read_only
from fastem.kernels.double_double import fma, two_sum

SPACE, TAB, NEWLINE, RETURN, QUOTE = (ord(c) for c in ' \t\n\r"')
ZERO, NINE, PLUS, MINUS, POINT, E, SMALL_E = (ord(c) for c in "09+-.Ee")
#: Digits that a uint64 holds, whatever they are.
DIGITS = 19
#: Powers of ten that float64 holds, and the range in which twice its precision is enough.
EXACT, MOST = 22, 280
#: Relative error of a product in twice the precision, and some more.
ERROR = 2.0**-100


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
    text : (n,) uint8
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
        Filled with where each field begins and ends, without quotes and blanks about it.

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
    n, at, row, n_left = text.size, 0, 0, 0
    tab = TAB if blanks or delimiter != TAB else SPACE
    while row < values.shape[0]:
        i = at
        while i < n and (text[i] == SPACE or text[i] == tab):
            i += 1
        if i == n:
            return row, n if ended else at, 0, n_left
        if text[i] == comment:
            while i < n and text[i] != NEWLINE and text[i] != RETURN:
                i += 1
            if i == n:
                return row, n if ended else at, 0, n_left
        if text[i] == NEWLINE or text[i] == RETURN:
            at = i + 1
            continue
        field, odd = 0, 0
        while True:
            k = place[field] if field < place.size else -1
            start = i
            value = np.nan
            if k >= 0:
                value, i = _number(text, start, n, decimal, powers, powers_low)
            end = i
            while i < n and (text[i] == SPACE or text[i] == tab):
                i += 1
            if (
                i < n
                and not _stops(text[i], delimiter)
                and not (blanks and end > start and end < i)
            ):
                # It is no number, or more than one.
                value, end = np.nan, start
                i, end, quoted = _other(text, start, n, delimiter, blanks)
                if i > n:
                    return row, at, -1 if ended else 0, n_left
                start += quoted
                if quoted and k >= 0 and end - 1 > start:
                    value, last = _number(text, start, end - 1, decimal, powers, powers_low)
                    if last < end - 1:
                        value = np.nan
                end -= quoted
                if not blanks or quoted:
                    while i < n and (text[i] == SPACE or text[i] == tab):
                        i += 1
            elif end == start:
                value = np.nan
            if i == n and not ended:
                return row, at, 0, n_left
            if k >= 0:
                values[row, k] = value
                starts[row, k] = start
                ends[row, k] = end
                odd += value != value
            field += 1
            while blanks and i < n and (text[i] == SPACE or text[i] == TAB):
                i += 1
            if i == n and not ended:
                return row, at, 0, n_left
            if i == n or text[i] == NEWLINE or text[i] == RETURN:
                break
            if not blanks:
                i += 1
                while i < n and (text[i] == SPACE or text[i] == tab):
                    i += 1
        if field != place.size:
            return row, at, field, n_left
        n_left += odd
        row += 1
        at = min(n, i + 1)
    return row, at, 0, n_left


@jit_strict
def _stops(c, delimiter):
    return c == delimiter or c == NEWLINE or c == RETURN


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


@jit_strict
def _number(text, i, n, decimal, powers, powers_low):
    """The number that begins at a place, and where it ends: NaN and there if there is none."""
    begin = i
    negative = i < n and text[i] == MINUS
    if i < n and (negative or text[i] == PLUS):
        i += 1
    mantissa, scale = np.uint64(0), 0
    first = i
    while i < n and text[i] == ZERO:
        i += 1
    n_zeros, digits = i - first, i
    while i < n and ZERO <= text[i] <= NINE:
        mantissa = mantissa * np.uint64(10) + np.uint64(text[i] - ZERO)
        i += 1
    n_digits = i - digits
    n_seen = n_zeros + n_digits
    if i < n and text[i] == decimal:
        i += 1
        point = i
        if n_digits == 0:
            while i < n and text[i] == ZERO:
                i += 1
        digits = i
        while i < n and ZERO <= text[i] <= NINE:
            mantissa = mantissa * np.uint64(10) + np.uint64(text[i] - ZERO)
            i += 1
        n_digits += i - digits
        scale = point - i
        n_seen += i - point
    if n_seen == 0:
        return np.nan, begin
    if i < n and (text[i] == E or text[i] == SMALL_E):
        i += 1
        below = i < n and text[i] == MINUS
        if i < n and (below or text[i] == PLUS):
            i += 1
        first = i
        exponent = 0
        while i < n and ZERO <= text[i] <= NINE and i - first < 5:
            exponent = 10 * exponent + (text[i] - ZERO)
            i += 1
        if i == first:
            return np.nan, begin
        scale += -exponent if below else exponent
    if n_digits > DIGITS:
        return np.nan, i
    value = _scaled(mantissa, scale, powers, powers_low)
    return (-value if negative else value), i


@jit_strict
def _scaled(mantissa, scale, powers, powers_low):
    """Mantissa times 10^scale rounded once, or NaN where that is not certain."""
    whole = np.float64(mantissa)
    if mantissa == np.uint64(0):
        return 0.0
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
