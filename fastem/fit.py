"""fit: from an array to a mixture, with restarts, and an account of how it went."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from fastem import clutter, em, validation
from fastem.checkpoint import Checkpoint
from fastem.conclusion import conclude
from fastem.covariance import Bounds, Family, Parameters, WithNoise, WithPrior, family
from fastem.data import Data, Sample
from fastem.initialisation import STARTS, Given, Start, nearest_means
from fastem.mixture import change_units, mixture_of, to_units
from fastem.moments import Moments
from fastem.progress import Progress, Watch
from fastem.restarts import collapsed, race
from fastem.results import Callback, Fit, Restart, Status
from fastem.rows import Rows, Source
from fastem.units import Units

#: Default floor of covariances' eigenvalues, as a share of the data's own variance.
DEFAULT_FLOOR = 1e-10
#: The same where the user gives `reg_covar`: only what rounding makes of a singular matrix.
ROUNDING_FLOOR = 1e-14
#: Options that an answer depends on.
DECISIVE = "n_init", "init", "reg_covar", "tol", "max_iter", "accelerate", "noise", "prior"

#: Starts on a sample converge to within this share of what the sample's maximum is off.
RACE_SHARE = 0.01


@dataclass(frozen=True, eq=False)
class Options:
    """The options of `fit` that `select` hands on, checked."""

    n_init: int = 10
    init: str = "k-means++"
    reg_covar: float | None = None
    tol: float = 1e-6
    max_iter: int = 1000
    accelerate: bool = True
    callback: Callback | None = None
    progress: bool = False
    noise: bool | ArrayLike = False
    prior: bool = False
    checkpoint: str | os.PathLike | None = None
    checkpoint_every: int = 1

    def __post_init__(self) -> None:
        """Check each by name."""
        validation.integer(self.n_init, "n_init")
        validation.choice(self.init, "init", STARTS)
        validation.integer(self.max_iter, "max_iter")
        validation.real(self.tol, "tol")
        if self.reg_covar is not None:
            validation.real(self.reg_covar, "reg_covar")
        if self.callback is not None and not callable(self.callback):
            raise TypeError(f"callback is {self.callback!r}; give a function of one argument")
        if isinstance(self.noise, bool | np.bool_ | str) or self.noise is None:
            validation.boolean(self.noise, "noise")
        validation.boolean(self.prior, "prior")
        if not (self.checkpoint is None or isinstance(self.checkpoint, str | os.PathLike)):
            raise TypeError(f"checkpoint is {self.checkpoint!r}; give the path of a file")
        validation.integer(self.checkpoint_every, "checkpoint_every")

    @property
    def is_noisy(self) -> bool:
        """Whether there is noise beside the components."""
        return self.noise is not False and self.noise is not np.False_

    def kept(self, random_state: object, seed: np.random.SeedSequence) -> Checkpoint | None:
        """The file that a fit of that seed is kept in, if there is to be one."""
        if self.checkpoint is None:
            return None
        chance = "None" if random_state is None else str(seed.entropy)
        return Checkpoint(self.checkpoint, self.checkpoint_every, chance)

    def bounds(self, rows: Rows) -> Bounds:
        """What keeps covariances positive definite, in the units of those rows."""
        scale = rows.units.scale
        if self.reg_covar is None:
            return Bounds(np.zeros_like(scale), max(DEFAULT_FLOOR, rows.precision / 8))
        return Bounds(self.reg_covar * scale**2, ROUNDING_FLOOR)

    def family(self, kind: Family, n_components: int, data: Data) -> Family:
        """The family that EM maximises over: under a prior and beside noise, if asked for."""
        if self.prior:
            units = data.rows(kind).units
            kind = WithPrior.of(kind, n_components, *data.centre(kind), units)
        return WithNoise(kind, clutter.box(data)) if self.is_noisy else kind


def fit(
    X: ArrayLike | Source,
    n_components: int,
    *,
    covariance_type: str = "full",
    sample_weight: ArrayLike | None = None,
    n_init: int = 10,
    init: str = "k-means++",
    weights_init: ArrayLike | None = None,
    means_init: ArrayLike | None = None,
    covariances_init: ArrayLike | None = None,
    reg_covar: float | None = None,
    tol: float = 1e-6,
    max_iter: int = 1000,
    accelerate: bool = True,
    random_state: int | np.random.Generator | None = None,
    callback: Callback | None = None,
    progress: bool = False,
    noise: bool | ArrayLike = False,
    prior: bool = False,
    checkpoint: str | os.PathLike | None = None,
    checkpoint_every: int = 1,
) -> Fit:
    """Fit a Gaussian mixture by Expectation-Maximisation.

    Many starts race on a sample of the rows (on all of them when they are few); the best one runs
    to convergence on all rows.

    Parameters
    ----------
    X : (n_samples, n_features) array-like, path or source
        Rows; float32 is worked on in float32, anything else in float64. Never changed. Files and
        what `fastem.rows.open` or `fastem.rows.Blocks` returns may hold more rows than memory,
        Dask's arrays and data frames (extra: dask) more than one machine.
    n_components : int
    covariance_type : str, default "full"
        "full", "tied", "diag" or "spherical", or one of mclust's families: EII, VII, EEI, VEI, EVI,
        VVI (diagonal), EEE, VEE, EVE, VVE, EEV, VEV, EVV, VVV (ellipsoidal), and E or V for one
        column.
    sample_weight : (n_samples,) array-like, optional
        A weight of 2 is the row twice, of 0 an absent row. Where X is a path, the name of a column
        as well; where it is a source, weights come with it.
    n_init : int, default 10
        Starts. One where `means_init` is given: nothing is left to chance.
    init : {"k-means++", "random", "random-subsets", "hierarchical"}, default "k-means++"
        Greedy k-means++ with k-means after it; random rows as centres; for each component
        the mean and covariance of 30 random rows; the groups of model-based hierarchical clustering
        of at most 2,000 rows, as mclust begins. That one leaves nothing to chance, unless there are
        more rows: it is the first of the `n_init` starts, and the others are by k-means++.
    weights_init, means_init, covariances_init : array-like, optional
        The start, whole or in part, shaped as `Mixture` has them. With means alone, covariances are
        those of the rows nearest to each mean. Covariances need not be of the family: where EM
        begins at others its first step may lower the likelihood.
    reg_covar : float, optional
        Added to the diagonal of every covariance, in squared units of the data. By default nothing
        is added; instead no eigenvalue may fall below 1e-10 of the data's own variance (1.5e-8 of
        it in float32), which changes nothing unless a component collapses.
    tol : float, default 1e-6
        Stop when the gain in mean log-likelihood still to be expected is below this, in nats a row.
        0 never stops before `max_iter`.
    max_iter : int, default 1000
        EM steps, at most, over all rows; as many for each start on the sample.
    accelerate : bool, default True
        Extrapolate the EM map, safeguarded: the likelihood never falls.
    random_state : int, Generator or None
        Where chance comes from. The same int gives the same bits.
    callback : callable, optional
        Called with an `Event` after each pass; returning True stops the fit with what it has.
    progress : bool, default False
        Show a progress bar (extra: progress).
    noise : bool or (n_samples,) array-like of bool, default False
        Whether there are rows of no component: a uniform density over the smaller of the data's
        bounding boxes along the columns and along the principal axes (Banfield and Raftery 1993).
        An array, for rows in memory, is a first guess at which they are; by default those far from
        their neighbours (Byers and Raftery 1998). Rows of noise are labelled -1; `weights_init` are
        shares of the others.
    prior : bool, default False
        Maximise the posterior density under the conjugate prior of Fraley and Raftery (2007), with
        their defaults, instead of the likelihood: no component can collapse. The prior holds a
        hundredth of a row for each mean and shrinks covariances mildly towards the data's over
        K^(2 / D).
    checkpoint : path, optional
        A file, written whole or not at all while EM runs over all rows. Where it exists the fit
        goes on from it: killed at any time and called again with the same rows and arguments it
        comes to the bits that it would have come to uninterrupted. The file stays when the fit is
        done, and the same call then repeats no more than its last passes; delete it to begin anew.
    checkpoint_every : int, default 1
        Passes over all rows from one writing of the checkpoint to the next.

    Returns
    -------
    Fit

    Raises
    ------
    TypeError, ValueError
        If an argument is not what it must be; the message names it, its value and the remedy.
        ValueError too if the checkpoint is damaged or that of another fit.
    OSError
        If a file cannot be read or written.
    OSError
        If X is a file that cannot be read.
    ImportError
        If `progress` is asked for without tqdm.

    Warns
    -----
    SymmetricStartWarning
        If components of the given start coincide.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = np.concatenate([rng.normal(0, 1, (500, 2)), rng.normal(5, 1, (500, 2))])
    >>> fitted = fit(X, 2, random_state=0)
    >>> np.sort(fitted.mixture.means[:, 0]).round()
    array([0., 5.])
    """
    options = Options(
        n_init,
        init,
        reg_covar,
        tol,
        max_iter,
        accelerate,
        callback,
        progress,
        noise,
        prior,
        checkpoint,
        checkpoint_every,
    )
    kind = family(covariance_type)
    data = Data.of(X, sample_weight)
    n_components = validation.components(n_components, data.n_samples)
    given = Given.of(
        weights_init, means_init, covariances_init, kind, n_components, data.n_features
    )
    given.warn_if_symmetric()
    with Progress(options.progress) as bar:
        seed = seeds(random_state)
        kept = options.kept(random_state, seed)
        return fit_data(data, n_components, kind, given, options, seed, bar, kept)


def seeds(random_state: int | np.random.Generator | None) -> np.random.SeedSequence:
    """The one source of chance of a fit."""
    if isinstance(random_state, np.random.Generator):
        return np.random.SeedSequence(random_state.integers(2**63, size=2).tolist())
    if random_state is not None:
        random_state = validation.integer(random_state, "random_state", least=0)
    return np.random.SeedSequence(random_state)


def fit_data(
    data: Data,
    n_components: int,
    kind: Family,
    given: Given,
    options: Options,
    seed: np.random.SeedSequence,
    bar: Progress,
    kept: Checkpoint | None = None,
) -> Fit:
    """`fit`, after its arguments are checked; the same data and seed share their sample."""
    began = time.perf_counter()
    rows = data.rows(kind)
    known = None
    if kept is not None:
        shape = n_components, data.n_features
        shapes = (n_components,), shape, kind.shape(*shape)
        known = kept.open(_arguments(data, n_components, kind, given, options), shapes)
    kind = options.family(kind, n_components, data)
    bounds = options.bounds(rows)
    watch = Watch(kind, options.callback, bar)
    if kept is not None and known is not None:
        start, restarts = known, kept.restarts
    else:
        start, restarts = _start(data, rows, n_components, kind, given, options, seed, watch)
        start = _feasible(start, kind.at(rows.units), bounds)
    if kept is not None:
        kept.restarts = restarts
    rule = em.ExpectedGain(options.tol, rows.precision)
    run = em.run(
        rows,
        kind.at(rows.units),
        start,
        bounds=bounds,
        rule=rule,
        max_iter=0 if watch.stopped else options.max_iter,
        accelerate=options.accelerate,
        on_pass=watch.all_rows(rows.units, rule, data.n_samples),
        # What a race leaves that was stopped is no start to go on from.
        keeper=None if watch.stopped else kept,
    )
    unsettled = f"a gain above tol={options.tol:g} is still to be expected; raise max_iter or tol"
    status = conclude(run, kind, bounds, unsettled, n_starts=len(restarts), stopped=watch.stopped)
    return account(run, data, kind, rows.units, status, restarts, began)


def _arguments(
    data: Data, n_components: int, kind: Family, given: Given, options: Options
) -> dict[str, object]:
    """What tells a fit from others, its seed apart, by the names that users know."""
    return {
        "n_samples": data.n_samples,
        "n_features": data.n_features,
        "dtype": data.source.dtype,
        "X": f"of digest {data.digest}",
        "n_components": n_components,
        "covariance_type": kind.name,
        "weights_init": given.weights,
        "means_init": given.means,
        "covariances_init": given.covariances,
        **{name: getattr(options, name) for name in DECISIVE},
    }


def account(
    run: em.Run,
    data: Data,
    kind: Family,
    units: Units,
    status: Status,
    restarts: tuple[Restart, ...],
    began: float,
) -> Fit:
    """What a run over all rows, in those units, comes to in the user's."""
    moments = run.moments
    return Fit(
        mixture_of(run.parameters, kind, units),
        moments.log_likelihood * data.weight_unit,
        moments.n_rows * data.weight_unit,
        moments.uncertainty * data.weight_unit,
        np.array(run.trace),
        run.n_iter,
        status,
        restarts,
        time.perf_counter() - began,
    )


def _start(
    data: Data,
    rows: Rows,
    n_components: int,
    kind: Family,
    given: Given,
    options: Options,
    seed: np.random.SeedSequence,
    watch: Watch,
) -> tuple[Parameters, tuple[Restart, ...]]:
    """Where EM over all rows begins, in their units."""
    complete = given.means is not None and given.covariances is not None
    if complete and not options.is_noisy:
        return to_units(given.complete(), kind, rows.units), ()
    drawn = _child(seed, 0)
    sample = data.sample(kind, n_components, drawn)
    clear, noise = sample, 0.0
    if options.is_noisy:
        clear, noise = clutter.clear(data, sample, options.noise, n_components, drawn)
    if complete:
        start = to_units(given.complete(), kind, rows.units)
        return start._replace(weights=start.weights * (1.0 - noise)), ()
    bounds = options.bounds(sample)
    if given.means is not None:
        nearest = nearest_means(clear, sample.units.enter(given.means))
        begun = [replace(nearest, noise=noise)]
    else:
        generators = [np.random.default_rng(_child(seed, 1 + i)) for i in range(options.n_init)]
        begun = data.once(
            ("starts", options.init, n_components, id(sample)),
            lambda: _begin(sample, clear, noise, STARTS[options.init], n_components, generators),
        )
    local = kind.at(sample.units)
    starts = [given.override(s.parameters(local, bounds), local, sample.units) for s in begun]
    if given.means is not None:
        return change_units(starts[0], kind, sample.units, rows.units), ()
    winner, restarts = race(
        sample,
        local,
        starts,
        bounds=bounds,
        tol=_worth(options.tol, sample, data, local, n_components),
        max_iter=options.max_iter,
        accelerate=options.accelerate,
        finalists=[i for i, start in enumerate(begun) if start.finalist],
        on_pass=watch.race(sample.units),
    )
    return change_units(winner, kind, sample.units, rows.units), restarts


def _worth(tol: float, sample: Sample, data: Data, kind: Family, n_components: int) -> float:
    """What a gain must be to be worth having on the sample, in nats a row.

    A small share of p / 2m, by which its maximum falls short of that of all rows.
    """
    if sample.n_samples == data.n_samples:
        return tol
    shortfall = kind.n_parameters(n_components, data.n_features) / (2 * sample.n_samples)
    return max(tol, RACE_SHARE * shortfall)


def _begin(
    sample: Sample,
    clear: Sample,
    noise: float,
    make: Callable[[Sample, int, list[np.random.Generator]], list[Start]],
    n_components: int,
    generators: list[np.random.Generator],
) -> list[Start]:
    """Starts that race: beside noise half of them of the rows that are clear of it.

    The others are of all rows, since a sparse cluster may have been taken for noise.
    """
    if not noise:
        return make(sample, n_components, generators)
    cleared, whole = make(clear, n_components, generators[::2]), []
    if generators[1::2]:
        whole = make(sample, n_components, generators[1::2])
    starts = [replace(start, noise=noise) for start in cleared]
    return starts + [replace(start, noise=clutter.LEAST_SHARE) for start in whole]


def _feasible(start: Parameters, kind: Family, bounds: Bounds) -> Parameters:
    """A start within the bounds, where EM keeps it: so the likelihood never falls."""
    if not collapsed(start, kind, bounds).any():
        return start
    n_components, n_features = start.means.shape
    spread = kind.expand(start.covariances, n_components, n_features)
    if kind.diagonal:
        spread = np.diagonal(spread, axis1=1, axis2=2)
    counts = start.weights
    second = counts.reshape((-1,) + (1,) * (spread.ndim - 1)) * spread
    statistics = Moments(start.means, 1.0, 0.0, 0.0, counts, np.zeros_like(start.means), second)
    return kind.maximise(statistics, Bounds(np.zeros(n_features), bounds.floor))


def _child(seed: np.random.SeedSequence, i: int) -> np.random.SeedSequence:
    """A stream of its own, the same one at every call (`spawn` counts its calls)."""
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, i))
