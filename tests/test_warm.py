"""Fits that go on from a mixture and the moments of rows seen, against fits of all rows."""

import numpy as np
import pytest
from noisy import clusters_and_noise
from numpy.testing import assert_allclose

import fastem
from fastem.covariance import FAMILIES


def rows(n=600, seed=0, D=2):
    rng = np.random.default_rng(seed)
    return rng.normal(4.0 * rng.integers(3, size=(n, 1)), 1.0, (n, D)) * np.arange(1, D + 1)


def begun(X, covariance_type="full", **more):
    return fastem.fit(X, 3, covariance_type=covariance_type, max_iter=3, random_state=0, **more)


PLAIN = {"accelerate": False, "tol": 0}
SKIPPED = "E", "V"


def assert_same(one, other, rtol=1e-10):
    for name in "weights", "means", "covariances":
        mine, theirs = getattr(one, name), getattr(other, name)
        assert_allclose(mine, theirs, rtol=rtol, atol=rtol * np.abs(theirs).max())


@pytest.mark.parametrize("name", [name for name in FAMILIES if name not in SKIPPED])
def test_one_pass_is_that_of_both(name):
    old, new = rows(seed=0), rows(150, seed=1)
    start = begun(old, name).mixture
    found = fastem.fit(new, start=start, seen=start.summarise(old), max_iter=1, **PLAIN)
    both = fastem.fit(np.concatenate([old, new]), start=start, max_iter=1, **PLAIN)
    assert_same(found.mixture, both.mixture)
    assert found.n_samples == 750
    assert found.trace[0] == pytest.approx(both.trace[0], rel=1e-12)
    assert found.mixture.covariance_type == name


def test_the_level_is_a_lower_bound_that_never_falls():
    old, new = rows(seed=0), rows(150, seed=1)
    start = begun(old).mixture
    for accelerate in False, True:
        found = fastem.fit(new, start=start, seen=start.summarise(old), accelerate=accelerate)
        assert found.converged
        assert (np.diff(found.trace) >= -1e-12).all()
        exact = found.mixture.log_prob(np.concatenate([old, new])).sum()
        assert found.log_likelihood < exact + 1e-9
        assert exact > start.log_prob(np.concatenate([old, new])).sum()


def test_from_a_maximum_little_is_left_to_a_fit_of_all_rows():
    old, new = rows(3000, seed=0), rows(1000, seed=1)
    start = fastem.fit(old, 3, random_state=0).mixture
    found = fastem.fit(new, start=start, seen=start.summarise(old)).mixture
    both = np.concatenate([old, new])
    end = fastem.fit(both, start=start).mixture
    gained = [m.log_prob(both).mean() for m in (start, found, end)]
    assert gained[1] - gained[0] > 0.9 * (gained[2] - gained[0])


def test_without_new_evidence_a_maximum_stays():
    """The rows seen, and one of weight 1e-9 more."""
    old = rows(seed=0)
    start = fastem.fit(old, 3, random_state=0, tol=1e-12).mixture
    found = fastem.fit(old[:1], start=start, seen=start.summarise(old), sample_weight=[1e-9])
    assert_same(found.mixture, start, rtol=1e-4)


def test_a_start_alone():
    X = rows()
    start = begun(X, "diag")
    given = {f"{name}_init": getattr(start.mixture, name) for name in ("weights", "means")}
    given["covariances_init"] = start.mixture.covariances
    one = fastem.fit(X, start=start)
    assert one.mixture == fastem.fit(X, 3, covariance_type="diag", **given).mixture
    assert one.mixture == fastem.fit(X, 3, covariance_type="diag", start=start.mixture).mixture


def test_weights_and_single_precision():
    old, new = rows(seed=0), rows(150, seed=1)
    v, w = np.random.default_rng(2).exponential(size=600), np.full(150, 3.0)
    start = begun(old).mixture
    both = np.concatenate([old, new])
    all_rows = {"sample_weight": np.concatenate([v, w]), "start": start, "max_iter": 1, **PLAIN}
    expected = fastem.fit(both, **all_rows)
    named = {"sample_weight": w, "start": start, "max_iter": 1, **PLAIN}
    found = fastem.fit(new, seen=start.summarise(old, v), **named)
    assert_same(found.mixture, expected.mixture)
    assert found.n_samples == pytest.approx(v.sum() + 450)
    single = start.summarise(old.astype(np.float32), v)
    found = fastem.fit(new.astype(np.float32), seen=single, **named)
    assert_same(found.mixture, expected.mixture, rtol=1e-4)


def test_noise_goes_on():
    X, _ = clusters_and_noise(0.2)
    rng = np.random.default_rng(0)
    X = X[rng.permutation(len(X))]
    start = fastem.fit(X, 3, noise=True, max_iter=3, random_state=0).mixture
    named = {"start": start, "max_iter": 1, **PLAIN}
    found = fastem.fit(X[:100], seen=start.summarise(X[100:]), **named)
    both = fastem.fit(X, **named)
    assert found.mixture.noise.weight == pytest.approx(both.mixture.noise.weight, rel=1e-10)
    assert_same(found.mixture, both.mixture)
    assert found.trace[0] == pytest.approx(both.trace[0], rel=1e-12)


def test_files_and_missing_values(tmp_path):
    old, new = rows(seed=0), rows(150, seed=1)
    start = begun(old).mixture
    seen = start.summarise(old)
    np.save(tmp_path / "new.npy", new)
    memory = fastem.fit(new, start=start, seen=seen)
    assert fastem.fit(tmp_path / "new.npy", start=start, seen=seen).mixture == memory.mixture
    new[::5, 1] = np.nan
    named = {"missing": "mar", "max_iter": 1, **PLAIN}
    found = fastem.fit(new, start=start, seen=seen, **named)
    both = fastem.fit(np.concatenate([old, new]), start=start, **named)
    assert_same(found.mixture, both.mixture, rtol=1e-9)


def test_far_from_the_origin_and_fewer_rows_than_components():
    old, new = rows(seed=0) + 1e8, rows(2, seed=1) + 1e8
    start = begun(old).mixture
    named = {"start": start, "max_iter": 1, **PLAIN}
    found = fastem.fit(new, seen=start.summarise(old), **named)
    both = fastem.fit(np.concatenate([old, new]), **named)
    assert_allclose(found.mixture.covariances, both.mixture.covariances, rtol=1e-6)
    assert found.status.code == "not converged"
    assert fastem.fit(new, start=start, seen=start.summarise(old)).converged


def test_what_is_held_stays_held():
    old, new = rows(seed=0), rows(150, seed=1)
    start = begun(old).mixture
    fixed = {"means": [True, False, False], "weights": [True, False, False]}
    found = fastem.fit(new, start=start, seen=start.summarise(old), fixed=fixed).mixture
    assert (found.means[0] == start.means[0]).all()
    assert found.weights[0] == start.weights[0]


def test_a_checkpoint_knows_what_was_seen(tmp_path):
    old, new, path = rows(seed=0), rows(150, seed=1), tmp_path / "fit.npz"
    start = begun(old).mixture
    named = {"start": start, "checkpoint": path}
    fastem.fit(new, seen=start.summarise(old), **named)
    with pytest.raises(ValueError, match="another fit: seen was"):
        fastem.fit(new, seen=start.summarise(old[1:]), **named)


def test_bad_input():
    X = rows()
    start = begun(X).mixture
    other = fastem.fit(X, 3, max_iter=1, random_state=1).mixture
    seen = start.summarise(X)
    for named, error, said in [
        ({"seen": seen}, ValueError, "seen is given without start; give"),
        ({"start": 3}, TypeError, "start is of type int; give"),
        ({"start": start, "seen": 3}, TypeError, "seen is of type int; give"),
        ({"start": start, "means_init": X[:3]}, ValueError, "together with means_init; leave"),
        ({"start": start, "n_components": 4}, ValueError, "n_components is 4 but start has 3"),
        ({"start": start, "covariance_type": "diag"}, ValueError, "is 'diag' but start has 'full'"),
        ({"start": start, "seen": seen, "noise": True}, ValueError, "noise, which is start's"),
        ({"start": start, "seen": other.summarise(X)}, ValueError, "about the means"),
        ({}, TypeError, "n_components is None"),
    ]:
        with pytest.raises(error, match=said):
            fastem.fit(X, **named)
    with pytest.raises(ValueError, match="3 columns"):
        fastem.fit(np.ones((5, 3)), start=start)


def test_names_must_agree():
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(rows(), columns=["a", "b"])
    start = begun(X).mixture
    with pytest.raises(ValueError, match="X has the columns in another order"):
        fastem.fit(X[["b", "a"]], start=start)


def test_noise_in_a_box_of_the_users():
    X, _ = clusters_and_noise(0.2)
    wide = fastem.Noise(0.1, [-100, -100], [100, 100])
    found = fastem.fit(X, 3, noise=wide, random_state=0).mixture
    assert (found.noise.low == wide.low).all()
    assert (found.noise.high == wide.high).all()
    own = fastem.fit(X, 3, noise=True, random_state=0).mixture
    assert found.noise.weight < own.noise.weight
    box = own.noise
    again = fastem.fit(X, 3, noise=box, random_state=0)
    assert again.mixture == own
    assert fastem.select(X, [3], noise=box, random_state=0).best.mixture == own
    with pytest.raises(ValueError, match="box of 2 dimensions but X has 3 columns; give"):
        fastem.fit(np.random.default_rng(0).normal(size=(50, 3)), 2, noise=wide)
    X[0, 0] = np.nan
    with pytest.raises(ValueError, match="rows with missing values do not take; give noise=True"):
        fastem.fit(X, 3, noise=wide, missing="mar")
