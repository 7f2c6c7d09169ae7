"""Rows of float32 whose squares overflow; oracle: the same rows in float64."""

import numpy as np
import pytest

import fastem

FAR = np.array([[3.4e38, 1.0], [1.0, 2.0], [-9.97e36, 3e38], [5.0, 5.0], [0.0, -2e20]], np.float32)


@pytest.mark.parametrize(
    ("family", "covariances"),
    [
        ("full", [[[1.0, 0.5], [0.5, 2.0]], [[3.0, 0.0], [0.0, 4.0]]]),
        ("tied", [[1.0, 0.5], [0.5, 2.0]]),
        ("diag", [[1.0, 2.0], [3.0, 4.0]]),
        ("spherical", [1.0, 2.0]),
    ],
)
def test_single_precision_holds_far_away(family, covariances):
    mixture = fastem.Mixture([0.4, 0.6], [[0.0, 0.0], [5.0, 5.0]], covariances, family)
    exact = FAR.astype(np.float64)
    np.testing.assert_allclose(mixture.log_prob(FAR), mixture.log_prob(exact), rtol=1e-5)
    resp = mixture.responsibilities(FAR)
    np.testing.assert_allclose(resp.sum(axis=1), 1.0, rtol=1e-6)
    np.testing.assert_allclose(resp, mixture.responsibilities(exact), atol=1e-5)
    assert (mixture.predict(FAR) == mixture.predict(exact)).all()
