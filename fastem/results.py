"""What a fit returns: values, with a status that says what to do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem.drawing import draw
from fastem.mixture import Mixture
from fastem.rows import RowsLike
from fastem.summary import Shown, Summary
from fastem.summary.mixture import COUNTED, EXPECTED, components, ending, found

#: Least weight of a component that `Fit.n_effective` counts.
EFFECTIVE_SHARE = 0.005


@dataclass(frozen=True)
class Status:
    """How a fit ended, or the tests of `fastem.lrt`.

    Parameters
    ----------
    code : str
        Of a fit: "converged"; "collapsed", which has converged too, but to components that are
        singular or lost their rows; "not converged", which `max_iter` ended; "stopped" by the
        callback. Of tests: "settled", "unsettled" or "collapsed".
    text : str
        What happened, and what to do about it.

    Examples
    --------
    >>> import fastem
    >>> status = fastem.fit([[0.0], [1.0], [9.0], [10.0]], 2, random_state=0).status
    >>> status.code
    'converged'
    >>> print(status)
    converged after 1 pass over all rows from the best of 10 starts
    """

    code: str
    text: str

    def __str__(self) -> str:
        """The text."""
        return self.text


@dataclass(frozen=True)
class Restart:
    """What became of one start.

    Parameters
    ----------
    index : int
        Its place among the starts, from 0.
    log_likelihood : float
        Mean log-likelihood, nats a row, on the sample raced on, when it was dropped or finished; of
        a fit with a prior on a covariance that all share the log posterior, but for a constant.
    n_iter : int
        EM steps it was given.
    outcome : {"dropped", "finished", "chosen", "collapsed"}
    trace : tuple of float
        What EM maximises, at each accepted pass over the sample, the first of them at the start
        itself: with a prior the log posterior, but for a constant.

    Examples
    --------
    >>> import fastem
    >>> X = [[0.0], [1.0], [9.0], [10.0]]
    >>> restarts = fastem.fit(X, 2, n_init=3, random_state=0).restarts
    >>> [(restart.index, restart.outcome) for restart in restarts]
    [(0, 'chosen'), (1, 'finished'), (2, 'finished')]
    """

    index: int
    log_likelihood: float
    n_iter: int
    outcome: str
    trace: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Fit(Shown):
    """A fitted mixture and how it was found.

    Parameters
    ----------
    mixture : Mixture
    log_likelihood : float
        Of all rows at `mixture`, in nats: sum_i v_i log p(x_i).
    n_samples : float
        Rows, or the sum of their weights.
    classification_entropy : float
        -sum_i v_i log max_k r_ik, in nats.
    trace : (n_passes,) ndarray
        Mean log-likelihood of the rows at each accepted pass over all of them, in nats a row; of a
        fit with a prior the log posterior, but for a constant.
    n_iter : int
        EM steps over all rows; 0 where the first pass finds the end.
    status : Status
    restarts : tuple of Restart
        One for each start, as the race left it; empty for a given start and for one component.
    seconds : float
        Wall time.
    n_fixed : int
        Parameters that were held, which criteria do not count.

    Examples
    --------
    >>> import fastem
    >>> X = [[0.0], [1.0], [9.0], [10.0]]
    >>> fitted = fastem.fit(X, 2, random_state=0)
    >>> fitted.converged, round(fitted.log_likelihood, 4)
    (True, -5.6758)
    >>> fitted.mixture.predict([[3.0], [7.0]])
    array([0, 1], dtype=int32)
    >>> round(fitted.bic(), 4), round(fastem.fit(X, 1).bic(), 4)
    (18.283, 26.2058)
    """

    mixture: Mixture
    log_likelihood: float
    n_samples: float
    classification_entropy: float
    trace: NDArray[np.float64]
    n_iter: int
    status: Status
    restarts: tuple[Restart, ...]
    seconds: float
    n_fixed: int = 0

    @property
    def n_parameters(self) -> int:
        """Parameters that were free: those of the mixture, but for what was held."""
        return self.mixture.n_parameters - self.n_fixed

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """What the columns are called, if the rows had names for them."""
        return self.mixture.feature_names

    @property
    def converged(self) -> bool:
        """Whether the expected further gain is below tol."""
        return self.status.code in ("converged", "collapsed")

    @property
    def n_effective(self) -> int:
        """Components whose weight is at least `EFFECTIVE_SHARE`, 0.005: what a prior has left."""
        return int((self.mixture.weights >= EFFECTIVE_SHARE).sum())

    def aic(self, X: RowsLike | None = None) -> float:
        """Akaike's criterion, 2 p - 2 log L; lower is better.

        p is `n_parameters` (H. Akaike, IEEE Trans. Autom. Control 19 (1974) 716).

        Parameters
        ----------
        X : (n_samples, n_features) array-like, path or source, optional
            Rows to hold the mixture against; by default those it was fitted to.

        Returns
        -------
        float
            On the scale of -2 log L, log L in nats.

        Raises
        ------
        TypeError, ValueError
            If X is not finite numbers with n_features columns.
        OSError
            If X is a path that cannot be read.
        """
        return aic(self.n_parameters, self._of(X)[1])

    def bic(self, X: RowsLike | None = None) -> float:
        """Schwarz's criterion, p log n - 2 log L; lower is better.

        G. Schwarz, Ann. Stat. 6 (1978) 461. n is the sum of the sample weights. mclust reports the
        negative, 2 log L - p log n, of which higher is better. Of a fit with a prior L is the
        likelihood at the posterior mode (C. Fraley and A. E. Raftery, Journal of Classification 24
        (2007) 155).

        Parameters
        ----------
        X : (n_samples, n_features) array-like, path or source, optional
            As in `aic`, which says what is raised; of these each row counts once, and those of a
            source by its weights.

        Returns
        -------
        float
        """
        n, log_likelihood, _ = self._of(X)
        return bic(self.n_parameters, log_likelihood, n)

    def icl(self, X: RowsLike | None = None) -> float:
        """Integrated completed likelihood, BIC - 2 sum_i log max_k r_ik; lower is better.

        C. Biernacki, G. Celeux and G. Govaert, IEEE PAMI 22 (2000) 719: every row is taken to come
        from its likeliest component, or from the noise. mclust reports the negative.

        Parameters
        ----------
        X : (n_samples, n_features) array-like, path or source, optional
            As in `bic`.

        Returns
        -------
        float
        """
        n, log_likelihood, classification_entropy = self._of(X)
        return icl(self.n_parameters, log_likelihood, n, classification_entropy)

    def summary(self, X: RowsLike | None = None) -> Summary:
        """Components, likelihood, criteria and status for people, as the command prints them.

        Parameters
        ----------
        X : (n_samples, n_features) array-like, path or source, optional
            As in `aic`, which says what is raised; of these rows those that most probably belong
            to each component are counted. By default the numbers are those that weights stand for.

        Returns
        -------
        Summary
            See there for an example.
        """
        mixture = self.mixture
        if X is None:
            rest = 0.0 if mixture.noise is None else mixture.noise.weight
            sizes: NDArray = self.n_samples * np.append(rest, mixture.weights)
        else:
            labels = np.asarray(mixture.predict(X))
            sizes = np.bincount(labels[labels >= -1] + 1, minlength=1 + mixture.n_components)
        rows = EXPECTED if X is None else COUNTED
        return Summary(
            f"{found(mixture)}:",
            *components(mixture, None, sizes, rows=rows),
            ending(self),
            f"Status: {self.status.text}.",
        )

    def table_columns(self) -> dict[str, list[Any]]:
        """The components as lists by column: `Mixture.table_columns`.

        Returns
        -------
        dict of str to list
        """
        return self.mixture.table_columns()

    def plot(self, X: ArrayLike, ax: Any = None, columns: Sequence[int | str] | None = None) -> Any:
        """Rows coloured by cluster: `fastem.plot.clusters` of the mixture (extra: plot).

        Parameters
        ----------
        X : (n_samples, n_features) array-like
        ax, columns : optional
            As in `fastem.plot.clusters`.

        Returns
        -------
        Axes or (m, m) ndarray of Axes

        Raises
        ------
        ImportError
            If matplotlib or Pillow is not installed.
        TypeError, ValueError
            As `fastem.plot.clusters`.
        """
        return draw("clusters", self.mixture, X, ax, columns)

    def _of(self, X: RowsLike | None) -> tuple[float, float, float]:
        if X is None:
            return self.n_samples, self.log_likelihood, self.classification_entropy
        moments = self.mixture.summarise(X)
        return moments.n_rows, moments.log_likelihood, moments.classification_entropy

    def __repr__(self) -> str:
        """Status, likelihood and the mixture."""
        return (
            f"Fit: {self.status.text}\n"
            f"log-likelihood {self.log_likelihood:.6g} "
            f"({self.log_likelihood / self.n_samples:.6f} a row) "
            f"after {self.n_iter} iterations, bic {self.bic():.6g}\n{self.mixture!r}"
        )


def aic(n_parameters: int, log_likelihood: float) -> float:
    """Akaike's criterion, 2 p - 2 log L."""
    return 2.0 * n_parameters - 2.0 * log_likelihood


def bic(n_parameters: int, log_likelihood: float, n_rows: float) -> float:
    """Schwarz's criterion, p log n - 2 log L."""
    return n_parameters * math.log(n_rows) - 2.0 * log_likelihood


def icl(
    n_parameters: int, log_likelihood: float, n_rows: float, classification_entropy: float
) -> float:
    """Integrated completed likelihood, BIC - 2 sum_i log max_k r_ik."""
    return bic(n_parameters, log_likelihood, n_rows) + 2.0 * classification_entropy
