"""Runs of EM side by side: one thread makes all passes of a run, as they are too short to share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from fastem.compiler.function_pointers import address_of, call
from fastem.compiler.options import jit, read_only
from fastem.compiler.packing import Packed, load
from fastem.compiler.slot_loop import fingerprint, slot_loop
from fastem.kernels.em_passes import run_passes

_COME_TO = types.Tuple([types.int64, types.float64])

_addresses: dict[Any, tuple[int, int]] = {}


@slot_loop
def _run_slot(slot, enter, run, addresses, come_to):
    """One run, whose arguments are at an address."""
    come_to[slot] = call(enter, 0, (run, addresses[slot], None))


@jit
def _enter(run, address, kind):
    """What `run_passes` has come to, from arguments of a kind that are at an address."""
    come_to, _ = call(run, (0, 0.0), load(address, kind))
    return come_to


class SideBySide:
    """Calls of `em_passes.run_passes`, each with arguments of its own.

    Parameters
    ----------
    n : int
        How many, at most.
    like : tuple
        Arguments of such a call.
    """

    def __init__(self, n: int, like: tuple) -> None:
        self._packed = Packed(n, like)
        self._enter, self._run = _compiled(like)

    def __call__(self, work: float, arguments: Sequence[tuple]) -> NDArray[np.int64]:
        """Make calls, of so many floating point operations together: what each has come to."""
        come_to: Any = np.empty(len(arguments), np.int64)
        for i, own in enumerate(arguments):
            self._packed[i] = own
        addresses = read_only(self._packed.addresses)
        _run_slot(work, len(arguments), self._enter, self._run, addresses, come_to)
        self._packed.forget()
        return come_to


def _compiled(like: tuple) -> tuple[int, int]:
    """The addresses of `_enter` and of `run_passes` for such arguments."""
    key = fingerprint(like)
    if key not in _addresses:
        kinds = numba.typeof(like)
        taken = types.int64, types.int64, types.TypeRef(kinds)
        _addresses[key] = (
            address_of(_enter, types.int64(*taken)),
            address_of(run_passes, _COME_TO(*kinds)),
        )
    return _addresses[key]
