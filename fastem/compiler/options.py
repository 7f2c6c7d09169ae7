"""The decorators of kernels: the only file that names Numba's options.

A kernel file imports its decorators from here: `jit` for what works on one tile or one slot of
tiles, `jit_inlined` where it gains by what its caller knows, `jit_allocating` where that creates
arrays, `jit_strict` where each rounding counts, `jit_strict_inlined` where a call would take as
long as what is called, and `overload` for a function whose body depends on the types of its
arguments; `slot_loop`, for a loop over slots, from the file of that name.
"""

from collections.abc import Callable
from typing import Any

import numba
import numba.extending
import numpy as np
from numpy.typing import NDArray

from fastem.compiler.cache import keep
from fastem.compiler.collection import pause_collection
from fastem.compiler.inlining import inline_into_callers

# Sums may be reordered and products fused into them, which is what SIMD lanes need. Infinities and
# NaN keep their meaning (no "ninf", no "nnan"): log-sum-exp meets -inf.
FASTMATH = frozenset({"reassoc", "contract", "nsz", "arcp"})

pause_collection()


def _options() -> Any:
    return {
        "nogil": True,
        "error_model": "numpy",
        "fastmath": set(FASTMATH),
        "boundscheck": False,
        "no_cfunc_wrapper": True,  # an entry for C, which nobody takes
    }


def njit(parallel: bool = False, **more: Any) -> Callable[[Callable], Any]:
    """Numba's decorator with these options, and others in their place; what it makes is kept."""

    def decorate(function: Callable) -> Any:
        made = numba.njit(parallel=parallel, **_options() | more)(function)
        keep(made, "parallel" if parallel else "serial")
        inline_into_callers(made)
        return made

    return decorate


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
    return njit(_nrt=False)(function)


def jit_inlined(function: Callable) -> Any:
    """Compile as `jit` does a function that is always inlined into its callers.

    What callers know of an argument is known in it: that a loop's length has a factor, say.

    Parameters
    ----------
    function : function
        At the top level of a kernel file, for kernels that call it at one place.

    Returns
    -------
    numba.core.dispatcher.Dispatcher

    Examples
    --------
    >>> import numpy as np
    >>> @jit_inlined
    ... def total(x, n):
    ...     found = 0.0
    ...     for i in range(n):
    ...         found += x[i]
    ...     return found
    >>> total(np.ones(3), 2)
    2.0
    """
    return njit(_nrt=False, forceinline=True)(function)


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
    return njit()(function)


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
    return njit(_nrt=False, fastmath=False)(function)


def jit_strict_inlined(function: Callable) -> Any:
    """Compile as `jit_strict` does a function that is always inlined into its callers.

    A call hands over each array as seven numbers, in memory.

    Parameters
    ----------
    function : function
        At the top level of a kernel file, for kernels that call it at few places.

    Returns
    -------
    numba.core.dispatcher.Dispatcher

    Examples
    --------
    >>> @jit_strict_inlined
    ... def is_digit(c):
    ...     return 48 <= c <= 57
    >>> is_digit(55)
    True
    """
    return njit(_nrt=False, fastmath=False, forceinline=True)(function)


def refuse_uncompiled() -> None:
    """Whether kernels are compiled, as most of them must be.

    Raises
    ------
    ValueError
        If Numba was told not to.
    """
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        raise ValueError(
            "NUMBA_DISABLE_JIT is set in the environment, and fastem runs compiled only; unset it"
        )


def read_only(array: NDArray) -> NDArray:
    """A read-only view of an array that a kernel takes.

    To Numba a writable array is another type, which it would compile for anew: so all inputs of
    kernels are read-only, whatever the user gave.
    """
    if type(array) is np.ndarray and not array.flags.writeable:
        return array
    view = array.view(np.ndarray)
    view.setflags(write=False)
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
