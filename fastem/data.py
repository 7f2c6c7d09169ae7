"""Data: the rows that a user gave, checked once, and what they say before any fit."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem import validation
from fastem.centre import Centre
from fastem.compiler.options import refuse_uncompiled
from fastem.covariance import (
    FAMILIES,
    ConjugatePrior,
    Family,
    Fixed,
    NormalWishart,
    WithFixed,
    WithNoise,
    WithPrior,
)
from fastem.eigen import eigh
from fastem.lazy import lazy
from fastem.moments import Moments
from fastem.noise import Noise
from fastem.rows import Incomplete, Memory, Rows, Source, converted, elsewhere, opened
from fastem.rows.files import is_path
from fastem.rows.missing import Gaps, Marks, check_seen
from fastem.rows.open import component_numbers, held, is_column, told, weights_beside
from fastem.rows.source import weight_unit
from fastem.units import LOOKED_AT, Units, location_and_spread
from fastem.validation.column_choice import Column, called

#: Numbers between these have squares that float64 holds, twice their distance too.
SPREADS = 1e-153, 1e153
#: Magnitudes, in standard deviations, whose squares float64 sums without overflow.
FLOAT64_PEAK = 1e151
#: Magnitudes, in standard deviations, whose squares float32 sums without overflow.
FLOAT32_PEAK = 1e16
#: Numbers that are worked on in float64 whatever their dtype: single precision would save no time.
FEW = 2**16
#: Principal axes along which the box is thinner than this, by its greatest width, are rounding.
THIN = 1e-9


@dataclass(frozen=True, eq=False)
class Data:
    """Validated rows, and what is found out about them once, for every fit.

    Parameters
    ----------
    source : Source
    counted : (n,) bool, optional
        Which rows of those given are in the source, where some are left out.
    feature_names : tuple of str, optional
    units : Units, optional
        What rows are worked on in, where that is not for them to say.
    labels : array-like, optional
        What the user knows of the components of the rows given.
    """

    source: Source
    counted: NDArray[np.bool_] | None = None
    feature_names: tuple[str, ...] | None = None
    units: Units | None = None
    labels: ArrayLike | None = None
    # Families have their columns scaled one by one, or alike.
    _rows: dict[bool, Rows] = field(default_factory=dict, init=False, repr=False)
    _centres: dict[bool, Centre] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def of(
        cls,
        X: Any,
        sample_weight: ArrayLike | None = None,
        *,
        columns: Sequence[Column] | None = None,
        missing: str = "error",
        na_values: Any = None,
        at_once: bool = True,
        name: str = "X",
        labels: ArrayLike | None = None,
    ) -> Data:
        """Check what the user gave; rows of weight 0, or that lack values, may be left out.

        Unless they are needed `at_once` large arrays are not converted as a whole. Errors call the
        rows by their name. Labels are checked where the number of components is known.
        """
        refuse_uncompiled()
        plain = sample_weight is None and columns is None and na_values is None and labels is None
        if plain and missing in validation.MISSING and validation.are_rows(X):
            return cls(Memory(X))  # all that follows takes as long as a pass over a small batch
        how = {"columns": columns, "na_values": na_values}
        if is_column(labels):
            return cls._labelled(X, labels, sample_weight, columns, missing, na_values)
        if labels is not None:
            found = cls.of(X, sample_weight, **how, missing=missing)  # type: ignore[arg-type]
            return replace(found, labels=labels)
        read = elsewhere(X, sample_weight, missing=missing, **how)
        if read is not None or isinstance(X, Source):
            source = X if read is None else read
            return cls(source, feature_names=getattr(source, "names", None))
        X = validation.chosen_columns(X, columns)
        names = validation.feature_names(X)
        validation.choice(missing, "missing", validation.MISSING)
        if not at_once and missing == "error" and na_values is None:
            in_blocks = converted(X, sample_weight)
            if in_blocks is not None:
                return cls(in_blocks, feature_names=names)
        marks = Marks.of(na_values).values
        X, gaps = validation.complete(X, missing, name, na_values=marks)
        counted: NDArray[np.bool_] = np.ones(len(X), bool)
        if gaps is not None:
            counted = np.logical_not(gaps.any(axis=1))
        weight, unit = validation.sample_weight(sample_weight, len(counted)), 1.0
        if gaps is not None and (costly := Gaps.of(gaps).costly(called(names, X.shape[1]))):
            warnings.warn(f"X: {costly}", UserWarning, stacklevel=3)
        if weight is not None:
            weight = validation.sample_weight(weight[counted], len(X))
            assert weight is not None
            if not weight.all():
                counted[counted] = weight > 0
                X, weight = X[weight > 0], weight[weight > 0]
            unit = weight_unit(weight.max())
            weight = weight / unit
        kind = Incomplete if missing == "mar" and np.isnan(X).any() else Memory
        return cls(
            _observed(kind(X, weight, unit), names), None if counted.all() else counted, names
        )

    @classmethod
    def _labelled(
        cls,
        X: Any,
        labels: Any,
        sample_weight: Any,
        columns: Sequence[Column] | None,
        missing: str,
        na_values: Any,
    ) -> Data:
        """Rows of files with labels from a column of theirs, all in memory."""
        if not is_path(X):
            raise TypeError(
                f"labels is {labels!r}, a column of files, but X is no path; give one number a row"
            )
        column = labels if isinstance(labels, str) else int(labels)
        others = [column, *([sample_weight] if is_column(sample_weight) else [])]
        # Rows are left out, with their labels, where all are at hand.
        until_then = "mar" if missing == "drop" else missing
        rows = opened(X, columns, but=others, missing=until_then, na_values=na_values)
        found = cls.of(held(rows), weights_beside(X, sample_weight), missing=missing)
        numbers = component_numbers(told(rows, column), f"column {labels!r} of {rows.name}")
        return replace(found, feature_names=rows.names, labels=numbers)

    @property
    def weight_unit(self) -> float:
        """What the weights of the source are multiples of."""
        return self.source.weight_unit

    @property
    def n_samples(self) -> int:
        """Number of rows that count."""
        return self.source.n_samples

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return self.source.n_features

    @property
    def in_double(self) -> Source:
        """The source in double precision."""
        return self.source.widened() if self.source.dtype == np.float32 else self.source

    @lazy
    def looked_at(self) -> NDArray:
        """Some rows, evenly spaced."""
        return self.source.look(LOOKED_AT)

    @lazy
    def location(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Of the rows looked at, as of `units.location_and_spread`."""
        looked_at = self.looked_at
        if not self.source.complete:
            unseen = np.isnan(looked_at).all(axis=0)
            looked_at = np.concatenate([looked_at, np.stack(self.source.limits())])
            looked_at[-2:, ~unseen] = np.nan
        with np.errstate(over="ignore", invalid="ignore"):
            return location_and_spread(looked_at)

    @lazy
    def tractable(self) -> Source:
        """The source, in float64 if it is small or squares would overflow in its own dtype.

        Raises
        ------
        ValueError
            If they would overflow or vanish even in float64.
        """
        source, (_, spread) = self.source, self.location
        least, most = SPREADS
        with np.errstate(over="ignore", invalid="ignore"):
            low, high = source.limits()
            peak = np.maximum(high, -low)
            fine = (spread > least) & (peak < most) & (peak / spread < FLOAT64_PEAK)
        if not fine.all():
            j = int(np.argmin(fine))
            which = "X" if self.n_features == 1 else f"X column {j}"
            raise ValueError(
                f"{which} has a spread of {spread[j]:g} and values up to {peak[j]:g}, whose "
                f"squares float64 cannot hold; multiply it by a constant, or drop the outliers"
            )
        far = (peak / spread > FLOAT32_PEAK).any()
        if source.dtype == np.float32 and (far or source.n_samples * source.n_features <= FEW):
            return source.widened()
        return source

    def rows(self, family: Family) -> Rows:
        """All rows, in the exact units that suit the family."""
        alone = family.per_column
        if alone not in self._rows:
            source = self.tractable
            units = self.units
            if units is None:
                units = Units.at(*self.location, source.dtype, per_column=alone)
            self._rows[alone] = source.at(units)
        return self._rows[alone]

    def centre(self, family: Family) -> Centre:
        """Moments of all rows, in the units that suit the family."""
        alone = family.per_column
        if alone not in self._centres:
            self._centres[alone] = Centre.of(self.rows(family), self.source, *self.location)
        return self._centres[alone]

    def extended(
        self,
        family: Family,
        n_components: int,
        *,
        noise: bool | Noise,
        prior: bool | ConjugatePrior | NormalWishart,
        fixed: Fixed | None = None,
        seen: Moments | None = None,
    ) -> Family:
        """The family under a prior and beside noise, as the rows say, and what is held of it.

        Rows seen before, in the units of these, are among those that a prior is taken from.
        """
        box = self._checked_box(noise) if isinstance(noise, Noise) else None
        box = self.noise_box if noise is True else box
        if isinstance(prior, NormalWishart):
            if fixed is not None and fixed.weights.any():
                raise ValueError(
                    f"fixed holds weights together with prior={type(prior).__name__}(...), which "
                    f"is one prior of all weights; hold means or covariances alone"
                )
            beside = family if box is None else WithNoise(family, box)
            found = prior.of(beside, n_components, *self._centre(family, seen), fixed)
            return found if fixed is None else WithFixed(found, fixed)
        if prior:
            given = prior if isinstance(prior, ConjugatePrior) else None
            family = WithPrior.of(family, n_components, *self._centre(family, seen), given)
        if fixed is not None:
            some = fixed.covariances.any() and not fixed.covariances.all()
            if prior and some and family.conform is not None:
                raise ValueError(
                    f"fixed holds the covariances of some components of covariance_type "
                    f"{family.name!r} together with prior; hold all of them, or leave prior out"
                )
            family = WithFixed(family, fixed)
        return family if box is None else WithNoise(family, box)

    def _centre(self, family: Family, seen: Moments | None) -> Centre:
        """Of all rows, those seen before too."""
        centre = self.centre(family)
        return centre if seen is None else centre.joined(seen)

    def _checked_box(self, noise: Noise) -> Noise:
        """A box that the user gave, unless it is of other columns, or rows lack some."""
        if noise.n_features != self.n_features:
            raise ValueError(
                f"noise has a box of {noise.n_features} dimensions but X has {self.n_features} "
                f"columns; give a box for these"
            )
        if not self.source.complete:
            raise ValueError(
                "noise is a box, which rows with missing values do not take; give noise=True, or "
                'leave such rows out with missing="drop"'
            )
        return noise

    @lazy
    def noise_box(self) -> Noise:
        """The smaller of the least boxes along the columns and along the principal axes.

        The principal axes are those of the covariance in the user's units. For the uniform density
        on the data's hypervolume see J. D. Banfield and A. E. Raftery, Biometrics 49 (1993) 803.

        Raises
        ------
        ValueError
            If a column is constant: the data have no volume then.
        """
        low, high = self.source.limits()
        if not (low < high).all():
            j = int(np.argmin(low < high))
            raise ValueError(
                f"noise is spread over the volume of the data, but X column {j} is {low[j]:g} in "
                f"every row; drop that column"
            )
        plain = Noise(0.0, low, high)
        if not self.source.complete:  # what a turned box casts on some columns is not uniform
            return plain
        scale = self.rows(FAMILIES["full"]).units.scale
        covariance = self.centre(FAMILIES["full"]).covariance
        relative = scale.min() / scale  # the columns' spreads, against the greatest of them
        axes = eigh(covariance * relative[:, None] * relative)[1]
        reached = self.source.limits_along(axes)
        widths = reached[1] - reached[0]
        if not widths.min() > THIN * widths.max():
            return plain
        turned = Noise(0.0, *reached, axes)
        return turned if turned.log_volume < plain.log_volume else plain


def _observed(source: Memory, names: Sequence[str] | None) -> Memory:
    """The source, if every column has a number in it; with a warning if rows have none."""
    if source.complete:
        return source
    gaps = Gaps(source.n_features, source.n_samples)
    gaps.add(np.isnan(source.X), dropped=False)
    check_seen(source.limits()[0], "X", called(names, source.n_features))
    if gaps.empty:
        warnings.warn(f"X: {gaps.empty}", UserWarning, stacklevel=4)
    return source
