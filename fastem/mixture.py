"""Mixture: the value that a fit returns and that users make by hand."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem import validation
from fastem.atomic import whole
from fastem.conditioning import Regressions, check_rest, columns_of
from fastem.covariance import Family, Parameters, WithNoise, family
from fastem.density import Density
from fastem.kernels.jit import fork_waits
from fastem.lazy import lazy
from fastem.moments import Moments
from fastem.noise import Noise
from fastem.rows import Source, are_of_dask, streamed
from fastem.rows.labels import labels_file
from fastem.units import Units

FORMAT = "fastem mixture"
#: Of files with noise; those without are of version 1, and older readers take them.
FORMAT_VERSION = 2


@dataclass(frozen=True, eq=False, repr=False)
class Mixture:
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

    Raises
    ------
    TypeError
        If an array is not of real numbers.
    ValueError
        If shapes do not fit, a weight is negative, the weights do not sum to 1, or a covariance is
        not symmetric and positive definite.

    Examples
    --------
    >>> mixture = Mixture([0.5, 0.5], [[0.0], [5.0]], [[[1.0]], [[1.0]]])
    >>> mixture.predict([[0.2], [4.0]])
    array([0, 1], dtype=int32)
    """

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    covariances: NDArray[np.float64]
    covariance_type: str = "full"
    noise: Noise | None = None

    def __post_init__(self) -> None:
        """Check and freeze the arrays."""
        kind = family(self.covariance_type)
        means = np.array(validation.rows(self.means, name="means"), dtype=np.float64)
        n_components, n_features = means.shape
        left = 1.0 if self.noise is None else 1.0 - _check_noise(self.noise, n_features).weight
        weights = validation.weights(self.weights, n_components, total=left)
        covariances = validation.parameter(
            self.covariances, "covariances", kind.shape(n_components, n_features)
        )
        if not kind.diagonal:
            _check_symmetric(covariances)
        for name, value in ("weights", weights), ("means", means), ("covariances", covariances):
            value.flags.writeable = False
            object.__setattr__(self, name, value)
        try:
            _ = self._factored
        except np.linalg.LinAlgError as error:
            raise ValueError(
                f"covariances are not valid: {error}; "
                f"give symmetric matrices with positive eigenvalues"
            ) from None

    @property
    def n_components(self) -> int:
        """Number of components."""
        return len(self.weights)

    @property
    def n_features(self) -> int:
        """Number of columns of the data."""
        return self.means.shape[1]

    @property
    def n_parameters(self) -> int:
        """Free parameters: K - 1 weights, K D means and those of the covariance family.

        Noise has two more: its weight, and its volume, which is taken from the data.
        """
        return self.family.n_parameters(self.n_components, self.n_features)

    @property
    def family(self) -> Family:
        """The covariance family, and the noise beside it."""
        kind = family(self.covariance_type)
        return kind if self.noise is None else WithNoise(kind, self.noise)

    @lazy
    def full_covariances(self) -> NDArray[np.float64]:
        """Every component's covariance as a matrix, (n_components, n_features, n_features)."""
        return self.family.expand(self.covariances, self.n_components, self.n_features)

    def log_prob(self, X: ArrayLike | Source) -> NDArray[np.float64]:
        """Log density of each row, log sum_k weight_k N(x_i | mean_k, covariance_k).

        Noise adds its weight over its volume, outside its box too.

        Parameters
        ----------
        X : (n_samples, n_features) array-like, path or source
            As `fastem.fit` takes it. Rows of weight 0 are rows.

        Returns
        -------
        log_prob : (n_samples,) float64, in nats

        Raises
        ------
        TypeError, ValueError
            If X is not a finite array of numbers with n_features columns.
        """
        return self._of_each_row("log_prob", X)

    def responsibilities(self, X: ArrayLike | Source) -> NDArray:
        """Probability that each row comes from each component.

        Parameters
        ----------
        X : (n_samples, n_features) array-like, path or source

        Returns
        -------
        resp : (n_samples, n_components), or (n_samples, n_components + 1) with noise, the last
            float32 if X is, else float64. Each row sums to 1.
        """
        return self._of_each_row("responsibilities", X)

    def summarise(self, X: ArrayLike | Source, sample_weight: ArrayLike | None = None) -> Moments:
        """Sufficient statistics of rows under this mixture, about its means.

        Their log-likelihood is sum_i v_i log p(x_i). Means and moments are in units of the
        mixture's own choosing: powers of two times the user's.
        """
        if are_of_dask(X):
            from fastem.rows.dask import Dask

            chunks = Dask.of(X, sample_weight)
            validation.columns(chunks.n_features, self.n_features)
            density, units = self._factored_for(chunks.dtype)
            return chunks.at(units).summarise(density).scaled(chunks.weight_unit)
        source = streamed(X, sample_weight)
        if source is not None:
            validation.columns(source.n_features, self.n_features, name=source.name)
            density, units = self._factored_for(source.dtype)
            return source.at(units).summarise(density).scaled(source.weight_unit)
        rows = validation.rows(X, n_features=self.n_features)  # type: ignore[arg-type]
        density, units = self._factored_for(rows.dtype)
        return density.summarise(rows, validation.sample_weight(sample_weight, len(rows)), units)

    def predict(self, X: ArrayLike | Source) -> NDArray[np.int32]:
        """Index of the likeliest component of each row, (n_samples,); -1 is noise.

        As `log_prob` and `responsibilities`, of Dask's array or data frame a Dask array, in chunks
        like its own and computed when it is asked for.
        """
        return self._of_each_row("predict", X)

    def predict_to(
        self, path: str | os.PathLike, X: ArrayLike | Source, *, probabilities: bool = False
    ) -> int:
        """Write the label of each row to a file, while the rows are read.

        No more than a few blocks of rows are held at a time. The file appears when it is whole; if
        anything goes wrong, none does.

        Parameters
        ----------
        path : path
            .npy: an int32 array of labels or, with probabilities, the array of those, whose largest
            in a row is at its label. .csv or .parquet (extra: parquet): a column `label` and, with
            probabilities, `probability_0`, `probability_1` and so on, and `probability_noise`
            where there is noise.
        X : path, source or (n_samples, n_features) array-like
            Rows, as `fastem.rows.open` takes or returns them. All rows are labelled, in their
            order, those of weight 0 as well.
        probabilities : bool, default False

        Returns
        -------
        n_samples : int
            How many rows there were.

        Raises
        ------
        ImportError
            If the file is .parquet and pyarrow is not installed.
        OSError
            If a file cannot be read or written.
        TypeError, ValueError
            If the suffix is another, or X is not finite numbers with n_features columns.

        Examples
        --------
        >>> import tempfile, pathlib
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> np.save(folder / "rows.npy", [[0.2], [4.0]])
        >>> mixture = Mixture([0.5, 0.5], [[0.0], [5.0]], [[[1.0]], [[1.0]]])
        >>> mixture.predict_to(folder / "labels.npy", folder / "rows.npy")
        2
        >>> np.load(folder / "labels.npy")
        array([0, 1], dtype=int32)
        """
        wanted = ("predict", "responsibilities") if probabilities else ("predict",)
        n_samples = 0
        n_components = self.n_components if probabilities else None
        with (
            labels_file(path, n_components, self.noise is not None) as file,
            closing(self.each(wanted, X)) as results,
        ):
            for labels, *resp in results:
                file.write(labels, resp[0] if resp else None)
                n_samples += len(labels)
        return n_samples

    def marginal(self, columns: int | Sequence[int]) -> Mixture:
        """The mixture that some of the columns follow.

        Parameters
        ----------
        columns : int or sequence of int
            Counted from 0; the columns of the result are in this order.

        Returns
        -------
        Mixture
            "diag" if the family's axes lie along the columns, else "full".

        Raises
        ------
        TypeError, ValueError
            If a column is repeated or there is no such column, or there is noise in a box that does
            not lie along the columns: what such a box casts on some of them is not uniform.

        Examples
        --------
        >>> Mixture([1.0], [[0.0, 5.0]], [[1.0, 4.0]], "diag").marginal(1).covariances
        array([[4.]])
        """
        chosen = columns_of(columns, self.n_features)
        covariances = self.full_covariances[:, chosen[:, None], chosen]
        noise = None if self.noise is None else self.noise.marginal(chosen)
        return self._plain(self.weights, self.means[:, chosen], covariances, noise)

    def condition(self, columns: int | Sequence[int], values: ArrayLike) -> Mixture:
        """The mixture that the other columns follow where these have the values given.

        Parameters
        ----------
        columns : int or sequence of int
            Counted from 0.
        values : float or (len(columns),) array-like
            In the order of `columns`.

        Returns
        -------
        Mixture
            Of the other columns in their order; "diag" or "full", as `marginal`'s.

        Raises
        ------
        TypeError, ValueError
            If a column is repeated, there is no such column or none is left, values are not finite
            numbers, one for each column, or noise has no marginal (see `marginal`).

        Examples
        --------
        >>> mixture = Mixture([1.0], [[0.0, 5.0]], [[[1.0, 0.5], [0.5, 1.0]]])
        >>> mixture.condition(0, 2.0).means
        array([[6.]])
        """
        chosen = columns_of(columns, self.n_features)
        check_rest(chosen, self.n_features)
        given = validation.parameter(np.atleast_1d(values), "values", chosen.shape)
        weights = self.marginal(chosen.tolist()).responsibilities(given[None])[0]
        regressions = Regressions.of(self.means, self.full_covariances, chosen)
        noise = None
        if self.noise is not None:
            others = np.setdiff1d(np.arange(self.n_features), chosen)
            noise = self.noise.marginal(others).with_weight(float(weights[-1]))
            weights = weights[:-1]
        return self._plain(weights, regressions.means(given), regressions.covariances, noise)

    def predict_mean(self, columns: int | Sequence[int], X: ArrayLike) -> NDArray[np.float64]:
        """Mean of the other columns where these have the values given: a regression.

        E[y | x] = sum_k r_k(x) (mean of y given x in component k); see `condition`.

        Parameters
        ----------
        columns : int or sequence of int
            The columns of the mixture that X holds, counted from 0.
        X : (n_samples, len(columns)) array-like

        Returns
        -------
        means : (n_samples, n_features - len(columns))

        Raises
        ------
        TypeError, ValueError
            As `condition`, for each row.

        Examples
        --------
        >>> mixture = Mixture([1.0], [[0.0, 5.0]], [[[1.0, 0.5], [0.5, 1.0]]])
        >>> mixture.predict_mean(0, [[2.0], [0.0]])
        array([[6.],
               [5.]])
        """
        chosen = columns_of(columns, self.n_features)
        check_rest(chosen, self.n_features)
        X = validation.rows(X, n_features=len(chosen)).astype(np.float64, copy=False)
        resp = self.marginal(chosen.tolist()).responsibilities(X)
        means = Regressions.of(self.means, self.full_covariances, chosen).mean(X, resp)
        if self.noise is not None:
            others = np.setdiff1d(np.arange(self.n_features), chosen)
            means += resp[:, -1:] * self.noise.centre[others]
        return means

    def without_noise(self) -> Mixture:
        """The components alone, their weights divided by their sum.

        Raises
        ------
        ValueError
            If all is noise.
        """
        if self.noise is None:
            return self
        total = self.weights.sum()
        if not total > 0:
            raise ValueError("the mixture is noise alone; without it nothing is left")
        return Mixture(self.weights / total, self.means, self.covariances, self.covariance_type)

    def _plain(
        self, weights: NDArray, means: NDArray, covariances: NDArray, noise: Noise | None
    ) -> Mixture:
        """A mixture of covariance matrices that may have left this one's family."""
        if self.family.diagonal:
            variances = np.diagonal(covariances, axis1=1, axis2=2)
            return Mixture(weights, means, variances, "diag", noise)
        return Mixture(weights, means, covariances, noise=noise)

    def sample(
        self, n_samples: int, random_state: int | np.random.Generator | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """Draw rows, in random order.

        Parameters
        ----------
        n_samples : int
        random_state : int, Generator or None

        Returns
        -------
        X : (n_samples, n_features)
        labels : (n_samples,) int32
            The component each row came from; -1 is noise.
        """
        n_samples = validation.integer(n_samples, "n_samples")
        if not (random_state is None or isinstance(random_state, np.random.Generator)):
            random_state = validation.integer(random_state, "random_state", least=0)
        rng = np.random.default_rng(random_state)
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
            with fork_waits(X.size):
                root = np.linalg.cholesky(self.full_covariances[k] / np.outer(scale, scale))
                X[mine] = self.means[k] + (X[mine] @ root.T) * scale
        return X, labels

    def save(self, path: str | os.PathLike) -> None:
        """Write the mixture to an .npz file, whole or not at all.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        noise: dict[str, Any] = {} if self.noise is None else self.noise.fields()
        with whole(path) as part, open(part, "wb") as file:
            np.savez(
                file,
                format=np.array(FORMAT),
                version=np.array(FORMAT_VERSION if noise else 1),
                weights=self.weights,
                means=self.means,
                covariances=self.covariances,
                covariance_type=np.array(self.covariance_type),
                **noise,
            )

    @classmethod
    def load(cls, path: str | os.PathLike) -> Mixture:
        """Read a mixture that `save` wrote. Nothing in the file is executed.

        Raises
        ------
        OSError
            If the file cannot be read.
        ValueError
            If it is damaged, of a later version or not a mixture.
        """
        try:
            with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
                fields = {name: file[name] for name in file.files}
            version = int(fields.get("version", 0))
        except (ValueError, EOFError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path} is damaged or not a fastem mixture ({error})") from None
        if str(fields.get("format")) != FORMAT:
            raise ValueError(f"{path} is not a fastem mixture; give a file that Mixture.save wrote")
        if version > FORMAT_VERSION:
            raise ValueError(
                f"{path} is of format version {version}, later than {FORMAT_VERSION}, the "
                f"latest that this fastem reads; upgrade fastem"
            )
        missing = {"weights", "means", "covariances", "covariance_type"} - fields.keys()
        if missing:
            raise ValueError(f"{path} is damaged: it lacks {', '.join(sorted(missing))}")
        return cls(
            fields["weights"],
            fields["means"],
            fields["covariances"],
            str(fields["covariance_type"]),
            Noise.of_fields(fields),
        )

    def __eq__(self, other: object) -> bool:
        """Same family and equal arrays."""
        if not isinstance(other, Mixture):
            return NotImplemented
        same = self.covariance_type == other.covariance_type and self.noise == other.noise
        return same and all(
            np.array_equal(mine, theirs)
            for mine, theirs in zip(self._parameters, other._parameters, strict=True)
        )

    def __hash__(self) -> int:
        """Consistent with equality, for which 0.0 is -0.0."""
        arrays = ((a + 0.0).tobytes() for a in self._parameters)
        return hash((self.covariance_type, self.noise, *arrays))

    def __repr__(self) -> str:
        """Family, sizes, weights and means, for people."""
        shown = min(self.n_components, 8)
        lines = [
            f"Mixture of {self.n_components} Gaussians in {self.n_features} dimensions, "
            f"{self.covariance_type} covariances, {self.n_parameters} parameters"
        ]
        deviations = np.sqrt(np.diagonal(self.full_covariances, axis1=1, axis2=2))
        with np.printoptions(precision=4, threshold=8, edgeitems=3, linewidth=160):
            lines += [
                f"  {k}: weight {self.weights[k]:.4f}, mean {self.means[k]}, std {deviations[k]}"
                for k in range(shown)
            ]
        if shown < self.n_components:
            lines.append(f"  and {self.n_components - shown} more")
        if self.noise is not None:
            lines.append(f"  noise: weight {self.noise.weight:.4f}")
        return "\n".join(lines)

    def __getstate__(self) -> dict:
        """The fields, without what is derived from them."""
        names = "weights", "means", "covariances", "covariance_type", "noise"
        return {name: getattr(self, name) for name in names}

    def __setstate__(self, state: dict) -> None:
        """Restore and check."""
        for name, value in state.items():
            object.__setattr__(self, name, value)
        self.__post_init__()

    @property
    def _parameters(self) -> Parameters:
        return Parameters(self.weights, self.means, self.covariances)

    @lazy
    def _factored(self) -> tuple[Density, Units]:
        """The density for float64 rows, in units that suit its components."""
        variances = np.diagonal(self.full_covariances, axis1=1, axis2=2)
        spread = np.sqrt(np.max(variances, axis=0, initial=np.finfo(float).tiny))
        if not self.family.per_column:
            spread = np.full_like(spread, spread.max())
        units = Units.from_spread(np.zeros(self.n_features), spread)
        kind = self.family.at(units)
        return kind.factor(to_units(self._parameters, kind, units)), units

    def _of_each_row(
        self, kernel: str, X: ArrayLike | Source, name: str = "X", *, parallel: bool = True
    ) -> NDArray:
        """What the density says of each row by the method of that name."""
        if are_of_dask(X):
            from fastem.rows.dask import lazily

            serial = partial(self._of_each_row, kernel, parallel=False)
            return lazily(X, self.n_features, serial)
        with closing(self.each((kernel,), X, name, parallel=parallel)) as results:
            parts = [part for (part,) in results]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def each(
        self,
        kernels: Sequence[str],
        X: ArrayLike | Source,
        name: str = "X",
        *,
        parallel: bool = True,
    ) -> Generator[list[NDArray], None, None]:
        """What methods of those names say of each row: of an array at once, of files in blocks.

        Parameters
        ----------
        kernels : sequence of {"predict", "responsibilities", "log_prob"}
        X : (n_samples, n_features) array-like, path or source
        name : str
            What messages call X.
        parallel : bool
            Whether an array may have several threads.
        """
        source = streamed(X)
        if source is None:
            rows = validation.rows(X, name=name, n_features=self.n_features)  # type: ignore[arg-type]
            density, units = self._factored_for(rows.dtype)
            yield [getattr(density, kernel)(rows, units, parallel=parallel) for kernel in kernels]
            return
        validation.columns(source.n_features, self.n_features, name=source.name)
        density, units = self._factored_for(source.dtype)

        def work(block: NDArray) -> list[NDArray]:
            return [getattr(density, kernel)(block, units, parallel=False) for kernel in kernels]

        beside = (self.n_components + 2) * source.dtype.itemsize
        with closing(source.each(work, beside)) as results:
            yield from results

    def _factored_for(self, dtype: np.dtype) -> tuple[Density, Units]:
        """The density for rows of a dtype, and its units."""
        if dtype == np.float64:
            return self._factored
        units = Units(self.weights @ self.means, self._factored[1].scale)
        kind = self.family.at(units)
        return kind.factor(to_units(self._parameters, kind, units)), units


def mixture_of(parameters: Parameters, kind: Family, units: Units) -> Mixture:
    """The mixture, in the user's units, of parameters in those units."""
    noise = None if kind.noise is None else kind.noise.with_weight(kind.noise_weight(parameters))
    return Mixture(*from_units(parameters, kind, units), kind.name, noise)


def to_units(parameters: Parameters, kind: Family, units: Units) -> Parameters:
    """Parameters in the user's units brought into others."""
    weights, means, covariances = parameters
    return Parameters(weights, units.enter(means), kind.rescale(covariances, units.scale))


def from_units(parameters: Parameters, kind: Family, units: Units) -> Parameters:
    """Parameters in those units brought back into the user's."""
    weights, means, covariances = parameters
    return Parameters(weights, units.leave(means), kind.rescale(covariances, 1.0 / units.scale))


def change_units(parameters: Parameters, kind: Family, old: Units, new: Units) -> Parameters:
    """Parameters in old units brought into new ones."""
    return to_units(from_units(parameters, kind, old), kind, new)


def _check_symmetric(covariances: NDArray) -> None:
    difference = np.abs(covariances - covariances.swapaxes(-1, -2)).max()
    if difference > 1e-6 * np.abs(covariances).max():
        raise ValueError(
            f"covariances are not symmetric: entries differ from their mirror images by up to "
            f"{difference:g}; average the matrices with their transposes"
        )


def _check_noise(noise: Noise, n_features: int) -> Noise:
    if not isinstance(noise, Noise):
        raise TypeError(f"noise is {noise!r}; give a fastem.Noise, or None")
    if noise.n_features != n_features:
        raise ValueError(
            f"noise has a box of {noise.n_features} dimensions but means have {n_features} columns"
        )
    return noise
