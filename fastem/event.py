"""Event: what a callback is told while a fit runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from fastem.mixture import Mixture


@dataclass(frozen=True)
class Event:
    """What a callback is told after each accepted pass over the rows.

    Parameters
    ----------
    stage : {"race", "all rows"}
    start : int
        Which start is running, in a race; else -1.
    n_iter : int
        EM steps this run has taken.
    log_likelihood : float
        Mean log-likelihood of the rows passed over, in nats a row; of a fit with a prior the log
        posterior, but for a constant.

    Examples
    --------
    >>> import fastem
    >>> told = []
    >>> X = [[0.0], [1.0], [9.0], [10.0]]
    >>> fitted = fastem.fit(X, 2, random_state=0, callback=told.append)
    >>> told[0].stage, told[-1].stage, round(told[-1].log_likelihood, 4)
    ('race', 'all rows', -1.4189)
    >>> told[-1].mixture.sorted() == fitted.mixture
    True
    """

    stage: str
    start: int
    n_iter: int
    log_likelihood: float
    _mixture: Callable[[], Mixture] = field(repr=False, compare=False)

    @property
    def mixture(self) -> Mixture:
        """The mixture at this pass."""
        return self._mixture()


Callback = Callable[[Event], object]
