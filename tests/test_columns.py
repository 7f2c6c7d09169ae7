"""fit_columns, against a fit of each column."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import fastem
from fastem import DirichletProcess, NormalWishart, fit_columns


def table(n=400):
    rng = np.random.default_rng(0)
    X = rng.normal(np.array([[0.0, 5.0, -3.0], [9.0, 5.0, 3.0]])[rng.integers(2, size=n)])
    X[::7, 1] = np.nan
    return X


@pytest.mark.parametrize("prior", [False, DirichletProcess(1e-3)])
def test_each_column_is_fitted_on_its_own(prior):
    X = table()
    fits = fit_columns(X, 4, prior=prior, random_state=0)
    assert [fitted.n_samples for fitted in fits] == [400, 342, 400]
    for j, fitted in enumerate(fits):
        column = X[~np.isnan(X[:, j]), j : j + 1]
        assert fitted.log_likelihood == pytest.approx(fitted.mixture.log_prob(column).sum())
    if prior:
        assert [fitted.n_effective for fitted in fits] == [2, 1, 2]


@pytest.mark.parametrize("prior", [False, DirichletProcess(1e-3), NormalWishart(0.1)])
def test_compiled_fits_are_those_of_python(prior):
    """Where the way is plain: extrapolations make much of rounding."""
    X = table()
    options = {"prior": prior, "random_state": 0, "max_iter": 1}
    one = fit_columns(X, 4, **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fastem.em.compiled.Workspace.of", lambda *_: None)
        other = fit_columns(X, 4, **options)
    for mine, theirs in zip(one, other, strict=True):
        assert_allclose(mine.trace, theirs.trace, rtol=1e-12)
        assert_allclose(mine.mixture.means, theirs.mixture.means, rtol=1e-9)
        assert_allclose(mine.mixture.covariances, theirs.mixture.covariances, rtol=1e-9)


def test_the_end_is_that_of_a_fit_of_the_column():
    X = table(4000)
    fits = fit_columns(X, 2, random_state=0, tol=1e-10)
    for j in 0, 2:
        other = fastem.fit(X[:, j : j + 1], 2, covariance_type="diag", random_state=0, tol=1e-10)
        assert fits[j].log_likelihood == pytest.approx(other.log_likelihood, rel=1e-9)


def test_single_precision_is_widened():
    X = table().astype(np.float32)
    one, other = (fit_columns(rows, 3, random_state=0) for rows in (X, X.astype(float)))
    assert [fitted.mixture for fitted in one] == [fitted.mixture for fitted in other]


def test_offsets_and_scales():
    X = table()
    options = {"prior": DirichletProcess(1e-3), "random_state": 0}
    for scale, offset in (1e-150, 0.0), (1e150, 0.0), (1.0, 1e8):
        fits = fit_columns(X * scale + offset, 4, **options)
        assert [fitted.n_effective for fitted in fits] == [2, 1, 2]


def test_threads_change_no_bit():
    X = table()
    options = {"prior": DirichletProcess(), "random_state": 1}
    one, three = (fit_columns(X, 4, n_threads=n, **options) for n in (1, 3))
    assert [fitted.mixture for fitted in one] == [fitted.mixture for fitted in three]


def test_a_constant_column_is_one_component():
    X = np.column_stack([np.full(50, 3.0), np.random.default_rng(0).normal(size=50)])
    constant, _ = fit_columns(X, 3, prior=DirichletProcess(), random_state=0)
    np.testing.assert_allclose(constant.mixture.means, 3.0, atol=1e-6)
    assert np.isfinite(constant.trace).all()


def test_bad_columns():
    X = table()
    X[3:, 2] = np.nan
    with pytest.raises(ValueError, match="X column 2 has 3 numbers, fewer than n_components, 4"):
        fit_columns(X, 4)
    with pytest.raises(ValueError, match="n_components is 0"):
        fit_columns(X, 0)
    with pytest.raises(ValueError, match="n_threads is 0"):
        fit_columns(X, 2, n_threads=0)


def test_progress_counts_columns(capsys):
    pytest.importorskip("tqdm")
    fit_columns(table(), 2, progress=True, random_state=0)
    assert "columns" in capsys.readouterr().err


def test_it_is_public():
    assert fastem.fit_columns is fit_columns
