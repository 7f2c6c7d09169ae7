"""What `em_passes.run_passes` takes: machine code, scratch, the pass over the rows, and bounds."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from fastem.compiler.function_pointers import address_of
from fastem.kernels import conjugate, variational
from fastem.kernels.em_control import array_type
from fastem.kernels.floor import above_floor_all, raise_all
from fastem.kernels.matrices import factor_all, factor_diagonal, scatter


class Code(NamedTuple):
    """Addresses of what `run_passes` calls beside the pass over the rows and `proceed`.

    What raises eigenvalues is compiled when it is needed (`raising`), for few fits need it.
    """

    factor: int
    scatter: int
    covariances: int
    above_floor: int
    believe: int
    posterior: int
    pseudo_rows: int
    raise_low: int = 0

    @classmethod
    @lru_cache
    def of(cls, covariances: Any, n_dims: int, has_prior: bool = False) -> Code:
        """For a family's M step and factors of so many dimensions; as Python calls them.

        The M step of the covariances is None in a variational fit, and under a conjugate prior it
        is made from pseudo rows as well.
        """
        whole, number, pair = types.int64, types.float64, types.UniTuple(types.int64, 2)
        one, written = array_type(1), array_type(1, written=True)
        factors, above_floor = array_type(n_dims, written=True), 0
        factored: tuple = one, array_type(n_dims), number, factors, written
        if n_dims == 3:
            factored = *factored[:3], factors, *factored[3:]
            passed = types.Array(types.boolean, 1, "C")
            bounded = types.boolean(array_type(3), number, number, factors, passed)
            above_floor = address_of(above_floor_all, bounded)
        moments = array_type(2), one, array_type(2), array_type(n_dims), number, number, written
        own = believe = posterior = pseudo_rows = 0
        believed = one, written, pair, factors, number, written
        if covariances is None:
            believe = address_of(variational.believe, number(*believed))
            maximised = one, pair, one, number, number, one, written
            posterior = address_of(variational.maximise, types.none(*maximised))
        else:
            taken = types.none(one, pair, one, number, one, written)
            own = address_of(covariances, taken)
            if has_prior:
                believe = address_of(conjugate.log_density, number(*believed))
                joined = one, pair, number, number, one, written
                pseudo_rows = address_of(conjugate.add_rows, types.none(*joined))
        return cls(
            address_of(factor_all if n_dims == 3 else factor_diagonal, whole(*factored)),
            address_of(scatter, whole(*moments)),
            own,
            above_floor,
            believe,
            posterior,
            pseudo_rows,
        )

    def raising(self) -> Code:
        """With what raises eigenvalues that are below the floor."""
        passed = types.Array(types.boolean, 1, "C")
        taken = types.none(array_type(3, written=True), types.float64, types.float64, passed)
        return self._replace(raise_low=address_of(raise_all, taken))


class Buffers(NamedTuple):
    """Scratch of a pass: factors and more of their shape; a new point and its statistics.

    Where the caller makes passes, `about` has their means, which follow K numbers. Under a prior
    `joined` has the statistics with its rows.
    """

    factors: NDArray[np.float64]
    spreads: NDArray[np.float64]
    scratch: NDArray[np.float64]
    passed: NDArray[np.bool_]
    log_norms: NDArray[np.float64]
    found: NDArray[np.float64]
    statistics: NDArray[np.float64]
    joined: NDArray[np.float64]
    about: NDArray[np.float64]

    @classmethod
    def of(
        cls, shape: tuple[int, ...], n_components: int, n_point: int, n_statistics: int
    ) -> Buffers:
        """For factors, parameters and statistics of those sizes."""
        factors, spreads, scratch = np.zeros((3, *shape))
        passed, log_norms = np.empty(shape[0], np.bool_), np.empty(n_components)
        (found, about), (statistics, joined) = np.empty((2, n_point)), np.empty((2, n_statistics))
        own = factors, spreads, scratch, passed, log_norms
        return cls(*own, found, statistics, joined, about)


class Passes(NamedTuple):
    """What `passes.summarise` takes beside a density, where it is, and what its sums are worth.

    Parameters
    ----------
    address : int
        Of its machine code; 0 where the caller makes the passes, on threads.
    block : tuple
        Its arguments from rows to separated.
    sums : (n_slots, n_sums)
        The first slot receives those of all.
    labels : (0,)
        Nobody asks for labels.
    n_rows : float
        Number of rows, or sum of their weights.
    nats : float
        Of a bit.
    log_jacobian : float
        What the log density of a row lacks in the units of the rows, in nats.
    """

    address: int
    block: tuple
    sums: NDArray[np.float64]
    labels: NDArray[np.int32]
    n_rows: float
    nats: float
    log_jacobian: float


class Bounds(NamedTuple):
    """What M steps take beside statistics.

    Parameters
    ----------
    ridge, floor, rounding
        What covariances are held up by.
    dead : float
        The weight of a component of no rows.
    beliefs : (n,) or (0,)
        A prior as `variational` or `conjugate` has it; empty where there is none.
    """

    ridge: NDArray[np.float64]
    floor: float
    rounding: float
    dead: float
    beliefs: NDArray[np.float64]
