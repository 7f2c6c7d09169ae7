"""Bootstrap: against formulas, the sandwich, the oracle's EM on drawn rows, and itself."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import oracle
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import chisquare, gamma, kstest, norm

import fastem
from fastem.covariance import FAMILIES
from fastem.em.loop import run as em_run
from fastem.inference.draws import AT_ONCE, KINDS, PART
from fastem.rows import Memory, Pieces

FAITHFUL = np.loadtxt(
    Path(__file__).parents[1] / "data" / "faithful.csv", delimiter=",", skiprows=1
)
RNG = np.random.default_rng(0)
MEANS = np.array([[0.0, 0.0], [3.0, 1.0], [0.0, 6.0]])
X, _ = oracle.sample(RNG, 240, np.array([0.3, 0.3, 0.4]), MEANS, np.ones(3), "spherical")
LINE = np.concatenate([RNG.normal(0, 1, 400), RNG.normal(3, 0.7, 600)])[:, None]


def draw(kind, n, seed=0, replicate=0, n_drawn=None, unit=1.0, weight=None):
    """The weights of a replicate of so many rows."""
    key = np.random.SeedSequence(seed).generate_state(2, np.uint64)
    pieces = Memory(np.empty((n, 1)), weight).pieces
    return KINDS[kind](key, replicate, n, n_drawn or n, unit, pieces)


# Standard errors -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_one_component_has_the_textbooks_standard_errors(kind):
    """Oracle: s / sqrt(n) and sqrt((m4 - s^4) / n), to the noise of 600 replicates."""
    rows = np.random.default_rng(1).gamma(3.0, size=(200, 2)) * [1.0, 100.0]
    fitted = fastem.fit(rows, 1)
    errors = fastem.bootstrap(fitted, rows, 600, kind=kind, random_state=0).standard_errors
    assert errors.weights.tolist() == [0.0]
    centred = rows - rows.mean(axis=0)
    assert_allclose(errors.means[0], rows.std(axis=0) / np.sqrt(200), rtol=0.12)
    squares = centred[:, :, None] * centred[:, None, :]
    assert_allclose(errors.covariances[0], squares.std(axis=0) / np.sqrt(200), rtol=0.15)
    assert_array_equal(errors.variances[0], errors.covariances[0].diagonal())


def sandwich(rows, parameters):
    """Asymptotic standard errors H^-1 J H^-1 of (p, m0, m1, v0, v1), by finite differences."""

    def log_density(theta):
        p, m0, m1, v0, v1 = theta
        return np.log(p * norm.pdf(rows, m0, v0**0.5) + (1 - p) * norm.pdf(rows, m1, v1**0.5))

    step = 1e-4 * np.eye(5)
    scores = np.array(
        [(log_density(parameters + h) - log_density(parameters - h)) / 2e-4 for h in step]
    )
    hessian = [
        [
            sum(
                a * b * log_density(parameters + a * g + b * h).sum()
                for a in (1, -1)
                for b in (1, -1)
            )
            for g in step
        ]
        for h in step
    ]
    inverse = np.linalg.inv(np.array(hessian) / 4e-8)
    return np.sqrt(np.diagonal(inverse @ (scores @ scores.T) @ inverse))


@pytest.mark.parametrize("kind", KINDS)
def test_overlapping_components_have_the_sandwichs_standard_errors(kind):
    """Oracle: the asymptotic covariance, White (1982), which knows nothing of EM."""
    fitted = fastem.fit(LINE, 2, means_init=[[0.0], [3.0]])
    weights, means, covariances = fitted.mixture._parameters
    expected = sandwich(LINE[:, 0], np.r_[weights[0], means.ravel(), covariances.ravel()])
    made = fastem.bootstrap(fitted, LINE, 400, kind=kind, random_state=0)
    errors = made.standard_errors
    found = np.r_[errors.weights[0], errors.means.ravel(), errors.variances.ravel()]
    assert_allclose(found, expected, rtol=0.2)
    assert errors.weights[0] == pytest.approx(errors.weights[1])


def test_intervals_cover_as_often_as_they_say():
    """30 samples of a known mixture, six parameters: 90% intervals, hits counted together."""
    truth = np.r_[0.4, 0.6, 0.0, 4.0, 1.0, 1.0]
    hits = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        rows = np.where(rng.random(150) < 0.4, rng.normal(size=150), rng.normal(4.0, size=150))
        fitted = fastem.fit(rows[:, None], 2, means_init=[[0.0], [4.0]])
        made = fastem.bootstrap(fitted, rows[:, None], 40, random_state=seed)
        low, high = (
            np.concatenate([e.weights, *e.means, *e.variances]) for e in made.interval(0.9)
        )
        hits.append((low <= truth) & (truth <= high))
    assert 0.8 < np.mean(hits) < 0.96


# Replicates ------------------------------------------------------------------------------------


@pytest.mark.parametrize("covariance_type", oracle.COVARIANCE_TYPES)
def test_a_replicate_is_em_on_the_rows_that_were_drawn(covariance_type):
    """Oracle: EM in NumPy on the drawn rows themselves, from the fitted mixture."""
    fitted = fastem.fit(X, 3, covariance_type=covariance_type, random_state=0)
    made = fastem.bootstrap(fitted, X, 2, random_state=7)
    counts = draw("nonparametric", len(X), seed=7)(0, len(X), None)
    drawn = np.repeat(X, counts.astype(int), axis=0)
    assert len(drawn) == len(X)
    expected, _ = oracle.em(drawn, *fitted.mixture._parameters, covariance_type, 100)
    assert_allclose(made.weights[0], expected.weights, atol=2e-3)
    assert_allclose(made.means[0], expected.means, atol=5e-3)
    full = oracle.expand_covariances(expected.covariances, covariance_type, 3, 2)
    assert_allclose(made.covariances[0], full, atol=1e-2)


def test_replicates_of_a_tight_stop_hardly_move_further():
    """A standard error is what counts: fits to many rows must not stop early for being many."""
    rows = np.tile(LINE, (20, 1)) + 1e-3 * np.random.default_rng(0).normal(size=(20_000, 1))
    fitted = fastem.fit(rows, 2, means_init=[[0.0], [3.0]])
    made = fastem.bootstrap(fitted, rows, 3, random_state=0)
    for i in range(3):
        weight = draw("nonparametric", len(rows), replicate=i)(0, len(rows), None)
        further = fastem.fit(
            rows,
            2,
            sample_weight=weight,
            means_init=made.means[i],
            covariances_init=made.covariances[i],
            weights_init=made.weights[i],
            tol=1e-13,
        ).mixture
        error = sandwich(rows[:, 0], np.r_[0.4, made.means[i].ravel(), made.variances[i].ravel()])
        assert abs(further.means - made.means[i]).max() < 0.05 * error[1:3].max()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [n for n in FAMILIES if n not in ("E", "V")])
def test_every_family(name, kind):
    fitted = fastem.fit(X, 2, covariance_type=name, random_state=0, n_init=2)
    made = fastem.bootstrap(fitted, X, 12, kind=kind, random_state=0)
    assert made.mixture == fitted.mixture
    n = 12 - made.n_collapsed
    assert (made.weights.shape, made.means.shape) == ((n, 2), (n, 2, 2))
    assert made.covariances.shape == (n, 2, 2, 2)
    assert_array_equal(made.covariances, made.covariances.swapaxes(2, 3))
    assert_allclose(made.weights.sum(axis=1), 1.0)
    if name in ("EII", "EEI", "tied", "EEE"):
        assert_allclose(made.covariances[:, 0], made.covariances[:, 1])
    if FAMILIES[name].diagonal:
        assert not made.covariances[:, :, 0, 1].any()


@pytest.mark.parametrize("name", ["E", "V"])
def test_families_of_one_column(name):
    fitted = fastem.fit(LINE, 2, covariance_type=name, random_state=0)
    made = fastem.bootstrap(fitted, LINE, 5, random_state=0)
    assert made.variances.shape == (5, 2, 1)


def test_labels_that_a_replicate_switched_are_put_back(monkeypatch):
    """Components of every second run are turned round behind EM's back: nothing changes."""
    fitted = fastem.fit(X, 3, random_state=0)
    expected = fastem.bootstrap(fitted, X, 8, random_state=0)
    calls = []

    def run(*args, **options):
        done = em_run(*args, **options)
        calls.append(1)
        order = np.roll(np.arange(3), len(calls) % 3)
        turned = type(done.parameters)(*(part[order] for part in done.parameters))
        return replace(done, parameters=turned)

    monkeypatch.setattr(fastem.em, "run", run)
    made = fastem.bootstrap(fitted, X, 8, random_state=0)
    assert len(calls) == 8
    for name in ("weights", "means", "covariances"):
        assert_array_equal(getattr(made, name), getattr(expected, name))


def test_the_same_seed_gives_the_same_replicates_however_many():
    fitted = fastem.fit(X, 2, random_state=0)
    few = fastem.bootstrap(fitted, X, 5, random_state=3)
    many = fastem.bootstrap(fitted, X, 9, random_state=3)
    other = fastem.bootstrap(fitted, X, 5, random_state=4)
    assert_array_equal(few.means, many.means[:5])
    assert not np.array_equal(few.means, other.means)


@pytest.mark.parametrize("scale", [2.0**-498, 2.0**498])
def test_units_do_not_matter(scale):
    plain = fastem.bootstrap(fastem.fit(X, 2, random_state=0), X, 5, random_state=0)
    scaled = fastem.bootstrap(
        fastem.fit(scale * X, 2, random_state=0), scale * X, 5, random_state=0
    )
    assert_array_equal(scaled.means, scale * plain.means)
    assert_array_equal(scaled.standard_errors.weights, plain.standard_errors.weights)


def test_an_offset_does_not_matter():
    plain = fastem.bootstrap(fastem.fit(X, 2, random_state=0), X, 20, random_state=0)
    far = fastem.bootstrap(fastem.fit(X + 1e8, 2, random_state=0), X + 1e8, 20, random_state=0)
    assert_allclose(far.standard_errors.means, plain.standard_errors.means, rtol=1e-3)


@pytest.mark.parametrize("change", ["float32", "fortran", "read-only"])
def test_rows_as_they_come(change):
    rows = X.astype(np.float32) if change == "float32" else np.array(X, order="F")
    rows.flags.writeable = change != "read-only"
    fitted = fastem.fit(rows, 2, random_state=0)
    made = fastem.bootstrap(fitted, rows, 30, random_state=0)
    expected = fastem.bootstrap(fastem.fit(X, 2, random_state=0), X, 30, random_state=0)
    assert_allclose(made.standard_errors.means, expected.standard_errors.means, rtol=0.02)


# Weights ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_weight_of_two_is_the_row_twice(kind):
    """The standard errors are those of the repeated rows, to the noise of 200 replicates."""
    weight = np.random.default_rng(0).integers(0, 5, len(X))
    repeated = np.repeat(X, weight, axis=0)
    options = {"n_replicates": 200, "kind": kind, "random_state": 0}
    fitted = fastem.fit(X, 2, sample_weight=weight, random_state=0)
    weighted = fastem.bootstrap(fitted, X, sample_weight=weight, **options).standard_errors
    expected = fastem.bootstrap(
        fastem.fit(repeated, 2, means_init=fitted.mixture.means), repeated, **options
    ).standard_errors
    assert_allclose(weighted.weights, expected.weights, rtol=0.25)
    assert_allclose(weighted.means, expected.means, rtol=0.25)


def test_counts_drawn_have_the_mean_and_spread_of_rows_drawn():
    """Oracle: the multinomial distribution, mean v and variance v (1 - v / n)."""
    weighted = np.array([0.25, 1.0, 1.75, 2.5, 4.5])
    for v, given in (weighted, weighted / 2), (np.ones(5), None):
        n = round(v.sum())
        drawn = [draw("nonparametric", 5, 0, i, n, 2.0, given)(0, 5, given) for i in range(5000)]
        assert_array_equal(np.sum(drawn, axis=1), n)
        assert_allclose(np.mean(drawn, axis=0), v, rtol=0.07)
        assert_allclose(np.var(drawn, axis=0), v * (1 - v / n), rtol=0.12)


@pytest.mark.parametrize("shape", [0.01, 0.5, 1.0, 2.5, 50.0, 1e9])
def test_weights_of_weighted_rows_are_gamma_variates(shape):
    """Oracle: SciPy's distribution function."""
    drawn = draw("weighted-likelihood", 20_000)(0, 20_000, np.full(20_000, shape))
    assert kstest(drawn, gamma(shape).cdf).pvalue > 0.01


def test_weights_of_rows_are_exponential_variates():
    drawn = draw("weighted-likelihood", 20_000)(0, 20_000, None)
    assert kstest(drawn, "expon").pvalue > 0.01


def test_rows_of_all_parts_are_drawn_alike():
    """Oracle: the multinomial draw of parts, and of rows wherever they are in a part."""
    n = 3 * PART + 1000
    total = np.zeros(n)
    for i in range(50):
        counts = draw("nonparametric", n, replicate=i)(0, n, None)
        assert counts.sum() == n
        total += counts
    ends = np.arange(0, n, PART)
    parts = np.add.reduceat(total, ends)
    sizes = np.diff(np.r_[ends, n])
    assert chisquare(parts, 50.0 * sizes).pvalue > 0.01
    assert chisquare(total, np.full(n, 50.0)).pvalue > 0.01
    assert np.var(parts / sizes) > 0


def test_weighted_rows_of_all_pieces_are_drawn_as_their_weights_say():
    """Oracle: the multinomial distribution. Pieces differ in size, and one has no rows."""
    begins = np.array([0, 300, 300, 1100])
    weight = np.random.default_rng(0).integers(1, 5, 2000).astype(float)
    total = np.zeros(2000)
    sums = np.append(np.add.reduceat(weight, begins[[0, 1, 3]]), 0.0)[[0, 3, 1, 2]]
    pieces, n_drawn = Pieces(begins, sums), round(weight.sum())
    for i in range(200):
        key = np.random.SeedSequence(0).generate_state(2, np.uint64)
        drawn = KINDS["nonparametric"](key, i, 2000, n_drawn, 1.0, pieces)
        calls = [(0, 300), (300, 300), (300, 1100), (1100, 2000)]
        counts = np.concatenate([drawn(a, b - a, weight[a:b]) for a, b in calls])
        assert counts.sum() == n_drawn
        assert_array_equal(counts, drawn(0, 2000, weight))
        total += counts
    assert chisquare(total, 200 * weight).pvalue > 0.01
    assert chisquare(np.add.reduceat(total, begins[[0, 1, 3]]), 200 * sums[[0, 2, 3]]).pvalue > 0.01


@pytest.mark.parametrize(
    ("kind", "weighted"),
    [("nonparametric", False), ("weighted-likelihood", False), ("weighted-likelihood", True)],
)
@pytest.mark.parametrize(
    "cuts", [[0, 0], [1, 2, 3, 5, 5, AT_ONCE + 2], [512, PART, PART + 1, 9000], range(0, 9500, 97)]
)
def test_weights_do_not_depend_on_the_pieces_that_rows_come_in(kind, weighted, cuts):
    n = 2 * PART + 1234
    weight = np.random.default_rng(0).exponential(size=n) if weighted else None
    drawn = draw(kind, n, unit=2.0)
    pieces = [
        drawn(first, end - first, None if weight is None else weight[first:end])
        for first, end in itertools.pairwise([0, *cuts, n])
    ]
    assert_array_equal(np.concatenate(pieces), drawn(0, n, weight))


def test_replicates_and_seeds_have_weights_of_their_own():
    drawn = [
        draw("weighted-likelihood", 1000, seed, i)(0, 1000, None)
        for seed in (0, 1)
        for i in range(3)
    ]
    correlations = np.corrcoef(drawn) - np.eye(6)
    assert abs(correlations).max() < 0.15


def test_noise_has_the_rest_of_the_weight():
    """Oracle: the binomial standard error, for noise that lies apart from the clusters."""
    rng = np.random.default_rng(0)
    rows = np.r_[X, rng.uniform(-60, 60, (80, 2))]
    fitted = fastem.fit(rows, 1, noise=True, random_state=0)
    made = fastem.bootstrap(fitted, rows, 150, random_state=0)
    noise = 1 - made.weights.sum(axis=1)
    assert noise.mean() == pytest.approx(fitted.mixture.noise.weight, rel=0.03)
    assert noise.std() == pytest.approx(np.sqrt(0.25 * 0.75 / 320), rel=0.15)


# Rows elsewhere --------------------------------------------------------------------------------


def assert_same(one, other):
    """To the bit."""
    for name in ("weights", "means", "covariances", "n_collapsed", "n_not_converged"):
        assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("memory", ["1M", "256M"])
def test_files_have_the_replicates_of_arrays(tmp_path, kind, memory):
    """Oracle: the rows in memory, to the bit; 1M keeps none of them."""
    rows = np.tile(LINE, (40, 1)) + 1e-3 * np.random.default_rng(0).normal(size=(40_000, 1))
    np.save(tmp_path / "rows.npy", np.c_[rows, rows[::-1]])
    source = fastem.rows.open(tmp_path / "rows.npy", memory=memory)
    fitted = fastem.fit(source, 2, random_state=0)
    made = fastem.bootstrap(fitted, source, 2, kind=kind, random_state=5)
    in_memory = np.load(tmp_path / "rows.npy")
    assert_same(made, fastem.bootstrap(fitted, in_memory, 2, kind=kind, random_state=5))
    assert_same(made, fastem.bootstrap(fitted, source, 2, kind=kind, random_state=5))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [997, 5000])
def test_weighted_blocks_have_the_replicates_of_arrays(kind, size):
    """Oracle: the rows in memory, to the bit. Some weigh nothing."""
    rows = np.tile(LINE, (40, 1)) + 1e-3 * np.random.default_rng(0).normal(size=(40_000, 1))
    weight = np.random.default_rng(1).integers(0, 4, 40_000) * 0.75

    def blocks():
        for start in range(0, 40_000, size):
            yield rows[start : start + size], weight[start : start + size]

    source = fastem.rows.Blocks(blocks, memory="1M")
    fitted = fastem.fit(source, 2, random_state=0)
    options = {"kind": kind, "random_state": 5}
    made = fastem.bootstrap(fitted, source, 2, **options)
    assert_same(made, fastem.bootstrap(fitted, rows, 2, sample_weight=weight, **options))
    with pytest.raises(ValueError, match=r"Blocks has .* rows|X has .* rows, counted"):
        fastem.bootstrap(fitted, fastem.rows.Blocks(lambda: [rows]), 2)


def test_a_path_is_taken_for_its_rows(tmp_path):
    np.save(tmp_path / "rows.npy", X)
    fitted = fastem.fit(X, 2, random_state=0)
    made = fastem.bootstrap(fitted, str(tmp_path / "rows.npy"), 4, random_state=0)
    assert_same(made, fastem.bootstrap(fitted, X, 4, random_state=0))
    with pytest.raises(FileNotFoundError):
        fastem.bootstrap(fitted, tmp_path / "none.npy")


# Collapse --------------------------------------------------------------------------------------


def test_replicates_that_collapse_are_left_out_and_counted():
    """Four rows far off, where three coincide: a draw of those alone is singular."""
    rows = np.r_[X, np.full((3, 2), 40.0), [[41.0, 38.0]], [[42.0, 41.0]]]
    fitted = fastem.fit(rows, 2, means_init=[[1.0, 3.0], [40.0, 40.0]])
    assert fitted.status.code == "converged"
    made = fastem.bootstrap(fitted, rows, 200, random_state=0)
    assert 0 < made.n_collapsed < 200
    assert len(made.weights) == 200 - made.n_collapsed
    assert f"{made.n_collapsed} more collapsed and are left out" in repr(made)
    assert np.linalg.det(made.covariances).min() > 0
    likelier = fastem.bootstrap(fitted, rows, 200, kind="weighted-likelihood", random_state=0)
    assert likelier.n_collapsed < made.n_collapsed / 2


def test_when_all_collapse_the_remedy_is_told():
    rows = np.c_[X, np.ones(len(X))]
    fitted = fastem.fit(rows, 2, random_state=0)
    with pytest.raises(ValueError, match=r"9 of 9 replicates collapsed.*give reg_covar"):
        fastem.bootstrap(fitted, rows, 9)
    fitted = fastem.fit(rows, 2, random_state=0, reg_covar=1e-3)
    made = fastem.bootstrap(fitted, rows, 9, reg_covar=1e-3, random_state=0)
    assert made.n_collapsed == 0
    assert_allclose(made.variances[:, :, 2], 1e-3, rtol=1e-4)


def test_a_prior_is_that_of_the_fit():
    """Three far rows have small variances of their own, and larger ones under the prior."""
    rows = np.r_[X, [[40.0, 40.0], [40.0, 41.0], [41.0, 40.0]]]
    fitted = fastem.fit(rows, 2, means_init=[[1.0, 3.0], [40.0, 40.0]], prior=True)
    made = fastem.bootstrap(
        fitted, rows, 20, kind="weighted-likelihood", prior=True, random_state=0
    )
    assert made.n_collapsed == 0
    low, high = made.interval(0.9)
    assert (low.variances < fitted.mixture.full_covariances[:, [0, 1], [0, 1]]).all()
    assert (fitted.mixture.full_covariances[:, [0, 1], [0, 1]] < high.variances).all()
    without = fastem.bootstrap(fitted, rows, 20, kind="weighted-likelihood", random_state=0)
    assert without.variances[:, 1].mean() < 0.5 * made.variances[:, 1].mean()


def test_replicates_that_max_iter_ended_are_kept_and_told_of():
    fitted = fastem.fit(FAITHFUL, 3, covariance_type="tied", random_state=0)
    made = fastem.bootstrap(fitted, FAITHFUL, 5, max_iter=4, random_state=0)
    assert made.n_not_converged > 0
    assert len(made.weights) == 5
    assert f"{made.n_not_converged} did not converge; raise max_iter" in repr(made)


# Arguments -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"fit": None}, TypeError, "fit is of type NoneType; give what fastem.fit returned"),
        (
            {"X": X[:100]},
            ValueError,
            "X has 100 rows, counted with sample_weight, but the fit is of 240",
        ),
        ({"X": 99}, TypeError, r"X is 99; give the rows .* bootstrap\(fit, X, 99\)"),
        ({"X": X[:, :1]}, ValueError, "X has 1 columns but the fit is of 2"),
        ({"sample_weight": np.full(240, 2.0)}, ValueError, "X has 480 rows"),
        ({"n_replicates": 1}, ValueError, "n_replicates is 1; it must be at least 2"),
        ({"n_replicates": 2.5}, TypeError, "n_replicates is 2.5"),
        (
            {"kind": "jack"},
            ValueError,
            "kind is 'jack'; use one of 'nonparametric', 'weigh",
        ),
        ({"reg_covar": -1}, ValueError, "reg_covar is -1"),
        ({"max_iter": 0}, ValueError, "max_iter is 0"),
        ({"random_state": -1}, ValueError, "random_state is -1"),
    ],
)
def test_bad_arguments_are_refused(change, error, message):
    given = {"fit": fastem.fit(X, 2, random_state=0), "X": X} | change
    with pytest.raises(error, match=message):
        fastem.bootstrap(**given)


@pytest.mark.parametrize("total", [0.5, 1e300])
def test_weights_that_count_no_rows_are_refused(total):
    weight = np.full(len(X), total / len(X))
    fitted = fastem.fit(X, 2, sample_weight=weight, random_state=0)
    with pytest.raises(ValueError, match=r"sample_weight sums to .*; a weight of 2 is two rows"):
        fastem.bootstrap(fitted, X, sample_weight=weight)


def test_progress_counts_replicates(bars):
    fastem.bootstrap(fastem.fit(X, 2, random_state=0), X, 7, progress=True)
    (bar,) = bars
    assert (bar.n, bar.total, bar.unit) == (7, 7, " replicates")


# The jackknife and rows that the mixture draws ---------------------------------------------------


def test_the_jackknife_of_one_component_has_the_textbooks_standard_errors():
    """Oracle: of a mean it is exactly s / sqrt(n), with n - 1 in s."""
    rows = np.random.default_rng(1).gamma(3.0, size=(60, 2)) * [1.0, 100.0]
    made = fastem.bootstrap(fastem.fit(rows, 1), rows, kind="jackknife")
    assert made.means.shape == (60, 1, 2)
    assert_allclose(made.means[7, 0], np.delete(rows, 7, axis=0).mean(axis=0), rtol=1e-12)
    errors = rows.std(axis=0, ddof=1) / np.sqrt(60)
    assert_allclose(made.standard_errors.means[0], errors, rtol=1e-9)
    low, high = made.interval(0.95)
    assert_allclose(high.means[0] - low.means[0], 2 * norm.ppf(0.975) * errors, rtol=1e-9)
    assert_allclose((high.means + low.means) / 2, made.mixture.means)
    assert str(made).startswith("Jackknife of 60 replicates")


def test_groups_of_the_jackknife():
    rows = np.random.default_rng(1).normal(size=(60, 1))
    made = fastem.bootstrap(fastem.fit(rows, 1), rows, 12, kind="jackknife")
    for g in range(12):
        left = rows[np.arange(60) % 12 != g].mean()
        assert made.means[g, 0, 0] == pytest.approx(left, rel=1e-10, abs=1e-12)
    means = np.array([rows[np.arange(60) % 12 != g].mean() for g in range(12)])
    expected = np.sqrt(11 / 12 * ((means - means.mean()) ** 2).sum())
    assert made.standard_errors.means[0, 0] == pytest.approx(expected, rel=1e-9)


def test_a_jackknifed_mixture_is_that_of_the_other_rows():
    """Oracle: EM on the rows that are left, from the same start."""
    fitted = fastem.fit(X, 3, covariance_type="spherical", random_state=0)
    made = fastem.bootstrap(fitted, X, 8, kind="jackknife")
    start = fitted.mixture
    for g in 0, 5:
        rows = X[np.arange(240) % 8 != g]
        other = fastem.fit(rows, start=start, tol=1e-12).mixture
        assert_allclose(made.means[g], other.means, atol=1e-4)


def test_the_jackknife_keeps_weights_and_is_the_same_on_disk(tmp_path):
    weight = np.random.default_rng(0).uniform(0.5, 1.5, 240)
    weight *= 240 / weight.sum()
    fitted = fastem.fit(X, 1, sample_weight=weight)
    made = fastem.bootstrap(fitted, X, 10, kind="jackknife", sample_weight=weight)
    left = np.arange(240) % 10 != 3
    expected = np.average(X[left], axis=0, weights=weight[left])
    assert_allclose(made.means[3, 0], expected, rtol=1e-10)
    np.save(tmp_path / "rows.npy", X)
    plain = fastem.fit(X, 1)
    memory = fastem.bootstrap(plain, X, 10, kind="jackknife")
    disk = fastem.bootstrap(plain, tmp_path / "rows.npy", 10, kind="jackknife")
    assert_array_equal(memory.means, disk.means)


def test_parametric_replicates_have_the_errors_of_the_model():
    """Oracle: of one Gaussian s / sqrt(n), and s^2 sqrt(2 / n) whatever the rows' kurtosis."""
    rows = np.random.default_rng(1).gamma(1.0, size=(200, 1))
    made = fastem.bootstrap(fastem.fit(rows, 1), rows, 600, kind="parametric", random_state=0)
    errors, variance = made.standard_errors, rows.var()
    assert_allclose(errors.means[0], np.sqrt(variance / 200), rtol=0.12)
    assert_allclose(errors.variances[0], variance * np.sqrt(2 / 200), rtol=0.12)


def test_parametric_replicates_of_a_mixture():
    fitted = fastem.fit(X, 3, covariance_type="spherical", random_state=0)
    options = {"kind": "parametric", "random_state": 0}
    made = fastem.bootstrap(fitted, X, 60, **options)
    again = fastem.bootstrap(fitted, X, 3, **options)
    assert_array_equal(made.means[:3], again.means)
    p = fitted.mixture.weights
    assert_allclose(made.standard_errors.weights, np.sqrt(p * (1 - p) / 240), rtol=0.4)
    assert_allclose(made.means.mean(axis=0), fitted.mixture.means, atol=0.05)


def test_parametric_replicates_are_drawn_in_memory(tmp_path):
    np.save(tmp_path / "rows.npy", X)
    fitted = fastem.fit(X, 1)
    with pytest.raises(ValueError, match='kind is "parametric", whose rows are drawn whole'):
        fastem.bootstrap(fitted, tmp_path / "rows.npy", 5, kind="parametric")
