"""What a mixture says of rows in memory, which may lack columns: one array for each question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastem.covariance import Parameters
from fastem.density import Density
from fastem.density.incomplete import Described, Groups, describe
from fastem.mixture.components import Components, to_units
from fastem.moments import Moments
from fastem.noise import Noise
from fastem.units import Units

#: Log density of a row so far out that its square overflows, as kernels have it, in nats.
LOWEST = -1e300 * float(np.log(2.0))
#: Rows that are described at once.
AT_ONCE = 2**16


def answers(
    kernels: Sequence[str], mixture: Components, rows: NDArray, parallel: bool, complete: bool
) -> list[NDArray]:
    """What is asked by those names, of rows (n, n_features) with NaN for what is missing.

    `complete` says that nothing is.
    """
    gaps = None if complete else _lacking(rows)
    if gaps is None:
        return _whole(kernels, mixture, rows, parallel)
    joint = _joint(mixture, rows[gaps], parallel)
    # Of no rows, what they would be like.
    whole = rows[~gaps] if not gaps.all() else np.zeros_like(rows[:1])
    asked = [kernel for kernel in kernels if kernel in OF_JOINT]
    said = dict(zip(asked, _whole(asked, mixture, whole, parallel), strict=True))
    found = []
    for kernel in kernels:
        if kernel not in said:
            found.append(component_log_prob(mixture, rows, parallel))
            continue
        own = OF_JOINT[kernel](joint, mixture.n_components)
        others = said[kernel][: (~gaps).sum()]
        every = np.empty((len(rows), *others.shape[1:]), others.dtype)
        every[gaps], every[~gaps] = own, others
        found.append(every)
    return found


def _lacking(rows: NDArray) -> NDArray[np.bool_] | None:
    """Which rows lack columns, if some do."""
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(rows.sum()):
            return None
    gaps = np.isnan(rows).any(axis=1)
    return gaps if gaps.any() else None


def _whole(
    kernels: Sequence[str], mixture: Components, rows: NDArray, parallel: bool
) -> list[NDArray]:
    """What is said of rows that lack nothing."""
    density, units = mixture._factored_for(rows.dtype)
    asked = {"responsibilities" if name == "uncertainty" else name for name in kernels}
    asked.discard("component_log_prob")
    said = density.answers(asked, rows, units, parallel=parallel) if asked else {}
    if "uncertainty" in kernels:
        said["uncertainty"] = _uncertainty(said["responsibilities"])
    if "component_log_prob" in kernels:
        said["component_log_prob"] = component_log_prob(mixture, rows, parallel)
    return [said[kernel] for kernel in kernels]


def component_log_prob(
    mixture: Components, rows: NDArray, parallel: bool = True
) -> NDArray[np.float64]:
    """Log density of each component at rows, (n, n_components), without its weight."""
    density, units = _of_equal_weight(mixture, rows.dtype)
    parts = (
        describe(density, rows[start : start + AT_ONCE], units, parallel=parallel).log_densities
        for start in range(0, len(rows), AT_ONCE)
    )
    return np.maximum(np.concatenate(list(parts)), LOWEST)


def _of_equal_weight(mixture: Components, dtype: np.dtype) -> tuple[Density, Units]:
    """The components' density with weights of 1, and no noise."""
    _, units = mixture._factored_for(dtype)
    family = mixture.family if mixture.noise is None else mixture.family.family  # type: ignore[attr-defined]
    ones = Parameters(np.ones(mixture.n_components), mixture.means, mixture.covariances)
    return family.factor(to_units(ones, family, units)), units


def _joint(mixture: Components, rows: NDArray, parallel: bool) -> NDArray[np.float64]:
    """Log of weight times density of each component at rows, the noise last if there is any."""
    parts = (
        described(mixture, rows[start : start + AT_ONCE], parallel=parallel).log_densities
        for start in range(0, len(rows), AT_ONCE)
    )
    return np.concatenate(list(parts))


def described(mixture: Components, rows: NDArray, **how: object) -> Described:
    """Rows described by the mixture: see `density.incomplete.describe`."""
    density, units = mixture._factored_for(rows.dtype)
    return describe(density, rows, units, noise_widths(mixture.noise, units), **how)  # type: ignore[arg-type]


def summarise(
    mixture: Components, rows: NDArray, sample_weight: NDArray[np.float64] | None
) -> Moments:
    """Moments expected of rows that lack columns if they were whole, about the mixture's means."""
    density, units = mixture._factored_for(rows.dtype)
    groups = Groups.of(rows, sample_weight)
    return groups.summarise(density, units, noise_widths(mixture.noise, units))


def noise_widths(noise: Noise | None, units: Units) -> NDArray[np.float64] | None:
    """Widths of the noise's box in those units.

    Raises
    ------
    ValueError
        If the box does not lie along the columns.
    """
    if noise is None:
        return None
    plain = noise.marginal(np.arange(noise.n_features))
    return (plain.high - plain.low) * units.scale


class Shares(NamedTuple):
    """Log density of rows (n,), and probabilities of the components (n, n_components)."""

    log_prob: NDArray[np.float64]
    resp: NDArray[np.float64]

    @classmethod
    def of(cls, joint: NDArray[np.float64]) -> Shares:
        """From logs of weight times density; 0 where all underflow."""
        top = np.maximum(joint.max(axis=1), LOWEST)
        resp = np.exp(joint - top[:, None])
        total = resp.sum(axis=1)
        total[total == 0] = 1.0
        return cls(top + np.log(total), resp / total[:, None])


def _labels(joint: NDArray, n_components: int) -> NDArray[np.int32]:
    labels = joint.argmax(axis=1).astype(np.int32)
    labels[labels == n_components] = -1
    return labels


def _uncertainty(resp: NDArray) -> NDArray[np.float64]:
    """1 - the largest, summed up from the others, which loses no digits."""
    others = resp.astype(np.float64)
    np.put_along_axis(others, others.argmax(axis=1)[:, None], 0.0, axis=1)
    return others.sum(axis=1)


#: Answers from logs of weight times density, and the number of components.
OF_JOINT: dict[str, Callable[[NDArray, int], NDArray]] = {
    "log_prob": lambda joint, _: Shares.of(joint).log_prob,
    "responsibilities": lambda joint, _: Shares.of(joint).resp,
    "predict": _labels,
    "uncertainty": lambda joint, _: _uncertainty(Shares.of(joint).resp),
}
