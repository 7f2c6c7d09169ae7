"""mclust's families: M steps against brute force, and what their letters promise."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

import fastem
from fastem.covariance import GROUPS, Bounds, family_by_name
from fastem.moments import Moments

DIAGONAL = "EII", "VII", "EEI", "VEI", "EVI", "VVI"
ELLIPSOIDAL = "EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV"
NAMES = DIAGONAL + ELLIPSOIDAL
ITERATIVE = "VEI", "VEE", "EVE", "VVE", "VEV"
DATA = Path(__file__).parents[1] / "data"

K, D = 3, 3
FREE = Bounds(np.zeros(D), 0.0)
every = pytest.mark.parametrize("name", NAMES)
#: How many of a kind of parameter there are: none, one for all components, one for each.
MANY = {"I": 0, "E": 1, "V": K}
seeds = pytest.mark.parametrize("seed", range(3))


def iris():
    return np.loadtxt(DATA / "iris.csv", delimiter=",", skiprows=1, usecols=range(4))


def random_moments(seed, diagonal, mixing=1.0):
    """Moments of three components whose scatters have little in common."""
    rng = np.random.default_rng(seed)
    counts = rng.uniform(20, 100, K)
    roots = np.eye(D) + mixing * rng.normal(size=(K, D, D))
    second = counts[:, None, None] * roots @ roots.swapaxes(1, 2)
    second = (second + second.swapaxes(1, 2)) / 2
    if diagonal:
        second = np.einsum("kdd->kd", second).copy()
    about = rng.normal(size=(K, D))
    return Moments(about, counts.sum(), 0.0, 0.0, counts, np.zeros((K, D)), second)


def moments_for(name, seed, mixing=1.0):
    return random_moments(seed, family_by_name(name).diagonal, mixing)


def expanded(parameters, name):
    return family_by_name(name).expand(parameters.covariances, K, D)


def loss(moments, covariances):
    """-2 / n times the expected log-likelihood but for constants (Celeux and Govaert 1995)."""
    second = moments.second
    if second.ndim == 2:
        second = second[:, :, None] * np.eye(D)
    log_dets = np.linalg.slogdet(covariances)[1]
    squares = np.einsum("kde,ked->", np.linalg.inv(covariances), second)
    return (moments.counts @ log_dets + squares) / moments.n_rows


# Against brute force ----------------------------------------------------------------------------


def built(theta, letters):
    """The covariances (K, D, D) of free parameters: log volumes, log shapes and rotations."""
    sizes = 1, D - 1, D * (D - 1) // 2
    parts = []
    for letter, size in zip(letters, sizes, strict=True):
        n = MANY[letter]
        taken, theta = theta[: n * size].reshape(n, size), theta[n * size :]
        parts.append(np.broadcast_to(taken if n else 0.0, (K, size)))
    volumes, shapes, turns = parts
    logs = volumes + np.column_stack([shapes, -shapes.sum(axis=1)])
    axes = Rotation.from_rotvec(turns.copy()).as_matrix()
    return (axes * np.exp(logs)[:, None]) @ axes.swapaxes(1, 2)


def n_free(letters):
    sizes = 1, D - 1, D * (D - 1) // 2
    return sum(MANY[letter] * size for letter, size in zip(letters, sizes, strict=True))


@every
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_maximise_is_the_best_that_brute_force_finds_in_the_family(name, seed):
    """Oracle: SciPy's BFGS over volumes, shapes and rotations, from several starts."""
    moments = moments_for(name, seed, mixing=0.4)
    rng = np.random.default_rng(seed)
    best = np.inf
    for _ in range(2):
        start = 0.3 * rng.normal(size=n_free(name))
        found = minimize(lambda theta: loss(moments, built(theta, name)), start, method="BFGS")
        best = min(best, found.fun)
    got = loss(moments, expanded(family_by_name(name).maximise(moments, FREE), name))
    assert got == pytest.approx(best, abs=1e-6)
    assert got <= best + 1e-9


@seeds
@pytest.mark.parametrize("above", [1.01, 1.5, 4.0])
def test_equal_volumes_above_a_floor_are_the_constrained_maximum(seed, above):
    """Oracle: SciPy's SLSQP over log variances of equal sums."""
    moments = moments_for("EVI", seed)
    logs = np.log(moments.second / moments.counts[:, None])
    floor = above * family_by_name("EVI").maximise(moments, FREE).covariances.min()

    def objective(free):
        x = free.reshape(K, D)
        return moments.counts @ (x + np.exp(logs - x)).sum(axis=1) / moments.n_rows

    equal = {"type": "eq", "fun": lambda free: np.diff(free.reshape(K, D).sum(axis=1))}
    found = minimize(
        objective,
        np.full(K * D, max(np.log(floor), 0.0) + 0.1),
        method="SLSQP",
        bounds=[(np.log(floor), None)] * (K * D),
        constraints=equal,
        options={"ftol": 1e-12, "maxiter": 1000},
    )
    assert found.success
    got = family_by_name("EVI").maximise(moments, Bounds(np.zeros(D), floor)).covariances
    assert got.min() >= floor * (1 - 1e-12)
    assert got.min() == pytest.approx(floor)
    assert objective(np.log(got).ravel()) == pytest.approx(found.fun, abs=1e-6)


# What the letters promise -----------------------------------------------------------------------


def assert_member(covariances, letters, rtol=1e-8):
    values = np.linalg.eigvalsh(covariances)
    volumes = np.exp(np.log(values).mean(axis=1))
    shapes = values / volumes[:, None]
    if letters[0] == "E":
        assert_allclose(volumes, volumes[0], rtol=rtol)
    if letters[1] == "I":
        assert_allclose(shapes, 1, rtol=rtol)
    if letters[1] == "E":
        assert_allclose(shapes, shapes[:1].repeat(len(shapes), axis=0), rtol=rtol)
    if letters[2] == "I":
        assert np.array_equal(covariances, covariances * np.eye(covariances.shape[-1]))
    if letters[2] == "E":
        for a, b in combinations(covariances, 2):
            assert_allclose(a @ b, b @ a, rtol=1e-7, atol=1e-7)


@every
@seeds
@pytest.mark.parametrize("floor", [0.0, 1e-10, 0.2, 1.0])
def test_covariances_are_of_the_family_and_above_the_floor(name, seed, floor):
    """Oracle: eigenvalues, in the same order where axes are shared, and commutators."""
    got = family_by_name(name).maximise(moments_for(name, seed), Bounds(np.zeros(D), floor))
    assert got.covariances.shape == family_by_name(name).shape(K, D)
    covariances = expanded(got, name)
    assert np.linalg.eigvalsh(covariances).min() >= floor * (1 - 1e-9)
    assert np.array_equal(covariances, covariances.swapaxes(1, 2))
    assert_member(covariances, name)


@seeds
def test_a_family_within_another_is_never_likelier(seed):
    """Oracle: the partial order of the letters, I within E within V."""
    order = "IEV".index
    losses = {}
    for name in NAMES:
        full = moments_for("VVV", seed, mixing=0.4)
        got = family_by_name(name).maximise(moments_for(name, seed, mixing=0.4), FREE)
        losses[name] = loss(full, expanded(got, name))
    n_pairs = 0
    for inner in NAMES:
        for outer in NAMES:
            if inner != outer and all(
                order(a) <= order(b) for a, b in zip(inner, outer, strict=True)
            ):
                assert losses[outer] <= losses[inner] + 1e-9, (inner, outer)
                n_pairs += 1
    assert n_pairs > 40


@every
def test_families_are_closed_under_column_scales_if_and_only_if_they_say_so(name):
    """Oracle: the M step of scaled rows."""
    kind = family_by_name(name)
    scale = np.array([1.0, 8.0, 0.25])
    moments = moments_for(name, 0)
    squares = scale * scale if kind.diagonal else np.outer(scale, scale)
    scaled = Moments(
        moments.about * scale, *(moments.n_rows, 0.0, 0.0), moments.counts, moments.first,
        moments.second * squares,
    )  # fmt: skip
    got = expanded(kind.maximise(scaled, FREE), name)
    expected = expanded(kind.maximise(moments, FREE), name) * np.outer(scale, scale)
    assert np.allclose(got, expected, rtol=1e-6, atol=1e-9) is kind.per_column


# The iteration ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ITERATIVE)
@pytest.mark.parametrize("floor", [0.0, 1e-10, 0.3])
@pytest.mark.parametrize("seed", range(8))
def test_an_iterative_m_step_is_never_worse_than_where_it_began(name, floor, seed):
    """Oracle: the expected log-likelihood at the start, another M step's feasible answer."""
    kind, bounds = family_by_name(name), Bounds(np.zeros(D), floor)
    start = kind.maximise(moments_for(name, 100 + seed), bounds)
    moments = moments_for(name, seed)
    got = kind.maximise(moments, bounds, start)
    before, after = loss(moments, expanded(start, name)), loss(moments, expanded(got, name))
    assert after <= before + 1e-9 * abs(before)
    for _ in range(12):  # a warm start saves iterations: what is left undone is soon made up for
        got = kind.maximise(moments, bounds, got)
        before, after = after, loss(moments, expanded(got, name))
        assert after <= before + 1e-8 * abs(before)
    assert after == pytest.approx(before, abs=1e-8)


@every
@pytest.mark.parametrize("accelerate", [False, True])
def test_the_likelihood_never_falls_in_a_whole_fit(name, accelerate):
    """Oracle: the trace; the accelerated fit ends no lower than the plain one."""
    start = fastem.fit(
        iris(), 3, covariance_type=name, n_init=1, random_state=1, max_iter=1, accelerate=False
    ).mixture
    fitted = fastem.fit(
        iris(),
        3,
        covariance_type=name,
        weights_init=start.weights,
        means_init=start.means,
        covariances_init=start.covariances,
        accelerate=accelerate,
        tol=1e-9,
        max_iter=5000,
    )
    assert fitted.status.code == "converged"
    assert (np.diff(fitted.trace) >= -1e-12 * np.abs(fitted.trace[1:])).all()
    assert_member(fitted.mixture.full_covariances, name)
    slow = fastem.fit(
        iris(),
        3,
        covariance_type=name,
        weights_init=fitted.mixture.weights,
        means_init=fitted.mixture.means,
        covariances_init=fitted.mixture.covariances,
        accelerate=False,
        tol=0,
        max_iter=50,
    )
    assert slow.trace[-1] - fitted.trace[-1] < 1e-7


# Names, counts and aliases ----------------------------------------------------------------------


def n_published(name, k, d):
    """Table 1 of Celeux and Govaert (1995), which mclust's nMclustParams agrees with."""
    alpha, beta = k * d + k - 1, d * (d + 1) // 2
    return (
        alpha
        + {
            "EEE": beta,
            "VEE": beta + k - 1,
            "EVE": beta + (k - 1) * (d - 1),
            "VVE": beta + (k - 1) * d,
            "EEV": k * beta - (k - 1) * d,
            "VEV": k * beta - (k - 1) * (d - 1),
            "EVV": k * beta - (k - 1),
            "VVV": k * beta,
            "EEI": d,
            "VEI": d + k - 1,
            "EVI": k * d - k + 1,
            "VVI": k * d,
            "EII": 1,
            "VII": k,
        }[name]
    )


@every
def test_parameters_are_as_many_as_published(name):
    for k in range(1, 6):
        for d in range(1, 6):
            assert family_by_name(name).n_parameters(k, d) == n_published(name, k, d)


@pytest.mark.parametrize(
    ("alias", "plain"), [("VVV", "full"), ("EEE", "tied"), ("VVI", "diag"), ("VII", "spherical")]
)
def test_aliases_fit_the_same_and_keep_their_name(alias, plain):
    """Oracle: the other name."""
    a, b = (fastem.fit(iris(), 3, covariance_type=n, random_state=0) for n in (alias, plain))
    assert a.mixture.covariance_type == alias
    assert np.array_equal(a.mixture.covariances, b.mixture.covariances)
    assert a.log_likelihood == b.log_likelihood


def test_words_stand_for_groups_of_families():
    assert {word: tuple(f.name for f in group) for word, group in GROUPS.items()} == {
        "mclust": NAMES,
        "diagonal": DIAGONAL,
        "ellipsoidal": ELLIPSOIDAL,
    }
    choice = fastem.select(iris(), 1, covariance_type=["full", "diagonal", "VVI"], random_state=0)
    assert [row.covariance_type for row in choice.table] == ["full", *DIAGONAL]
    with pytest.raises(ValueError, match=r"covariance_type is 'mclus'; use one of .*'mclust'"):
        fastem.select(iris(), 1, covariance_type="mclus")


def test_one_column_has_two_families():
    """Oracle: `tied` and `full`."""
    X = iris()[:, 2:3]
    choice = fastem.select(X, 2, covariance_type="mclust", random_state=0)
    plain = fastem.select(X, 2, covariance_type=["tied", "full"], random_state=0)
    assert [row.covariance_type for row in choice.table] == ["E", "V"]
    for a, b in zip(choice.table, plain.table, strict=True):
        assert a.log_likelihood == pytest.approx(b.log_likelihood, abs=1e-3)
        assert a.n_parameters == b.n_parameters
    for name, instead in ("E", "EEE"), ("V", "VVV"):
        message = (
            f"covariance_type '{name}' is for a single column, but there are 4; use '{instead}'"
        )
        with pytest.raises(ValueError, match=message):
            fastem.fit(iris(), 2, covariance_type=name)


@every
def test_a_mixture_of_any_family_is_saved_and_loaded(name, tmp_path):
    mixture = fastem.fit(iris(), 2, covariance_type=name, random_state=0).mixture
    mixture.save(tmp_path / "mixture.npz")
    assert fastem.Mixture.load(tmp_path / "mixture.npz") == mixture
