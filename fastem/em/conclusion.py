"""How a run of EM ended: as a Fit, and in words that say what to do about it."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from fastem.covariance import Bounds, Family, collapsed
from fastem.data import Data
from fastem.em.loop import Run
from fastem.mixture import mixture_of
from fastem.results import Fit, Restart, Status
from fastem.units import Units


def conclude(
    run: Run,
    kind: Family,
    bounds: Bounds,
    unsettled: str,
    *,
    n_starts: int = 1,
    stopped: bool = False,
) -> Status:
    """What happened, and what to do about it; `unsettled` says why an exhausted run is no end."""
    if stopped:
        return Status("stopped", f"stopped by the callback after {run.n_iter} passes over all rows")
    low = np.flatnonzero(collapsed(run.parameters, kind, bounds))
    dead = np.flatnonzero(run.parameters.weights == 0)
    remarks = []
    if len(low) == len(run.parameters.weights):
        remarks.append(
            "every component is singular: columns are constant or collinear, or each component has "
            "too few distinct rows; drop such columns, ask for fewer components or give reg_covar"
        )
    elif len(low):
        remarks.append(
            f"{_named(low)} collapsed onto too few distinct rows; ask for fewer components, a "
            f"simpler covariance_type or a larger reg_covar"
        )
    if len(dead):
        remarks.append(f"{_named(dead)} lost all rows; ask for fewer components")
    if run.outcome == "exhausted":
        remarks.append(f"not converged after {run.n_iter} passes: {unsettled}")
        return Status("not converged", "; ".join(remarks))
    if remarks:
        return Status("collapsed", "; ".join(remarks))
    origin = f" from the best of {n_starts} starts" if n_starts > 1 else ""
    return Status("converged", f"converged after {run.n_iter} passes over all rows{origin}")


def account(
    run: Run,
    data: Data,
    kind: Family,
    units: Units,
    status: Status,
    restarts: tuple[Restart, ...],
    began: float,
) -> Fit:
    """What a run over all rows, in those units, comes to in the user's."""
    moments = run.moments
    return Fit(
        mixture_of(run.parameters, kind, units),
        moments.log_likelihood * data.weight_unit,
        moments.n_rows * data.weight_unit,
        moments.classification_entropy * data.weight_unit,
        np.array(run.trace),
        run.n_iter,
        status,
        restarts,
        time.perf_counter() - began,
    )


def _named(indices: NDArray) -> str:
    shown = ", ".join(map(str, indices[:8]))
    more = f" and {len(indices) - 8} more" if len(indices) > 8 else ""
    return f"component{'s' * (len(indices) > 1)} {shown}{more}"
