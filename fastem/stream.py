"""Stream: a mixture that learns from rows as they come, and keeps none of them."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem import archive, validation
from fastem.covariance import Bounds, Parameters
from fastem.data import Data
from fastem.em import online
from fastem.em.updates import Updates
from fastem.lazy import lazy
from fastem.mixture import Mixture, file, mixture_of, to_units
from fastem.moments import Moments
from fastem.results import Fit
from fastem.rows import RowsLike
from fastem.units import Units
from fastem.words import Missing

#: Smallest eigenvalue of a covariance, as a share of the components' own spread.
FLOOR = 1e-10
#: Numbers in a saved stream, and its moments, units and parameters.
NUMBERS = "n_rows", "log_likelihood", "entropy", "noise", "n_seen", "decay", "half_life"
ARRAYS = "about", "counts", "first", "second", "scale", "weights", "means", "covariances"
#: What a file calls them, beside the mixture's own fields.
FIELDS = [f"stream_{name}" for name in (*NUMBERS, *ARRAYS)]


@dataclass(frozen=True, eq=False)
class Update:
    """What a stream found in a batch.

    Parameters
    ----------
    n_rows : float
        Rows of the batch, or the sum of their weights.
    level : float
        Their mean log-likelihood before the stream learnt from them, in nats a row.
    expected : float
        That of the rows before them; NaN if there were none.
    drift : float
        How far the level lies below the expected one, in its standard deviations: where it stays
        above 5 or so the rows are others than before. NaN if nothing is expected.
    gain : float
        Share of the batch in what the stream knows now.
    weights : (n_components,)
        Afterwards.
    died : (n_components,) bool
        Which components hold fewer rows than their family takes. One of no rows does not come back
        by itself.
    """

    n_rows: float
    level: float
    expected: float
    drift: float
    gain: float
    weights: NDArray[np.float64]
    died: NDArray[np.bool_]


class Stream:
    """A mixture that learns from batches of rows by online EM.

    Parameters
    ----------
    mixture : Mixture or Fit
        Where it begins.
    seen : float or Moments, optional
        What stands behind the mixture: a number of rows that follow it, or `Mixture.summarise` of
        the rows. By default a fit's own rows, and for a mixture as many as the first batch has.
    decay : float, default 0.6
        Above 1/2 and at most 1: a batch of n rows after n_seen others has the share
        (n / (n_seen + n))^decay. With 1 all rows count the same, in whatever batches they come.
    half_life : float, optional
        For rows that drift: those seen so many rows ago count half as much as the latest. In place
        of `decay`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not what it must be; the message names it, its value and the remedy.

    Attributes
    ----------
    mixture : Mixture
    moments : Moments
        Of the rows seen, in the units of the stream, each by what it still counts for; None before
        the first batch, where `seen` was not given.
    n_seen : float
        Rows seen, those behind the mixture among them.

    References
    ----------
    O. Cappe and E. Moulines, J. R. Stat. Soc. B 71 (2009) 593.

    Examples
    --------
    >>> import numpy as np
    >>> import fastem
    >>> rng = np.random.default_rng(0)
    >>> stream = Stream(fastem.Mixture([0.5, 0.5], [[-1.0], [4.0]], [1.0, 1.0], "spherical"))
    >>> for _ in range(50):
    ...     told = stream.update(rng.normal([[0.0], [5.0]] * 100))
    >>> stream.mixture.means.ravel().round() + 0.0
    array([0., 5.])
    """

    def __init__(
        self,
        mixture: Mixture | Fit,
        *,
        seen: float | Moments | None = None,
        decay: float = 0.6,
        half_life: float | None = None,
    ) -> None:
        if isinstance(mixture, Fit):
            fit, mixture = mixture, mixture.mixture
            seen = fit.n_samples if seen is None else seen
        validation.instance(mixture, "mixture", Mixture, "a fastem.Mixture, or what fit returned")
        self._decay, self._half_life = _checked(decay, half_life)
        _, self._units = mixture._factored
        self._names = mixture.feature_names
        self._family = mixture.family.at(self._units)
        start = Parameters(mixture.weights, mixture.means, mixture.covariances)
        self._parameters = to_units(start, self._family, self._units)
        self.moments: Moments | None = None
        self._waits = seen is None
        self.n_seen = 0.0
        if isinstance(seen, Moments):
            if seen.about.shape != mixture.means.shape:
                raise ValueError(
                    f"seen has moments of shape {seen.about.shape}, and the mixture's means have "
                    f"{mixture.means.shape}; give mixture.summarise(rows)"
                )
            self.moments, self.n_seen = seen, seen.n_rows
        elif seen is not None:
            self._imagine(validation.real(seen, "seen"))

    @property
    def mixture(self) -> Mixture:
        """The mixture as it is now."""
        return mixture_of(self._parameters, self._family, self._units, self._names)

    def update(
        self,
        batch: RowsLike,
        sample_weight: ArrayLike | None = None,
        *,
        missing: Missing = "error",
    ) -> Update:
        """Learn from a batch: one E step over it, and an M step.

        Parameters
        ----------
        batch : (n, n_features) array-like, path or source
            As of `fastem.fit`; with at least one row.
        sample_weight : (n,) array-like, optional
            A weight of 2 is the row twice, of 0 an absent row.
        missing : {"error", "drop", "mar"}, default "error"
            As of `fastem.fit`. With "mar" a level is that of what is observed, and the drift tells
            only where as much is missing as before.

        Returns
        -------
        Update

        Raises
        ------
        TypeError, ValueError
            If the batch is empty, is not finite numbers or has other columns. The stream is then
            what it was before.
        OSError
            If a file cannot be read.

        Examples
        --------
        >>> stream = Stream(Mixture([1.0], [[0.0]], [1.0], "spherical"), seen=0, decay=1)
        >>> told = stream.update([[1.0], [3.0]])
        >>> stream.mixture.means, told.died
        (array([[2.]]), array([False]))
        """
        data = Data.of(batch, sample_weight, missing=missing, name="batch")
        n_features, names = self._parameters.means.shape[1], (data.feature_names, self._names)
        validation.columns(data.n_features, n_features, *names, name="batch")
        rows = data.in_double.at(self._units)
        arrived = self._updates.batch(rows, data.weight_unit, self._parameters)
        n_rows = arrived.n_rows
        if not n_rows > 0:
            raise ValueError("batch has no rows of weight above 0; give at least one")
        if self._waits:
            self._imagine(n_rows)
        past, odds = self.moments, 0.0
        if past is not None and past.n_rows > 0:
            odds = online.odds(n_rows, self.n_seen, self._decay, self._half_life)
        else:
            past = None
        learnt = arrived.learn(past, odds)
        level, expected, drift = learnt.log_likelihood / n_rows, np.nan, np.nan
        if past is not None:
            expected = past.log_likelihood / past.n_rows
            drift = (expected - level) / learnt.deviation * math.sqrt(n_rows)
        self._parameters, self.moments = learnt.parameters, learnt.moments
        self.n_seen += n_rows
        least = max(self._family.least_rows(n_features), 1)
        weights = self._parameters.weights.copy()
        gain = 1.0 / (1.0 + odds)
        died = learnt.moments.counts < least
        return Update(n_rows, level, expected, drift, gain, weights, died)

    def save(self, path: str | os.PathLike) -> None:
        """Write the mixture and its moments to an .npz file, whole or not at all.

        `load` goes on from it to the same bits; `Mixture.load` reads the mixture alone.

        Parameters
        ----------
        path : str or path

        Raises
        ------
        TypeError, ValueError
            If it is no path, or no batch has come and `seen` was not given.
        OSError
            If the file cannot be written.
        """
        moments = self.moments
        if moments is None:
            raise ValueError(
                "the stream has no moments yet; update it, or give seen, and then save"
            )
        levels = moments.log_likelihood, moments.classification_entropy
        options = self._decay, np.nan if self._half_life is None else self._half_life
        numbers = moments.n_rows, *levels, moments.noise, self.n_seen, *options
        arrays = moments.about, moments.counts, moments.first, moments.second
        units = np.stack((self._units.centre, self._units.scale))
        values = *numbers, *arrays, units, *self._parameters
        more = {name: np.asarray(value) for name, value in zip(FIELDS, values, strict=True)}
        file.write(validation.path(path, "path"), self.mixture, more)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Stream:
        """Read a stream that `save` wrote. Nothing in it is executed.

        Parameters
        ----------
        path : str or path

        Returns
        -------
        Stream

        Raises
        ------
        OSError
            If the file cannot be read.
        TypeError
            If it is no path.
        ValueError
            If the file is damaged, or has a mixture without moments.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> stream = Stream(Mixture([1.0], [[0.0]], [1.0], "spherical"), seen=100)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "stream.npz")
        ...     stream.save(path)
        ...     Stream.load(path).n_seen
        100.0
        """
        mixture = Mixture.load(path)
        fields = archive.members(path, FIELDS)
        if not fields:
            raise ValueError(
                f"{path} has a mixture without moments; begin with "
                f"Stream(Mixture.load(path), seen=n) from n rows that stand behind it"
            )
        with archive.damage(str(path), "give a file that Stream.save wrote"):
            return cls._of_fields(mixture, fields)

    def __getstate__(self) -> dict[str, Any]:
        """All but the family, which has functions: the mixture tells of it."""
        state = {**self.__dict__, "mixture": self.mixture}
        del state["_family"]
        state.pop("_updates", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        mixture = state.pop("mixture")
        self.__dict__.update(state)
        self._family = mixture.family.at(self._units)

    @classmethod
    def _of_fields(cls, mixture: Mixture, fields: dict[str, NDArray]) -> Stream:
        n_numbers = len(NUMBERS)
        numbers = [float(fields[name]) for name in FIELDS[:n_numbers]]
        n_rows, log_likelihood, entropy, noise, n_seen, decay, half_life = numbers
        stream = cls(mixture, decay=decay, half_life=None if np.isnan(half_life) else half_life)
        K, D = mixture.means.shape
        spread = (K, D) if mixture.family.diagonal else (K, D, D)
        of_parameters = (K,), (K, D), mixture.family.shape(K, D)
        shapes = (K, D), (K,), (K, D), spread, (2, D), *of_parameters
        about, counts, first, second, units, *point = (
            validation.parameter(fields[name], name, shape)
            for name, shape in zip(FIELDS[n_numbers:], shapes, strict=True)
        )
        stream._units = Units(*units)
        stream._family = mixture.family.at(stream._units)
        stream._parameters = Parameters(*point)
        stream.moments = Moments(
            about, n_rows, log_likelihood, entropy, counts, first, second, noise
        )
        stream._waits, stream.n_seen = False, n_seen
        return stream

    @lazy
    def _updates(self) -> Updates:
        bounds = Bounds(np.zeros(self._parameters.means.shape[1]), FLOOR)
        return Updates(self._family, self._parameters, self._units, bounds)

    def _imagine(self, n_rows: float) -> None:
        """Let so many rows that follow the mixture stand behind it."""
        self._waits, self.n_seen = False, n_rows
        if n_rows > 0:
            density = self._family.factor(self._parameters)
            own = self._family, self._parameters, density, self._units
            self.moments = online.imagined(*own, n_rows)


def _checked(decay: Any, half_life: Any) -> tuple[float, float | None]:
    decay = validation.real(decay, "decay")
    if not 0.5 < decay <= 1.0:
        raise ValueError(
            f"decay is {decay:g}; give a number above 1/2, from which online EM converges, and at "
            f"most 1"
        )
    if half_life is None:
        return decay, None
    rows = validation.real(half_life, "half_life")
    if not rows > 0:
        raise ValueError(f"half_life is {rows:g}; give a number of rows above 0")
    return decay, rows
