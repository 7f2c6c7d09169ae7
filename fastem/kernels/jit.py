"""How kernels are compiled and when they use threads: the only file that names Numba's options.

A kernel file imports its decorators from here: `jit` for what works on one tile or one slot of
tiles, `jit_allocating` where that creates arrays, `jit_strict` where each rounding counts, `twins`
for one slot of a loop over slots, `overload` for a function whose body depends on the types of its
arguments.
"""

import contextlib
import functools
import gc
import math
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numba
import numba.extending
import numpy as np
from numba import types
from numba.core import cgutils
from numpy.typing import NDArray

from fastem.kernels.cache import keep
from fastem.kernels.within import compile_within_callers

try:
    from numba.core.compiler_lock import global_compiler_lock
except ImportError:
    global_compiler_lock = threading.RLock()  # type: ignore[assignment]

try:
    from numba._dispatcher import compute_fingerprint
except ImportError:

    def compute_fingerprint(args: Any, /) -> Any:  # type: ignore[misc]
        """Something hashable, different for arguments of different Numba types."""
        return tuple(map(numba.typeof, args))


__all__ = [
    "Twins",
    "fork_waits",
    "jit",
    "jit_allocating",
    "jit_strict",
    "overload",
    "read_only",
    "twins",
]

# Sums may be reordered and products fused into them, which is what SIMD lanes need. Infinities and
# NaN keep their meaning (no "ninf", no "nnan"): log-sum-exp meets -inf.
FASTMATH = frozenset({"reassoc", "contract", "nsz", "arcp"})

# Floating point operations from which threads pay. Measured on two cores: OpenMP and TBB take 2 to
# 3 us to start and finish a loop, the work queue 40 to 140 us. When other programs want the cores,
# a loop waits for the last thread to get one: so less than 100 us of work is left alone.
LAUNCH_WORK = 4e6
WORKQUEUE_LAUNCH_WORK = 2e7
# Python sees Ctrl-C between two calls of compiled code only: a loop longer than this, about a
# second on one core, is made in pieces. A piece has a slot for each thread at least.
PIECE_WORK = 4e9

# Arrays of fewer numbers than this are too small for NumPy's own library to use threads.
LARGE_PRODUCT = 2048

_forked = False
_turnstile, _products = threading.Lock(), threading.RLock()
_no_wait = contextlib.nullcontext()
_workqueue = threading.Lock()


def _options() -> Any:
    return {
        "nogil": True,
        "error_model": "numpy",
        "fastmath": set(FASTMATH),
        "boundscheck": False,
        "no_cfunc_wrapper": True,  # an entry for C, which nobody takes
    }


def _dispatcher(function: Callable, parallel: bool = False, **more: Any) -> Any:
    dispatcher = numba.njit(parallel=parallel, **(_options() | more))(function)
    keep(dispatcher, "parallel" if parallel else "serial")
    compile_within_callers(dispatcher)
    return dispatcher


def jit(function: Callable) -> Any:
    """Compile a function when it is first called; the machine code is kept on disk.

    Parameters
    ----------
    function : function
        At the top level of a kernel file. Other kernels may call it, by its name.

    Returns
    -------
    numba.core.dispatcher.Dispatcher

    Examples
    --------
    >>> import numpy as np
    >>> @jit
    ... def dot(x, y):
    ...     total = 0.0
    ...     for i in range(len(x)):
    ...         total += x[i] * y[i]
    ...     return total
    >>> dot(np.ones(3), np.ones(3))
    3.0
    """
    return _dispatcher(function, _nrt=False)


def jit_allocating(function: Callable) -> Any:
    """Compile as `jit` does a function that creates arrays.

    What `jit` compiles does not count references, so it can slice arrays but not make them. Counts
    are atomic: around loops as short as a tile's they cost as much as the loops.

    Parameters
    ----------
    function : function
        At the top level of a kernel file. Other kernels may call it, by its name.

    Returns
    -------
    numba.core.dispatcher.Dispatcher

    Examples
    --------
    >>> import numpy as np
    >>> @jit_allocating
    ... def squares(n):
    ...     return np.arange(n) ** 2
    >>> squares(3)
    array([0, 1, 4])
    """
    return _dispatcher(function)


def jit_strict(function: Callable) -> Any:
    """Compile as `jit` does a function whose every operation is rounded as it is written.

    Parameters
    ----------
    function : function
        At the top level of a kernel file. Other kernels may call it, by its name.

    Returns
    -------
    numba.core.dispatcher.Dispatcher

    Examples
    --------
    >>> @jit_strict
    ... def rounding_error(x, y):
    ...     total = x + y
    ...     return (x - total) + y
    >>> rounding_error(2.0**53, 1.0)
    1.0
    """
    return _dispatcher(function, _nrt=False, fastmath=False)


def read_only(array: NDArray) -> NDArray:
    """A read-only view of an array that a kernel takes.

    To Numba a writable array is another type, which it would compile for anew: so all inputs of
    kernels are read-only, whatever the user gave.
    """
    if type(array) is np.ndarray and not array.flags.writeable:
        return array
    view = array.view(np.ndarray)
    view.flags.writeable = False
    return view


def overload(function: Callable) -> Callable:
    """Supply, for compiled code, a body of `function` chosen by the types of its arguments.

    This is `numba.extending.overload` with the options of `jit`.

    Parameters
    ----------
    function : function
        What kernels call. Its own body is only seen by the interpreter.

    Returns
    -------
    decorator
        For a function that takes the Numba types of the arguments and returns the body.

    Examples
    --------
    >>> import numpy as np
    >>> def n_bits(x):
    ...     return x.itemsize * 8
    >>> @overload(n_bits)
    ... def _n_bits(x):
    ...     bits = x.dtype.bitwidth
    ...     return lambda x: bits
    >>> @jit
    ... def total_bits(x):
    ...     return x.size * n_bits(x)
    >>> total_bits(np.ones(3, np.float32))
    96
    """
    return numba.extending.overload(function, strict=False, jit_options=_options())


@numba.extending.intrinsic
def _call(typingctx, address, slot, args):
    """Call what was compiled for (slot, *args), given the address of its machine code."""

    def generate(context, builder, signature, values):
        convention = context.call_conv
        kinds = [types.intp, *signature.args[2]]
        pointer = convention.get_function_type(types.none, kinds).as_pointer()
        code = builder.inttoptr(values[0], pointer)
        arguments = [values[1], *cgutils.unpack_tuple(builder, values[2])]
        status, _ = convention.call_function(builder, code, types.none, kinds, arguments)
        with cgutils.if_unlikely(builder, status.is_error):
            convention.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return types.none(types.intp, types.intp, args), generate


def _each_slot(address: int, first: int, stop: int, *args: Any) -> None:
    for slot in numba.prange(first, stop):
        _call(address, slot, args)  # type: ignore[call-arg]


_one_by_one = _dispatcher(_each_slot)
_side_by_side = _dispatcher(_each_slot, parallel=True)


class Twins:
    """A loop over independent slots in two forms: one by one, and side by side on threads.

    Both give the same result to the bit, because no slot reads what another one writes; which of
    them runs is a matter of speed and safety alone. It is the serial one if

    - the work is too small to be worth waking threads for, or Numba is limited to one thread;
    - this process was forked: OpenMP would abort it or hang, and its siblings want the cores too;
    - the threading layer is Numba's work queue and another thread is in it: entered twice, it
      aborts the process. OpenMP and TBB are safe to enter from several threads.

    The function is compiled once. Both loops call its machine code by address, for Numba would
    take it into each loop and optimise it again: the serial one once, the parallel one four times.

    Parameters
    ----------
    function : function
        At the top level of a kernel file. Its first argument is the slot; it returns nothing.

    Attributes
    ----------
    slot : numba.core.dispatcher.Dispatcher
        The function, compiled when it is first needed.
    """

    def __init__(self, function: Callable) -> None:
        functools.update_wrapper(self, function)
        self.slot = _dispatcher(function)
        self._addresses: dict[Any, int] = {}

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
            elif numba.threading_layer() != "workqueue":  # type: ignore[attr-defined]
                self.parallel(first, stop, *args)
            elif work < WORKQUEUE_LAUNCH_WORK or not _workqueue.acquire(blocking=False):
                self.serial(first, stop, *args)
            else:
                try:
                    self.parallel(first, stop, *args)
                finally:
                    _workqueue.release()

    def serial(self, first: int, stop: int, *args: Any) -> None:
        """Run the slots from `first` to before `stop` in their order."""
        if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
            for slot in range(first, stop):
                self.slot(slot, *args)
        else:
            _one_by_one(self._address(args), first, stop, *args)

    def parallel(self, first: int, stop: int, *args: Any) -> None:
        """Run those slots on as many threads as Numba may use."""
        _side_by_side(self._address(args), first, stop, *args)

    def _address(self, args: tuple) -> int:
        """Where the machine code for arguments of these types is."""
        key = compute_fingerprint(args)
        address = self._addresses.get(key)
        if address is None:
            signature = types.none(types.intp, *map(numba.typeof, args))
            # The look-up takes LLVM's lock as well, and a fork may copy that only when it is free.
            with global_compiler_lock, _garbage_left_alone():
                compiled = self.slot.get_compile_result(signature)
                address = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
            self._addresses[key] = address
        return address


def twins(function: Callable) -> Twins:
    """Compile a function of one slot, to be run for many, one by one or on threads.

    Parameters
    ----------
    function : function
        At the top level of a kernel file. Its first argument is the slot; it returns nothing.

    Returns
    -------
    Twins
        Called with the amount of work and the number of slots before the function's own arguments.

    Examples
    --------
    >>> import numpy as np
    >>> @twins
    ... def double(slot, x, out):
    ...     out[slot] = 2.0 * x[slot]
    >>> out = np.empty(3)
    >>> double(3.0, 3, np.ones(3), out)
    >>> out
    array([2., 2., 2.])
    """
    return Twins(function)


@contextlib.contextmanager
def _garbage_left_alone() -> Iterator[None]:
    """Do not look for garbage among the many objects of Numba: a tenth of the time to compile."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def n_threads(work: float) -> int:
    """How many threads may share this many floating point operations, here and now."""
    config: Any = numba.config
    if _forked or work < LAUNCH_WORK or config.NUMBA_NUM_THREADS == 1 or config.DISABLE_JIT:
        return 1
    return int(numba.get_num_threads())  # starts the threading layer, under a lock of Numba's own


def fork_waits(size: int = LARGE_PRODUCT) -> contextlib.AbstractContextManager:
    """While NumPy works on matrices that hold so many numbers, a fork of this process waits.

    OpenBLAS ends its threads before a fork, and waits for ever for those at work on a product of
    another Python thread. Without a size this is for an import: a process forked meanwhile could
    never get the module's lock. No code of the user may run in here.

    Examples
    --------
    >>> import numpy as np
    >>> matrices = np.tile(np.eye(100), (3, 1, 1))
    >>> with fork_waits(matrices.size):
    ...     products = matrices @ matrices
    """
    if size < LARGE_PRODUCT:
        return _no_wait
    if not _products._is_owned():  # type: ignore[attr-defined]
        with _turnstile:  # closed by a fork that waits: it need not wait for newcomers
            pass
    return _products


def _before_fork() -> None:
    _turnstile.acquire()
    _products.acquire()  # before the compiler's lock: who has this one may yet have to compile
    global_compiler_lock.acquire()


def _after_fork_in_parent() -> None:
    global_compiler_lock.release()
    _products.release()
    _turnstile.release()


def _after_fork_in_child() -> None:
    global _forked
    _forked = True  # for good, and for its children too: here the work queue's lock has no use
    _after_fork_in_parent()


# A fork waits until no other thread compiles: the child could never get the compiler's lock. What
# the user's threads import meanwhile, and multiply, is theirs to look after, as everywhere.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
