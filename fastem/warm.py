"""warm: what a fit takes over from another mixture, and from rows that stand behind it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fastem import validation
from fastem.data import Data
from fastem.mixture import Mixture
from fastem.moments import Moments
from fastem.noise import Noise
from fastem.results import Fit
from fastem.units import Units
from fastem.words import CovarianceType


class Warm(NamedTuple):
    """A mixture to go on from.

    Parameters
    ----------
    mixture : Mixture
    seen : Moments or None
        Of the rows behind it, in its own units of double precision.
    """

    mixture: Mixture
    seen: Moments | None

    @classmethod
    def of(cls, start: Any, seen: Any, **given: ArrayLike | None) -> Warm | None:
        """Check what the user gave, beside the parts of a start; None without `start`.

        Raises
        ------
        TypeError, ValueError
            If start is no mixture or given together with parts, or seen are no moments under it.
        """
        if start is None:
            if seen is not None:
                raise ValueError(
                    "seen is given without start; give the mixture that summarised those rows"
                )
            return None
        mixture = start.mixture if isinstance(start, Fit) else start
        validation.instance(mixture, "start", Mixture, "a fastem.Mixture, or what fit returned")
        for name, value in given.items():
            if value is not None:
                raise ValueError(f"start is given together with {name}; leave one of them out")
        if seen is None:
            return cls(mixture, None)
        return cls(mixture, _in_own_units(seen, mixture))

    def n_components(self, given: int | None) -> int:
        """That of the mixture."""
        K = self.mixture.n_components
        if given is not None and validation.integer(given, "n_components") != K:
            raise ValueError(
                f"n_components is {given} but start has {K} components; leave n_components out"
            )
        return K

    def covariance_type(self, given: CovarianceType) -> Any:
        """That of the mixture."""
        own = self.mixture.covariance_type
        if given not in ("full", own):
            raise ValueError(
                f"covariance_type is {given!r} but start has {own!r}; leave covariance_type out"
            )
        return own

    def noise(self, given: Any) -> bool | Noise | ArrayLike:
        """That of the mixture, unless other noise is given."""
        if given is False or given is np.False_:
            return False if self.mixture.noise is None else self.mixture.noise
        if self.seen is not None:
            raise ValueError("seen is given together with noise, which is start's; leave noise out")
        return given

    def of_columns(self, data: Data) -> Data:
        """The data, of the same columns; where rows stand behind the mixture, in its units."""
        mixture = self.mixture
        names = data.feature_names, mixture.feature_names
        validation.columns(data.n_features, mixture.n_features, *names)
        if self.seen is None:
            return data
        return replace(data, source=data.in_double, units=mixture._factored[1])


def _in_own_units(seen: Any, mixture: Mixture) -> Moments:
    """Moments under a mixture, in its units of double precision.

    Raises
    ------
    TypeError, ValueError
        If they are no moments, or not about the mixture's means.
    """
    validation.instance(seen, "seen", Moments, "what start.summarise(rows) returned")
    (density, own), means = mixture._factored, mixture.means
    single = Units(mixture.weights @ means, own.scale)  # those of rows in single precision
    fits = seen.second.shape == means.shape + means.shape[1:] * (not mixture.family.diagonal)
    if fits and np.array_equal(seen.about, density.means):
        return seen
    if fits and np.allclose(seen.about, single.enter(means), rtol=1e-6, atol=1e-6):
        return replace(seen, about=own.enter(single.leave(seen.about)))
    raise ValueError(
        "seen is not about the means of start; give start.summarise(rows), of the same mixture"
    )
