"""Elementary functions that vectorise, and factorisations of small matrices.

Base 2 throughout: with the logarithms of densities kept in bits, range reduction is one rounding
and exact, and the scaling by a power of two is one integer addition to the exponent. The
polynomials are minimax in relative error (Remez, 60 digits); degree 11 reaches 3e-18 and degree 6
reaches 2e-9.

NumPy's and Numba's `exp` become calls to a scalar library function unless Intel's SVML is
installed; these do not, so the loops around them run in SIMD everywhere.
"""

import math

import numpy as np
from numba import types

from fastem.compiler.options import jit, overload

LN2 = math.log(2.0)
#: Factors carry this, so that squared lengths are bits: log2(exp(-d**2 / 2)) = -(HALF_BITS * d)**2.
HALF_BITS = math.sqrt(0.5 / LN2)


def exp2(t):
    """2**t for t <= 0, of the dtype of t, within 2 units in the last place.

    Exactly 0 from -960 down (float32: -100), and for NaN: products with two coordinates are then
    normal numbers too. Subnormal ones, which processors take a hundred cycles for, made passes over
    separated clusters take up to 1.4 times as long, and in float32 five times.
    """
    raise NotImplementedError("for compiled code only")


@overload(exp2)
def _exp2(t):
    return _exp2_float32 if t == types.float32 else _exp2_float64


def _exp2_float64(t):
    clipped = max(t, -1022.0)
    n = np.rint(clipped)
    f = clipped - n
    q = f * f
    # Even and odd powers apart: two short chains of multiply-adds instead of one long one.
    even = 1.3215433089731072e-06 + 7.074105604828931e-09 * q
    odd = 1.0178198023604885e-07 + 4.4352823985158936e-10 * q
    even = 0.00015403530462514318 + even * q
    odd = 1.5252733489984458e-05 + odd * q
    even = 0.009618129107588335 + even * q
    odd = 0.0013333558146789925 + odd * q
    even = 0.24022650695910155 + even * q
    odd = 0.055504108664819925 + odd * q
    even = 1.0 + even * q
    odd = 0.6931471805599453 + odd * q
    # Adding 1.5 * 2**52 leaves the integer n in the low bits; shifted, it adds to the exponent.
    exponent = np.float64(n + 6755399441055744.0).view(np.int64) << np.int64(52)
    result = np.int64(np.float64(even + odd * f).view(np.int64) + exponent).view(np.float64)
    return result if t > -960.0 else 0.0


def _exp2_float32(t):
    clipped = max(t, np.float32(-126.0))
    n = np.rint(clipped)
    f = clipped - n
    q = f * f
    even = np.float32(0.009618488937579040) + np.float32(0.00015345817225638264) * q
    odd = np.float32(0.05550328777161656) + np.float32(0.0013399931163345143) * q
    even = np.float32(0.2402264689080672) + even * q
    odd = np.float32(0.6931472057371766) + odd * q
    even = np.float32(1.0) + even * q
    exponent = np.float32(n + np.float32(12582912.0)).view(np.int32) << np.int32(23)
    result = np.int32(np.float32(even + odd * f).view(np.int32) + exponent).view(np.float32)
    return result if t > np.float32(-100.0) else np.float32(0.0)


@jit
def log2(t):
    """log2(t) of a positive, normal float64, within 3 units in the last place."""
    bits = np.float64(t).view(np.int64)
    # The mantissa comes out in [sqrt(1/2), sqrt(2)), so that near t = 1 nothing cancels.
    shift = (bits - np.int64(0x3FE6A09E667F3BCD)) >> np.int64(52)
    m = np.int64(bits - (shift << np.int64(52))).view(np.float64)
    s = (m - 1.0) / (m + 1.0)
    q = s * s
    p = 0.21367305353686167
    p = p * q + 0.22091164904991595
    p = p * q + 0.2623344098951579
    p = p * q + 0.32059853377621383
    p = p * q + 0.4121985858524758
    p = p * q + 0.5770780163454642
    p = p * q + 0.9617966939259899
    p = p * q + 2.8853900817779268
    return np.float64(np.int32(shift)) + s * p


@jit
def cholesky(matrices, factors):
    """Upper Cholesky factors U of a stack, row by row: U'U is the matrix.

    Rows are added to rows, four at a time: SIMD lanes run along them.

    Parameters
    ----------
    matrices : (K, D, D) float64
        Symmetric; the lower triangle is read.
    factors : (K, D, D) float64
        Receives the factors, below the diagonal it is left as it was; may be `matrices`.

    Returns
    -------
    failed : int
        Index of the first matrix that is not positive definite, or -1.
    """
    n_matrices, size, _ = matrices.shape
    for k in range(n_matrices):
        factor = factors[k]
        for i in range(size):
            row = factor[i]
            for j in range(i, size):
                row[j] = matrices[k, j, i]
            _subtract_rows(factor, i, 1.0, factor, False, row)
            if not (row[i] > 0.0 and row[i] < math.inf):
                return k
            pivot = math.sqrt(row[i])
            row[i] = pivot
            for j in range(i + 1, size):
                row[j] /= pivot
    return -1


@jit
def _subtract_rows(factor, i, scale, rows, lower, row):
    """Subtract from row i all rows above it, times column i of the factor.

    `lower` says which entries of the rows are not zero: those before the diagonal, or from i on.
    """
    first = 0 if lower else i
    whole = i - i % 4
    for d in range(0, whole, 4):
        u0, u1 = scale * factor[d, i], scale * factor[d + 1, i]
        u2, u3 = scale * factor[d + 2, i], scale * factor[d + 3, i]
        r0, r1, r2, r3 = rows[d], rows[d + 1], rows[d + 2], rows[d + 3]
        for j in range(first, d + 4 if lower else row.shape[0]):
            row[j] -= u0 * r0[j] + u1 * r1[j] + u2 * r2[j] + u3 * r3[j]
    for d in range(whole, i):
        u0, r0 = scale * factor[d, i], rows[d]
        for j in range(first, d + 1 if lower else row.shape[0]):
            row[j] -= u0 * r0[j]


@jit
def invert_transposed(factors, inverses):
    """Inverses of the transposes of a stack of upper triangular matrices: lower ones.

    Parameters
    ----------
    factors : (K, D, D) float64
        Upper triangles are read.
    inverses : (K, D, D) float64
        Zeros on entry.
    """
    n_matrices, size, _ = factors.shape
    for k in range(n_matrices):
        factor, inverse = factors[k], inverses[k]
        for i in range(size):
            row = inverse[i]
            pivot = 1.0 / factor[i, i]
            _subtract_rows(factor, i, pivot, inverse, True, row)
            row[i] = pivot
