"""lrt: the number of components by testing k against k + 1 until one more is not needed.

Twice the gain in log-likelihood has no chi-squared distribution here, because k components are on
the border of k + 1: so it is compared with the gains on rows drawn from the fit of k.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem import covariance, validation
from fastem.covariance import ConjugatePrior, Family
from fastem.data import Data
from fastem.inference.comparisons import Comparison, LikelihoodRatioTest
from fastem.mixture import Mixture
from fastem.options import Options
from fastem.progress import Progress
from fastem.results import Fit, Status
from fastem.rows import Incomplete, Memory, RowsLike
from fastem.search.beginning import Starts
from fastem.search.nested import halved
from fastem.search.samples import child, seed_sequence
from fastem.search.starts import UserStart
from fastem.solve import solve
from fastem.words import CovarianceType, Missing, Seed, Start

#: Fits end when the gain still to be expected is below this, in nats for all rows together.
GAIN = 5e-3
#: The fits to the user's own rows end at this gain in nats a row, if that is earlier.
TOL = 1e-6


def lrt(
    X: RowsLike,
    k_max: int,
    *,
    covariance_type: CovarianceType = "full",
    n_replicates: int = 199,
    level: float = 0.05,
    sample_weight: ArrayLike | None = None,
    n_init: int = 5,
    init: Start | Sequence[Start] = "mixed",
    reg_covar: float | None = None,
    max_iter: int = 1000,
    noise: bool = False,
    prior: bool | ConjugatePrior = False,
    random_state: Seed = None,
    progress: bool = False,
    missing: Missing = "error",
) -> LikelihoodRatioTest:
    """Test 1 against 2 components, 2 against 3 and so on, by the parametric bootstrap.

    Each test draws as many rows as there are from the fit of k components, `n_replicates` times,
    and fits k and k + 1 to them. Fits of k begin at the mixture that the rows were drawn from. Fits
    of k + 1 are searched for exactly as the one to the user's rows is, from `n_init` starts and
    from the fit of k with each component in turn cut in half: poor maxima on the rows drawn would
    make the p-value too small.

    Noise is part of the model under either hypothesis, and so of the rows drawn, whose box is taken
    from them as the user's is from theirs. Under a prior the statistic is that of the likelihoods
    at the posterior modes, as `Fit.bic` is: the posterior densities themselves, of parameters in
    units of the data and of a prior that depends on the number of components, have no ratio that
    would be the same in other units. It may then be negative. What is compared with it was found in
    the same way, with the prior that the rows drawn give, so the p-value is one of a Monte Carlo
    test whatever the statistic's distribution.

    Sources: G. J. McLachlan, J. R. Stat. Soc. C 36 (1987) 318; A. C. Davison and D. V. Hinkley,
    Bootstrap Methods and their Application (1997), section 4.4, for tests of any statistic; C.
    Fraley and A. E. Raftery, Journal of Classification 24 (2007) 155, for likelihoods at posterior
    modes.

    Parameters
    ----------
    X : (n_samples, n_features) array-like, path or source
        As in `fastem.fit`. Rows drawn, as many at a time, are held in memory.
    k_max : int
        Most components to consider, at least 2: the last test is k_max - 1 against k_max.
    covariance_type : str, default "full"
        As in `fastem.fit`.
    n_replicates : int, default 199
        The p-value is at least 1 / (n_replicates + 1), which may not be above `level`.
    level : float, default 0.05
        Testing ends at the first p-value above it.
    sample_weight : (n_samples,) array-like, optional
        A weight of 2 is the row twice, also in the number of rows drawn.
    n_init : int, default 5
        Starts of each fit of k + 1, besides the k of halves.
    init, reg_covar, max_iter, prior : optional
        As in `fastem.fit`.
    noise : bool, default False
        As in `fastem.fit`, but no guess at which rows are noise: rows drawn have none.
    random_state : int, Generator, RandomState or None
        Where chance comes from. The same int gives the same bits.
    progress : bool, default False
        Show a progress bar (extra: progress).
    missing : {"error", "drop", "mar"}, default "error"
        As in `fastem.fit`. With "mar" the rows drawn lack what the rows of X lack.

    Returns
    -------
    LikelihoodRatioTest

    Raises
    ------
    TypeError, ValueError
        If an argument is not what it must be.
    OSError
        If a file cannot be read.
    ImportError
        If `progress` is asked for without tqdm.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = np.concatenate([rng.normal(0, 1, (100, 1)), rng.normal(6, 1, (100, 1))])
    >>> lrt(X, 3, n_replicates=19, random_state=4).n_components
    2
    """
    validation.integer(n_replicates, "n_replicates")
    validation.integer(k_max, "k_max", least=2)
    level = validation.proportion(level, "level")
    if 1 / (1 + n_replicates) > level:
        raise ValueError(
            f"n_replicates is {n_replicates}: a p-value is then at least 1/{n_replicates + 1}, and "
            f"never significant at level={level:g}; give at least {ceil(1 / level) - 1}"
        )
    data = Data.of(X, sample_weight, missing=missing)
    validation.components(k_max, data.n_samples, name="k_max")
    if not isinstance(noise, bool | np.bool_):
        raise TypeError(
            f"noise is of type {type(noise).__name__}; give True or False: marks of rows say "
            f"nothing of rows that are drawn"
        )
    options = Options(
        n_init, init, reg_covar, max_iter=max_iter, progress=progress, noise=noise, prior=prior
    )
    options.refuse_variational(
        "bounds of variational fits have no ratio to test; give prior=True or a ConjugatePrior"
    )
    search = _Search(
        covariance.family_by_name(covariance_type), options, seed_sequence(random_state)
    )
    with Progress(options.progress, unit="replicates") as bar:
        return _tests(search, data, k_max, n_replicates, level, bar)


def _tests(
    search: _Search, data: Data, k_max: int, n_replicates: int, level: float, bar: Progress
) -> LikelihoodRatioTest:
    """One test after another, to the first that is not significant."""
    table: list[Comparison] = []
    replicates: list[NDArray[np.float64]] = []
    starts = search.starts(data, search.seed, TOL)
    best = search.fit(starts, 1)
    gaps = None if data.source.complete else _gaps(data, best, search.seed)
    for k in range(1, k_max):
        alternative = search.one_more(starts, best)
        if alternative.status.code == "collapsed":
            status = Status("collapsed", f"{k + 1} are not tested: {alternative.status}")
            break
        drawn = search.replicates(best, n_replicates, bar, gaps)
        row, kept = _compare(k, search.statistic(best, alternative), drawn)
        table.append(row)
        replicates.append(kept)
        if (ended := _ended(row, level)) is not None:
            status = ended
            break
        best = alternative
    else:
        text = f"every test up to k_max={k_max} is significant; raise k_max"
        status = Status("unsettled", text)
    return LikelihoodRatioTest(level, best, status, tuple(table), tuple(replicates))


@dataclass(frozen=True, eq=False)
class _Search:
    """How fits are found, the same way for the user's rows and for those drawn."""

    family: Family
    options: Options
    seed: np.random.SeedSequence

    def starts(self, data: Data, seed: np.random.SeedSequence, tol: float = np.inf) -> Starts:
        """What fits to those rows share."""
        return Starts(data, replace(self.options, tol=min(tol, GAIN / data.n_samples)), seed)

    def fit(self, starts: Starts, n_components: int, user_start: UserStart | None = None) -> Fit:
        """One fit."""
        return solve(starts, n_components, self.family, Progress(False), user_start)

    def one_more(self, starts: Starts, null: Fit) -> Fit:
        """The best fit of one component more: of starts as for any fit, and of the null's halves.

        Either finds what the other misses: with five starts of each kind, both together come
        closer to the best of sixty than ten starts of the first kind do, in as much time.
        """
        k = null.mixture.n_components + 1
        anew = self.fit(starts, k)
        whole = UserStart.of_mixture(null.mixture, self.family)
        return max(anew, self.fit(starts, k, halved(starts, self.family, whole)), key=_rank)

    def replicates(
        self, null: Fit, n_replicates: int, bar: Progress, gaps: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float64]:
        """Statistics of rows drawn from the fit, (n_replicates,); nan where one collapsed."""
        k = null.mixture.n_components
        size = max(round(null.n_samples), k + 1)
        statistics = np.empty(n_replicates)
        for i in range(n_replicates):
            statistics[i], level = self._replicate(null.mixture, size, child(self.seed, k, i), gaps)
            bar.update(f"{k} or {k + 1}", -1, i, level)
        return statistics

    def _replicate(
        self,
        mixture: Mixture,
        size: int,
        seed: np.random.SeedSequence,
        gaps: NDArray[np.bool_] | None,
    ) -> tuple[float, float]:
        """The statistic of rows drawn, and their mean log-likelihood."""
        X, _ = mixture.sample(size, np.random.default_rng(seed))
        source = Memory(X) if gaps is None else Incomplete(np.where(gaps, np.nan, X))
        starts = self.starts(Data(source), seed)
        origin = UserStart.of_mixture(mixture, self.family)
        null = self.fit(starts, mixture.n_components, origin)
        alternative = self.one_more(starts, null)
        collapsed = "collapsed" in (null.status.code, alternative.status.code)
        return np.nan if collapsed else self.statistic(null, alternative), alternative.trace[-1]

    def statistic(self, null: Fit, alternative: Fit) -> float:
        """Twice the gain in log-likelihood."""
        gain = 2.0 * (alternative.log_likelihood - null.log_likelihood)
        # Of nested models the maximum does not fall; a posterior mode is no maximum.
        return gain if self.options.prior else max(0.0, gain)


def _gaps(data: Data, fitted: Fit, seed: np.random.SeedSequence) -> NDArray[np.bool_]:
    """What rows drawn lack, (n, n_features): what rows of the data lack, by their weights."""
    size, rng = round(fitted.n_samples), np.random.default_rng(seed)
    X, weight = data.source.draw(size, rng)
    if len(X) == size and weight is None:
        return np.isnan(X)
    share = None if weight is None else weight / weight.sum()
    return np.isnan(X)[rng.choice(len(X), size, p=share)]


def _rank(fitted: Fit) -> tuple[bool, float]:
    """The likelihood; a collapsed fit comes last, for its own says nothing about the data."""
    return fitted.status.code != "collapsed", fitted.log_likelihood


def _compare(k: int, statistic: float, drawn: NDArray) -> tuple[Comparison, NDArray[np.float64]]:
    """The p-value among the replicates that did not collapse, and those."""
    kept = drawn[~np.isnan(drawn)]
    p_value = float((1 + (kept >= statistic).sum()) / (1 + len(kept)))
    return Comparison(k, statistic, p_value, len(kept), len(drawn) - len(kept)), kept


def _ended(row: Comparison, level: float) -> Status | None:
    """Why testing ends with this comparison, if it does."""
    more = row.n_components + 1
    if 1 / (1 + row.n_replicates) > level:
        return Status(
            "collapsed",
            f"{more} are not tested: {row.n_collapsed} of {row.n_replicates + row.n_collapsed} "
            f"replicates collapsed, and the others are too few for level={level:g}; raise "
            f"n_replicates",
        )
    if row.p_value > level:
        return Status("settled", f"{more} are not significantly better")
    return None
