"""Values for what rows lack from the rows nearest to them: for starts of EM, not for its sums.

The distance is the mean square over the columns that both rows have (J. C. Gower, Biometrics 27
(1971) 857; O. Troyanskaya et al., Bioinformatics 17 (2001) 520).
"""

import numpy as np

from fastem.compiler.slot_loop import slot_loop

#: Rows of a slot.
SLOT_ROWS = 64
#: Rows that values are taken from, at most.
DONORS = 512
#: Square distance of rows that share no column: any other row is nearer.
FAR = 1e300


@slot_loop
def take_from_nearest(slot, rows, step, scale, filled, found):
    """Fill a slot's rows.

    Parameters
    ----------
    slot : int
    rows : (n, D) float64 or float32
        NaN where something is missing.
    step : int
        Every so many rows there is one that values are taken from.
    scale : (D,) float64
        What columns are multiplied by before distances are taken.
    filled : (n, D) of the dtype of rows
        A copy of the rows; receives values of others where it is NaN and another row has one.
    found : (n_slots, D) float64
        Scratch.
    """
    n, n_features = rows.shape
    nearest = found[slot]
    for i in range(slot * SLOT_ROWS, min((slot + 1) * SLOT_ROWS, n)):
        n_gaps = 0
        for d in range(n_features):
            nearest[d] = np.inf
            n_gaps += np.isnan(rows[i, d])
        if n_gaps == 0:
            continue
        for j in range(0, n, step):
            square, n_shared = 0.0, 0
            for d in range(n_features):
                gap = (np.float64(rows[i, d]) - np.float64(rows[j, d])) * scale[d]
                if not np.isnan(gap):
                    square += gap * gap
                    n_shared += 1
            distance = square / n_shared if n_shared > 0 else FAR
            for d in range(n_features):
                if np.isnan(rows[i, d]) and not np.isnan(rows[j, d]) and distance < nearest[d]:
                    nearest[d] = distance
                    filled[i, d] = rows[j, d]
