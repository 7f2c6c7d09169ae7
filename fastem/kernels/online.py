"""What a stream of rows has left behind and what a batch leaves, together."""

from __future__ import annotations

from fastem.compiler.options import jit_strict


@jit_strict
def join(past, batch, share, joined):
    """Moments of the past, moved to the batch's means and times a share, and those of the batch.

    They are rounded as `Moments.moved`, `scaled` and a sum round them.

    Parameters
    ----------
    past, batch : tuple of (K, D), (K,), (K, D) and (K, D, D) or (K, D)
        Means that the moments are about, counts, first and second moments.
    share : float
    joined : (K + K D + K D D,) or (K + K D + K D,)
        Receives counts, first and second moments, about the batch's means.
    """
    about, counts, first, second = past
    K, D = about.shape
    width = second.size // K
    spreads, others = second.reshape(K, width), batch[3].reshape(K, width)
    for k in range(K):
        joined[k] = counts[k] * share + batch[1][k]
        moved = joined[K + k * D : K + (k + 1) * D]
        for d in range(D):
            moved[d] = first[k, d] + counts[k] * (about[k, d] - batch[0][k, d])
        found = joined[K + K * D + k * width :]
        for p in range(width):
            i, j = (p, p) if second.ndim == 2 else (p // D, p % D)
            left, right = about[k, i] - batch[0][k, i], about[k, j] - batch[0][k, j]
            if second.ndim == 2:
                spread = spreads[k, p] + left * (first[k, i] + moved[i])
            else:
                spread = spreads[k, p] + left * first[k, j] + moved[i] * right
            found[p] = spread * share + others[k, p]
        for d in range(D):
            moved[d] = moved[d] * share + batch[2][k, d]
