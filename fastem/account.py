"""account: how a run of EM over all rows ended, as a Fit that says what to do about it."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fastem import covariance
from fastem.covariance import Bounds, Family, Parameters, Unsound, unsound
from fastem.data import Data
from fastem.em import Run
from fastem.mixture import Mixture, by_weight, mixture_of
from fastem.moments import Moments
from fastem.results import Fit, Restart, Status
from fastem.rows import Rows


def account(
    run: Run,
    rows: Rows,
    data: Data,
    family: Family,
    bounds: Bounds,
    restarts: tuple[Restart, ...],
    began: float,
    *,
    unsettled: str,
    stopped: bool = False,
    sort: bool = False,
    n_seen: float = 0.0,
) -> Fit:
    """What a run over all rows comes to in the user's units.

    Parameters
    ----------
    run : Run
    rows : Rows
        That it was over, with what is known of them.
    data : Data
        Which they come from.
    family : Family
    bounds : Bounds
        In the units of the run.
    restarts : tuple of Restart
        What became of the starts that the run is the best of.
    began : float
        By `time.perf_counter`.
    unsettled : str
        Why a run that `max_iter` ended is no end.
    stopped : bool
        Whether the callback ended it.
    sort : bool
        Whether components come in the order of `Mixture.sorted`: that of the start says nothing.
    n_seen : float
        Rows behind the run beside those of the data.
    """
    if sort:
        run = _sorted(run, family)
    mixture = mixture_of(run.parameters, family, rows.units, data.feature_names)
    moments, unit = _moments(run, rows, family, mixture), data.weight_unit
    if stopped:
        text = f"stopped by the callback after {_passes(run.n_iter)} over all rows"
        status = Status("stopped", text)
    else:
        n_samples = data.n_samples + n_seen
        status = _status(run, n_samples, family, bounds, unsettled, len(restarts))
    return Fit(
        mixture,
        moments.log_likelihood * unit,
        moments.n_rows * unit,
        moments.classification_entropy * unit,
        np.array(run.trace),
        run.n_iter,
        status,
        restarts,
        time.perf_counter() - began,
        _n_fixed(run, family),
    )


def sorted_parameters(parameters: Parameters, family: Family) -> Parameters:
    """The same with the components in the order of `Mixture.sorted`."""
    weights, means, covariances = parameters
    order = by_weight(weights, means)
    spread = covariances if family.shared else covariances[order]
    return Parameters(weights[order], means[order], spread)


def _sorted(run: Run, family: Family) -> Run:
    order = by_weight(run.parameters.weights, run.parameters.means)
    parameters = sorted_parameters(run.parameters, family)
    return replace(run, parameters=parameters, summed=lambda: run.moments.permuted(order))


def _n_fixed(run: Run, family: Family) -> int:
    """How many parameters are held."""
    if family.fixed is None:
        return 0
    shape, plain = run.parameters.means.shape, covariance.family_by_name(family.name)
    free = 2 * (family.noise is not None) + plain.n_parameters(*shape)
    return free - family.n_parameters(*shape)


def _moments(run: Run, rows: Rows, family: Family, mixture: Mixture) -> Moments:
    """Of all rows under the mixture that is returned."""
    published = family.published(run.parameters)
    if published is run.parameters:
        return run.moments
    return rows.summarise(mixture.family.at(rows.units).factor(published))


def _status(
    run: Run, n_samples: float, family: Family, bounds: Bounds, unsettled: str, n_starts: int
) -> Status:
    found = unsound(run.parameters, run.moments, family, bounds, n_samples)
    if family.fixed is not None:
        found = Unsound(*(part & ~family.fixed.covariances for part in found))
    remarks = _remarks(found, np.flatnonzero(run.parameters.weights == 0))
    if run.outcome == "exhausted":
        remarks.append(f"not converged after {_passes(run.n_iter)}: {unsettled}")
        return Status("not converged", "; ".join(remarks))
    if remarks:
        return Status("collapsed", "; ".join(remarks))
    origin = f" from the best of {n_starts} starts" if n_starts > 1 else ""
    return Status("converged", f"converged after {_passes(run.n_iter)} over all rows{origin}")


def _remarks(found: Unsound, dead: NDArray) -> list[str]:
    """What is wrong with the components, and what to do about it."""
    remarks = []
    if found.singular.all():
        remarks.append(
            "every component is singular: columns are constant or collinear, or each component has "
            "too few distinct rows; drop such columns, ask for fewer components or give reg_covar"
        )
    elif found.singular.any():
        remarks.append(
            f"{_named(found.singular)} collapsed onto too few distinct rows; ask for fewer "
            f"components, a simpler covariance_type or a larger reg_covar"
        )
    elif found.drawn_out.any():
        remarks.append(
            f"{_named(found.drawn_out)} collapsed onto rows in a line and is drawn out far beyond "
            f"the data; ask for fewer components, a covariance_type of other volumes or prior=True"
        )
    elif found.few.any():
        remarks.append(
            f"{_named(found.few)} collapsed onto fewer rows than a covariance takes; ask for fewer "
            f"components, a simpler covariance_type or prior=True"
        )
    if len(dead):
        remarks.append(f"{_named(dead)} lost all rows; ask for fewer components")
    return remarks


def _named(components: NDArray) -> str:
    """Components by their numbers, or by a mark for each of all."""
    indices = np.flatnonzero(components) if components.dtype == bool else components
    shown = ", ".join(map(str, indices[:8]))
    more = f" and {len(indices) - 8} more" if len(indices) > 8 else ""
    return f"component{'s' * (len(indices) > 1)} {shown}{more}"


def _passes(n_iter: int) -> str:
    return "1 pass" if n_iter < 2 else f"{n_iter} passes"
