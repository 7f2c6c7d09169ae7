"""How kernels are compiled and when they use threads: the only file that names Numba's options.

A kernel file imports its decorators from here: `jit` for what works on one tile or one slot of
tiles, `jit_allocating` where that creates arrays, `twins` for the loop over all slots, `overload`
for a function whose body depends on the types of its arguments.
"""

import functools
import os
import threading
from collections.abc import Callable
from typing import Any

import numba
import numba.extending
from numba import prange

from fastem.kernels.cache import keep

try:
    from numba.core.compiler_lock import global_compiler_lock
except ImportError:
    global_compiler_lock = threading.RLock()  # type: ignore[assignment]

__all__ = ["Twins", "jit", "jit_allocating", "overload", "prange", "twins"]

# Sums may be reordered and products fused into them, which is what SIMD lanes need. Infinities and
# NaN keep their meaning (no "ninf", no "nnan"): log-sum-exp meets -inf.
FASTMATH = frozenset({"reassoc", "contract", "nsz", "arcp"})

# Floating point operations from which threads pay. Measured on two cores: OpenMP and TBB take 2 to
# 3 us to start and finish a loop, the work queue 40 to 140 us.
LAUNCH_WORK = 1e6
WORKQUEUE_LAUNCH_WORK = 2e7

_forked = False
_workqueue = threading.Lock()


def _options() -> Any:
    return {
        "nogil": True,
        "error_model": "numpy",
        "fastmath": set(FASTMATH),
        "boundscheck": False,
    }


def _dispatcher(function: Callable, parallel: bool = False, **more: Any) -> Any:
    dispatcher = numba.njit(parallel=parallel, **_options(), **more)(function)
    keep(dispatcher, "parallel" if parallel else "serial")
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


class Twins:
    """One loop over independent slots, compiled twice: serially and with threads.

    Both give the same result to the bit, because no slot reads what another one writes; which of
    them runs is a matter of speed and safety alone. It is the serial one if

    - the work is too small to be worth waking threads for, or Numba is limited to one thread;
    - this process was forked: OpenMP would abort it or hang, and its siblings want the cores too;
    - the threading layer is Numba's work queue and another thread is in it: entered twice, it
      aborts the process. OpenMP and TBB are safe to enter from several threads.

    Parameters
    ----------
    function : function
        At the top level of a kernel file, with a body that is a `prange` loop.

    Attributes
    ----------
    serial, parallel : numba.core.dispatcher.Dispatcher
        The twins. Each is compiled at its first call.
    """

    def __init__(self, function: Callable) -> None:
        functools.update_wrapper(self, function)
        self.serial = _dispatcher(function, parallel=False)
        self.parallel = _dispatcher(function, parallel=True)

    def __call__(self, work: float, *args: Any) -> Any:
        """Call the twin that suits.

        Parameters
        ----------
        work : float
            About how many floating point operations this call does.
        *args
            Arguments of the function.
        """
        if not _may_use_threads(work):
            return self.serial(*args)
        if numba.threading_layer() != "workqueue":  # type: ignore[attr-defined]
            return self.parallel(*args)
        if work < WORKQUEUE_LAUNCH_WORK or not _workqueue.acquire(blocking=False):
            return self.serial(*args)
        try:
            return self.parallel(*args)
        finally:
            _workqueue.release()


def twins(function: Callable) -> Twins:
    """Compile a loop over independent slots twice, serially and with threads.

    Parameters
    ----------
    function : function
        At the top level of a kernel file, with a body that is a `prange` loop.

    Returns
    -------
    Twins
        Called with the amount of work before the function's own arguments.

    Examples
    --------
    >>> import numpy as np
    >>> @twins
    ... def double(x, out):
    ...     for i in prange(len(x)):
    ...         out[i] = 2.0 * x[i]
    >>> out = np.empty(3)
    >>> double(3, np.ones(3), out)
    >>> out
    array([2., 2., 2.])
    """
    return Twins(function)


def _may_use_threads(work: float) -> bool:
    config: Any = numba.config
    if _forked or work < LAUNCH_WORK or config.NUMBA_NUM_THREADS == 1:
        return False
    return numba.get_num_threads() > 1  # starts the threading layer, under a lock of Numba's own


def _after_fork_in_child() -> None:
    global _forked
    _forked = True  # for good, and for its children too: here the work queue's lock has no use
    global_compiler_lock.release()


# A fork waits until no other thread compiles: the child could never get the compiler's lock.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=global_compiler_lock.acquire,
        after_in_parent=global_compiler_lock.release,
        after_in_child=_after_fork_in_child,
    )
