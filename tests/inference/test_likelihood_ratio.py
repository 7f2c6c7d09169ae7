"""Likelihood-ratio tests: published statistics, p-values on null data, and how testing ends."""

from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
from noisy import clusters_and_noise
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import ks_2samp

import fastem
from fastem.inference.comparisons import Comparison
from fastem.inference.likelihood_ratio import _Search

DATA = Path(__file__).parents[1] / "data"
RNG = np.random.default_rng(0)
TWO = np.concatenate([RNG.normal(0, 1, (60, 1)), RNG.normal(8, 1, (90, 1))])
CLOUD = RNG.normal(size=(80, 2))


def load(name):
    columns = range(4 if name == "iris" else 2)
    return np.loadtxt(DATA / f"{name}.csv", delimiter=",", skiprows=1, usecols=columns)


@pytest.fixture
def scripted(monkeypatch):
    """Call it with the statistics that replicates are to have, over and over."""

    def script(statistics):
        endless = cycle(statistics)
        monkeypatch.setattr(_Search, "_replicate", lambda *_: (next(endless), 0.0))

    return script


# Published figures -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "covariance_type", "published", "missed"),
    [
        ("faithful", "VVV", [319.0654], 6.1305),
        ("iris", "VVV", [331.11985, 68.33750], 27.03438),
        ("iris", "EEE", [166.93411, 80.18463, 66.60928], 11.53298),
    ],
)
def test_statistics_are_mclusts_or_of_higher_maxima(name, covariance_type, published, missed):
    """Oracle: mclustBootstrapLRT in L. Scrucca et al., R Journal 8 (2016) 289, and for iris as
    tidymixmod's README prints it. The last statistic is of a fit that mclust's one start misses.
    """
    made = fastem.lrt(
        load(name),
        len(published) + 2,
        covariance_type=covariance_type,
        n_replicates=1,
        level=0.9,
        random_state=0,
    )
    statistics = made.table_columns()["statistic"]
    assert_allclose(statistics[:-1], published, atol=0.02)
    assert statistics[-1] >= missed - 0.02


def test_halves_reach_what_few_starts_miss():
    """Oracle: the best of sixty starts, from any seed; five or ten often end at 11.69."""
    options = {"covariance_type": "EEE", "n_replicates": 1, "level": 0.9, "n_init": 1}
    made = fastem.lrt(load("iris"), 5, random_state=0, **options)
    assert made.table[-1].n_components == 4
    assert made.table[-1].statistic == pytest.approx(20.57, abs=0.02)


# p-values --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_null_data_have_the_statistics_of_the_replicates():
    """Of one Gaussian the statistic does not depend on its parameters: two samples of one law."""
    made = fastem.lrt(CLOUD, 2, n_replicates=30, random_state=0)
    fresh = []
    for seed in range(15):
        rows = np.random.default_rng(seed).normal(size=(80, 2)) @ [[3.0, 1.0], [0.0, 0.1]] + 50.0
        fresh += fastem.lrt(rows, 2, n_replicates=1, level=0.5, random_state=seed).table_columns()[
            "statistic"
        ]
    assert ks_2samp(made.replicates[0], fresh).pvalue > 0.05


def cloud_in_noise(seed):
    rng = np.random.default_rng(seed)
    return np.r_[rng.normal(size=(40, 2)), rng.uniform(-8, 8, (10, 2))]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("draw", "options"),
    [
        (cloud_in_noise, {"noise": True}),
        (lambda seed: np.random.default_rng(seed).normal(size=(30, 1)), {"prior": True}),
    ],
)
def test_null_data_have_the_statistics_of_the_replicates_beside_noise_and_under_a_prior(
    draw, options
):
    """Rows of the null model itself, and rows drawn from what was fitted to some: one law."""
    options = {"n_init": 1} | options
    made = fastem.lrt(draw(100), 2, n_replicates=19, random_state=0, **options)
    fresh = [
        fastem.lrt(draw(seed), 2, n_replicates=1, level=0.5, random_state=seed, **options)
        for seed in range(8)
    ]
    statistics = [test.table[0].statistic for test in fresh]
    assert ks_2samp(made.replicates[0], statistics).pvalue > 0.05
    assert ks_2samp(made.replicates[0], [test.replicates[0][0] for test in fresh]).pvalue > 0.05


@pytest.mark.slow
def test_noise_is_no_cluster_where_it_is_told_of():
    rows, _ = clusters_and_noise(0.2, n=200, n_clusters=2, seed=2)
    options = {"n_replicates": 9, "level": 0.1, "random_state": 0}
    assert fastem.lrt(rows, 3, **options).n_components > 2
    told = fastem.lrt(rows, 3, noise=True, **options)
    assert (told.n_components, told.status.code) == (2, "settled")
    assert told.best.mixture.noise.weight == pytest.approx(0.2, abs=0.05)


@pytest.mark.parametrize("options", [{"noise": True}, {"prior": True}])
def test_statistics_are_those_of_fits_own(options):
    """Oracle: twice the gain of `fit`, from more starts, for the user's rows and for those drawn.

    Of two components these have several modes: the statistic is of the least that a start of `fit`
    comes to, or of better. Rows drawn have the share of noise that the fit found, to five binomial
    deviations.
    """
    rows = np.r_[TWO, np.random.default_rng(1).uniform(-20, 30, (30, 1))]
    made = fastem.lrt(rows, 2, n_replicates=2, level=0.5, random_state=3, **options)

    def gains(rows):
        """The least and the largest."""
        one, two = (
            [
                fastem.fit(
                    rows, k, n_init=1, init=init, random_state=seed, **options
                ).log_likelihood
                for init in ("k-means++", "random")
                for seed in range(3)
            ]
            for k in (1, 2)
        )
        return 2 * (min(two) - max(one)), 2 * (max(two) - max(one))

    assert made.table[0].statistic == pytest.approx(gains(rows)[1], abs=0.02)
    null = fastem.fit(rows, 1, random_state=0, **options).mixture
    for i, statistic in enumerate(made.replicates[0]):
        seed = np.random.SeedSequence(3, spawn_key=(1, i))
        drawn, labels = null.sample(180, np.random.default_rng(seed))
        share = 0.0 if null.noise is None else null.noise.weight
        assert abs((labels == -1).mean() - share) <= 5 * np.sqrt(share * (1 - share) / 180)
        least, largest = gains(drawn)
        assert least - 0.02 <= statistic <= largest + 0.02


@pytest.mark.parametrize("options", [{"noise": True}, {"prior": True}])
def test_units_do_not_matter_to_noise_nor_priors(options):
    rows, told = cloud_in_noise(1), {"n_replicates": 2, "level": 0.5, "random_state": 0} | options
    plain, scaled = (fastem.lrt(scale * rows, 2, **told) for scale in (1.0, 2.0**40))
    assert scaled.table[0].statistic == pytest.approx(plain.table[0].statistic, abs=1e-6)
    assert_allclose(scaled.replicates[0], plain.replicates[0], atol=1e-6)


def test_few_rows_collapse_but_not_under_a_prior():
    rows = np.random.default_rng(0).normal(size=(6, 3))
    options = {"n_replicates": 9, "level": 0.2, "random_state": 0}
    assert fastem.lrt(rows, 3, **options).status.code == "collapsed"
    made = fastem.lrt(rows, 3, prior=True, **options)
    assert (made.n_components, made.status.code) == (1, "settled")
    assert made.table[0].n_collapsed == 0


def test_the_p_value_counts_replicates_that_reach_the_statistic(scripted):
    statistic = fastem.lrt(CLOUD, 2, n_replicates=1, level=0.5, random_state=0).table[0].statistic
    scripted([0.0, statistic, 1e9, 1e-9, np.nan])
    made = fastem.lrt(CLOUD, 2, n_replicates=10, level=0.2, random_state=0)
    assert made.table == (Comparison(1, statistic, (1 + 4) / (1 + 8), 8, 2),)
    assert made.replicates[0].tolist() == 2 * [0.0, statistic, 1e9, 1e-9]
    assert repr(made).splitlines()[2].endswith("replicates   collapsed")


def test_clusters_are_found_and_no_more():
    made = fastem.lrt(TWO, 3, n_replicates=24, random_state=0)
    first, second = made.table
    assert first.p_value == 1 / (1 + first.n_replicates)
    assert first.statistic > 3 * max(made.replicates[0])
    assert second.p_value > 0.05
    assert made.n_components == made.best.mixture.n_components == 2
    assert made.status.code == "settled"
    assert str(made.status) == "3 are not significantly better"


def test_a_replicate_is_fits_to_rows_drawn_from_the_null():
    """Oracle: one Gaussian's likelihood in closed form; `fit` for two components, or better."""
    made = fastem.lrt(CLOUD, 2, n_replicates=2, level=0.5, random_state=3)
    for i, statistic in enumerate(made.replicates[0]):
        seed = np.random.SeedSequence(3, spawn_key=(1, i))
        rows, _ = made.best.mixture.sample(80, np.random.default_rng(seed))
        log_det = np.linalg.slogdet(2 * np.pi * np.e * np.cov(rows.T, bias=True))[1]
        alternative = fastem.fit(rows, 2, n_init=5, random_state=i)
        found = -80 / 2 * log_det + statistic / 2
        assert found >= alternative.log_likelihood - 0.01
        assert found <= fastem.fit(rows, 2, n_init=40, random_state=0).log_likelihood + 5.0


# How testing ends ------------------------------------------------------------------------------


def test_when_all_tests_are_significant_more_are_proposed(scripted):
    scripted([0.0])
    made = fastem.lrt(TWO, 2, n_replicates=19, random_state=0)
    assert made.status.code == "unsettled"
    assert "every test up to k_max=2 is significant; raise k_max" in " ".join(repr(made).split())
    assert made.n_components == 2


def test_a_collapsed_alternative_is_not_tested():
    rows = np.r_[np.random.default_rng(0).normal(size=(5, 2)), np.full((10, 2), 7.0)]
    made = fastem.lrt(rows, 3, n_replicates=19, random_state=0)
    assert made.status.code == "collapsed"
    assert str(made.status).startswith("2 are not tested: component ")
    assert (made.table, made.replicates, made.n_components) == ((), (), 1)


def test_a_test_that_too_few_replicates_decide_is_none(scripted):
    scripted([np.nan, 1.0])
    made = fastem.lrt(TWO, 2, n_replicates=20, random_state=0)
    assert made.table[0].p_value == 1 / 11
    assert made.status.code == "collapsed"
    assert str(made.status) == (
        "2 are not tested: 10 of 20 replicates collapsed, and the others are too few for "
        "level=0.05; raise n_replicates"
    )
    assert fastem.lrt(TWO, 2, n_replicates=40, random_state=0).n_components == 2


def test_the_best_fit_is_as_good_as_fits_own(scripted):
    scripted([1.0, 99.0])
    made = fastem.lrt(TWO, 3, n_replicates=19, random_state=0)
    alone = fastem.fit(TWO, 2, random_state=0)
    assert made.best.log_likelihood == pytest.approx(alone.log_likelihood, abs=2e-4)


# Options ---------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_replicates_however_many():
    few = fastem.lrt(TWO, 2, n_replicates=2, level=0.9, random_state=1)
    many = fastem.lrt(TWO, 3, n_replicates=3, level=0.9, random_state=1)
    other = fastem.lrt(TWO, 2, n_replicates=2, level=0.9, random_state=2)
    assert_array_equal(few.replicates[0], many.replicates[0][:2])
    assert not np.array_equal(few.replicates[0], other.replicates[0])


def test_a_weight_of_two_is_the_row_twice():
    weight = np.random.default_rng(0).integers(0, 4, len(CLOUD))
    options = {"n_replicates": 2, "level": 0.5, "random_state": 0}
    weighted = fastem.lrt(CLOUD, 2, sample_weight=weight, **options)
    repeated = fastem.lrt(np.repeat(CLOUD, weight, axis=0), 2, **options)
    assert weighted.table[0].statistic == pytest.approx(repeated.table[0].statistic, abs=0.05)
    assert_allclose(weighted.replicates[0], repeated.replicates[0], atol=0.05)


@pytest.mark.parametrize("scale", [2.0**-498, 2.0**498])
def test_units_do_not_matter(scale):
    plain = fastem.lrt(CLOUD, 2, n_replicates=2, level=0.5, random_state=0)
    scaled = fastem.lrt(scale * CLOUD, 2, n_replicates=2, level=0.5, random_state=0)
    assert scaled.table[0].statistic == pytest.approx(plain.table[0].statistic, abs=1e-8)
    assert_allclose(scaled.replicates[0], plain.replicates[0], atol=1e-8)


@pytest.mark.parametrize("covariance_type", ["tied", "diag", "spherical", "VEV", "EVE"])
def test_other_families(covariance_type):
    made = fastem.lrt(
        CLOUD, 3, covariance_type=covariance_type, n_replicates=2, level=0.9, random_state=0
    )
    assert made.best.mixture.covariance_type == covariance_type
    assert min(map(min, made.replicates)) >= 0


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"k_max": 1}, ValueError, "k_max is 1; it must be at least 2"),
        ({"k_max": 2.5}, TypeError, "k_max is 2.5"),
        ({"k_max": 81}, ValueError, "k_max is 81 but there are only 80 rows"),
        ({"n_replicates": 0}, ValueError, "n_replicates is 0"),
        (
            {"n_replicates": 18},
            ValueError,
            r"n_replicates is 18: .*; give at least 19",
        ),
        ({"level": 0}, ValueError, "level is 0; give a number between 0 and 1"),
        ({"level": "5%"}, TypeError, "level is '5%'"),
        ({"covariance_type": "round"}, ValueError, "covariance_type is 'round'"),
        ({"init": "first"}, ValueError, "init is 'first'"),
        ({"n_init": 0}, ValueError, "n_init is 0"),
        ({"noise": np.zeros(80, bool)}, TypeError, "noise is of type ndarray; give True or False"),
        ({"prior": "weak"}, TypeError, "prior is 'weak'; give True or False"),
        ({"X": CLOUD[:, 0]}, ValueError, "X has 1 dimension,"),
    ],
)
def test_bad_arguments_are_refused_before_any_fit(change, error, message, monkeypatch):
    monkeypatch.setattr("fastem.em.run", lambda *a, **o: pytest.fail("a fit was begun"))
    with pytest.raises(error, match=message):
        fastem.lrt(**({"X": CLOUD, "k_max": 2} | change))


def test_the_table_comes_by_column_and_for_people(scripted):
    scripted(19 * [1.0] + 19 * [99.0])
    made = fastem.lrt(TWO, 3, n_replicates=19, random_state=0)
    columns = made.table_columns()
    assert list(columns) == list(Comparison._fields)
    assert columns["n_components"] == [1, 2]
    lines = repr(made).splitlines()
    assert lines[0] == "2 components (full covariances): 3 are not significantly better"
    assert lines[2].split() == ["components", "statistic", "p-value", "replicates"]
    assert lines[3].split() == ["1", "or", "2", f"{columns['statistic'][0]:.2f}", "0.0500", "19"]


def test_progress_counts_replicates(bars):
    fastem.lrt(CLOUD, 2, n_replicates=2, level=0.5, progress=True)
    (bar,) = bars
    assert (bar.n, bar.unit) == (2, " replicates")
