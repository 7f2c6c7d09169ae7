"""Eigenvalues and eigenvectors of symmetric matrices.

From some thirty columns on NumPy's OpenBLAS (0.3.31) wakes threads for them, which then spin: with
two processors a decomposition of 32 columns took 5 ms in place of 0.2, and the pass over 1,100 rows
after it 4 ms in place of 0.3. SciPy's (0.3.30) does so from more columns on. `blas_threads` does
away with both where it can.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastem.blas_threads import FEW_COLUMNS

#: Columns from which SciPy wakes threads as well. Up to `FEW_COLUMNS` NumPy takes a stack at once.
MANY_COLUMNS = 64


def eigh(matrices: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eigenvalues (..., D), rising, and eigenvectors (..., D, D), in columns, of finite matrices.

    Parameters
    ----------
    matrices : (..., D, D)
        Symmetric; lower triangles are read.

    Raises
    ------
    numpy.linalg.LinAlgError
        If LAPACK does not converge.
    """
    if not FEW_COLUMNS < matrices.shape[-1] < MANY_COLUMNS:
        return np.linalg.eigh(matrices)
    values, vectors = np.empty(matrices.shape[:-1]), np.empty(matrices.shape)
    for place in np.ndindex(matrices.shape[:-2]):
        values[place], vectors[place] = _decomposed(matrices[place])
    return values, vectors


def eigvalsh(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Eigenvalues alone, as of `eigh`."""
    if not FEW_COLUMNS < matrices.shape[-1] < MANY_COLUMNS:
        return np.asarray(np.linalg.eigvalsh(matrices), np.float64)
    values = np.empty(matrices.shape[:-1])
    for place in np.ndindex(matrices.shape[:-2]):
        values[place] = _decomposed(matrices[place], eigvals_only=True)
    return values


def _decomposed(matrix: NDArray[np.float64], **options: Any) -> Any:
    from scipy.linalg import eigh  # slow to import

    return eigh(matrix, driver="evd", check_finite=False, **options)
