"""Time to an equal likelihood: whole fits, each program from a start of its own choosing.

Peers are cut short after `--patience` seconds, or after so many times fastem's that there is no
more to tell: then the ratio is at least that. Peers make one start, so fastem does as well, beside
its default of ten; "there" is how much sooner each of the two had the level that the peer ended at.
`--picture FILE` draws likelihood against seconds.
"""

import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import peers
import pytest
from measure import REST, ratio

import fastem

BIRCH = Path(__file__).parents[1] / "tests" / "data" / "birch1.npz"
#: Rows, columns and components.
SIZES = [(1_000_000, 2, 50), (1_000_000, 8, 16), (300_000, 16, 32), (100_000, 64, 16), "birch1"]
TIGHT = 1e-6
MAX_ITER = 1000
#: A peer is given up after so many times fastem's seconds.
PATIENCE = 260
TITLE = "Time to solution: time over fastem's, and what its likelihood lacks to fastem's"


@dataclass
class Course:
    """Mean log-likelihoods of a program on its way, and the seconds at which it had them."""

    seconds: list = field(default_factory=list)
    levels: list = field(default_factory=list)
    total: float = np.inf
    cut_short: bool = False

    def note(self, began, level):
        self.seconds.append(time.perf_counter() - began)
        self.levels.append(float(level))

    @property
    def level(self):
        return max(self.levels)

    def when(self, level):
        """Seconds until it had reached a level."""
        there = [s for s, x in zip(self.seconds, self.levels, strict=True) if x >= level]
        return there[0] if there else np.inf


@pytest.mark.parametrize("size", SIZES, ids=str)
def bench_time_to_solution(benchmark, report, scale, rounds, picture, patience, size):
    X, K = rows(size, scale)
    fastem.fit(X[:20_000], K, max_iter=2)  # compiles
    fit = benchmark.pedantic(
        fastem.fit, args=(X, K), kwargs={"random_state": 0}, rounds=max(rounds // 2, 1)
    )
    ours = fastem_course(X, K)
    ours.total = benchmark.stats.stats.min if benchmark.enabled else ours.total
    courses = {"fastem": ours}
    patience = min(patience, PATIENCE * ours.total)
    for name, run in {
        "fastem, n_init=1": lambda: fastem_course(X, K, n_init=1),
        f"scikit-learn, tol={TIGHT:g}": lambda: scikit_learn(
            X, K, patience, tol=TIGHT, max_iter=MAX_ITER
        ),
        "scikit-learn, defaults": lambda: scikit_learn(X, K, patience),
        f"oneDAL, tol={TIGHT:g}": lambda: onedal(X, K, patience),
    }.items():
        time.sleep(REST)
        try:
            courses[name] = run()
        except (pytest.skip.Exception, np.linalg.LinAlgError, ValueError, RuntimeError) as error:
            warnings.warn(f"{name} is left out of {X.shape}, K = {K}: {error}", stacklevel=1)

    assert ours.level == pytest.approx(fit.trace[-1], abs=1e-9)
    one = courses["fastem, n_init=1"]
    for name, course in courses.items():
        at_least = "over " if course.cut_short else ""
        report(
            TITLE,
            rows=" x ".join(map(str, X.shape)),
            K=K,
            program=name,
            time=at_least + ratio(course.total / ours.total),
            over_one_start=at_least + ratio(course.total / one.total),
            mean_log_likelihood=f"{course.level:.7f}",
            lacks=f"{ours.level - course.level:+.1e}",
            there=ratio(course.total / ours.when(course.level)),
            one_start_there=ratio(course.total / one.when(course.level)),
        )
    if picture:
        draw(picture, X, K, courses)
    higher = max(course.level for name, course in courses.items() if "fastem" not in name)
    assert ours.level >= higher - TIGHT, "fastem ended below a peer"


def rows(size, scale):
    """Rows and the number of components."""
    if size == "birch1":
        with np.load(BIRCH) as file:
            X = file["X"].astype(np.float64)
        return X[:: max(1, round(1 / scale))].copy(), 100
    n, D, K = size
    # In a plane fifty clusters three times as far apart would still be one cloud.
    separation = 8.0 if D == 2 else 3.0
    return peers.overlapping(int(n * scale), D, K, separation=separation)[0], K


def fastem_course(X, K, **options):
    course, began = Course(), time.perf_counter()

    def note(event):
        if event.stage == "all rows":
            course.note(began, event.log_likelihood)

    fastem.fit(X, K, random_state=0, callback=note, **options)
    course.total = time.perf_counter() - began
    return course


def scikit_learn(X, K, patience, **options):
    mixture = pytest.importorskip("sklearn.mixture")
    exceptions = pytest.importorskip("sklearn.exceptions")

    class TimeIsUp(Exception):
        pass

    class Watched(mixture.GaussianMixture):
        """Notes its lower bound at each iteration, of which it is the mean log-likelihood."""

        def _compute_lower_bound(self, log_resp, log_prob_norm):
            course.note(began, log_prob_norm)
            if course.seconds[-1] > patience:
                raise TimeIsUp
            return super()._compute_lower_bound(log_resp, log_prob_norm)

    course, began = Course(), time.perf_counter()
    with warnings.catch_warnings():
        # Running out of iterations is a result like any other here.
        warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
        try:
            Watched(K, random_state=0, **options).fit(X)
        except TimeIsUp:
            course.cut_short = True
    course.total = time.perf_counter() - began
    return course


def onedal(X, K, patience):
    """oneDAL's own start, the best of several short runs; its threshold is on the sum over rows.

    It tells nothing on its way, so it runs again and again, each time twice as long.
    """
    daal4py = pytest.importorskip("daal4py")
    daal4py.daalinit(2)
    course, limit = Course(), 8
    while True:
        began = time.perf_counter()
        start = daal4py.em_gmm_init(nComponents=K).compute(X)
        result = daal4py.em_gmm(
            nComponents=K, maxIterations=limit, accuracyThreshold=TIGHT * len(X)
        ).compute(X, start.weights, start.means, list(start.covariances))
        course.total = time.perf_counter() - began
        weights = result.weights.ravel()
        found = fastem.Mixture(weights / weights.sum(), result.means, np.stack(result.covariances))
        course.seconds.append(course.total)
        course.levels.append(float(found.log_prob(X).mean()))
        if int(result.nIterations.ravel()[0]) < limit or limit >= MAX_ITER:
            return course
        if 2 * course.total > patience:
            course.cut_short = True
            return course
        limit = min(2 * limit, MAX_ITER)


def draw(path, X, K, courses):
    """What each program's likelihood lacks to the highest, against seconds; both logarithmic."""
    pyplot = pytest.importorskip("matplotlib.pyplot")
    path = Path(path)
    named = path.with_stem(f"{path.stem}-{len(X)}x{X.shape[1]}-{K}")
    best = max(course.level for course in courses.values())
    figure, ax = pyplot.subplots(figsize=(6, 3.6), layout="constrained")
    for name, course in courses.items():
        lacks = np.maximum(best - np.array(course.levels), TIGHT)
        ax.plot(course.seconds, lacks, marker=".", markersize=3, linewidth=1.2, label=name)
    ax.set(xscale="log", yscale="log", xlabel="seconds", ylabel="nats a row below the best")
    ax.set_title(f"{len(X):,} x {X.shape[1]}, {K} components")
    ax.legend(frameon=False)
    figure.savefig(named, dpi=110)
    pyplot.close(figure)
