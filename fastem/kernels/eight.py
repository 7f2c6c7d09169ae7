"""Arithmetic of eight numbers, which fit one vector: arrays (8,), and tuples of what is computed.

A loop of eight turns is unrolled before it could be turned into vectors. Straight-line code can be
packed into them (`slot_loop.packed_slot_loop`), where all is loaded before any of it is stored: so
each function here returns a tuple, and only `put` stores.
"""

import math

from fastem.compiler.options import jit

LANES = 8
NOTHING, ONES = (0.0,) * LANES, (1.0,) * LANES


@jit
def of(x):
    """Return the numbers of an array."""
    return (
        x[0],
        x[1],
        x[2],
        x[3],
        x[4],
        x[5],
        x[6],
        x[7],
    )


@jit
def put(values, out):
    """Store a tuple in an array."""
    out[0] = values[0]
    out[1] = values[1]
    out[2] = values[2]
    out[3] = values[3]
    out[4] = values[4]
    out[5] = values[5]
    out[6] = values[6]
    out[7] = values[7]


@jit
def plus(y, f, x):
    """Return y + f * x."""
    return (
        y[0] + f[0] * x[0],
        y[1] + f[1] * x[1],
        y[2] + f[2] * x[2],
        y[3] + f[3] * x[3],
        y[4] + f[4] * x[4],
        y[5] + f[5] * x[5],
        y[6] + f[6] * x[6],
        y[7] + f[7] * x[7],
    )


@jit
def times(f, x):
    """Return f * x."""
    return plus(NOTHING, f, x)


@jit
def less(a, x):
    """Return a - x, for one number a."""
    return (
        a - x[0],
        a - x[1],
        a - x[2],
        a - x[3],
        a - x[4],
        a - x[5],
        a - x[6],
        a - x[7],
    )


@jit
def reciprocal(x):
    """Return 1 / x."""
    return (
        1.0 / x[0],
        1.0 / x[1],
        1.0 / x[2],
        1.0 / x[3],
        1.0 / x[4],
        1.0 / x[5],
        1.0 / x[6],
        1.0 / x[7],
    )


@jit
def where(share, x):
    """Return x where the share is positive, and 0 elsewhere, whatever x is there."""
    return (
        x[0] if share[0] > 0.0 else 0.0,
        x[1] if share[1] > 0.0 else 0.0,
        x[2] if share[2] > 0.0 else 0.0,
        x[3] if share[3] > 0.0 else 0.0,
        x[4] if share[4] > 0.0 else 0.0,
        x[5] if share[5] > 0.0 else 0.0,
        x[6] if share[6] > 0.0 else 0.0,
        x[7] if share[7] > 0.0 else 0.0,
    )


@jit
def any_positive(x):
    """Whether one of the numbers, none of which is negative, is not 0."""
    return x[0] + x[1] + x[2] + x[3] + x[4] + x[5] + x[6] + x[7] > 0.0


# Vectors (n, 8) and matrices (n, m, 8) of such numbers.


@jit
def dot(x, y):
    """Products of (n, 8) and (n, 8), summed over the rows."""
    total = NOTHING
    for i in range(x.shape[0]):
        total = plus(total, x[i], y[i])
    return total


@jit
def add_rows(x, y, factors, start):
    """Y += factors * x, rows from the start on."""
    for i in range(start, x.shape[0]):
        put(plus(y[i], factors, x[i]), y[i])


@jit
def project(q, w, found):
    """Take from w its part along the unit vectors q; found (8,) receives how long it is."""
    along = dot(q, w)
    put(along, found)
    add_rows(q, w, less(0.0, along), 0)


@jit
def orthogonalise(columns, gaps, n_gaps, q, r):
    """Orthogonal unit columns of F at the gaps, and their upper triangle."""
    n_features = columns.shape[0]
    for a in range(n_gaps):
        own, source = q[a], columns[gaps[a]]
        for i in range(n_features):
            put(of(source[i]), own[i])
        for c in range(a):
            project(q[c], own, r[c, a])
        put(dot(own, own), r[a, a])
        for lane in range(LANES):
            r[a, a, lane] = math.sqrt(r[a, a, lane])
        inverse = reciprocal(r[a, a])
        for i in range(n_features):
            put(times(inverse, own[i]), own[i])


@jit
def invert(r, n_gaps, inverse):
    """Inverses of upper triangles."""
    for b in range(n_gaps):
        put(reciprocal(r[b, b]), inverse[b, b])
        for a in range(b - 1, -1, -1):
            total = NOTHING
            for c in range(a + 1, b + 1):
                total = plus(total, r[a, c], inverse[c, b])
            put(times(inverse[a, a], less(0.0, total)), inverse[a, b])


@jit
def solve(r, inverse, n_gaps, g):
    """-R^-1 g, in place; of the inverse of R the diagonal counts."""
    for a in range(n_gaps - 1, -1, -1):
        total = of(g[a])
        for c in range(a + 1, n_gaps):
            total = plus(total, r[a, c], g[c])
        put(times(inverse[a, a], less(0.0, total)), g[a])
