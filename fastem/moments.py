"""Moments: all that one pass over the rows leaves behind."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fastem import validation
from fastem.compiler.options import read_only
from fastem.kernels.matrices import scatter
from fastem.kernels.moments import move
from fastem.lazy import lazy

#: A component with a smaller share of the rows than this is dead: its moments are rounding.
DEAD = 1e-13


@dataclass(frozen=True, eq=False)
class Moments:
    """Sufficient statistics of rows under a mixture, about that mixture's means.

    Moments of two sets of rows about the same means add field by field, in any order: zeros are the
    identity. Taken about the current means they lose no digits on data far from the origin, because
    `first` goes to zero as EM converges. `Mixture.summarise` says in which units they are.

    Parameters
    ----------
    about : (n_components, n_features)
        The means mu that the others are taken about.
    n_rows : float
        Number of rows, or the sum of their weights v.
    log_likelihood : float
        sum_i v_i log p(x_i), in nats.
    classification_entropy : float
        -sum_i v_i log max_k r_ik, in nats: what the hard assignment of rows costs.
    counts : (n_components,)
        sum_i v_i r_ik.
    first : (n_components, n_features)
        sum_i v_i r_ik (x_i - mu_k).
    second : (n_components, n_features, n_features) or (n_components, n_features)
        sum_i v_i r_ik (x_i - mu_k)(x_i - mu_k)', or its diagonal.
    noise : float
        sum_i v_i r_i of the noise, where there is any beside the components.

    Examples
    --------
    >>> import fastem
    >>> mixture = fastem.Mixture([0.5, 0.5], [[0.0], [9.0]], [[1.0], [1.0]], "diag")
    >>> moments = mixture.summarise([[0.0], [1.0]]) + mixture.summarise([[9.0]])
    >>> moments.n_rows, moments.counts.round(6)
    (3.0, array([2., 1.]))
    >>> moments.weights.round(3)
    array([0.667, 0.333])
    """

    about: NDArray[np.float64]
    n_rows: float
    log_likelihood: float
    classification_entropy: float
    counts: NDArray[np.float64]
    first: NDArray[np.float64]
    second: NDArray[np.float64]
    noise: float = 0.0

    def __add__(self, other: Moments) -> Moments:
        """Moments of both sets of rows.

        Returns
        -------
        Moments

        Raises
        ------
        TypeError
            If the other is no Moments.
        ValueError
            If the two are about different means.
        """
        if not isinstance(other, Moments):
            return NotImplemented
        if not np.array_equal(self.about, other.about):
            raise ValueError(
                "moments about different means cannot be added; take both passes with one mixture"
            )
        return Moments(
            self.about,
            self.n_rows + other.n_rows,
            self.log_likelihood + other.log_likelihood,
            self.classification_entropy + other.classification_entropy,
            self.counts + other.counts,
            self.first + other.first,
            self.second + other.second,
            self.noise + other.noise,
        )

    def permuted(self, order: NDArray[np.intp]) -> Moments:
        """The same with the components in another order.

        Parameters
        ----------
        order : (n_components,)
            The index of each in this order.

        Returns
        -------
        Moments
        """
        names = "about", "counts", "first", "second"
        return replace(self, **{name: getattr(self, name)[order] for name in names})

    def scaled(self, factor: float) -> Moments:
        """Moments of the same rows with weights so many times as large.

        Parameters
        ----------
        factor : float

        Returns
        -------
        Moments
            About the same means.

        Raises
        ------
        TypeError, ValueError
            If factor is not a finite number of at least 0.
        """
        factor = validation.real(factor, "factor")
        if factor == 1.0:
            return self
        return Moments(
            self.about,
            self.n_rows * factor,
            self.log_likelihood * factor,
            self.classification_entropy * factor,
            self.counts * factor,
            self.first * factor,
            self.second * factor,
            self.noise * factor,
        )

    def moved(self, means: NDArray[np.float64]) -> Moments:
        """The same moments about other means.

        Parameters
        ----------
        means : (n_components, n_features)
            In the units of `about`.

        Returns
        -------
        Moments

        Raises
        ------
        TypeError, ValueError
            If means are not finite numbers, or not as many.
        """
        means = validation.parameter(means, "means", self.about.shape)
        (K, D), second_at = means.shape, self.counts.size + means.size
        moved = np.empty(second_at + self.second.size)
        move(*self.arrays, read_only(np.ascontiguousarray(means)), moved)
        first, second = moved[K:second_at].reshape(K, D), moved[second_at:]
        return replace(self, about=means, first=first, second=second.reshape(self.second.shape))

    @property
    def arrays(self) -> tuple[NDArray, NDArray, NDArray, NDArray]:
        """Means, counts, first and second moments as kernels take them."""
        parts = self.about, self.counts, self.first, self.second
        # Whoever makes moments may give a view, such as a diagonal.
        about, counts, first, second = (read_only(np.ascontiguousarray(part)) for part in parts)
        return about, counts, first, second

    @property
    def weights(self) -> NDArray[np.float64]:
        """Mixing weights that maximise the expected log-likelihood; equal if no row counts.

        Beside noise they sum to less than 1.
        """
        return self._scattered[1]

    def scatter(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Counts, means and the covariance of the rows of each component about its new mean.

        A dead component counts 0, keeps its mean and takes the average of the others' covariances.

        Returns
        -------
        counts : (n_components,)
        means : (n_components, n_features)
        covariances : the shape of `second`
            Variances are not negative.
        """
        _, _, means, covariances, n_dead = self._scattered
        counts = self.counts
        if n_dead:
            counts = np.where(counts <= DEAD * counts.sum(), 0.0, counts)
        return counts, means, covariances

    @property
    def statistics(self) -> NDArray[np.float64]:
        """Weights, and means and covariances as of `scatter`, in one vector; not to be written."""
        return self._scattered[0]

    @lazy
    def _scattered(self) -> tuple[NDArray, NDArray, NDArray, NDArray, int]:
        """Statistics, weights, means and covariances of them, and how many components are dead."""
        K, D = shape = self.about.shape
        statistics = np.empty(K + K * D + self.second.size)
        n_dead = scatter(*self.arrays, self.noise, DEAD, statistics)
        statistics.setflags(write=False)
        means = statistics[K : K + K * D].reshape(shape)
        covariances = statistics[K + K * D :].reshape(self.second.shape)
        return statistics, statistics[:K], means, covariances, n_dead
