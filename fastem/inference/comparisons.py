"""Tests of k against k + 1 components, and what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastem.results import Fit, Status
from fastem.summary import Shown, Summary, Table


class Comparison(NamedTuple):
    """One test: `n_components` are enough, against one more.

    Parameters
    ----------
    n_components : int
        Under the null hypothesis, k.
    statistic : float
        2 (log L_k+1 - log L_k), in nats; under a prior of the likelihoods at the posterior modes.
    p_value : float
        (1 + replicates with at least that statistic) / (1 + replicates).
    n_replicates : int
        Replicates that count.
    n_collapsed : int
        Replicates left out, because every fit of k + 1 components to them collapsed.
    """

    n_components: int
    statistic: float
    p_value: float
    n_replicates: int
    n_collapsed: int


@dataclass(frozen=True, eq=False, repr=False)
class LikelihoodRatioTest(Shown):
    """Tests of k against k + 1 components, up to the first that is not significant.

    Parameters
    ----------
    level : float
        p-values up to this are significant.
    best : Fit
        Of the number of components that the tests end at.
    status : Status
        Why they ended there: "settled" by a test that is not significant, "unsettled" at `k_max`,
        or "collapsed", for want of fits of one more without singular components.
    table : tuple of Comparison
        In the order of testing. `table_columns()` gives it by column, as a data frame takes it.
    replicates : tuple of (n_replicates,) ndarray
        The statistics under the null hypothesis, for each test.

    Examples
    --------
    >>> import numpy as np, fastem
    >>> rng = np.random.default_rng(0)
    >>> X = np.concatenate([rng.normal(0, 1, (100, 1)), rng.normal(6, 1, (100, 1))])
    >>> test = fastem.lrt(X, 2, n_replicates=19, random_state=4)
    >>> test.n_components, test.status.code
    (2, 'unsettled')
    >>> test.table_columns()["p_value"]
    [0.05]
    """

    level: float
    best: Fit
    status: Status
    table: tuple[Comparison, ...]
    replicates: tuple[NDArray[np.float64], ...]

    @property
    def n_components(self) -> int:
        """The number of components that the tests end at."""
        return self.best.mixture.n_components

    def table_columns(self) -> dict[str, list[Any]]:
        """The table as lists by column: `pandas.DataFrame(test.table_columns())`.

        Returns
        -------
        dict of str to list
            For each field of a `Comparison`, as many values as there were tests.
        """
        return {name: [getattr(row, name) for row in self.table] for name in Comparison._fields}

    def summary(self) -> Summary:
        """The number of components and the tests; it is what `print` shows.

        Returns
        -------
        Summary
        """
        kind, n = self.best.mixture.covariance_type, self.n_components
        cells = [
            [
                "components",
                *(f"{row.n_components} or {row.n_components + 1}" for row in self.table),
            ],
            ["statistic", *(f"{row.statistic:.2f}" for row in self.table)],
            ["p-value", *(f"{row.p_value:.4f}" for row in self.table)],
            ["replicates", *(str(row.n_replicates) for row in self.table)],
        ]
        if any(row.n_collapsed for row in self.table):
            cells.append(["collapsed", *(str(row.n_collapsed) for row in self.table)])
        return Summary(
            f"{n} component{'s' * (n > 1)} ({kind} covariances): {self.status}", Table(cells)
        )
