"""Mixture: the value that a fit returns and that users make by hand."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem import validation
from fastem.covariance import Family, Parameters
from fastem.mixture import file
from fastem.mixture.components import by_weight, from_units
from fastem.mixture.merging import Merging, merged
from fastem.mixture.regression import Regression
from fastem.noise import Noise
from fastem.rows import RowsLike
from fastem.units import Units
from fastem.validation.column_choice import Column
from fastem.words import Missing, Seed


@dataclass(frozen=True, eq=False, repr=False)
class Mixture(Regression):
    """A Gaussian mixture: sum_k weight_k N(x | mean_k, covariance_k), and noise if there is any.

    A value: its arrays are copies and read-only, two mixtures can be compared, pickled and saved.

    Parameters
    ----------
    weights : (n_components,) array-like
        At least 0, with sum 1; with noise, 1 less its weight.
    means : (n_components, n_features) array-like
    covariances : array-like
        Of the shape that belongs to `covariance_type`.
    covariance_type : str, default "full"
        "full" (n_components, n_features, n_features), "tied" (n_features, n_features), "diag"
        (n_components, n_features) or "spherical" (n_components,); VVV, EEE, VVI and VII are other
        names for these. EII, EEI, VEI, EVI take (n_components, n_features) and VEE, EVE, VVE, EEV,
        VEV, EVV (n_components, n_features, n_features); E and V, for one column,
        (n_components, 1). Whether volumes, shapes and axes agree as those letters say is not
        checked: rounding parts them where a component has collapsed.
    noise : Noise, optional
        Rows of no component, spread evenly over a box.
    feature_names : sequence of str, optional
        What the columns are called: in a data frame or file their order does not matter then.

    Raises
    ------
    TypeError
        If an array is not of real numbers, or noise is no Noise.
    ValueError
        If shapes do not fit, there is no such family, a weight is negative, the weights do not sum
        to 1, or a covariance is not symmetric and positive definite.

    Examples
    --------
    >>> mixture = Mixture([0.5, 0.5], [[0.0], [5.0]], [[[1.0]], [[1.0]]])
    >>> mixture.predict([[0.2], [4.0]])
    array([0, 1], dtype=int32)
    """

    if TYPE_CHECKING:  # what it takes is more than what its fields then are

        def __init__(
            self,
            weights: ArrayLike,
            means: ArrayLike,
            covariances: ArrayLike,
            covariance_type: str = "full",
            noise: Noise | None = None,
            feature_names: Sequence[str] | None = None,
        ) -> None: ...

    def sample(
        self,
        n_samples: int,
        random_state: Seed = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """Draw rows, in random order.

        Parameters
        ----------
        n_samples : int
        random_state : int, Generator, RandomState or None

        Returns
        -------
        X : (n_samples, n_features) float64
        labels : (n_samples,) int32
            The component each row came from; -1 is noise.

        Raises
        ------
        TypeError, ValueError
            If n_samples is not a whole number from 1, or random_state none from 0 nor a Generator.

        Examples
        --------
        >>> X, labels = Mixture([1.0], [[0.0, 5.0]], [[1.0, 4.0]], "diag").sample(3)
        >>> X.shape, labels
        ((3, 2), array([0, 0, 0], dtype=int32))
        """
        n_samples = validation.integer(n_samples, "n_samples")
        rng = np.random.default_rng(validation.random_state(random_state))
        if self.noise is None:
            labels = rng.choice(self.n_components, size=n_samples, p=self.weights).astype(np.int32)
        else:
            shares = np.append(self.noise.weight, self.weights)
            shares /= shares.sum()
            labels = rng.choice(len(shares), size=n_samples, p=shares).astype(np.int32) - 1
        X = rng.standard_normal((n_samples, self.n_features))
        deviations = np.sqrt(np.diagonal(self.full_covariances, axis1=1, axis2=2))
        if self.noise is not None:
            X[labels == -1] = self.noise.sample(int((labels == -1).sum()), rng)
        for k in np.unique(labels[labels >= 0]):
            scale = deviations[k]
            mine = labels == k
            root = np.linalg.cholesky(self.full_covariances[k] / np.outer(scale, scale))
            X[mine] = self.means[k] + (X[mine] @ root.T) * scale
        return X, labels

    def merge(self, X: RowsLike, *, missing: Missing = "error") -> Merging:
        """Join components into clusters: a cluster that is no Gaussian may take several of them.

        Pairs are joined one after another, each time the one whose rows are told apart least: it
        leaves the least entropy of the rows' assignment (Baudry et al., J. Comput. Graph. Stat. 19
        (2010) 332).

        Parameters
        ----------
        X : (n_samples, n_features) array-like, path or source
            The rows that the mixture was fitted to.
        missing : {"error", "drop", "mar"}, default "error"
            As in `log_prob`, which says what is raised.

        Returns
        -------
        Merging
            The order of joining, entropies, and labels for any number of clusters.

        Examples
        --------
        >>> mixture = Mixture([0.3, 0.3, 0.4], [[0.0], [1.0], [9.0]], np.ones((3, 1)), "diag")
        >>> merging = mixture.merge(mixture.sample(300, random_state=0)[0])
        >>> merging.n_clusters, merging.clusters(2)
        (2, ((0, 1), (2,)))
        """
        return merged(self, self.responsibilities(X, missing=missing))

    def sorted(self, by: Column | None = None) -> Mixture:
        """The same mixture with its components in another order.

        Parameters
        ----------
        by : int or str, optional
            The column whose means are to ascend, counted from 0 or by name. By default the heaviest
            component comes first and, where weights agree to 1e-3, that of the lower mean in the
            first column in which they differ.

        Returns
        -------
        Mixture

        Raises
        ------
        TypeError, ValueError
            If there is no such column.

        Examples
        --------
        >>> mixture = Mixture([0.3, 0.7], [[0.0], [5.0]], [1.0, 2.0], "spherical")
        >>> mixture.sorted().means.ravel(), mixture.sorted(by=0).means.ravel()
        (array([5., 0.]), array([0., 5.]))
        """
        if by is None:
            order = by_weight(self.weights, self.means)
        else:
            order = np.argsort(self.means[:, self._numbers(by)[0]], kind="stable")
        covariances = self.covariances if self.family.shared else self.covariances[order]
        return replace(
            self, weights=self.weights[order], means=self.means[order], covariances=covariances
        )

    def without_noise(self) -> Mixture:
        """The components alone, their weights divided by their sum.

        Returns
        -------
        Mixture
            Itself if it has no noise.

        Raises
        ------
        ValueError
            If all is noise.

        Examples
        --------
        >>> noisy = Mixture([0.9], [[2.0]], [[1.0]], "diag", Noise(0.1, [0.0], [4.0]))
        >>> noisy.without_noise().weights
        array([1.])
        """
        if self.noise is None:
            return self
        total = self.weights.sum()
        if not total > 0:
            raise ValueError("the mixture is noise alone; without it nothing is left")
        return replace(self, weights=self.weights / total, noise=None)

    def to_sklearn(self) -> Any:
        """A scikit-learn `GaussianMixture` that has this mixture as if it had been fitted.

        What takes scikit-learn's models takes it, such as skl2onnx, which writes them as ONNX
        (extra: sklearn). `fastem.GaussianMixture.from_mixture` keeps what that class lacks.

        Returns
        -------
        sklearn.mixture.GaussianMixture
            Families of mclust's come as "full", "tied" or "diag", with the same covariances.

        Raises
        ------
        ImportError
            If scikit-learn is not installed.
        ValueError
            If the mixture has noise.

        Examples
        --------
        >>> model = Mixture([0.5, 0.5], [[0.0], [5.0]], [1.0, 1.0], "spherical").to_sklearn()
        >>> model.predict([[4.0]])
        array([1])
        """
        from fastem.mixture.export import to_sklearn  # slow to import

        return to_sklearn(self)

    def save(self, path: str | os.PathLike) -> None:
        """Write the mixture to an .npz file, whole or not at all.

        Parameters
        ----------
        path : str or path
            Taken as it is: no ending is added.

        Raises
        ------
        TypeError, ValueError
            If it is no path.
        OSError
            If the file cannot be written.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> mixture = Mixture([1.0], [[0.0, 5.0]], [[1.0, 4.0]], "diag")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "mixture.npz")
        ...     mixture.save(path)
        ...     Mixture.load(path) == mixture
        True
        """
        file.write(validation.path(path, "path"), self)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Mixture:
        """Read a mixture that `save` wrote, for which see the example. Nothing in it is executed.

        Parameters
        ----------
        path : str or path

        Returns
        -------
        Mixture
            Equal to the one saved.

        Raises
        ------
        OSError
            If the file cannot be read.
        TypeError
            If it is no path.
        ValueError
            If the file is damaged, of a later version or not a mixture.
        """
        return file.read(validation.path(path, "path"), cls)


def mixture_of(
    parameters: Parameters, family: Family, units: Units, names: tuple[str, ...] | None = None
) -> Mixture:
    """The mixture, in the user's units, of parameters in those units."""
    noise, published = family.noise, family.published(parameters)
    if noise is not None:
        noise = noise.with_weight(family.noise_weight(published))
    found = family.exact(from_units(published, family, units))
    return Mixture(*found, family.name, noise, names)
