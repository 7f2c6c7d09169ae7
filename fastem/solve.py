"""solve: start, race, converge on all rows, and an account of how it went."""

from __future__ import annotations

import time
from contextlib import nullcontext

import numpy as np

from fastem import em
from fastem.account import account, sorted_parameters
from fastem.blas_threads import one_thread
from fastem.checkpoint import Checkpoint
from fastem.covariance import Family, Parameters
from fastem.data import Data
from fastem.fingerprint import checkpoint_of
from fastem.mixture import to_units
from fastem.progress import Progress, Watch
from fastem.results import Fit
from fastem.rows import Rows, RowsWithSeen
from fastem.search import replaced
from fastem.search.beginning import Starts, begin
from fastem.search.given_labels import GivenLabels
from fastem.search.objective import Objective
from fastem.search.over_all import REPLACEMENTS
from fastem.search.spurious import fewest
from fastem.search.starts import UserStart


def solve(
    starts: Starts,
    n_components: int,
    family: Family,
    bar: Progress,
    user_start: UserStart | None = None,
    name: str = "",
    sort: bool = True,
) -> Fit:
    """A fit, after its arguments are checked.

    The name is that of one of several fits, each of which has a checkpoint of its own. Components
    are sorted unless their order is the user's.
    """
    began = time.perf_counter()
    data, options = starts.data, starts.options
    user_start = UserStart() if user_start is None else user_start
    labels = GivenLabels.given(data, n_components)
    rows = data.rows(family) if labels is None else labels.rows(data, family)
    family = data.extended(
        family,
        n_components,
        noise=options.box,
        prior=options.prior,
        fixed=user_start.fixed,
        seen=user_start.seen,
    )
    rows = rows if user_start.seen is None else _with_seen(rows, user_start, data)
    objective = Objective.of(rows, family, options)
    watch = Watch(family, options.callback, bar)
    start: Parameters | em.State | None = None
    checkpoint = checkpoint_of(starts, n_components, objective, user_start, name)
    if checkpoint is not None:
        start, restarts = checkpoint.open(), checkpoint.restarts
    goes_on = nullcontext() if checkpoint is None or start is None else checkpoint.to_blame()
    if start is None:
        with one_thread(data.n_features):
            start, restarts = begin(
                starts, n_components, family, objective, user_start, watch, labels
            )
        if sort and labels is None and not (family.exchangeable or isinstance(start, em.State)):
            start = sorted_parameters(start, family)
    if checkpoint is not None:
        checkpoint.restarts = restarts
    raced = bool(restarts) and labels is None and not options.is_variational
    raced = raced and starts.samples.of(family, n_components).n_samples < data.n_samples
    few = fewest(family, data.n_features) / data.n_samples if raced else 0.0
    with goes_on:
        run = _over_all_rows(objective, data.n_samples, start, few, watch, checkpoint)
    unsettled = f"a gain above tol={options.tol:g} is still to be expected; raise max_iter or tol"
    return account(
        run,
        rows,
        data,
        family,
        objective.bounds,
        restarts,
        began,
        unsettled=unsettled,
        stopped=watch.stopped,
        sort=sort and labels is None and family.exchangeable,
        n_seen=0.0 if user_start.seen is None else user_start.seen.n_rows,
    )


def _with_seen(rows: Rows, user_start: UserStart, data: Data) -> Rows:
    """Rows beside those that stand behind the user's start."""
    assert user_start.seen is not None
    assert user_start.family is not None
    own = user_start.family.at(rows.units)  # by which they were summarised, under no prior
    density = own.factor(to_units(user_start.complete(), own, rows.units))
    return RowsWithSeen.of(rows, user_start.seen.scaled(1.0 / data.weight_unit), density)


def _over_all_rows(
    objective: Objective,
    n_samples: int,
    start: Parameters | em.State,
    few: float,
    watch: Watch,
    checkpoint: Checkpoint | None,
) -> em.Run:
    """EM to the end. What dwindles below a weight of `few` gives way on the way there."""
    rows, family, bounds = objective.rows, objective.family, objective.bounds
    while True:
        n_replaced = start.n_replaced if isinstance(start, em.State) else 0
        least = few if n_replaced < REPLACEMENTS else 0.0
        rule = em.Rule.expected_gain(objective.tol, rows.precision, least_weight=least)
        run = em.run(
            rows,
            family,
            start,
            bounds=bounds,
            rule=rule,
            max_iter=0 if watch.stopped else objective.max_iter,
            accelerate=objective.accelerate,
            on_pass=watch.all_rows(rows.units, rule, n_samples),
            # What a race leaves that was stopped is no start to go on from.
            keep=None if checkpoint is None or watch.stopped else checkpoint.keep,
        )
        if run.outcome != "dwindled":
            return run
        parameters = run.parameters
        (which,) = np.nonzero(parameters.weights < least)
        if run.n_iter < objective.max_iter and len(which) < len(parameters.weights):
            parameters = replaced(parameters, which, family, bounds)
        start = run.state.replaced(family, parameters, rule)
