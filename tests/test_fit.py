"""Whole fits: scikit-learn and the oracle from the same start, and all that fit promises."""

import builtins
import io
import os
import signal
import sys
import textwrap
import threading
import time
import warnings
from collections import Counter

import numba
import numpy as np
import oracle
import processes
import pytest
from sklearn.mixture import GaussianMixture

import fastem
from fastem.compiler import threads
from fastem.covariance import Parameters
from fastem.em import side_by_side
from fastem.mixture import to_units

TYPES = oracle.COVARIANCE_TYPES
BLOBS, LABELS = oracle.sample(
    np.random.default_rng(0),
    600,
    np.array([0.5, 0.3, 0.2]),
    np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]]),
    np.ones(3),
    "spherical",
)


def matched(means, others):
    """Which of the others lies nearest to each mean: components may have traded places."""
    return ((means[:, None] - others) ** 2).sum(axis=2).argmin(axis=1)


def problem(covariance_type, K=3, D=4, n=500, seed=0):
    """Rows of one mixture and a start at another."""
    rng = np.random.default_rng(seed)
    truth = oracle.random_mixture(rng, K, D, covariance_type)
    X, _ = oracle.sample(rng, n, *truth, covariance_type)
    return X, oracle.random_mixture(rng, K, D, covariance_type), rng.uniform(0.1, 3.0, n)


def plain_em(X, start, covariance_type, T, **more):
    options = {"accelerate": False, "tol": 0, "reg_covar": 0, "max_iter": T} | more
    return fastem.fit(
        X,
        len(start.weights),
        covariance_type=covariance_type,
        weights_init=start.weights,
        means_init=start.means,
        covariances_init=start.covariances,
        **options,
    )


# Exactly T iterations, against oracle and scikit-learn -----------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("family", TYPES)
def test_T_iterations_are_the_oracles(family, dtype, weighted):
    X, start, weight = problem(family)
    X = X.astype(dtype)
    weight = weight if weighted else None
    fitted = plain_em(X, start, family, 15, sample_weight=weight)
    expected, trace = oracle.em(X.astype(float), *start, family, 15, weight)
    tolerance = 1e-8 if dtype == np.float64 else 2e-4
    assert fitted.n_iter == 15
    assert fitted.restarts == ()
    np.testing.assert_allclose(fitted.trace, trace, rtol=min(tolerance, 1e-5))
    for mine, theirs in zip(fitted.mixture._parameters, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance)
    total = len(X) if weight is None else weight.sum()
    assert fitted.n_samples == pytest.approx(total)
    assert fitted.log_likelihood == pytest.approx(trace[-1] * total, rel=min(tolerance, 1e-5))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("reg_covar", [0.0, 0.05])
@pytest.mark.parametrize("family", TYPES)
def test_T_iterations_are_scikit_learns(family, reg_covar):
    X, start, _ = problem(family)
    invert = np.linalg.inv if family in ("full", "tied") else np.reciprocal
    peer = GaussianMixture(
        3,
        covariance_type=family,
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=invert(start.covariances),
        reg_covar=reg_covar,
        tol=0,
        max_iter=12,
    ).fit(X)
    # scikit-learn stops before tol=0 is undercut only if a step changes nothing at all.
    fitted = plain_em(X, start, family, 12, reg_covar=reg_covar)
    np.testing.assert_allclose(fitted.mixture.weights, peer.weights_, rtol=1e-8)
    np.testing.assert_allclose(fitted.mixture.means, peer.means_, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(fitted.mixture.covariances, peer.covariances_, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("accelerate", [False, True])
@pytest.mark.parametrize("T", [1, 2, 7])
def test_max_iter_is_never_exceeded_and_tol_0_uses_it_up(T, accelerate):
    X, start, _ = problem("full")
    fitted = plain_em(X, start, "full", T, accelerate=accelerate)
    assert fitted.n_iter == T
    assert fitted.status.code == "not converged"
    assert not fitted.converged
    passes = "1 pass:" if T == 1 else f"{T} passes:"
    assert f"not converged after {passes}" in fitted.status.text
    assert "raise max_iter or tol" in str(fitted.status)


@pytest.mark.parametrize("accelerate", [False, True])
@pytest.mark.parametrize("family", TYPES)
def test_log_likelihood_and_criteria_are_those_of_the_final_mixture(family, accelerate):
    X, start, _ = problem(family)
    fitted = plain_em(X, start, family, 5, accelerate=accelerate)
    parameters = *fitted.mixture._parameters, family
    expected = oracle.log_likelihood(X, *parameters)
    assert fitted.log_likelihood == pytest.approx(expected, rel=1e-12)
    p = oracle.n_parameters(family, 3, 4)
    resp = oracle.responsibilities(X, *parameters)
    for args in (), (X,):
        assert fitted.aic(*args) == pytest.approx(oracle.aic(expected, p), rel=1e-12)
        assert fitted.bic(*args) == pytest.approx(oracle.bic(expected, p, len(X)), rel=1e-12)
        assert fitted.icl(*args) == pytest.approx(oracle.icl(expected, p, len(X), resp), rel=1e-10)


def test_a_fit_says_how_it_went():
    fitted = fastem.fit(BLOBS, 3, random_state=0)
    assert fitted.converged
    assert fitted.status.code == "converged"
    assert f"converged after {fitted.n_iter} passes" in fitted.status.text
    assert "Fit: converged" in repr(fitted)
    assert "Mixture of 3 Gaussians" in repr(fitted)
    assert fitted.seconds > 0


# Chance ----------------------------------------------------------------------------------------


def test_the_same_random_state_gives_the_same_bits():
    first = fastem.fit(BLOBS, 5, random_state=7)
    assert fastem.fit(BLOBS, 5, random_state=7).mixture == first.mixture
    assert fastem.fit(BLOBS, 5, random_state=np.int64(7)).restarts == first.restarts
    rng = np.random.default_rng(7)
    drawn = fastem.fit(BLOBS, 5, random_state=rng)
    assert fastem.fit(BLOBS, 5, random_state=np.random.default_rng(7)).restarts == drawn.restarts
    assert fastem.fit(BLOBS, 5, random_state=rng).restarts != drawn.restarts


def test_without_a_random_state_the_starts_differ():
    assert fastem.fit(BLOBS, 6).restarts != fastem.fit(BLOBS, 6).restarts


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="needs two threads")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("family", TYPES)
def test_fits_are_the_same_to_the_bit_for_any_number_of_threads(family, dtype):
    X = np.tile(problem(family, n=4000)[0], (5, 1)).astype(dtype)
    assert_same_for_any_number_of_threads(X, 4, covariance_type=family, max_iter=30)


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="needs two threads")
@pytest.mark.parametrize("family", [*TYPES, "VEV"])
def test_so_are_fits_of_few_rows_whose_runs_are_made_side_by_side(family, monkeypatch):
    """Heavy tails: swaps lead higher more than once, and other starts were drawn ahead then."""
    rng = np.random.default_rng(2)
    X = np.concatenate([rng.standard_t(3, size=(200, 3)) + 2 * i for i in range(4)])
    at_once, made = side_by_side.SideBySide.__call__, []

    def noted(self, work, calls):
        made.append(numba.get_num_threads())
        return at_once(self, work, calls)

    monkeypatch.setattr(side_by_side.SideBySide, "__call__", noted)
    monkeypatch.setattr(threads, "WORKQUEUE_LAUNCH_WORK", threads.LAUNCH_WORK)
    assert_same_for_any_number_of_threads(X, 5, covariance_type=family)
    assert set(made) == {2}


def assert_same_for_any_number_of_threads(X, n_components, **options):
    fits = []
    try:
        for n_threads in 1, 2, 2:
            numba.set_num_threads(n_threads)
            fits.append(fastem.fit(X, n_components, random_state=1, **options))
    finally:
        numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    for other in fits[1:]:
        assert other.mixture == fits[0].mixture
        assert other.restarts == fits[0].restarts
        assert other.trace.tobytes() == fits[0].trace.tobytes()


# Starts ----------------------------------------------------------------------------------------


def test_given_means_alone_decide_which_component_is_which():
    means = np.array([[0.0, 6.0], [0.0, 0.0], [6.0, 0.0]])
    for family in TYPES:
        fitted = fastem.fit(BLOBS, 3, covariance_type=family, means_init=means + 1)
        assert np.abs(fitted.mixture.means - means).max() < 0.5
        again = fastem.fit(BLOBS, 3, covariance_type=family, means_init=means + 1)
        assert again.mixture == fitted.mixture


@pytest.mark.parametrize("family", TYPES)
@pytest.mark.parametrize("part", [("weights",), ("covariances",), ("weights", "means")])
def test_parts_of_a_start_are_taken(family, part):
    X, start, _ = problem(family)
    given = {f"{name}_init": getattr(start, name) for name in part}
    seen = []

    def note(event):
        seen.append(event.mixture)
        return True

    fastem.fit(X, 3, covariance_type=family, n_init=1, random_state=0, callback=note, **given)
    for name in part:
        np.testing.assert_allclose(getattr(seen[0], name), getattr(start, name), rtol=1e-12)


def test_coinciding_components_of_a_start_are_named_with_the_remedy():
    means = [[1.0, 1.0], [2.0, 2.0], [1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]
    with pytest.warns(
        fastem.SymmetricStartWarning, match=r"0, 2; 1, 3 .*Give different means"
    ) as w:
        fastem.fit(BLOBS, 5, means_init=means, max_iter=2)
    assert w[0].filename == __file__


@pytest.mark.parametrize("family", TYPES)
def test_a_symmetric_start_stays_symmetric_and_the_default_parts_it(family):
    same = np.ones(3) if family == "spherical" else np.eye(2)
    same = {"full": np.array([np.eye(2)] * 3), "diag": np.ones((3, 2))}.get(family, same)
    with pytest.warns(fastem.SymmetricStartWarning, match="0, 1, 2"):
        stuck = fastem.fit(
            BLOBS, 3, covariance_type=family, means_init=np.ones((3, 2)), covariances_init=same
        )
    assert np.ptp(stuck.mixture.means, axis=0).max() < 1e-9
    free = fastem.fit(BLOBS, 3, covariance_type=family, random_state=0)
    assert oracle.adjusted_rand_index(free.mixture.predict(BLOBS), LABELS) > 0.95


def test_components_that_differ_in_covariance_alone_raise_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fastem.fit(
            BLOBS,
            2,
            covariance_type="spherical",
            means_init=np.ones((2, 2)),
            covariances_init=[1.0, 30.0],
        )


# Scale and place -------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-150, 1e-9, 1e9, 1e150])
@pytest.mark.parametrize("family", TYPES)
def test_units_of_the_data_do_not_matter(family, scale):
    scale = 2.0 ** np.round(np.log2(scale))
    base = fastem.fit(BLOBS, 3, covariance_type=family, random_state=0)
    scaled = fastem.fit(BLOBS * scale, 3, covariance_type=family, random_state=0)
    np.testing.assert_array_equal(scaled.mixture.means, base.mixture.means * scale)
    expected = base.log_likelihood - BLOBS.size * np.log(scale)
    assert scaled.log_likelihood == pytest.approx(expected, rel=1e-13)
    np.testing.assert_array_equal(
        scaled.mixture.predict(BLOBS * scale), base.mixture.predict(BLOBS)
    )


@pytest.mark.parametrize("family", ["full", "tied", "diag"])
def test_columns_of_very_different_units_are_fitted_alike(family):
    scale = np.array([1e-6, 3e6])
    base = fastem.fit(BLOBS, 3, covariance_type=family, random_state=0)
    scaled = fastem.fit(BLOBS * scale, 3, covariance_type=family, random_state=0)
    expected = base.log_likelihood - len(BLOBS) * np.log(scale).sum()
    assert scaled.log_likelihood == pytest.approx(expected, rel=1e-7)
    np.testing.assert_array_equal(
        scaled.mixture.predict(BLOBS * scale), base.mixture.predict(BLOBS)
    )


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("family", TYPES)
def test_data_far_from_the_origin_keeps_its_digits(family, dtype):
    offset = 1e8 if dtype == np.float64 else 1024.0
    X = np.rint(BLOBS * 2**10) / 2**10  # moved without rounding, in either dtype
    base = fastem.fit(X, 3, covariance_type=family, random_state=0)
    moved = fastem.fit((X + offset).astype(dtype), 3, covariance_type=family, random_state=0)
    tolerance = 1e-6 if dtype == np.float64 else 1e-3
    same = matched(base.mixture.means, moved.mixture.means - offset)
    means = moved.mixture.means[same] - offset
    np.testing.assert_allclose(means, base.mixture.means, atol=tolerance)
    covariances = moved.mixture.full_covariances[same]
    np.testing.assert_allclose(covariances, base.mixture.full_covariances, atol=tolerance)
    labels = same[base.mixture.predict(X)]
    np.testing.assert_array_equal(moved.mixture.predict(X + offset), labels)


# Data with nothing to hold on to ---------------------------------------------------------------

RNG = np.random.default_rng(2)
HARD = {
    "identical rows": (np.ones((50, 3)), 3),
    "identical rows far away": (np.full((50, 3), 1e8 + 0.5), 3),
    "zeros": (np.zeros((50, 3)), 2),
    "a constant column": (np.c_[BLOBS, np.full(600, 7.0)], 3),
    "a duplicated column": (np.c_[BLOBS, BLOBS[:, 0]], 3),
    "fewer rows than columns": (RNG.normal(size=(5, 20)), 2),
    "as many components as rows": (RNG.normal(size=(6, 2)), 6),
    "one component": (BLOBS, 1),
    "one row": (BLOBS[:1], 1),
    "more components than distinct rows": (np.repeat(BLOBS[:3], 20, axis=0), 5),
    "an outlier at 1e30": (np.r_[BLOBS, [[1e30, 0.0]]], 3),
    "an outlier at 1e30 everywhere": (np.r_[BLOBS, [[1e30, -1e30]]], 2),
    "two values": (np.repeat([[0.0, 0.0], [1.0, 1.0]], 50, axis=0), 3),
    "zeros and ones": (RNG.integers(0, 2, (300, 4)), 4),
    "columns 1e12 apart": (BLOBS * [1e-6, 1e6], 3),
    "mostly zero": (np.where(RNG.random((400, 2)) < 0.95, 0.0, BLOBS[:400]), 4),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("family", TYPES)
@pytest.mark.parametrize("name", HARD)
def test_hard_data_gives_a_finite_valid_mixture_and_a_rising_likelihood(name, family, dtype):
    X, K = HARD[name]
    X = X.astype(dtype)
    fitted = fastem.fit(X, K, covariance_type=family, random_state=0, n_init=4)
    mixture = fastem.Mixture(*fitted.mixture._parameters, family)  # checks every parameter
    assert mixture.weights.sum() == pytest.approx(1)
    eigenvalues = np.linalg.eigvalsh(correlations(mixture.full_covariances))
    assert eigenvalues.min() > 0
    assert np.isfinite(fitted.log_likelihood)
    # Rounding grows with the condition of a covariance, which is 1e10 where one is singular.
    singular = {np.float64: 1e-7, np.float32: 1e-2}[dtype]
    slack = 4 * np.finfo(dtype).eps if fitted.status.code == "converged" else singular
    assert (np.diff(fitted.trace) >= -slack * (1 + np.abs(fitted.trace).max())).all()
    np.testing.assert_allclose(mixture.responsibilities(X).sum(axis=1), 1, atol=1e-5)
    assert fitted.status.code in ("converged", "collapsed")


def correlations(covariances):
    scale = 1 / np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
    return covariances * scale[:, :, None] * scale[:, None, :]


def test_collapse_is_reported_with_the_remedy():
    X = np.r_[BLOBS, np.full((5, 2), 30.0)]
    means = [[0, 0], [6, 0], [0, 6], [30, 30]]
    fitted = fastem.fit(X, 4, means_init=means)
    assert fitted.status.code == "collapsed"
    assert fitted.converged
    assert "component 3 collapsed onto too few distinct rows" in fitted.status.text
    assert "fewer components, a simpler covariance_type or a larger reg_covar" in fitted.status.text
    regular = fastem.fit(X, 4, means_init=means, reg_covar=0.01)
    assert regular.status.code == "converged"
    np.testing.assert_allclose(regular.mixture.covariances[3], 0.01 * np.eye(2), rtol=1e-6)


def test_singular_data_is_reported_with_the_remedy():
    fitted = fastem.fit(np.c_[BLOBS, BLOBS[:, 0]], 3, random_state=0)
    assert "every component is singular: columns are constant or collinear" in fitted.status.text


@pytest.mark.parametrize("accelerate", [False, True])
@pytest.mark.parametrize("family", TYPES)
def test_a_component_that_loses_all_its_rows_is_reported(family, accelerate):
    variances = np.array([1.0, 1.0, 1.0, 1e-4])
    expanded = oracle.expand_covariances(variances, "spherical", 4, 2)
    covariances = {
        "full": expanded,
        "tied": expanded[0],
        "diag": np.diagonal(expanded, axis1=1, axis2=2),
        "spherical": variances,
    }[family]
    fitted = fastem.fit(
        BLOBS,
        4,
        covariance_type=family,
        means_init=[[0, 0], [6, 0], [0, 6], [1e4, 1e4]],
        covariances_init=covariances,
        accelerate=accelerate,
    )
    assert "component 3 lost all rows; ask for fewer components" in fitted.status.text
    assert fitted.status.code == "collapsed"
    three = fastem.fit(BLOBS, 3, covariance_type=family, random_state=0)
    assert fitted.log_likelihood == pytest.approx(three.log_likelihood, rel=1e-6)


# Callbacks and progress ------------------------------------------------------------------------


def test_the_callback_hears_of_every_pass_with_a_usable_mixture():
    events = []
    options = {"n_init": 3, "init": "random", "random_state": 0}
    fitted = fastem.fit(BLOBS, 3, callback=events.append, **options)
    stages = [e.stage for e in events]
    assert set(stages) == {"race", "all rows"}
    assert stages == sorted(stages, reverse=True)
    assert {e.start for e in events if e.stage == "race"} == {0, 1, 2}
    last = [e for e in events if e.stage == "all rows"]
    assert [e.log_likelihood for e in last] == fitted.trace.tolist()
    assert all(e.start == -1 for e in last)
    for event in events:
        level = event.mixture.log_prob(BLOBS).mean()
        assert level == pytest.approx(event.log_likelihood, rel=1e-9)
    assert events[-1].mixture.sorted() == fitted.mixture


@pytest.mark.parametrize("at", ["first", "race", "all rows"])
def test_a_callback_that_returns_true_stops_the_fit_with_what_it_has(at):
    calls = []

    def stop(event):
        calls.append(event)
        return at == "first" or (event.stage == at and event.n_iter >= 2)

    start = {"means_init": [[0, 1], [1, 0], [2, 2]]} if at == "all rows" else {}
    fitted = fastem.fit(BLOBS, 3, random_state=0, callback=stop, **start)
    assert fitted.status.code == "stopped"
    assert "stopped by the callback" in fitted.status.text
    assert not fitted.converged
    assert stop(calls[-1]) is True
    assert np.isfinite(fitted.mixture.log_prob(BLOBS)).all()


def test_only_true_stops_a_fit():
    for answer in None, 1, "yes", [1], np.True_:
        fitted = fastem.fit(BLOBS, 2, n_init=1, random_state=0, callback=lambda _, a=answer: a)
        assert fitted.status.code == ("stopped" if answer is np.True_ else "converged")


def test_an_error_in_the_callback_comes_through():
    def fail(event):
        raise RuntimeError("from the callback")

    with pytest.raises(RuntimeError, match="from the callback"):
        fastem.fit(BLOBS, 2, callback=fail)


def test_progress_counts_the_passes(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    fitted = fastem.fit(BLOBS, 3, random_state=0, progress=True)
    shown = stream.getvalue()
    assert "fastem" in shown
    assert "passes" in shown
    assert f"{fitted.trace[-1]:.6f} a row" in shown


@pytest.mark.parametrize("cold", [True, False])
def test_the_first_fit_on_a_machine_says_that_it_compiles(cold, monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr("fastem.progress.is_cold", lambda: cold)
    fastem.fit(BLOBS, 1, progress=True)
    assert ("compiling for this machine, once: about 10 s" in stream.getvalue()) == cold


def test_progress_without_tqdm_names_the_extra(monkeypatch):
    real = builtins.__import__

    def without_tqdm(name, *args, **kwargs):
        if name.startswith("tqdm"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_tqdm)
    with pytest.raises(ImportError, match=r"progress=True needs tqdm.*fastem\[progress\]"):
        fastem.fit(BLOBS, 2, progress=True)
    assert fastem.fit(BLOBS, 2, random_state=0).converged


# Threads and signals ---------------------------------------------------------------------------


def test_another_thread_runs_while_a_pass_does():
    """Without the lock released it would tick once or twice in a pass."""
    X = np.random.default_rng(0).normal(size=(200_000, 16))
    mixture = fastem.Mixture(np.full(40, 1 / 40), X[:40], np.array([np.eye(16)] * 40))
    passes, ticked = [], threading.Event()

    def work():
        while not ticked.is_set() and len(passes) < 100:
            mixture.summarise(X)
            passes.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    ticks = Counter()
    while thread.is_alive() and not ticked.is_set():
        ticks[len(passes)] += 1
        if ticks[len(passes)] > 12:
            ticked.set()
        time.sleep(0.001)
    thread.join()
    assert ticked.is_set()


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_comes_back_within_a_pass_and_the_next_fit_works():
    code = """
        import sys, numpy as np, fastem
        X = np.random.default_rng(0).normal(size=(100_000, 4))
        passes = []
        def say(event):
            passes.append(event.n_iter)
            if len(passes) == 3:
                print("running", flush=True)
        fastem.fit(X[:500], 2, random_state=0)
        try:
            fastem.fit(X, 12, means_init=X[:12], tol=0, max_iter=10**6, callback=say)
        except KeyboardInterrupt:
            fitted = fastem.fit(X[:500], 2, random_state=0)
            print("interrupted", fitted.mixture.weights.sum().round(6), flush=True)
    """
    process = processes.start([sys.executable, "-c", textwrap.dedent(code)])
    processes.wait_for(process, "running")
    process.send_signal(signal.SIGINT)
    assert processes.finish(process) == ("interrupted 1.0\n", "")
    assert process.returncode == 0


def test_given_means_leave_nothing_to_chance():
    """Not even the sample that their covariances come from, where rows are many."""
    X = np.random.default_rng(0).normal(size=(9000, 2))
    X[:3000] += 2
    fits = [fastem.fit(X, 3, means_init=X[:3], max_iter=3, tol=0) for _ in range(2)]
    assert fits[0].mixture == fits[1].mixture


# Components that dwindle over all rows ------------------------------------------------------------


@pytest.fixture
def chance(monkeypatch):
    """Rows of two clusters; whatever races there are end with a component on three of the rows."""
    means = np.array([[0.0], [5.0]])
    rng = np.random.default_rng(0)
    X, _ = oracle.sample(rng, 40_000, np.full(2, 0.5), means, np.ones(2), "spherical")
    start = Parameters(
        np.array([0.4999, 0.5, 0.0001]), np.r_[means, X[7:8]], np.array([1, 1, 1e-8])
    )

    def begin(starts, n_components, family, *_):
        restart = fastem.results.Restart(0, 0.0, 0, "chosen", ())
        return to_units(start, family, starts.data.rows(family).units), (restart,)

    monkeypatch.setattr(fastem.solve, "begin", begin)
    return X


def test_a_component_that_dwindles_over_all_rows_gives_way(chance, monkeypatch):
    """Oracle: the fit that stays with it, which ends with a component of hardly a row."""
    options = {"covariance_type": "spherical", "random_state": 0}
    events = []
    fitted = fastem.fit(chance, 3, callback=events.append, **options)
    assert fitted.converged
    assert fitted.mixture.weights.min() * len(chance) > 100
    passes = [event.n_iter for event in events if event.stage == "all rows"]
    (replaced,) = np.flatnonzero(np.diff(passes) == 0)  # the pass after it comes of no step
    for part in fitted.trace[: replaced + 1], fitted.trace[replaced + 1 :]:
        assert (np.diff(part) > -1e-12).all()
    monkeypatch.setattr(fastem.solve, "REPLACEMENTS", 0)
    assert fastem.fit(chance, 3, **options).mixture.weights.min() * len(chance) < 4


@pytest.mark.parametrize("max_iter", [1, 2, 5])
def test_max_iter_binds_the_runs_of_a_fit_together(chance, max_iter):
    events = []
    fastem.fit(chance, 3, covariance_type="spherical", max_iter=max_iter, callback=events.append)
    steps = [event.n_iter for event in events]
    assert sum(np.diff(steps) > 0) <= max_iter


def test_a_checkpoint_knows_of_components_that_dwindled(chance, tmp_path):
    """Oracle: the bits of the fit without one."""
    options = {"covariance_type": "spherical", "random_state": 0}
    alone = fastem.fit(chance, 3, **options)
    for _ in range(2):
        kept = fastem.fit(chance, 3, checkpoint=tmp_path / "fit.npz", **options)
        assert kept.mixture == alone.mixture
        assert np.array_equal(kept.trace, alone.trace)


@pytest.mark.parametrize("noise", [False, True])
def test_one_component_is_found_without_a_race(noise):
    """Oracle: mean and covariance of the rows; beside noise there are several maxima."""
    X = np.random.default_rng(0).normal(size=(500, 3)) @ np.triu(np.ones((3, 3))) + 1e3
    found = fastem.fit(X, 1, noise=noise, random_state=0)
    assert found.converged
    assert len(found.restarts) == (10 if noise else 0)
    if not noise:
        assert "1 pass over all rows" in str(found.status)
        np.testing.assert_allclose(found.mixture.means, [X.mean(axis=0)], rtol=1e-12)
        np.testing.assert_allclose(found.mixture.covariances, [np.cov(X.T, bias=True)], rtol=1e-9)


@pytest.mark.parametrize("family", ["full", "diag"])
def test_few_rows_in_single_precision_are_worked_on_in_double(family):
    """To the bits of the same numbers in float64, from the same start."""
    X = problem(family)[0].astype(np.float32)
    options = {"covariance_type": family, "random_state": 0}
    single, double = (fastem.fit(rows, 3, **options) for rows in (X, X.astype(float)))
    assert single.log_likelihood == double.log_likelihood
    assert single.mixture == double.mixture


@pytest.mark.parametrize(
    ("family", "prior"),
    [
        ("tied", False),
        ("EEI", False),
        ("EII", False),
        ("diag", False),
        ("diag", True),
        ("full", True),
    ],
)
def test_a_small_heap_stays_where_it_is_not_made_by_chance(family, prior):
    """Twelve rows of 6,000, far from all others: nothing else is worth as much to a component."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6000, 7))
    X[3000:, 0] += 4.0
    X[::500] = 30.0 + rng.normal(size=(12, 7))
    found = fastem.fit(X, 3, covariance_type=family, prior=prior, random_state=0)
    assert found.mixture.weights.min() == pytest.approx(12 / 6000, rel=1e-6)
    assert np.diff(found.trace).min() > -1e-12
