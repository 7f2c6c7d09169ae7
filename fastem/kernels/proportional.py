"""Proportional variances and matrices: volumes and a common shape, each in turn."""

from fastem.compiler.options import jit
from fastem.kernels.elementary import cholesky, invert_transposed


@jit
def proportional_variances(shares, spread, volumes, shape, floor, tolerance, share, max_steps):
    """Minimise sum_k p_k sum_j [log v_kj + s_kj / v_kj] over v_kj = volumes_k shape_j >= floor.

    Each half step is the exact minimum given the other.

    Parameters
    ----------
    shares : (K,) float64
    spread : (K, D) float64
        The s above, positive.
    volumes : (K,) float64
        Positive, where to begin; updated in place.
    shape : (D,) float64
        Receives the shape.
    floor : float
    tolerance, share : float
        Largest relative change of a volume in a step that is the last, and the same as a share of
        the change in the first step.
    max_steps : int
    """
    n_components, size = spread.shape
    for step in range(max_steps):
        least = volumes[0]
        for k in range(1, n_components):
            least = min(least, volumes[k])
        narrowest = 0.0
        for j in range(size):
            total = 0.0
            for k in range(n_components):
                total += shares[k] * (spread[k, j] / volumes[k])
            shape[j] = max(total, floor / least)
            narrowest = shape[j] if j == 0 else min(narrowest, shape[j])
        largest = 0.0
        for k in range(n_components):
            total = 0.0
            for j in range(size):
                total += spread[k, j] / shape[j]
            updated = max(total / size, floor / narrowest)
            largest = max(largest, abs(updated - volumes[k]) / updated)
            volumes[k] = updated
        if step == 0:
            tolerance = max(tolerance, share * largest)
        if largest <= tolerance:
            return


@jit
def proportional_matrices(shares, scatters, volumes, matrices, tolerance, share, max_steps):
    """Minimise sum_k p_k [log |v_k C| + tr(S_k C^-1) / v_k] over volumes v_k and a matrix C.

    Parameters
    ----------
    shares : (K,) float64
    scatters : (K, D, D) float64
        The S above, symmetric.
    volumes : (K,) float64
        Positive, where to begin; updated in place.
    matrices : (3, D, D) float64
        Zeros. The first receives C, the others its lower Cholesky factor and the inverse of that.
    tolerance, share : float
        Largest relative change of a volume in a step that is the last, and the same as a share of
        the change in the first step.
    max_steps : int

    Returns
    -------
    done : bool
        False if C was not positive definite; the step is not taken then.
    """
    n_components, size, _ = scatters.shape
    for step in range(max_steps):
        for i in range(size):
            for j in range(size):
                total = 0.0
                for k in range(n_components):
                    total += shares[k] / volumes[k] * scatters[k, i, j]
                matrices[0, i, j] = total
                matrices[2, i, j] = 0.0
        if cholesky(matrices[:1], matrices[1:2]) >= 0:
            return False
        invert_transposed(matrices[1:2], matrices[2:3])
        precision = matrices[1]
        for i in range(size):
            for j in range(i + 1):
                total = 0.0
                for d in range(i, size):
                    total += matrices[2, d, i] * matrices[2, d, j]
                precision[i, j] = total
        largest = 0.0
        for k in range(n_components):
            total = 0.0
            for i in range(size):
                total += precision[i, i] * scatters[k, i, i]
                for j in range(i):
                    total += 2.0 * precision[i, j] * scatters[k, i, j]
            updated = total / size
            if not updated > 0.0:
                return False
            largest = max(largest, abs(updated - volumes[k]) / updated)
            volumes[k] = updated
        if step == 0:
            tolerance = max(tolerance, share * largest)
        if largest <= tolerance:
            return True
    return True
