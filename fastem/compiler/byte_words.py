"""Bytes of an array of uint8, one or eight at a time, wherever they begin.

The index must be neither negative nor beyond the array: nothing asks. That is what makes them fast,
as Numba asks of each index of an array whether it is negative.
"""

import sys
from typing import Any

import numba.extending
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types


def _at(bits):
    """What reads so many bits from a place in an array on, the first byte lowest."""

    def read(typingctx, text, i):
        def generate(context, builder, signature, arguments):
            array = context.make_array(signature.args[0])(context, builder, arguments[0])
            place = builder.gep(array.data, [arguments[1]])
            read = builder.load(builder.bitcast(place, ir.IntType(bits).as_pointer()))
            read.align = 1
            return read if bits == 8 or sys.byteorder == "little" else builder.bswap(read)

        return types.Integer.from_bitwidth(bits, False)(text, i), generate

    return numba.extending.intrinsic(read)


def _trailing_zeros(typingctx, word):
    def generate(context, builder, signature, arguments):
        return builder.cttz(*arguments, ir.Constant(ir.IntType(1), 1))

    return word(word), generate


#: The byte at a place of an array, and the eight from there on as a uint64, the first one lowest.
byte_at: Any = _at(8)
word_at: Any = _at(64)
#: How many low bits of a word other than 0 are 0.
trailing_zeros: Any = numba.extending.intrinsic(_trailing_zeros)
