"""The contract of a covariance family."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.options import read_only
from fastem.covariance.parameters import Bounds, Fixed, Parameters
from fastem.density import Density
from fastem.kernels.floor import raised
from fastem.moments import Moments
from fastem.noise import Noise
from fastem.units import Units

_NONE = read_only(np.empty(0))
M = TypeVar("M", bound=Callable[..., Any])


class Family(ABC):
    """A set of covariance matrices that the M step maximises over.

    Attributes
    ----------
    name : str
    per_column : bool
        Whether the set is closed under a change of scale of single columns. If not, all columns of
        the data keep their relative scales.
    diagonal : bool
        Whether its moments need squares only.
    shared : bool
        Whether all components have one covariance matrix.
    covariances_of : compiled function or None
        The M step of the covariances, of the arguments that `kernels.averages` describes; None
        where there is more to it.
    beliefs : (n,) or None
        A prior, as `kernels.variational` or, beside `covariances_of`, `kernels.conjugate` takes
        it; None where there is none, or no compiled M step.
    noise : Noise or None
        What there is beside the components, in the user's units.
    noise_density : float
        log2 of its density in the units of the rows, if there is any.
    exchangeable : bool
        Whether the order of the components says nothing.
    separate : bool
        Whether each component's covariance is found from its own rows alone.
    favours_few : bool
        Whether a component of few rows gains by the density of its covariance alone, as the mode of
        a posterior has it.
    conform : callable or None
        Covariances of components from their own (m, n_features[, n_features]), where others are
        held, a stack of the same kind: what all share is theirs. None where all or nothing is
        shared.
    fixed : Fixed or None
        What is held of the parameters.
    """

    name: str
    per_column: bool = True
    diagonal: bool = False
    shared: bool = False
    covariances_of: Any = None
    beliefs: NDArray[np.float64] | None = None
    noise: Noise | None = None
    noise_density: float = 0.0
    exchangeable: bool = True
    separate: bool = False
    favours_few: bool = False
    conform: Callable[[NDArray, NDArray], NDArray] | None = None
    fixed: Fixed | None = None

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """Shape of `covariances`."""

    @abstractmethod
    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """Free parameters in `covariances`."""

    def n_parameters(self, n_components: int, n_features: int) -> int:
        """Free parameters of a mixture: weights, means and covariances."""
        K, D = n_components, n_features
        return K - 1 + K * D + self.n_covariance_parameters(K, D)

    @abstractmethod
    def factor(self, parameters: Parameters) -> Density:
        """The density that kernels evaluate."""

    @abstractmethod
    def maximise(
        self, moments: Moments, bounds: Bounds, start: Parameters | None = None
    ) -> Parameters:
        """M step: the parameters that maximise the expected log-likelihood within the bounds.

        Where that takes iteration it begins at `start`, the parameters before the step, and ends
        no lower.
        """

    @abstractmethod
    def spread(self, covariances: NDArray, n_components: int, n_features: int) -> NDArray:
        """Every component's covariance in the form of second moments.

        Variances (n_components, n_features) where it is diagonal, else a stack of matrices.
        """

    def expand(self, covariances: NDArray, n_components: int, n_features: int) -> NDArray:
        """Every component's covariance as a matrix: (n_components, n_features, n_features)."""
        spread = self.spread(covariances, n_components, n_features)
        return spread[:, :, None] * np.eye(n_features) if self.diagonal else spread

    @abstractmethod
    def rescale(self, covariances: NDArray, scale: NDArray) -> NDArray:
        """Covariances of the data times `scale` (n_features,), exactly for powers of two.

        A family that is not `per_column` is only given equal scales.
        """

    def products(self, deltas: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of differences (n_components, n_features), in the form of second moments."""
        return deltas * deltas if self.diagonal else deltas[:, :, None] * deltas[:, None, :]

    def least_rows(self, n_features: int) -> int:
        """Fewest rows of a component that can be told from an accident."""
        return 1 if self.shared else 2

    def moments(self, parameters: Parameters) -> Moments:
        """Those of one row that follows the parameters, about their means."""
        weights, means, covariances = parameters
        spread = self.spread(covariances, *means.shape)
        second = weights.reshape((-1,) + (1,) * (spread.ndim - 1)) * spread
        noise = self.noise_weight(parameters)
        return Moments(means, 1.0, 0.0, 0.0, weights, np.zeros_like(means), second, noise)

    def at(self, units: Units) -> Family:
        """The family for rows in those units: another one where it knows sizes of the data."""
        return self

    def noise_weight(self, parameters: Parameters) -> float:
        """Share of the rows that is noise."""
        return 0.0

    def log_prior(self, parameters: Parameters) -> float:
        """What EM maximises beyond the log-likelihood, in nats a row of the data fitted."""
        return 0.0

    def published(self, parameters: Parameters) -> Parameters:
        """Those of the mixture that a fit returns, where EM updates something else."""
        return parameters

    def exact(self, parameters: Parameters) -> Parameters:
        """Parameters in the user's units, without the rounding of those that are held."""
        return parameters

    def with_means(
        self, moments: Moments, means: NDArray[np.float64], held: NDArray[np.bool_]
    ) -> Moments:
        """Moments from which an M step finds the means that are held, (n_components,) bool.

        Covariances are then about these.
        """
        moved = moments.moved(np.where(held[:, None], means, moments.about))
        return replace(moved, first=np.where(held[:, None], 0.0, moved.first))


def _handed_on(method: M) -> M:
    """The method of that name of the family that is wrapped."""

    def handed_on(self: Wrapped, *arguments: Any, **named: Any) -> Any:
        return getattr(self.family, method.__name__)(*arguments, **named)

    handed_on.__doc__ = method.__doc__
    return cast(M, handed_on)


class Wrapped(Family):
    """A family that changes some of another's verbs and hands on the rest: for subclasses."""

    def __init__(self, family: Family) -> None:
        super().__init__(family.name)
        self.family, self.noise = family, family.noise
        self.noise_density = family.noise_density
        self.per_column, self.diagonal = family.per_column, family.diagonal
        self.shared, self.exchangeable = family.shared, family.exchangeable
        self.separate, self.fixed = family.separate, family.fixed
        self.conform, self.favours_few = family.conform, family.favours_few

    shape = _handed_on(Family.shape)
    n_parameters = _handed_on(Family.n_parameters)
    n_covariance_parameters = _handed_on(Family.n_covariance_parameters)
    factor = _handed_on(Family.factor)
    maximise = _handed_on(Family.maximise)
    spread = _handed_on(Family.spread)
    expand = _handed_on(Family.expand)
    rescale = _handed_on(Family.rescale)
    least_rows = _handed_on(Family.least_rows)
    noise_weight = _handed_on(Family.noise_weight)
    log_prior = _handed_on(Family.log_prior)
    published = _handed_on(Family.published)
    exact = _handed_on(Family.exact)
    with_means = _handed_on(Family.with_means)


class CompiledFamily(Family):
    """A family whose M step is one compiled function.

    Parameters
    ----------
    name : str
    covariances_of : compiled function
    n_free : callable
        Free parameters in the covariances of K components in D columns.
    shared, per_column, separate : bool
    conform : callable, optional
    """

    def __init__(
        self,
        name: str,
        covariances_of: Any,
        n_free: Callable[[int, int], int],
        *,
        shared: bool = False,
        per_column: bool = True,
        separate: bool = False,
        conform: Callable[[NDArray, NDArray], NDArray] | None = None,
    ) -> None:
        super().__init__(name)
        self.covariances_of, self.n_free = covariances_of, n_free
        self.shared, self.per_column, self.separate = shared, per_column, separate
        self.conform = conform

    def called(self, name: str) -> CompiledFamily:
        """The same family by another name."""
        other = copy(self)
        other.name = name
        return other

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """Free parameters in `covariances`."""
        return self.n_free(n_components, n_features)

    def maximise(
        self, moments: Moments, bounds: Bounds, start: Parameters | None = None
    ) -> Parameters:
        """Weighted means, and the family's covariances; matrices below the floor are raised."""
        shape = moments.about.shape
        covariances = np.empty(self.shape(*shape))
        before = _NONE if start is None else read_only(np.ascontiguousarray(start.covariances))
        limits = read_only(bounds.ridge), bounds.floor, before.reshape(-1)
        self.covariances_of(read_only(moments.statistics), shape, *limits, covariances.reshape(-1))
        if not self.diagonal:
            raised(covariances, bounds.floor)
        return Parameters(moments.weights, moments.scatter()[1], covariances)


def not_positive_definite(index: int) -> np.linalg.LinAlgError:
    """The error that `Family.factor` raises."""
    return np.linalg.LinAlgError(f"covariance {index} is not positive definite")
