"""What must hold for any data (Hypothesis)."""

import hypothesis.extra.numpy as arrays
import numpy as np
import oracle
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import fastem

TYPES = oracle.COVARIANCE_TYPES
kinds = st.sampled_from(TYPES)
seeds = st.integers(0, 2**32 - 1)
quick = settings(max_examples=25, deadline=None)


def problem(seed, kind, n=120, K=3, D=2):
    """Rows on a grid of 1/1024, which moves and scales without rounding, and a start."""
    rng = np.random.default_rng(seed)
    truth = oracle.random_mixture(rng, K, D, kind)
    X, _ = oracle.sample(rng, n, *truth, kind)
    return np.rint(X * 1024) / 1024, oracle.random_mixture(rng, K, D, kind), rng


def steps(X, start, kind, **more):
    options = {"accelerate": False, "tol": 0, "reg_covar": 0, "max_iter": 4} | more
    return fastem.fit(
        X,
        len(start.weights),
        covariance_type=kind,
        weights_init=start.weights,
        means_init=start.means,
        covariances_init=start.covariances,
        **options,
    )


def assert_same(one, other, rtol=1e-7, atol=1e-9):
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=rtol, atol=atol)


@quick
@given(seeds, kinds)
def test_permuting_components_permutes_the_result(seed, kind):
    X, start, rng = problem(seed, kind)
    order = rng.permutation(3)
    covariances = start.covariances if kind == "tied" else start.covariances[order]
    permuted = oracle.Parameters(start.weights[order], start.means[order], covariances)
    one, other = steps(X, start, kind), steps(X, permuted, kind)
    assert other.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-10)
    np.testing.assert_allclose(other.mixture.means, one.mixture.means[order], rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(order[other.mixture.predict(X)], one.mixture.predict(X))


@quick
@given(seeds, kinds)
def test_permuting_rows_changes_nothing_but_rounding(seed, kind):
    X, start, rng = problem(seed, kind)
    order = rng.permutation(len(X))
    assert_same(
        steps(X[order], start, kind).mixture._parameters, steps(X, start, kind).mixture._parameters
    )


@quick
@given(seeds, kinds, st.integers(-(2**20), 2**20))
def test_moving_the_data_moves_the_means_alone(seed, kind, offset):
    X, start, _ = problem(seed, kind)
    moved = start._replace(means=start.means + offset)
    one, other = steps(X, start, kind), steps(X + offset, moved, kind)
    assert other.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-8)
    np.testing.assert_allclose(other.mixture.means - offset, one.mixture.means, atol=1e-6)
    np.testing.assert_array_equal(other.mixture.predict(X + offset), one.mixture.predict(X))


@quick
@given(seeds, kinds, st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_scaling_columns_scales_the_result(seed, kind, a, b):
    X, start, _ = problem(seed, kind)
    scale = np.array([a, a if kind == "spherical" else b])
    factor = {"diag": scale**2, "spherical": a**2}.get(kind, np.outer(scale, scale))
    scaled = start._replace(means=start.means * scale, covariances=start.covariances * factor)
    one, other = steps(X, start, kind), steps(X * scale, scaled, kind)
    # Where a component collapses, the floor on variances decides: it is relative to powers of two.
    assume(np.linalg.eigvalsh(one.mixture.full_covariances).min() > 1e-6)
    jacobian = len(X) * np.log(scale).sum()
    assert other.log_likelihood + jacobian == pytest.approx(one.log_likelihood, rel=1e-8)
    np.testing.assert_allclose(other.mixture.means / scale, one.mixture.means, rtol=1e-6, atol=1e-8)
    np.testing.assert_array_equal(other.mixture.predict(X * scale), one.mixture.predict(X))


@quick
@given(seeds, kinds)
def test_a_weight_is_a_number_of_rows(seed, kind):
    """Weight 2 is the row twice, weight 0 an absent row."""
    X, start, rng = problem(seed, kind)
    weight = rng.integers(0, 4, len(X))
    weighted = steps(X, start, kind, sample_weight=weight)
    repeated = steps(np.repeat(X, weight, axis=0), start, kind)
    assert_same(weighted.mixture._parameters, repeated.mixture._parameters)
    assert weighted.log_likelihood == pytest.approx(repeated.log_likelihood, rel=1e-10)
    assert weighted.bic() == pytest.approx(repeated.bic(), rel=1e-10)
    assert weighted.icl() == pytest.approx(repeated.icl(), rel=1e-8)


@quick
@given(seeds, kinds, st.floats(1e-200, 1e200))
def test_a_common_factor_of_the_weights_scales_the_likelihood_alone(seed, kind, factor):
    X, start, rng = problem(seed, kind)
    weight = rng.uniform(0.1, 2.0, len(X))
    one = steps(X, start, kind, sample_weight=weight)
    other = steps(X, start, kind, sample_weight=weight * factor)
    assert_same(one.mixture._parameters, other.mixture._parameters)
    assert other.log_likelihood == pytest.approx(one.log_likelihood * factor, rel=1e-9)


@quick
@given(seeds, kinds, st.booleans(), st.sampled_from([np.float64, np.float32]))
def test_the_likelihood_never_falls(seed, kind, accelerate, dtype):
    X, start, rng = problem(seed, kind)
    weight = rng.uniform(0.1, 2.0, len(X))
    fitted = steps(
        X.astype(dtype), start, kind, sample_weight=weight, accelerate=accelerate, max_iter=40
    )
    slack = 8 * np.finfo(dtype).eps * (1 + np.abs(fitted.trace).max())
    if np.linalg.eigvalsh(fitted.mixture.full_covariances).min() > 1e-3:
        assert np.diff(fitted.trace).min() >= -slack


@quick
@given(seeds, kinds, st.sampled_from([np.float64, np.float32]), st.floats(0, 1e3))
def test_responsibilities_sum_to_1_and_predict_is_the_largest(seed, kind, dtype, spread):
    X, start, _ = problem(seed, kind)
    mixture = fastem.Mixture(*start, kind)
    rows = (X * spread).astype(dtype)
    resp = mixture.responsibilities(rows)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(resp.sum(axis=1), 1, atol=8 * eps)
    assert (resp >= 0).all()
    chosen = resp[np.arange(len(X)), mixture.predict(rows)]
    np.testing.assert_allclose(chosen, resp.max(axis=1), atol=8 * eps)


@quick
@given(seeds, kinds, st.integers(1, 119))
def test_summaries_of_two_parts_add_up_to_that_of_the_whole(seed, kind, cut):
    X, start, rng = problem(seed, kind)
    weight = rng.uniform(0.1, 2.0, len(X))
    mixture = fastem.Mixture(*start, kind)
    whole = mixture.summarise(X, weight)
    head, tail = mixture.summarise(X[:cut], weight[:cut]), mixture.summarise(X[cut:], weight[cut:])
    for total in head + tail, tail + head:
        for name in (
            "n_rows",
            "log_likelihood",
            "classification_entropy",
            "counts",
            "first",
            "second",
        ):
            np.testing.assert_allclose(
                getattr(total, name), getattr(whole, name), rtol=1e-9, atol=1e-9, err_msg=name
            )


values = st.one_of(
    st.floats(-1e6, 1e6, width=32), st.sampled_from([0.0, 1.0, -1.0, 1e-30, 1e12, 5e-324])
)


@settings(max_examples=80, deadline=None)
@given(
    arrays.arrays(np.float64, st.tuples(st.integers(1, 30), st.integers(1, 4)), elements=values),
    st.integers(1, 6),
    kinds,
    st.sampled_from(["k-means++", "random", "random-subsets", "hierarchical"]),
)
def test_any_finite_data_gives_a_valid_mixture_or_a_clear_refusal(X, K, kind, init):
    try:
        fitted = fastem.fit(
            X, K, covariance_type=kind, init=init, n_init=2, max_iter=50, random_state=0
        )
    except ValueError as error:
        if len(X) < K and "n_components" in str(error):
            return
        if "whose squares float64 cannot hold" in str(error):
            return
        raise
    fastem.Mixture(*fitted.mixture._parameters, kind)
    assert np.isfinite(fitted.log_likelihood)
    assert np.isfinite(fitted.trace).all()
    np.testing.assert_allclose(fitted.mixture.responsibilities(X).sum(axis=1), 1, atol=1e-9)


@quick
@given(seeds, kinds, st.integers(1, 5))
def test_saving_and_loading_is_the_identity(tmp_path_factory, seed, kind, K):
    rng = np.random.default_rng(seed)
    mixture = fastem.Mixture(*oracle.random_mixture(rng, K, 3, kind), kind)
    path = tmp_path_factory.mktemp("models") / "model.npz"
    mixture.save(path)
    again = fastem.Mixture.load(path)
    assert again == mixture
    assert hash(again) == hash(mixture)
