"""Loops over independent slots, by `@njit(parallel=True)` where threads pay, else serial.

    kernel(work, n_slots, ...) --> threads pay, and are safe?
                                     yes: @njit(parallel=True)    for slot in numba.prange(n_slots)
                                     no:  @njit                   for slot in range(n_slots)

A slot is a part of the work, in `fastem.kernels` mostly a stretch of rows, that reads nothing which
another slot writes. Both forms give the same result to the bit for any number of threads.
"""

import functools
import math
import threading
from collections.abc import Callable
from typing import Any

import numba
from numba import types

from fastem.compiler import function_pointers, vector_width
from fastem.compiler.function_pointers import address_of, call
from fastem.compiler.internals import FINGERPRINT
from fastem.compiler.options import njit
from fastem.compiler.threads import is_reentrant, n_threads

# Python sees Ctrl-C between two calls of compiled code only: a loop longer than this, about a
# second on one core, is made in pieces. A piece has a slot for each thread at least.
PIECE_WORK = 4e9

#: Something hashable, different for arguments of different Numba types.
fingerprint: Callable[[tuple], Any] = (
    FINGERPRINT.of if FINGERPRINT else lambda args: tuple(map(numba.typeof, args))
)

_workqueue = threading.Lock()


def _each_slot(address: int, first: int, stop: int, *args: Any) -> None:
    for slot in numba.prange(first, stop):
        call(address, None, (slot, *args))


_serial = njit()(_each_slot)
_parallel = njit(parallel=True)(_each_slot)


def _loop(slot: Any, parallel: bool) -> Any:
    """The same loop where machine code cannot be called by its address."""

    def each_slot(first: int, stop: int, *args: Any) -> None:
        for i in numba.prange(first, stop):
            slot(i, *args)

    return njit(parallel=parallel)(each_slot)


class SlotLoop:
    """A loop over independent slots in two forms, serial and parallel.

    Which of them runs is a matter of speed and safety alone. It is the serial one if

    - the work is too small to be worth waking threads for, or Numba is limited to one thread;
    - this process was forked: OpenMP would abort it or hang, and its siblings want the cores too;
    - the threading layer is Numba's work queue and another thread is in it: entered twice, it
      aborts the process. OpenMP and TBB are safe to enter from several threads.

    The function is compiled once, and both loops call its machine code by address: Numba would take
    it into each loop and optimise it again, once in the serial and four times in the parallel one.

    Parameters
    ----------
    function : function
        At the top level of a kernel file. Its first argument is the slot; it returns nothing.
    packed : bool
        As of `vector_width.pipeline`.

    Attributes
    ----------
    slot : numba.core.dispatcher.Dispatcher
        The function, compiled when it is first needed.
    """

    def __init__(self, function: Callable, packed: bool = False) -> None:
        functools.update_wrapper(self, function)
        # Python never calls it, and an entry for Python takes as long to compile as a small kernel.
        self.slot = njit(no_cpython_wrapper=True, **vector_width.pipeline(packed))(function)
        self._addresses: dict[Any, int] = {}
        self._loops: dict[bool, Any] = {}
        if self.compiles and not function_pointers.AVAILABLE:
            self._loops = {parallel: _loop(self.slot, parallel) for parallel in (False, True)}

    def __call__(self, work: float, n_slots: int, *args: Any) -> None:
        """Run the function for the slots 0 to n_slots - 1, in the form that suits.

        Parameters
        ----------
        work : float
            About how many floating point operations this call does.
        n_slots : int
        *args
            Arguments of the function after the slot.
        """
        threads = n_threads(work)
        piece = n_slots
        if work > PIECE_WORK:
            piece = threads * math.ceil(n_slots * PIECE_WORK / work / threads)
        for first in range(0, n_slots, piece):
            stop = min(first + piece, n_slots)
            if threads == 1:
                self.serial(first, stop, *args)
            elif is_reentrant():
                self.parallel(first, stop, *args)
            elif not _workqueue.acquire(blocking=False):
                self.serial(first, stop, *args)
            else:
                try:
                    self.parallel(first, stop, *args)
                finally:
                    _workqueue.release()

    @property
    def compiles(self) -> bool:
        """Whether there is machine code at all."""
        return not numba.config.DISABLE_JIT  # type: ignore[attr-defined]

    def serial(self, first: int, stop: int, *args: Any) -> None:
        """Run the slots from `first` to before `stop` in their order."""
        if not self.compiles:
            for slot in range(first, stop):
                self.slot(slot, *args)
        elif self._loops:
            self._loops[False](first, stop, *args)
        else:
            _serial(self.address(args), first, stop, *args)

    def parallel(self, first: int, stop: int, *args: Any) -> None:
        """Run those slots on as many threads as Numba may use."""
        if self._loops:
            self._loops[True](first, stop, *args)
        else:
            _parallel(self.address(args), first, stop, *args)

    def launcher(self, args: tuple) -> int:
        """The address of the parallel loop for such arguments after the slot.

        For compiled code, which calls it with the address of the function, the first slot, the one
        to stop before, and these arguments as a tuple.
        """
        taken = types.intp, types.intp, types.intp, numba.typeof(args)
        return address_of(_parallel, types.none(*taken))

    def address(self, args: tuple) -> int:
        """The address of the machine code for arguments of these types after the slot."""
        key = fingerprint(args)
        address = self._addresses.get(key)
        if address is None:
            signature = types.none(types.intp, *map(numba.typeof, args))
            address = address_of(self.slot, signature)
            self._addresses[key] = address
        return address


def slot_loop(function: Callable) -> SlotLoop:
    """Compile a function of one slot, to be run for many, one by one or on threads.

    Parameters
    ----------
    function : function
        At the top level of a kernel file. Its first argument is the slot; it returns nothing.

    Returns
    -------
    SlotLoop
        Called with the amount of work and the number of slots before the function's own arguments.

    Examples
    --------
    >>> import numpy as np
    >>> @slot_loop
    ... def double(slot, x, out):
    ...     out[slot] = 2.0 * x[slot]
    >>> out = np.empty(3)
    >>> double(3.0, 3, np.ones(3), out)
    >>> out
    array([2., 2., 2.])
    """
    return SlotLoop(function)


def packed_slot_loop(function: Callable) -> SlotLoop:
    """Compile as `slot_loop` does a function whose straight-line code is to be put in vectors."""
    return SlotLoop(function, packed=True)
