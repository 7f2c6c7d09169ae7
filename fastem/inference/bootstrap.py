"""bootstrap: how far the estimates would move if the rows were drawn anew.

Every replicate weights the rows at random and runs EM from the fitted mixture, so no row is copied
and components keep their labels, which are checked all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem import covariance, em, validation
from fastem.covariance import ConjugatePrior, Parameters, WithNoise, unsound
from fastem.data import Data
from fastem.inference.draws import KINDS, Draw, LeftOut, series
from fastem.inference.replicates import Bootstrap
from fastem.mixture import Mixture, from_units, to_units
from fastem.options import Options
from fastem.progress import Progress
from fastem.results import Fit
from fastem.rows import Memory, Rows, RowsLike
from fastem.search.objective import Objective
from fastem.search.samples import seed_sequence
from fastem.words import Missing, Replicates, Seed

#: A replicate ends when the gain still to be expected is below this, in nats for all rows together.
#: At distance e from the maximum, in standard errors, e^2 / 2 is left to gain: here e is 0.014.
GAIN = 1e-4
#: Most rows that weights may count: draws are counted in float64.
MOST_ROWS = 2.0**53
#: The kinds of replicates that weight rows, and the one whose rows are drawn by the mixture.
WEIGHTS: dict[str, type[Draw]] = {**KINDS, "jackknife": LeftOut}
PARAMETRIC = "parametric"


def bootstrap(
    fit: Fit,
    X: RowsLike,
    n_replicates: int = 999,
    *,
    kind: Replicates = "nonparametric",
    sample_weight: ArrayLike | None = None,
    reg_covar: float | None = None,
    prior: bool | ConjugatePrior = False,
    max_iter: int = 1000,
    random_state: Seed = None,
    progress: bool = False,
    missing: Missing = "error",
) -> Bootstrap:
    """Standard errors and intervals of a fitted mixture's parameters.

    A replicate is EM from the fitted mixture with the rows weighted at random: by how often each
    is drawn when as many rows are drawn with replacement, or by exponential variates, which leave
    no row out and so collapse less often. Parametric replicates are fits of rows that the mixture
    itself draws; the jackknife leaves out one row at a time, or every n-th one. The components of a
    replicate are matched to the fitted ones, and replicates that collapse are left out and counted:
    a singular component tells nothing of how estimates vary.

    Weights belong to rows, not to places: files, blocks and Dask's chunks have those of the same
    rows in memory, drawn anew at every pass where they are worked on. Each replicate takes some 5
    to 20 passes over the rows, so give few where there are many. Only nonparametric draws of Dask's
    rows that have weights of their own depend on the chunks as well.

    Sources: B. Efron, Ann. Stat. 7 (1979) 1; M. A. Newton and A. E. Raftery, J. R. Stat. Soc. B 56
    (1994) 3, for the weighted likelihood bootstrap; B. Efron, The Jackknife, the Bootstrap and
    Other Resampling Plans (1982); A. O'Hagan, T. B. Murphy, L. Scrucca and I. C.
    Gormley, Comput. Stat. 34 (2019) 1779, for all of them with Gaussian mixtures.

    Parameters
    ----------
    fit : Fit
        It does not hold its rows, which may be many: they are given again.
    X : (n_samples, n_features) array-like, path or source
        The rows it was fitted to, as `fastem.fit` takes them.
    n_replicates : int, default 999
        Of the jackknife into so many groups are rows put in turn, no more than there are rows, each
        of which is left out once: as many as there are rows leave out each by itself.
    kind : {"nonparametric", "weighted-likelihood", "parametric", "jackknife"}
        By default "nonparametric".
    sample_weight : (n_samples,) array-like, optional
        Those of the fit. A weight of 2 is the row twice, drawn each time by itself. Weights that
        count nothing should be scaled to a sum of (sum v)^2 / sum v^2, the rows they are worth.
    reg_covar, prior : optional
        Those of the fit; no variational prior. The prior's scales are taken from the rows
        themselves, once.
    max_iter : int, default 1000
        EM steps of a replicate, at most.
    random_state : int, Generator, RandomState or None
        Where chance comes from. The same int gives the same bits.
    progress : bool, default False
        Show a progress bar (extra: progress).
    missing : {"error", "drop", "mar"}, default "error"
        As the fit had it.

    Returns
    -------
    Bootstrap

    Raises
    ------
    TypeError, ValueError
        If an argument is not what it must be, the rows are not as many as the fit was made to, or
        fewer than two replicates are left because the others collapsed.
    OSError
        If a file cannot be read.
    ImportError
        If `progress` is asked for without tqdm.

    Examples
    --------
    >>> import numpy as np
    >>> from fastem.fit import fit
    >>> rng = np.random.default_rng(0)
    >>> X = np.concatenate([rng.normal(0, 1, (100, 1)), rng.normal(9, 1, (100, 1))])
    >>> fitted = fit(X, 2, random_state=0)
    >>> bootstrap(fitted, X, 99, random_state=0).standard_errors.means.round(1)
    array([[0.1],
           [0.1]])
    """
    validation.integer(n_replicates, "n_replicates", least=2)
    validation.choice(kind, "kind", (*WEIGHTS, PARAMETRIC))
    options = Options(reg_covar=reg_covar, max_iter=max_iter, progress=progress, prior=prior)
    options.refuse_variational(
        "replicates begin at the fitted mixture, which does not tell the posterior of a "
        "variational fit; give prior=True or a ConjugatePrior"
    )
    if getattr(fit, "n_fixed", 0):
        raise ValueError(
            "fit was made with fixed parameters; a bootstrap holds none, so give a fit without"
        )
    data, n_drawn = _data_of(fit, X, sample_weight, missing)
    begun = _Start.of(fit, data, replace(options, tol=GAIN / fit.n_samples))
    key = seed_sequence(random_state).generate_state(2, np.uint64)
    unit, pieces = data.weight_unit, data.source.pieces
    if kind == "jackknife":
        n_replicates = min(n_replicates, data.n_samples)
    how = data.n_samples, n_drawn, unit, pieces, n_replicates
    kept: list[tuple[NDArray, ...]] = []
    n_not_converged = 0
    with Progress(options.progress, unit="replicates", total=n_replicates) as bar:
        for i in range(n_replicates):
            if kind == PARAMETRIC:
                run = begun.run(_drawn_by(fit.mixture, n_drawn, data, begun, key, i))
            else:
                run = begun.run(begun.objective.rows.reweighted(WEIGHTS[kind](key, i, *how)))
            bar.update(f"replicate {i}", -1, run.n_iter, run.trace[-1])
            if not begun.collapsed(run):
                kept.append(begun.matched(run))
                n_not_converged += run.outcome != "converged"
    n_collapsed = n_replicates - len(kept)
    if len(kept) < 2:
        raise ValueError(
            f"{n_collapsed} of {n_replicates} replicates collapsed onto too few distinct rows; fit "
            f"fewer components or a simpler covariance_type, or give reg_covar to both"
        )
    weights, means, covariances = map(np.array, zip(*kept, strict=True))
    return Bootstrap(fit.mixture, kind, weights, means, covariances, n_collapsed, n_not_converged)


@dataclass(frozen=True, eq=False)
class _Start:
    """The fitted mixture in the units of the rows, from where every replicate runs."""

    objective: Objective
    parameters: Parameters

    @classmethod
    def of(cls, fit: Fit, data: Data, options: Options) -> _Start:
        mixture = fit.mixture
        family = covariance.family_by_name(mixture.covariance_type)
        rows = data.rows(family)
        family = data.extended(family, mixture.n_components, noise=False, prior=options.prior)
        if mixture.noise is not None:
            family = WithNoise(family, mixture.noise)
        fitted = Parameters(mixture.weights, mixture.means, mixture.covariances)
        objective = Objective.of(rows, family, options)
        return cls(objective, to_units(fitted, objective.family, rows.units))

    def run(self, rows: Rows) -> em.Run:
        """EM on a replicate's rows."""
        on = self.objective
        return em.run(
            rows,
            on.family,
            self.parameters,
            bounds=on.bounds,
            rule=em.Rule.expected_gain(on.tol, on.rows.precision),
            max_iter=on.max_iter,
            accelerate=on.accelerate,
        )

    def collapsed(self, run: em.Run) -> bool:
        """Whether a component is unsound or without rows."""
        on = self.objective
        wrong = unsound(run.parameters, run.moments, on.family, on.bounds)
        return wrong.found or bool((run.parameters.weights == 0).any())

    def matched(self, run: em.Run) -> tuple[NDArray, NDArray, NDArray]:
        """Weights, means and covariance matrices, in the user's units and the fit's order."""
        family, units = self.objective.family, self.objective.rows.units
        order = match(self._moments(self.parameters), self._moments(run.parameters))
        weights, means, covariances = from_units(run.parameters, family, units)
        covariances = family.expand(covariances, *means.shape)
        return weights[order], means[order], covariances[order]

    def _moments(self, parameters: Parameters) -> tuple[NDArray, NDArray]:
        _, means, covariances = parameters
        return means, self.objective.family.expand(covariances, *means.shape)


def _drawn_by(
    mixture: Mixture, n: int, data: Data, begun: _Start, key: NDArray, replicate: int
) -> Rows:
    """So many rows that the mixture draws, in the units and the dtype of the data's.

    Raises
    ------
    ValueError
        If the data's rows are not in memory, where these are, or lack columns.
    """
    if not isinstance(data.source, Memory) or not data.source.complete:
        raise ValueError(
            'kind is "parametric", whose rows are drawn whole and in memory, but those of X lack '
            "values or are elsewhere; give another kind"
        )
    X, _ = mixture.sample(n, series(key, replicate))
    return Memory(X.astype(data.source.dtype)).at(begun.objective.rows.units)


def match(fitted: tuple[NDArray, NDArray], others: tuple[NDArray, NDArray]) -> NDArray[np.intp]:
    """The order of the other components in which each stands beside the fitted one it is nearest.

    The assignment minimises the sum of Kullback-Leibler divergences KL(N_j || N_k) of a fitted
    component j from another one k. What depends on j or on k alone is the same in every assignment,
    so the cost of a pair is the mean squared Mahalanobis distance of j's rows from k,

        tr(S_k^-1 S_j) + (m_j - m_k)' S_k^-1 (m_j - m_k).

    Source: M. Stephens, J. R. Stat. Soc. B 62 (2000) 795, for relabelling by this divergence.

    Parameters
    ----------
    fitted, others : (n_components, n_features) and (n_components, n_features, n_features)
        Means and covariances.

    Returns
    -------
    order : (n_components,)
        `others[order[j]]` belongs to `fitted[j]`. Components keep their places where no other
        assignment is nearer.

    Examples
    --------
    >>> import numpy as np
    >>> unit = np.ones((2, 1, 1))
    >>> match((np.array([[0.0], [5.0]]), unit), (np.array([[5.5], [0.1]]), unit))
    array([1, 0])
    """
    from scipy.optimize import linear_sum_assignment  # half of fastem's time to import

    (means, covariances), (other_means, other_covariances) = fitted, others
    K, D = means.shape
    delta = means - other_means[:, None]
    precisions = np.linalg.inv(other_covariances)
    cost = ((delta @ precisions) * delta).sum(axis=2).T
    cost += covariances.reshape(K, D * D) @ precisions.reshape(K, D * D).T
    _, order = linear_sum_assignment(cost)
    same = np.arange(K)
    return order if cost[same, order].sum() < cost[same, same].sum() else same


def _data_of(
    fit: Fit, X: RowsLike, sample_weight: ArrayLike | None, missing: str
) -> tuple[Data, int]:
    """The rows again, as far as can be told the same ones, and how many they count for."""
    validation.instance(fit, "fit", Fit, "what fastem.fit returned")
    if isinstance(X, int | np.integer):
        raise TypeError(
            f"X is {X}; give the rows that the fit was made to, which it does not hold, and then "
            f"n_replicates: bootstrap(fit, X, {X})"
        )
    data = Data.of(X, sample_weight, missing=missing)
    if data.n_features != fit.mixture.n_features:
        raise ValueError(
            f"X has {data.n_features} columns but the fit is of {fit.mixture.n_features}; "
            f"give the columns it was fitted to, in their order"
        )
    total = data.source.total * data.weight_unit
    if not abs(total - fit.n_samples) <= 1e-6 * fit.n_samples:
        raise ValueError(
            f"X has {total:.10g} rows, counted with sample_weight, but the fit is of "
            f"{fit.n_samples:.10g}; give the rows and the weights that it was fitted to"
        )
    if not 1 <= total <= MOST_ROWS:
        raise ValueError(
            f"sample_weight sums to {total:g}; a weight of 2 is two rows, so scale weights until "
            f"they sum to the number of rows observed, and fit again"
        )
    return data, round(total)
