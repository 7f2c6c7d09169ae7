"""fingerprint: what tells a fit from others, in its checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from fastem import em
from fastem.checkpoint import Checkpoint
from fastem.covariance import Family, Parameters
from fastem.moments import Moments
from fastem.noise import Noise
from fastem.options import DECISIVE
from fastem.rows.digest import Digest
from fastem.search.beginning import Starts
from fastem.search.objective import Objective
from fastem.search.starts import UserStart


def checkpoint_of(
    starts: Starts, n_components: int, objective: Objective, user_start: UserStart, name: str
) -> Checkpoint | None:
    """The file that the fit of that name is kept in, if there is to be one."""
    options = starts.options
    if options.checkpoint is None:
        return None
    arguments = _arguments(starts, n_components, objective.family, user_start)
    like = _state_like(objective, n_components, starts.data.n_features)
    path = Path(options.checkpoint)
    path = path.with_suffix(f".{name}{path.suffix}") if name else path
    return Checkpoint(path, options.checkpoint_every, arguments, like)


def _arguments(
    starts: Starts, n_components: int, family: Family, user_start: UserStart
) -> dict[str, object]:
    """What tells a fit from others, by the names that users know."""
    data, digest = starts.data, starts.data.source.digest()
    weights = f"of digest {digest.weights:016x} in units of {data.weight_unit:g}"
    return {
        "n_samples": data.n_samples,
        "n_features": data.n_features,
        "dtype": data.source.dtype,
        "X": f"of digest {digest.rows:016x}",
        "sample_weight": weights if digest.weights else None,
        "n_components": n_components,
        "covariance_type": family.name,
        "weights_init": user_start.weights,
        "means_init": user_start.means,
        "covariances_init": user_start.covariances,
        "fixed": None if user_start.fixed is None else str(user_start.fixed),
        "random_state": str(starts.seed.entropy) if starts.is_seeded else None,
        "labels": _labels_digest(data.labels),
        **{name: getattr(starts.options, name) for name in DECISIVE},
        "prior": str(starts.options.prior),
        "noise": _noise_digest(starts.options.noise),
        "seen": _seen_digest(user_start.seen),
    }


def _state_like(objective: Objective, n_components: int, n_features: int) -> em.State:
    """A state with arrays of the sizes that this fit's have."""
    shape = n_components, n_features
    shapes = (n_components,), shape, objective.family.shape(*shape)
    rule = em.Rule.expected_gain(objective.tol, objective.rows.precision)
    return em.State.begin(
        objective.family, Parameters(*map(np.zeros, shapes)), rule, objective.accelerate
    )


def _noise_digest(noise: bool | Noise | ArrayLike) -> object:
    """What tells noise from other noise."""
    if not isinstance(noise, Noise):
        return noise
    return np.concatenate([array.ravel() for array in noise.fields().values()])


def _seen_digest(seen: Moments | None) -> object:
    """What tells moments from others."""
    return None if seen is None else np.append(seen.statistics, seen.n_rows)


def _labels_digest(labels: ArrayLike | None) -> str | None:
    """What tells labels from others."""
    if labels is None:
        return None
    numbers = np.asarray(labels, np.float64)
    return f"of digest {Digest.of(numbers.reshape(len(numbers), -1), None).rows:016x}"
