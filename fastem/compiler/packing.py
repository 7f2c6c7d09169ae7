"""Arguments that lie in memory: those of many calls, which one loop makes side by side.

A loop over slots gives all of them the same arguments. Where each is to have arrays of its own,
their arguments are packed one after the other, and compiled code loads those of its slot.
"""

from typing import Any

import numba.extending
import numpy as np
from numba import types
from numpy.typing import NDArray

from fastem.compiler.function_pointers import AVAILABLE
from fastem.compiler.options import jit


def _store(typingctx, address, values):
    """Write a tuple there. Its arrays are not kept alive."""

    def generate(context, builder, signature, arguments):
        place = arguments[0]
        pointer = context.get_value_type(signature.args[1]).as_pointer()
        builder.store(arguments[1], builder.inttoptr(place, pointer))
        return context.get_dummy_value()

    return types.none(types.intp, values), generate


def _load(typingctx, address, kind):
    """What was written there: a tuple of that type."""

    def generate(context, builder, signature, arguments):
        pointer = context.get_value_type(signature.return_type).as_pointer()
        return builder.load(builder.inttoptr(arguments[0], pointer))

    return kind.instance_type(types.intp, kind), generate


# Compiled where machine code can be called by its address, which is what they are for.
store: Any = numba.extending.intrinsic(_store) if AVAILABLE else None
load: Any = numba.extending.intrinsic(_load) if AVAILABLE else None


@jit
def _pack(address, values):
    store(address, values)


class Packed:
    """Tuples of the same types, in memory.

    Parameters
    ----------
    n : int
        How many.
    like : tuple
        One such, of arrays, numbers and tuples of these.

    Attributes
    ----------
    addresses : (n,) int64
    """

    def __init__(self, n: int, like: tuple) -> None:
        self._memory = np.empty((n, _n_words(like)), np.int64)
        steps = np.arange(n) * self._memory.strides[0]
        self.addresses: NDArray[np.int64] = self._memory.ctypes.data + steps
        self._kept: list[tuple] = [()] * n

    def __setitem__(self, i: int, values: tuple) -> None:
        """Write one, and keep its arrays alive."""
        self._kept[i] = values
        _pack(self.addresses[i], values)

    def forget(self) -> None:
        """Keep no arrays alive any more."""
        self._kept = [()] * len(self._kept)


def _n_words(value: Any) -> int:
    """How many words of eight bytes a value takes, at most; an array's shape and strides too."""
    if isinstance(value, tuple):
        return sum(map(_n_words, value))
    return 5 + 2 * value.ndim if isinstance(value, np.ndarray) else 1
