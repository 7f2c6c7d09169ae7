"""Held parameters, against brute-force EM in NumPy and SciPy."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from oracle import COVARIANCE_TYPES, log_likelihood, random_mixture, responsibilities, sample

import fastem
from fastem.covariance import FAMILIES

FIELDS = "weights", "means", "covariances"
MASKS = {
    "means": {"means": [True, False, True]},
    "weights": {"weights": [False, True, False]},
    "all": {"means": [True, False, False], "weights": [True, True, False]},
    "covariances": {"covariances": True, "means": [False, False, True]},
}
SEPARATE = [name for name, family in FAMILIES.items() if family.separate and name != "V"]
OTHERS = [n for n, family in FAMILIES.items() if not family.separate and n != "E"]


def problem(covariance_type="full", n=400, D=2, seed=0):
    rng = np.random.default_rng(seed)
    X, _ = sample(rng, n, *random_mixture(rng, 3, D, covariance_type, spread=2.0), covariance_type)
    start = random_mixture(rng, 3, D, covariance_type, spread=2.0)
    return X, start


def inits(start):
    return {f"{n}_init": v for n, v in zip(("weights", "means", "covariances"), start, strict=True)}


def spread_of(covariance_type, outer, counts):
    """A family's covariances from the scatter matrices of components."""
    own = outer / counts[:, None, None]
    squares = np.diagonal(own, axis1=1, axis2=2)
    match covariance_type:
        case "full":
            return own
        case "tied":
            return outer.sum(axis=0) / counts.sum()
        case "diag":
            return squares
    return squares.mean(axis=1)


def held_em(X, start, covariance_type, fixed, n_iter, sample_weight=None):
    """EM row by row in which masks say what keeps its value."""
    weight = np.ones(len(X)) if sample_weight is None else sample_weight
    masks = {name: np.broadcast_to(fixed.get(name, False), 3) for name in FIELDS}
    (first_w, first_m, first_c), (w, m, c) = start, start
    for _ in range(n_iter):
        resp = weight[:, None] * responsibilities(X, w, m, c, covariance_type)
        counts = resp.sum(axis=0)
        free = ~masks["weights"]
        w = np.where(free, 0.0, first_w)
        w[free] = (1 - w.sum()) * counts[free] / counts[free].sum()
        m = np.where(masks["means"][:, None], first_m, resp.T @ X / counts[:, None])
        outer = np.array([(resp[:, k, None] * (X - m[k])).T @ (X - m[k]) for k in range(3)])
        found = spread_of(covariance_type, outer, counts)
        mask = masks["covariances"]
        if mask.all():
            c = first_c
        elif mask.any():
            c = np.where(mask.reshape((-1,) + (1,) * (found.ndim - 1)), first_c, found)
        else:
            c = found
    return w, m, c


def plain(X, start, covariance_type, fixed, n_iter, **more):
    options = {"accelerate": False, "tol": 0, "max_iter": n_iter}
    given = {"covariance_type": covariance_type, "fixed": fixed, **inits(start)}
    return fastem.fit(X, 3, **given, **options, **more)


def assert_parameters(mixture, expected, rtol=1e-9):
    for mine, theirs in zip(
        (mixture.weights, mixture.means, mixture.covariances), expected, strict=True
    ):
        assert_allclose(mine, theirs, rtol=rtol, atol=1e-11)


@pytest.mark.parametrize("fixed", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
@pytest.mark.parametrize("weighted", [False, True])
def test_steps_are_those_of_brute_force(covariance_type, fixed, weighted):
    X, start = problem(covariance_type)
    weight = np.random.default_rng(1).exponential(size=len(X)) if weighted else None
    found = plain(X, start, covariance_type, fixed, 7, sample_weight=weight)
    assert_parameters(found.mixture, held_em(X, start, covariance_type, fixed, 7, weight))
    expected = log_likelihood(
        X,
        found.mixture.weights,
        found.mixture.means,
        found.mixture.covariances,
        covariance_type,
        weight,
    )
    assert found.log_likelihood == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("covariance_type", ["full", "diag", "spherical"])
def test_single_covariances_are_held(covariance_type):
    X, start = problem(covariance_type)
    fixed = {"covariances": [True, False, True], "means": [True, False, False]}
    found = plain(X, start, covariance_type, fixed, 6)
    assert_parameters(found.mixture, held_em(X, start, covariance_type, fixed, 6))


def assert_held(mixture, start, fixed):
    for name, value in zip(FIELDS, start, strict=True):
        mask = np.broadcast_to(fixed.get(name, False), 3)
        own = getattr(mixture, name)
        if len(own) == len(mask):
            assert_array_equal(own[mask], np.asarray(value)[mask])
        elif mask.all():
            assert_array_equal(own, value)


@pytest.mark.parametrize("covariance_type", SEPARATE + OTHERS)
def test_every_family_holds_to_the_bit_and_never_falls(covariance_type):
    X, start = problem("spherical", D=3)
    weights, means, variances = start
    family = FAMILIES[covariance_type]
    full = np.full(3, variances.mean())[:, None, None] * np.eye(3)
    shape = family.shape(3, 3)
    spread = {(3,): full[:, 0, 0], (3, 3): full[:, [0, 1, 2], [0, 1, 2]]}.get(shape, full)
    if family.shared and not family.diagonal:
        spread = full[0]
    start = weights, means, spread
    some = {"means": [True, False, False], "weights": [True, False, False]}
    each = [some, {**some, "covariances": True}]
    if family.separate or family.conform is not None:
        each.append({**some, "covariances": [True, False, False]})
    for fixed in each:
        named = {"covariance_type": covariance_type, "fixed": fixed, **inits(start)}
        for accelerate in False, True:
            found = fastem.fit(X, 3, accelerate=accelerate, **named)
            assert_held(found.mixture, start, fixed)
            assert (np.diff(found.trace) >= -1e-10).all()
            assert found.converged


SHARING = [name for name, family in FAMILIES.items() if family.conform is not None]


@pytest.mark.parametrize("name", SHARING)
def test_others_share_what_held_covariances_say(name):
    """Oracle: the expected log-likelihood of other members of the family beside those held."""
    rng, family = np.random.default_rng(0), FAMILIES[name]

    def spreads(n):
        A = rng.normal(size=(n, 3, 5))
        found = A @ A.swapaxes(1, 2) / 5
        return np.diagonal(found, axis1=1, axis2=2).copy() if family.diagonal else found

    def level(own, found):
        if family.diagonal:
            return -0.5 * (np.log(found) + own / found).sum(axis=1)
        inner = np.trace(np.linalg.solve(found, own), axis1=1, axis2=2)
        return -0.5 * (np.linalg.slogdet(found)[1] + inner)

    own, held = spreads(4), spreads(1)
    best = family.conform(own, held)
    assert_allclose(family.conform(best, held), best, rtol=1e-9, atol=1e-12)
    assert_allclose(family.conform(held, held), held, rtol=1e-9, atol=1e-12)
    for size in 1e-3, 0.3:
        for _ in range(20):
            other = family.conform(own + size * spreads(4), held)
            assert (level(own, other) <= level(own, best) + 1e-12).all()


@pytest.mark.parametrize("name", SHARING)
def test_what_is_shared_is_held_and_counted(name):
    X, (weights, means, _) = problem(D=3)
    family = FAMILIES[name]
    turned = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    one = np.array([4.0, 1.0, 0.5]) if family.diagonal else turned * [4.0, 1.0, 0.5] @ turned.T
    spread = np.stack([one] * 3)
    mask = [True, False, False]
    named = {"covariance_type": name, **inits((weights, means, spread))}
    found = fastem.fit(X, 3, fixed={"covariances": mask}, **named)
    assert_array_equal(found.mixture.covariances[0], one)
    again = family.conform(found.mixture.covariances, spread[:1])
    assert_allclose(again, found.mixture.covariances, rtol=1e-7, atol=1e-9)
    alone, both = (family.n_covariance_parameters(K, 3) for K in (1, 2))
    assert found.n_parameters == 2 + 9 + 2 * (both - alone)
    with pytest.raises(ValueError, match=r"together with prior; hold all"):
        fastem.fit(X, 3, fixed={"covariances": mask}, prior=True, **named)
    spread[1] = np.linalg.inv(one + 0.3) if one.ndim == 2 else 1 / (one + 0.3)
    named["covariances_init"] = spread
    with pytest.raises(ValueError, match="do not share what those of covariance_type"):
        fastem.fit(X, 3, fixed={"covariances": [True, True, False]}, **named)


def test_weights_of_a_mixture_are_held_to_the_bit():
    """Though they sum to 1 but for rounding."""
    X, (_, means, covariances) = problem()
    weights = np.array([0.2, 0.7, 0.1])
    assert weights.sum() != 1
    start = fastem.Mixture(weights, means, covariances)
    for mask in [True, False, False], [True, False, True], True:
        found = fastem.fit(X, start=start, fixed={"weights": mask}, max_iter=3)
        assert_held(found.mixture, (weights, means, covariances), {"weights": mask})


def test_accelerated_fits_end_where_plain_ones_do():
    X, start = problem()
    fixed = {"means": [True, False, False], "weights": [False, True, False]}
    named = {"fixed": fixed, "tol": 1e-12, "max_iter": 20_000, **inits(start)}
    fast, slow = (fastem.fit(X, 3, accelerate=a, **named) for a in (True, False))
    assert fast.log_likelihood == pytest.approx(slow.log_likelihood, rel=1e-9)
    assert_allclose(fast.mixture.means, slow.mixture.means, atol=1e-3)
    assert_held(fast.mixture, start, fixed)


def test_criteria_count_what_is_free():
    X, start = problem()
    named = inits(start)
    # 2 weights, 6 coordinates of means and 9 numbers of covariances in all.
    for fixed, n_free in (
        ({}, 17),
        ({"means": [True, False, True]}, 13),
        ({"means": True}, 11),
        ({"weights": [True, False, False]}, 16),
        ({"weights": [True, True, False]}, 15),
        ({"weights": True}, 15),
        ({"covariances": [True, False, False]}, 14),
        ({"covariances": True}, 8),
        ({"covariances": True, "means": True, "weights": True}, 0),
    ):
        found = fastem.fit(X, 3, fixed=fixed, max_iter=5, **named)
        assert found.n_parameters == n_free
        assert found.bic() == pytest.approx(n_free * np.log(400) - 2 * found.log_likelihood)
        assert found.aic() == pytest.approx(2 * n_free - 2 * found.log_likelihood)
        assert f"with {n_free} parameters" in str(found.summary())


def test_the_end_is_a_constrained_maximum():
    """No small change of what is free has a higher likelihood."""
    X, start = problem("diag")
    fixed = {"means": [True, False, False], "covariances": [True, False, False]}
    named = {"covariance_type": "diag", "fixed": fixed, "tol": 1e-13, "max_iter": 20_000}
    mixture = fastem.fit(X, 3, **named, **inits(start)).mixture
    best = log_likelihood(X, mixture.weights, mixture.means, mixture.covariances, "diag")
    for k, d in [(1, 0), (1, 1), (2, 0), (2, 1)]:
        for step in (-1e-3, 1e-3):
            means, spread = mixture.means.copy(), mixture.covariances.copy()
            means[k, d] += step
            assert log_likelihood(X, mixture.weights, means, spread, "diag") < best
            spread[k, d] *= 1 + step
            assert log_likelihood(X, mixture.weights, mixture.means, spread, "diag") < best


def test_rows_that_lack_columns():
    X, start = problem()
    rng = np.random.default_rng(2)
    X = np.where(rng.random(X.shape) < 0.2, np.nan, X)
    X = X[~np.isnan(X).all(axis=1)]
    fixed = {"means": [True, False, False], "covariances": [False, True, False]}
    found = fastem.fit(X, 3, fixed=fixed, missing="mar", **inits(start))
    assert_held(found.mixture, start, fixed)
    assert (np.diff(found.trace) >= -1e-10).all()
    free = fastem.fit(X, 3, missing="mar", max_iter=200, **inits(start))
    assert found.log_likelihood < free.log_likelihood


def test_rows_on_disk_give_the_same_bits(tmp_path):
    X, start = problem(n=3000)
    np.save(tmp_path / "rows.npy", X)
    named = {"fixed": {"means": [True, False, False], "weights": [True, False, False]}}
    named |= inits(start)
    memory, disk = fastem.fit(X, 3, **named), fastem.fit(tmp_path / "rows.npy", 3, **named)
    assert memory.mixture == disk.mixture
    assert memory.bic() == disk.bic()


def test_float32_and_offsets_keep_the_bits():
    X, (weights, means, covariances) = problem()
    means = means + 1e8 + 1 / 3
    fixed = {"means": [True, False, True], "covariances": [True, False, False]}
    start = weights, means, covariances / 3
    for rows in X + 1e8, (X + 1e8).astype(np.float32):
        found = fastem.fit(rows, 3, fixed=fixed, **inits(start))
        assert_held(found.mixture, start, fixed)


def test_a_checkpoint_goes_on_to_the_same_bits_and_knows_what_is_held(tmp_path):
    X, start = problem()
    named = {"fixed": {"means": [True, False, False]}, **inits(start)}
    whole = fastem.fit(X, 3, **named)
    path = tmp_path / "fit.npz"
    fastem.fit(X, 3, checkpoint=path, callback=lambda told: told.n_iter > 3, **named)
    assert fastem.fit(X, 3, checkpoint=path, **named).mixture == whole.mixture
    named["fixed"] = {"means": [False, True, False]}
    with pytest.raises(ValueError, match="fixed was weights of"):
        fastem.fit(X, 3, checkpoint=path, **named)


def test_beside_noise_weights_are_shares_of_the_other_rows():
    X, start = problem()
    rng = np.random.default_rng(3)
    X = np.concatenate([X, rng.uniform(-30, 30, (60, 2))])
    fixed = {"weights": [True, False, False], "means": [True, False, False]}
    found = fastem.fit(X, 3, fixed=fixed, noise=True, **inits(start))
    mixture = found.mixture
    assert mixture.weights[0] / mixture.weights.sum() == pytest.approx(start[0][0], rel=1e-12)
    assert_array_equal(mixture.means[0], start[1][0])
    assert (np.diff(found.trace) >= -1e-10).all()


def log_posterior(X, mixture, family):
    """Of a full family under Fraley and Raftery's prior, but for a constant."""
    K, D = mixture.means.shape
    mean, spread = X.mean(axis=0), np.cov(X.T) / K ** (2 / D)
    level = log_likelihood(X, mixture.weights, mixture.means, mixture.covariances)
    for mu, sigma in zip(mixture.means, mixture.covariances, strict=True):
        inverse = np.linalg.inv(sigma)
        delta = mu - mean
        level -= 0.5 * (1 + D + 2 + D + 1) * np.linalg.slogdet(sigma)[1]
        level -= 0.5 * (np.trace(spread @ inverse) + 0.01 * delta @ inverse @ delta)
    return level


def test_a_prior_holds_means_at_a_constrained_mode():
    X, start = problem(n=60)
    fixed = {"means": [True, False, False]}
    named = {"fixed": fixed, "prior": True, "tol": 1e-13, "max_iter": 20_000, **inits(start)}
    found = fastem.fit(X, 3, **named)
    assert_held(found.mixture, start, fixed)
    assert (np.diff(found.trace) >= -1e-10).all()
    best = log_posterior(X, found.mixture, "full")
    for k in range(3):
        for step in (-1e-3, 1e-3):
            covariances = found.mixture.covariances.copy()
            covariances[k] *= 1 + step
            changed = fastem.Mixture(found.mixture.weights, found.mixture.means, covariances)
            assert log_posterior(X, changed, "full") < best


def test_labels_and_held_means():
    X, start = problem()
    labels = np.full(len(X), -1)
    labels[:20] = responsibilities(X[:20], *start).argmax(axis=1)
    fixed = {"means": [True, False, False]}
    found = fastem.fit(X, 3, fixed=fixed, labels=labels, **inits(start))
    assert_held(found.mixture, start, fixed)
    assert (np.diff(found.trace) >= -1e-10).all()


def test_covariances_that_are_not_given_come_from_the_rows():
    X, start = problem()
    found = fastem.fit(X, 3, means_init=start[1], fixed={"means": True})
    assert_array_equal(found.mixture.means, start[1])


def test_what_is_held_is_no_collapse():
    """A template far narrower than the data, on one row."""
    X, _ = problem()
    means = np.stack([X[0], [0, 0], [5, 5]])
    spread = np.stack([np.eye(2) * 1e-8, np.eye(2), np.eye(2)])
    named = {"means_init": means, "covariances_init": spread, "weights_init": [0.1, 0.4, 0.5]}
    mask = [True, False, False]
    found = fastem.fit(X, 3, fixed={"means": mask, "covariances": mask}, **named)
    assert found.status.code == "converged"


@pytest.mark.parametrize(
    ("fixed", "error", "said"),
    [
        ([True], TypeError, r"fixed is \[True\]; give a dict"),
        ({"mean": True}, ValueError, "fixed holds 'mean'; use 'weights', 'means', 'covariances'"),
        ({"means": [1, 0, 0]}, TypeError, r"fixed\['means'\] is \[1, 0, 0\]; give True"),
        ({"means": [True]}, ValueError, r"fixed\['means'\] has shape \(1,\); give"),
        ({"covariances": [True, False, False]}, ValueError, "are one; hold all of them"),
    ],
)
def test_bad_input(fixed, error, said):
    X, start = problem("tied")
    with pytest.raises(error, match=said):
        fastem.fit(X, 3, covariance_type="tied", fixed=fixed, **inits(start))


def test_a_start_is_needed():
    X, (weights, means, _) = problem()
    with pytest.raises(ValueError, match="fixed holds means, but means_init is not given; give"):
        fastem.fit(X, 3, fixed={"means": True})
    with pytest.raises(ValueError, match="fixed holds weights, but means_init is not given"):
        fastem.fit(X, 3, fixed={"weights": True}, weights_init=weights)
    with pytest.raises(ValueError, match="fixed holds covariances, but covariances_init is not"):
        fastem.fit(X, 3, fixed={"covariances": True}, means_init=means)


def test_what_variational_fits_and_bootstraps_do_not_hold():
    X, start = problem()
    with pytest.raises(ValueError, match=r"fixed holds weights together with prior=Dirichlet"):
        fastem.fit(X, 3, fixed={"weights": True}, prior=fastem.DirichletProcess(), **inits(start))
    found = fastem.fit(X, 3, fixed={"means": True}, **inits(start))
    with pytest.raises(ValueError, match="fit was made with fixed parameters; "):
        fastem.bootstrap(found, X, 10)
