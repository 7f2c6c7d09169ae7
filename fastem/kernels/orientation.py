"""Orientations: common principal axes of several scatter matrices, and matrices from their axes."""

import math

from fastem.compiler.options import jit


@jit
def common_axes(shares, scatters, axes, floor, equal_volume, tolerance, share, max_sweeps):
    """Rotate to the axes along which the components' variances s_kj are likeliest.

    Minimises sum_k p_k sum_j log s_kj, or with `equal_volume` sum_k p_k (prod_j s_kj)^(1/D). Both
    are concave in s, so the tangent at the present axes lies above them: a sum_k,j w_kj s_kj,
    which a rotation of two axes minimises in closed form. No rotation raises the objective.

    Parameters
    ----------
    shares : (K,) float64
    scatters : (K, D, D) float64
        In the frame of `axes`; rotated along with them.
    axes : (D, D) float64
        In columns; rotated in place.
    floor : float
        Above 0; no smaller variance gains anything.
    equal_volume : bool
    tolerance, share : float
        Largest angle, in radians, of a sweep that is the last, and the same as a share of the
        largest angle of the first sweep.
    max_sweeps : int
    """
    n_components, size, _ = scatters.shape
    for sweep in range(max_sweeps):
        largest = 0.0
        for p in range(size - 1):
            for q in range(p + 1, size):
                along = 0.0
                across = 0.0
                for k in range(n_components):
                    first = scatters[k, p, p]
                    second = scatters[k, q, q]
                    weight = shares[k]
                    if equal_volume:
                        total = 0.0
                        for j in range(size):
                            total += math.log(max(scatters[k, j, j], floor))
                        weight *= math.exp(total / size)
                    weight *= 1.0 / max(first, floor) - 1.0 / max(second, floor)
                    along += weight * 0.5 * (first - second)
                    across += weight * scatters[k, p, q]
                # The tangent is along cos 2t + across sin 2t, with along at most 0.
                if across == 0.0:
                    continue
                angle = 0.5 * math.atan2(-across, -along)
                largest = max(largest, abs(angle))
                _rotate(scatters, axes, p, q, math.cos(angle), math.sin(angle))
        if sweep == 0:
            tolerance = max(tolerance, share * largest)
        if largest <= tolerance:
            return


@jit
def _rotate(scatters, axes, p, q, c, s):
    n_components, size, _ = scatters.shape
    for i in range(size):
        a = axes[i, p]
        b = axes[i, q]
        axes[i, p] = c * a + s * b
        axes[i, q] = c * b - s * a
    for k in range(n_components):
        for i in range(size):
            a = scatters[k, i, p]
            b = scatters[k, i, q]
            scatters[k, i, p] = c * a + s * b
            scatters[k, i, q] = c * b - s * a
        for i in range(size):
            a = scatters[k, p, i]
            b = scatters[k, q, i]
            scatters[k, p, i] = c * a + s * b
            scatters[k, q, i] = c * b - s * a


@jit
def compose(axes, variances, covariances):
    """Covariances D_k diag(v_k) D_k', symmetric to the bit.

    Parameters
    ----------
    axes : (K or 1, D, D)
        In columns; one set may serve all.
    variances : (K, D)
    covariances : (K, D, D)
        Receives the result.
    """
    n_components, size = variances.shape
    for k in range(n_components):
        frame = axes[k if axes.shape[0] > 1 else 0]
        for i in range(size):
            for j in range(i + 1):
                total = 0.0
                for d in range(size):
                    total += frame[i, d] * variances[k, d] * frame[j, d]
                covariances[k, i, j] = total
                covariances[k, j, i] = total
