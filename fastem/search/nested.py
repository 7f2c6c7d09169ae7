"""Starts from a fit of fewer components or of a narrower family: from there no level falls.

The likelihood of a model is no lower than that of a model within it. Where two fits say otherwise,
the larger one missed a maximum, and EM from the smaller one's end finds a better one.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastem.covariance import Family, Parameters
from fastem.mixture import Mixture, from_units, to_units
from fastem.search.beginning import Starts
from fastem.search.objective import Objective
from fastem.search.race import race
from fastem.search.samples import Sample
from fastem.search.splitting import TWINS_APART, fitted, splits, twinned
from fastem.search.starts import UserStart
from fastem.search.swaps import CUT_STEPS


def halved(starts: Starts, family: Family, whole: UserStart) -> UserStart:
    """The best, on a sample, of the mixtures with one component in halves.

    Parameters
    ----------
    starts : Starts
    family : Family
        Of the mixture.
    whole : UserStart
        All of a mixture.
    """
    on, halves = _halves(starts, family, whole)
    return _user_start(race(on, halves).winner, on, family, starts)


def larger_starts(
    starts: Starts, mixture: Mixture, own: Family, family: Family, n_components: int
) -> Iterator[UserStart]:
    """Starts of a larger model from the end of a smaller one, the likeliest first.

    Parameters
    ----------
    starts : Starts
    mixture : Mixture
        The smaller one.
    own : Family
        Of it.
    family : Family
        The same, or one that contains it.
    n_components : int
        As many as the mixture has, or more.
    """
    wider = _widened(starts, mixture, own, family)
    n_more, on = n_components - mixture.n_components, _objective(starts, family, n_components)
    found = to_units(wider.complete(), on.family, on.rows.units)
    if n_more == 0:
        yield wider
        # From there EM may run into a collapse, which a search leads away from.
        yield _user_start(race(on, [found]).winner, on, family, starts)
        return
    more = wider
    for _ in range(n_more - 1):
        more = _quickly_halved(starts, family, more)
    yield halved(starts, family, more)
    for n in range(n_more):
        found = twinned(found, on.family, on.bounds, TWINS_APART / 2**n)
    yield _user_start(found, on, family, starts)


def _quickly_halved(starts: Starts, family: Family, whole: UserStart) -> UserStart:
    """As `halved`, chosen after a few steps: on the way to more components a search is too much."""
    on, halves = _halves(starts, family, whole)
    ends = [on.after(start, CUT_STEPS) for start in halves]
    _, best = max(ends, key=lambda end: end[0])
    return _user_start(best, on, family, starts)


def _halves(
    starts: Starts, family: Family, whole: UserStart
) -> tuple[Objective[Sample], list[Parameters]]:
    """The mixtures with one component in halves, and the objective that they are told apart by."""
    given = whole.complete()
    on = _objective(starts, family, len(given.weights) + 1)
    return on, splits(to_units(given, on.family, on.rows.units), on.family, on.bounds)


def _widened(starts: Starts, mixture: Mixture, own: Family, family: Family) -> UserStart:
    """The same mixture as one of a family that contains its own."""
    given = UserStart.of_mixture(mixture, own)
    if own is family:
        return given
    on = _objective(starts, family, mixture.n_components)
    weights, means, covariances = given.complete()
    units = on.rows.units
    # What a diagonal family contains is diagonal.
    form = own.spread if on.family.diagonal else own.expand
    spread = form(covariances, *means.shape) * units.scale
    spread *= units.scale if on.family.diagonal else units.scale[:, None]
    found = fitted(weights, units.enter(means), spread, on.family, on.bounds)
    return _user_start(found, on, family, starts)


def _objective(starts: Starts, family: Family, n_components: int) -> Objective[Sample]:
    """Over the sample that such fits race on."""
    options, sample = starts.options, starts.samples.of(family, n_components)
    extended = starts.data.extended(family, n_components, noise=options.box, prior=options.prior)
    return Objective.of(sample, extended, options)


def _user_start(found: Parameters, on: Objective, family: Family, starts: Starts) -> UserStart:
    noise = on.family.noise_weight(found) if starts.options.is_noisy else None
    return UserStart(*from_units(found, on.family, on.rows.units), family, noise)
