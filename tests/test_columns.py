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
        patch.setattr("fastem.em.workspace.Workspace.of", lambda *_: None)
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


HOSTILE = {
    "constant": lambda rng, n: np.full(n, 7.0),
    "ties": lambda rng, n: rng.integers(0, 5, n).astype(float),
    "two values": lambda rng, n: rng.choice([0.0, 1.0], n),
    "large": lambda rng, n: 1e150 * rng.normal(size=n),
    "small": lambda rng, n: 1e-150 * rng.normal(size=n),
    "far": lambda rng, n: 1e8 + rng.normal(size=n),
    "an outlier": lambda rng, n: np.r_[rng.normal(size=n - 1), 1e10],
    "mostly missing": lambda rng, n: np.r_[rng.normal(size=5), np.full(n - 5, np.nan)],
}


@pytest.mark.parametrize("prior", [False, DirichletProcess(1e-3), NormalWishart()])
def test_every_column_of_finite_numbers_has_an_answer(prior):
    rng, n = np.random.default_rng(0), 300
    X = np.stack([make(rng, n) for make in HOSTILE.values()], axis=1)
    fits = fit_columns(X, 5, prior=prior, random_state=0)
    for fitted, column in zip(fits, X.T, strict=True):
        present = column[~np.isnan(column)]
        assert fitted.n_samples == len(present)
        mean = fitted.mixture.weights @ fitted.mixture.means[:, 0]
        assert_allclose(mean, present.mean(), rtol=1e-9, atol=0.2 * present.std())
        assert np.isfinite(fitted.log_likelihood)
    names = list(HOSTILE)
    collapsed = fits[names.index("constant")].status
    assert "every component is singular" in collapsed.text


def test_all_wrong_columns_are_named_together_before_any_is_fitted():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(table(), columns=["a", "b", "c"])
    frame["none"], frame["far"], frame["flag"] = np.nan, np.inf, frame["a"] > 0
    said = r"X column 3 \(none\) has 0 numbers, .*, column 4 \(far\) holds infinity; leave"
    with pytest.raises(ValueError, match=said):
        fit_columns(frame, 2)
    assert len(fit_columns(frame[["a", "flag"]], 2, random_state=0)) == 2
    with pytest.raises(TypeError, match="X column 'b' holds 'x'"):
        fit_columns(frame[["a"]].assign(b="x"), 2)
    with pytest.raises(ValueError, match=r"column 4 has 0 numbers.* and 15 more such columns; "):
        fit_columns(np.full((9, 20), np.nan), 2)


@pytest.mark.parametrize("factor", [1e306, 1e-310])
def test_a_column_whose_squares_float64_cannot_hold_is_named(factor):
    X = table() * [1.0, 1.0, factor]
    with pytest.raises(ValueError, match=r"X column 2: X has a spread of .*; multiply it by"):
        fit_columns(X, 2)


def test_a_constant_column_has_no_scale_for_the_conjugate_prior():
    X = table()
    X[:, 0] = 3.0
    with pytest.raises(ValueError, match=r"X column 0: prior=True takes its scale from .* all 0"):
        fit_columns(X, 2, prior=True)
