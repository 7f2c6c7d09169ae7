"""Moments of rows about other means, and together with those of other rows."""

from __future__ import annotations

from fastem.compiler.options import jit_strict


@jit_strict
def move(about, counts, first, second, means, moved):
    """Moments about other means.

    Parameters
    ----------
    about, first, means : (K, D)
        The means that moments are about, first moments, and the other means.
    counts : (K,)
    second : (K, D, D) or (K, D)
    moved : (K + K D + K D D,) or (K + K D + K D,)
        Receives counts, first and second moments about `means`.
    """
    K, D = about.shape
    width = second.size // K
    spreads = second.reshape(K, width)
    for k in range(K):
        moved[k] = counts[k]
        own = moved[K + k * D : K + (k + 1) * D]
        for i in range(D):
            own[i] = first[k, i] + counts[k] * (about[k, i] - means[k, i])
        found = moved[K + K * D + k * width : K + K * D + (k + 1) * width]
        for i in range(D):
            step = about[k, i] - means[k, i]
            if second.ndim == 2:
                found[i] = spreads[k, i] + step * (first[k, i] + own[i])
            else:
                for j in range(D):
                    right = own[i] * (about[k, j] - means[k, j])
                    found[i * D + j] = spreads[k, i * D + j] + step * first[k, j] + right


@jit_strict
def add(batch, share, moments):
    """Make a vector of moments a share of what it is, and another vector."""
    for p in range(moments.shape[0]):
        moments[p] = moments[p] * share + batch[p]


@jit_strict
def level_variance(counts, log_norms):
    """Variance of what components have for log2 of weight times density at the mean, in bits."""
    highest, total, mean, variance = log_norms[0], 0.0, 0.0, 0.0
    for k in range(counts.shape[0]):
        highest = max(highest, log_norms[k])
        total += counts[k]
    for k in range(counts.shape[0]):
        if counts[k] > 0.0:  # else the norm may be infinite
            mean += counts[k] / total * (log_norms[k] - highest)
    for k in range(counts.shape[0]):
        level = log_norms[k] - highest if counts[k] > 0.0 else 0.0
        variance += counts[k] / total * (level - mean) ** 2
    return variance
