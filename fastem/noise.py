"""Noise: rows that belong to no cluster, as a uniform density over a box around the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem import validation

#: Shares that lie beyond 0 and 1 by no more are rounding, as in the sums of weights.
ROUNDING = 1e-6
#: What a file keeps of it.
NOISE_FIELDS = "noise_weight", "noise_low", "noise_high", "noise_axes"


@dataclass(frozen=True, eq=False)
class Noise:
    """A share of the rows, spread evenly over a box.

    Rows outside the box are given its density too, as in mclust: what lies that far out is noise.

    Sources: J. D. Banfield and A. E. Raftery, Biometrics 49 (1993) 803, section 4; C. Fraley and
    A. E. Raftery, J. Am. Stat. Assoc. 97 (2002) 611, section 3.2.

    Parameters
    ----------
    weight : float
        From 0 to 1.
    low, high : (n_features,) array-like
        The box, along its axes.
    axes : (n_features, n_features) array-like, optional
        Unit vectors in columns, at right angles: row x lies at x @ axes. By default the columns of
        the data.

    Raises
    ------
    TypeError, ValueError
        If one of these is not what it must be, or the box has no volume.

    Examples
    --------
    >>> import numpy as np
    >>> noise = Noise(0.1, [0, 0], [4, 5])
    >>> round(float(np.exp(noise.log_volume)), 6)
    20.0
    >>> noise.centre
    array([2. , 2.5])
    >>> noise.sample(3, np.random.default_rng(0)).shape
    (3, 2)
    """

    weight: float
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    axes: NDArray[np.float64] | None = None

    if TYPE_CHECKING:  # what it takes is more than what its fields then are

        def __init__(
            self,
            weight: float,
            low: ArrayLike,
            high: ArrayLike,
            axes: ArrayLike | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        """Check and freeze the arrays."""
        object.__setattr__(self, "weight", validation.share(self.weight, "noise.weight"))
        n_features = validation.numeric(self.low, "noise.low").size
        if not n_features:
            raise ValueError("noise.low is empty; give a number for each column")
        shapes = {"low": (n_features,), "high": (n_features,), "axes": (n_features, n_features)}
        for name, shape in shapes.items():
            if name != "axes" or self.axes is not None:
                value = validation.parameter(getattr(self, name), f"noise.{name}", shape)
                value.setflags(write=False)
                object.__setattr__(self, name, value)
        if not (self.low < self.high).all():
            j = int(np.argmin(self.low < self.high))
            raise ValueError(
                f"noise.low[{j}] is {self.low[j]:g} and noise.high[{j}] is {self.high[j]:g}; give "
                f"a box of some width in every direction"
            )
        with np.errstate(over="ignore"):
            finite = np.isfinite(self.high - self.low)
        if not finite.all():
            j = int(np.argmin(finite))
            raise ValueError(
                f"noise.low[{j}] is {self.low[j]:g} and noise.high[{j}] is {self.high[j]:g}, "
                f"further apart than float64 holds; multiply the data by a constant"
            )
        if self.axes is not None:
            products = self.axes.T @ self.axes
            if np.abs(products - np.eye(n_features)).max() > 1e-8:
                raise ValueError(
                    "noise.axes are not unit vectors at right angles; orthonormalise them"
                )

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return len(self.low)

    @property
    def log_volume(self) -> float:
        """Logarithm of the box's volume; in nats, -log density."""
        return float(np.log(self.high - self.low).sum())

    @property
    def centre(self) -> NDArray[np.float64]:
        """Middle of the box, (n_features,)."""
        middle = self.low / 2 + self.high / 2
        if self.axes is None:
            return middle
        return self.axes @ middle

    def with_weight(self, weight: float) -> Noise:
        """The same box with another weight.

        Parameters
        ----------
        weight : float
            From 0 to 1; what is beyond by no more than 1e-6 is rounding, and cut off.

        Returns
        -------
        Noise

        Raises
        ------
        TypeError, ValueError
            If it is not such a number.

        Examples
        --------
        >>> Noise(0.1, [0, 0], [4, 5]).with_weight(0.2).weight
        0.2
        """
        return replace(self, weight=validation.share(weight, "weight", slack=ROUNDING))

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw rows from the box.

        Parameters
        ----------
        n : int
            How many, from 0.
        rng : Generator

        Returns
        -------
        X : (n, n_features) float64

        Raises
        ------
        TypeError, ValueError
            If n is not a whole number from 0, or rng no Generator.
        """
        n = validation.integer(n, "n", least=0)
        wanted = "a numpy.random.Generator, such as numpy.random.default_rng(0)"
        validation.instance(rng, "rng", np.random.Generator, wanted)
        inside = self.low + rng.random((n, self.n_features)) * (self.high - self.low)
        if self.axes is None:
            return inside
        return inside @ self.axes.T

    def marginal(self, columns: int | Sequence[int] | NDArray[np.intp]) -> Noise:
        """The same on some of the columns.

        Parameters
        ----------
        columns : int or (n_columns,) ints
            Counted from 0; those of the result are in this order.

        Returns
        -------
        Noise

        Raises
        ------
        TypeError, ValueError
            If a column is repeated or there is no such column, or the box does not lie along the
            columns: its shadow on some of them is not uniform.

        Examples
        --------
        >>> Noise(0.1, [0, 0], [4, 5]).marginal([1]).high
        array([5.])
        """
        if self.axes is not None:
            raise ValueError(
                "the noise's box does not lie along the columns, and what it casts on some of them "
                "is not uniform; use without_noise(), or give the mixture a noise without axes"
            )
        return self.span(columns)

    def span(self, columns: int | Sequence[int] | NDArray[np.intp]) -> Noise:
        """The least box along some of the data's columns that holds this one's shadow on them.

        Parameters
        ----------
        columns : int or (n_columns,) ints
            As in `marginal`.

        Returns
        -------
        Noise
            With no axes, of the same weight.

        Raises
        ------
        TypeError, ValueError
            If a column is repeated or there is no such column.

        Examples
        --------
        >>> turned = Noise(0.1, [-5, -5], [5, 5], [[0.6, -0.8], [0.8, 0.6]])
        >>> turned.span([0, 1]).high
        array([7., 7.])
        """
        chosen = validation.column_numbers(columns, None, self.n_features, "the noise")
        if self.axes is None:
            low, high = self.low, self.high
        else:
            reach = np.abs(self.axes) @ (self.high / 2 - self.low / 2)
            low, high = self.centre - reach, self.centre + reach
        return Noise(self.weight, low[chosen], high[chosen])

    def fields(self) -> dict[str, NDArray]:
        """What a file keeps, for `of_fields` to read.

        Returns
        -------
        dict of str to ndarray
            noise_weight (), noise_low and noise_high (n_features,), noise_axes (n_features,
            n_features).
        """
        axes = np.eye(self.n_features) if self.axes is None else self.axes
        return {
            "noise_weight": np.array(self.weight),
            "noise_low": self.low,
            "noise_high": self.high,
            "noise_axes": axes,
        }

    @classmethod
    def of_fields(cls, fields: dict[str, NDArray]) -> Noise | None:
        """What a file kept; None if that is nothing.

        Raises
        ------
        ValueError
            If a part is missing.
        """
        missing = set(NOISE_FIELDS) - fields.keys()
        if len(missing) == len(NOISE_FIELDS):
            return None
        if missing:
            raise ValueError(f"it lacks {', '.join(sorted(missing))}")
        weight, low, high, axes = (fields[name] for name in NOISE_FIELDS)
        plain = axes.shape == (low.size, low.size) and np.array_equal(axes, np.eye(low.size))
        return cls(float(weight), low, high, None if plain else axes)

    def __eq__(self, other: object) -> bool:
        """Same weight and the same box."""
        if not isinstance(other, Noise):
            return NotImplemented
        return self.weight == other.weight and all(
            np.array_equal(mine, theirs)
            for mine, theirs in zip(self._arrays, other._arrays, strict=True)
        )

    def __hash__(self) -> int:
        """Consistent with equality, for which 0.0 is -0.0."""
        return hash((self.weight, *((array + 0.0).tobytes() for array in self._arrays)))

    @property
    def _arrays(self) -> tuple[NDArray, ...]:
        return self.low, self.high, np.empty(0) if self.axes is None else self.axes
