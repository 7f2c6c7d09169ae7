"""Problems with several maxima, which of these are sound, and the long search for the best.

A maximum is sound if

- no covariance is singular: its eigenvalues, relative to the covariance of all rows (for diagonal
  and spherical covariances, to the variances of the columns), are at least 1e-6;
- no component is on a handful of rows: where each has a covariance of its own, its
  responsibilities sum to D + 1 rows at least, and to twice as many where covariances are full, for
  so few may lie in a line by chance.

`python bench/optima.py search 2 1.5` looks for the best of each problem, twice, for a second and a
half of processor time each (up to six times as long where there are many rows): from starts of
all kinds by fastem and scikit-learn, from the best of one component less, cut in two, and of other
families, and from the best known with a component moved. What it finds is kept in `optima.json`:
the log-likelihood of the best maximum with D + 1 rows a component ("level") and with twice as many
("level_2"), from how many starts, the kind that found it and the number of that start. Called again
it goes on from there. `python bench/optima.py work` notes the evaluations of default fits.
"""

import contextlib
import json
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import fastem
from fastem import em

DATA = Path(__file__).parents[1] / "tests" / "data"
MARKS = Path(__file__).with_name("optima.json")
FAMILIES = "full", "tied", "diag", "spherical"
COUNTS = range(2, 10)
SEEDS = range(5)
SETS = (
    "faithful",
    "iris",
    "wine",
    "crabs",
    "ecoli",
    "penguins",
    "seeds",
    "wholesale",
    "pima",
    "winequality_white",
    "earthquakes",
    "engytime",
    "abalone",
)
#: Rows, columns and components of simulated ones, and their covariances.
OVERLAPPING = (
    (20_000, 3, 8, "full"),
    (20_000, 5, 10, "full"),
    (30_000, 4, 12, "full"),
    (50_000, 10, 8, "full"),
    (30_000, 3, 10, "tied"),
    (20_000, 4, 9, "diag"),
    (20_000, 3, 12, "diag"),
    (40_000, 3, 10, "spherical"),
    (20_000, 3, 9, "full"),
    (20_000, 4, 10, "full"),
    (20_000, 3, 12, "full"),
    (25_000, 5, 8, "full"),
    (20_000, 3, 10, "diag"),
    (20_000, 5, 12, "diag"),
    (20_000, 4, 11, "full"),
    (20_000, 3, 11, "spherical"),
)
#: Neighbours are so many standard deviations apart, and each is the innermost of so many tried.
APART, PACKED = (2.0, 2.5), 50
#: Eigenvalues of a covariance, by those of the data, at least.
LEAST_SPREAD = 1e-6


@dataclass(frozen=True)
class Problem:
    """Rows, and the mixture to fit to them."""

    name: str
    n_components: int
    covariance_type: str

    @property
    def key(self):
        return f"{self.name} {self.covariance_type} {self.n_components}"

    def rows(self):
        return rows(self.name)

    def fit(self, **options):
        return fastem.fit(
            self.rows(), self.n_components, covariance_type=self.covariance_type, **options
        )

    def mark(self, marks):
        """The log-likelihood of the best sound maximum known, or None."""
        known = marks.get(self.key, {})
        level = known.get("level_2" if self.covariance_type == "full" else "level", -np.inf)
        return level if np.isfinite(level) else None


def problems(name=None, family=None):
    """All, or those of a set and a family: real rows where they are enough, and simulated ones."""
    found = []
    for each in [name] if name else [*SETS, *simulated()]:
        if each.startswith("overlapping"):
            *_, K, own = OVERLAPPING[_number(each)]
            found += [Problem(each, K, own)]
            continue
        n, D = rows(each).shape
        for own in FAMILIES:
            counts = [K for K in COUNTS if own != "full" or n >= 2 * K * (D + 1)]
            found += [Problem(each, K, own) for K in counts]
    return [p for p in found if family in (None, p.covariance_type)]


def simulated():
    """Names of the simulated sets."""
    return [f"overlapping {i}: {n} x {D}" for i, (n, D, *_) in enumerate(OVERLAPPING)]


def _number(name):
    return int(name.split()[1].rstrip(":"))


_rows = {}


def rows(name):
    """The rows of a set, float64."""
    if name not in _rows:
        _rows[name] = overlapping(name)[0] if name.startswith("overlapping") else real(name)
    return _rows[name]


def real(name):
    """A set of the tests' data."""
    if (DATA / f"{name}.npz").exists():
        return np.ascontiguousarray(np.load(DATA / f"{name}.npz")["X"], float)
    lines = (DATA / f"{name}.csv").read_text().splitlines()
    n_columns = {"iris": 4, "faithful": 2}[name]
    return np.array([line.split(",")[:n_columns] for line in lines[1:]], float)


def overlapping(name):
    """Rows of components whose nearest neighbours are `APART`, and the mixture they come from."""
    n, D, K, family = OVERLAPPING[_number(name)]
    rng = np.random.default_rng(1000 + _number(name))
    means = np.zeros((1, D))
    while len(means) < K:  # each new one as far inside as there is room
        steps = rng.normal(size=(PACKED, D))
        steps *= rng.uniform(*APART, (PACKED, 1)) / np.linalg.norm(steps, axis=1)[:, None]
        tried = means[rng.integers(len(means), size=PACKED)] + steps
        nearest = np.linalg.norm(tried[:, None] - means, axis=2).min(axis=1)
        far = np.where(
            nearest >= APART[0], np.linalg.norm(tried - means.mean(axis=0), axis=1), np.inf
        )
        means = np.append(means, tried[[far.argmin()]], axis=0)
    covariances = np.tile(np.eye(D), (K, 1, 1))
    if family != "spherical":
        for k in range(1 if family == "tied" else K):
            axes = np.linalg.qr(rng.normal(size=(D, D)))[0] if family != "diag" else np.eye(D)
            values = np.exp(rng.uniform(-1.0, 1.0, D))
            covariances[k] = (axes * values / values.prod() ** (1 / D)) @ axes.T
        if family == "tied":
            covariances[:] = covariances[0]
    covariances *= np.exp(rng.uniform(-0.3, 0.3, K) * (family != "tied"))[:, None, None]
    weights = rng.dirichlet(np.full(K, 4.0))
    labels = rng.choice(K, n, p=weights)
    X = rng.normal(size=(n, D))
    for k in range(K):
        X[labels == k] = X[labels == k] @ np.linalg.cholesky(covariances[k]).T + means[k]
    mine = {
        "full": covariances,
        "tied": covariances[0],
        "diag": np.einsum("kdd->kd", covariances),
        "spherical": covariances[:, 0, 0],
    }[family]
    return X, fastem.Mixture(weights, means, mine, family)


def smallest_component(mixture, X):
    """Fewest rows of a component with a covariance of its own, over D + 1; infinite without."""
    if mixture.covariance_type == "tied":
        return np.inf
    return mixture.responsibilities(X).sum(axis=0).min() / (X.shape[1] + 1)


def least_spread(mixture, X):
    """The smallest eigenvalue of a covariance relative to that of all rows."""
    covariances = np.asarray(mixture.covariances)
    if mixture.covariance_type == "spherical":
        return covariances.min() / X.var(axis=0).mean()
    if mixture.covariance_type == "diag":
        return (covariances / X.var(axis=0)).min()
    scale = X.std(axis=0)
    values, axes = np.linalg.eigh(np.cov((X / scale).T, bias=True).reshape(X.shape[1], -1))
    whiten = axes / np.sqrt(values) / scale[:, None]
    return np.linalg.eigvalsh(whiten.T @ covariances @ whiten).min()


def is_sound(mixture, X, least_rows=None):
    """Whether a maximum is sound, as above; `least_rows` in multiples of D + 1."""
    if least_rows is None:
        least_rows = 2.0 if mixture.covariance_type == "full" else 1.0
    enough = smallest_component(mixture, X) >= least_rows
    return enough and least_spread(mixture, X) >= LEAST_SPREAD


def level(mixture, X):
    """The log-likelihood of a sound mixture; -inf of others."""
    return float(mixture.log_prob(X).sum()) if is_sound(mixture, X) else -np.inf


# The long search -----------------------------------------------------------------------------


class Search:
    """The best sound maxima of a problem, and how they were found.

    Of two levels one is of maxima with at least D + 1 rows a component, "level", and one of those
    with twice as many, "level_2".
    """

    def __init__(self, problem, known):
        self.problem, self.X = problem, problem.rows()
        self.mark = dict(known or {"level": -np.inf, "level_2": -np.inf, "starts": 0})
        self.best = None

    def offer(self, fitted, how):
        self.mark["starts"] += 1
        mixture, level = fitted.mixture, fitted.log_likelihood
        if fitted.status.code not in ("converged", "not converged"):
            return
        worth = min(self.mark["level"], self.mark["level_2"])
        if level < worth + 1e-6 or not is_sound(mixture, self.X, 1.0):
            return
        if level > self.mark["level"]:
            if level > self.mark["level"] + 1e-3:
                self.mark["by"], self.mark["at"] = how, self.mark["starts"]
            self.mark["level"], self.best = level, mixture
        if level > self.mark["level_2"] and is_sound(mixture, self.X, 2.0):
            self.mark["level_2"] = level

    def fit(self, how, **options):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                K, family = self.problem.n_components, self.problem.covariance_type
                fitted = fastem.fit(self.X, K, covariance_type=family, tol=1e-8, **options)
            except (ValueError, np.linalg.LinAlgError):
                return
        self.offer(fitted, how)

    def from_mixture(self, how, weights, means, covariances):
        weights = np.asarray(weights) / np.sum(weights)
        self.fit(how, weights_init=weights, means_init=means, covariances_init=covariances)

    def run(self, seconds, rng, neighbours):
        """Starts of all kinds in turn for so long, at least a round of them."""
        began = time.process_time()
        name = self.problem.name
        if name.startswith("overlapping"):
            truth = overlapping(name)[1]
            self.from_mixture("truth", truth.weights, truth.means, truth.covariances)
        for mixture in neighbours:
            self._from_neighbour(mixture, rng)
        self.fit("hierarchical", init="hierarchical", n_init=1, random_state=0)
        kinds = [
            lambda: self.fit("default", random_state=_seed(rng)),
            lambda: self.fit("k-means++", n_init=1, random_state=_seed(rng)),
            lambda: self.fit("random", init="random", n_init=1, random_state=_seed(rng)),
            lambda: self.fit("subsets", init="random-subsets", n_init=1, random_state=_seed(rng)),
            lambda: self.fit(
                "plain random", init="random", n_init=1, accelerate=False, random_state=_seed(rng)
            ),
            lambda: self._hop(rng),
            lambda: self._hop(rng),
            lambda: self._hop(rng),
            lambda: self.scikit_learn(rng),
        ]
        i = 0
        while i < len(kinds) or time.process_time() - began < seconds:
            if i % len(kinds) or i < 2 * len(kinds):
                kinds[i % len(kinds)]()
            i += 1

    def _from_neighbour(self, mixture, rng):
        """From K - 1 components, each split; or the same number of another family."""
        K = self.problem.n_components
        if mixture.n_components == K:
            full = _expanded(mixture)
            how = f"from {mixture.covariance_type}"
            self.from_mixture(how, mixture.weights, mixture.means, self._of(full, mixture.weights))
            return
        for k in range(mixture.n_components):
            weights, means, full = _split(mixture, k, rng)
            self.from_mixture("split of K - 1", weights, means, self._of(full, weights))

    def _hop(self, rng):
        """From the best known, one component moved elsewhere."""
        mixture = self.best
        K = self.problem.n_components
        if mixture is None or K < 2:
            return
        j = rng.integers(K)
        left = np.arange(K) != j
        if rng.random() < 0.5 or K == 2:
            full, means = _expanded(mixture), mixture.means.copy()
            weights = np.array(mixture.weights)
            row = self.X[rng.integers(len(self.X))]
            size = max(3 * (self.X.shape[1] + 1), len(self.X) // (2 * K))
            near = np.argsort((((self.X - row) / self.X.std(axis=0)) ** 2).sum(axis=1))[:size]
            means[j], weights[j] = self.X[near].mean(axis=0), len(near) / len(self.X)
            full[j] = np.cov(self.X[near].T, bias=True) + 1e-4 * np.diag(self.X.var(axis=0))
        else:
            rest = fastem.Mixture(
                mixture.weights[left] / mixture.weights[left].sum(),
                mixture.means[left],
                _expanded(mixture)[left],
                "full",
            )
            weights, means, full = _split(rest, rng.choice(K - 1, p=rest.weights), rng)
        self.from_mixture("moved component", weights, means, self._of(full, weights))

    def _of(self, full, weights):
        """Covariance matrices (K, D, D) as the problem's family has them."""
        return {
            "full": lambda: full,
            "tied": lambda: np.einsum("k,kde->de", weights / np.sum(weights), full),
            "diag": lambda: np.einsum("kdd->kd", full).copy(),
            "spherical": lambda: np.einsum("kdd->kd", full).mean(axis=1),
        }[self.problem.covariance_type]()

    def scikit_learn(self, rng):
        from sklearn.mixture import GaussianMixture

        kind = str(rng.choice(["kmeans", "random", "random_from_data", "k-means++"]))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                K, family = self.problem.n_components, self.problem.covariance_type
                model = GaussianMixture(
                    K, covariance_type=family, init_params=kind, random_state=_seed(rng)
                ).fit(self.X)
            except ValueError:
                return
        how = f"scikit-learn, {kind}"
        self.from_mixture(how, model.weights_, model.means_, model.covariances_)


def _seed(rng):
    return int(rng.integers(2**31))


def _expanded(mixture):
    K, D = np.shape(mixture.means)
    covariances = np.asarray(mixture.covariances)
    if mixture.covariance_type == "spherical":
        return covariances[:, None, None] * np.eye(D)
    if mixture.covariance_type == "diag":
        return covariances[:, :, None] * np.eye(D)
    return np.broadcast_to(covariances, (K, D, D)).copy()


def _split(mixture, k, rng):
    """Weights, means and covariance matrices with component k cut in two, last in the arrays."""
    full = _expanded(mixture)
    left = np.arange(len(full)) != k
    D = full.shape[1]
    scale = np.sqrt(np.diag(full[k]))
    values, axes = np.linalg.eigh(full[k] / scale / scale[:, None])
    a = rng.choice(D, p=np.maximum(values, 0) / np.maximum(values, 0).sum())
    step = 0.8 * np.sqrt(max(values[a], 0)) * axes[:, a] * scale
    half = full[k] - 0.9 * np.outer(step, step)
    weight = mixture.weights[k] / 2
    return (
        np.r_[mixture.weights[left], weight, weight],
        np.r_[mixture.means[left], [mixture.means[k] - step, mixture.means[k] + step]],
        np.concatenate([full[left], [half, half]]),
    )


def search(rounds, seconds, only=()):
    """Look for better marks, problem by problem, and keep each at once."""
    marks, bests = known(), {}
    for turn in range(rounds):
        for problem in sorted(problems(), key=lambda p: marks.get(p.key, {"starts": 0})["starts"]):
            if only and problem.name.split()[0] not in only:
                continue
            found = Search(problem, marks.get(problem.key))
            found.best = bests.get(problem.key)
            K, own = problem.n_components, problem.covariance_type
            near = [Problem(problem.name, K - 1, own)]
            near += [Problem(problem.name, K, other) for other in FAMILIES if other != own]
            size = problem.rows().size * K
            rng = np.random.default_rng([turn, size, found.mark["starts"]])
            long = seconds * min(max(1.0, size / 10_000), 6.0)
            found.run(long, rng, [bests[p.key] for p in near if p.key in bests])
            if found.best is not None:
                bests[problem.key] = found.best
            marks[problem.key] = found.mark
            keep(marks)
            print(turn, problem.key, found.mark, flush=True)


@contextlib.contextmanager
def counted():
    """Rows times components evaluated by passes of EM meanwhile, in a list of one number."""
    total, run, short = [0.0], em.run, em.Runs.short
    places = em, sys.modules[em.Runs.__module__]

    def counting(rows, family, start, **options):
        earlier = getattr(start, "n_iter", 0) or -1
        ended = run(rows, family, start, **options)
        total[0] += (ended.n_iter - earlier) * rows.n_samples * len(ended.parameters.weights)
        return ended

    def counting_short(runs, start, steps):
        total[0] += (steps + 1) * runs.rows.n_samples * len(start.weights)
        return short(runs, start, steps)

    for place in places:
        place.run = counting
    em.Runs.short = counting_short
    try:
        yield total
    finally:
        em.Runs.short = short
        for place in places:
            place.run = run


def measure_work():
    """Note the evaluations of a default fit of this version, the mean of some seeds."""
    marks = known()
    for problem in problems():
        with counted() as total:
            for seed in SEEDS:
                problem.fit(random_state=seed)
        marks.setdefault(problem.key, {"level": -np.inf, "level_2": -np.inf, "starts": 0})
        marks[problem.key]["work"] = round(total[0] / len(SEEDS))
        keep(marks)
        print(problem.key, marks[problem.key], flush=True)


def known():
    """The marks by problem."""
    return json.loads(MARKS.read_text())["marks"] if MARKS.exists() else {}


def keep(marks):
    """Write the file of marks anew."""
    about = __doc__.split("`python")[0].split("\n\n")
    MARKS.write_text(json.dumps({"about": about, "marks": marks}, indent=1) + "\n")


if __name__ == "__main__":
    import numba

    numba.set_num_threads(1)
    if sys.argv[1] == "work":
        measure_work()
    else:
        search(int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:])
