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
from fastem.kernels.noise import put_beside_noise, set_noise_apart


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
    put_beside_noise: int
    set_noise_apart: int
    raise_low: int = 0

    @classmethod
    @lru_cache
    def of(
        cls, covariances: Any, n_dims: int, has_prior: bool = False, is_noisy: bool = False
    ) -> Code:
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
        own = believe = posterior = pseudo_rows = beside = apart = 0
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
        if is_noisy:
            density = one, pair, number, factors, array_type(2, written=True), factors, written
            beside = address_of(put_beside_noise, types.none(*density))
            counted = written, number, pair, one, written
            apart = address_of(set_noise_apart, number(*counted))
        return cls(
            address_of(factor_all if n_dims == 3 else factor_diagonal, whole(*factored)),
            address_of(scatter, whole(*moments)),
            own,
            above_floor,
            believe,
            posterior,
            pseudo_rows,
            beside,
            apart,
        )

    def raising(self) -> Code:
        """With what raises eigenvalues that are below the floor."""
        passed = types.Array(types.boolean, 1, "C")
        taken = types.none(array_type(3, written=True), types.float64, types.float64, passed)
        return self._replace(raise_low=address_of(raise_all, taken))


class Buffers(NamedTuple):
    """Scratch of a pass: factors and more of their shape; a new point and its statistics.

    Where the caller makes passes, and of rows in single precision, `about` has their means, which
    follow K numbers. Under a prior `joined` has the statistics with its rows, beside noise those of
    the rows that are not. Noise follows the components in `means` and `with_noise`, what passes
    take; without it they are empty.
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
    means: NDArray[np.float64]
    with_noise: NDArray[np.float64]

    @classmethod
    def of(
        cls, shape: tuple[int, ...], n_components: int, n_point: int, noisy: bool = False
    ) -> Buffers:
        """For such factors, and parameters of that size."""
        D, width = shape[-1], int(np.prod(shape[1:]))
        factors, spreads, scratch = np.zeros((3, *shape))
        passed, log_norms = np.empty(shape[0], np.bool_), np.empty(n_components + noisy)
        found, about = np.empty((2, n_point))
        statistics, joined = np.empty((2, n_components * (1 + D + width)))
        n_beside = n_components + 1 if noisy else 0
        own = factors, spreads, scratch, passed, log_norms, found, statistics, joined, about
        return cls(*own, np.zeros((n_beside, D)), np.zeros((n_beside, *shape[1:])))


class Passes(NamedTuple):
    """What `passes.summarise` takes beside a density, where it is, and what its sums are worth.

    Parameters
    ----------
    address : int
        Of its machine code; 0 where the caller makes the passes.
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
    noise_density : float
        log2 of that of noise, if there is any.
    single : (means, factors, log_norms)
        Receives the density of rows in single precision; empty, of double, for others.
    launcher : int
        Address of the loop over slots on threads, as of `SlotLoop.launcher`; 0 for one thread.
    """

    address: int
    block: tuple
    sums: NDArray[np.float64]
    labels: NDArray[np.int32]
    n_rows: float
    nats: float
    log_jacobian: float
    noise_density: float
    single: tuple
    launcher: int = 0


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
