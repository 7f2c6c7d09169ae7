"""Eigenvalues and eigenvectors, beside NumPy's."""

import numpy as np
import pytest

from fastem.blas_threads import FEW_COLUMNS
from fastem.eigen import eigh, eigvalsh


@pytest.mark.parametrize("D", [1, 2, FEW_COLUMNS, FEW_COLUMNS + 1, 40, 200])
@pytest.mark.parametrize("leading", [(), (3,), (2, 2), (0,)])
@pytest.mark.parametrize("scale", [1.0, 1e-150, 1e150])
def test_a_stack_is_decomposed(D, leading, scale):
    roots = np.random.default_rng(D).normal(size=(*leading, D, D))
    matrices = scale * (roots @ roots.swapaxes(-1, -2))
    values, vectors = eigh(matrices)
    assert values.shape == (*leading, D)
    assert vectors.shape == (*leading, D, D)
    whole = (vectors * values[..., None, :]) @ vectors.swapaxes(-1, -2)
    np.testing.assert_allclose(whole, matrices, atol=1e-11 * D * scale)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(matrices), atol=1e-11 * D * scale)
    np.testing.assert_allclose(eigvalsh(matrices), values, atol=1e-11 * D * scale)
    assert (np.diff(values) >= 0).all()


def test_lower_triangles_are_read():
    matrix = np.tril(np.full((30, 30), 0.5)) + 0.5 * np.eye(30)
    whole = np.full((30, 30), 0.5) + 0.5 * np.eye(30)
    np.testing.assert_allclose(eigh(matrix)[0], np.linalg.eigvalsh(whole), atol=1e-13)
