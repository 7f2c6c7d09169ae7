"""BLAS's product of matrices in compiled code, by the entry to SciPy's that Numba has for `dot`.

Products are to be so small that BLAS makes each in the thread that asks for it: OpenBLAS does so up
to `ONE_THREAD` multiplications. Then no thread of BLAS's waits for another one, no lock is held
that a fork could copy, and results are the same to the bit for any number of threads. A SciPy that
was built upon another BLAS may split smaller products: it then says itself what it promises.
"""

import importlib
from typing import Any

import numba
import numba.extending
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types

from fastem.compiler.internals import PRODUCTS
from fastem.compiler.options import jit

#: Whether there is such an entry. Where there is none, wide rows are worked on without BLAS.
AVAILABLE = PRODUCTS is not None and "xxgemm" in PRODUCTS.helpers
#: Multiplications up to which OpenBLAS makes a product in one thread.
ONE_THREAD = 2**18
#: What is summed over in one piece of a product.
DEPTH = 64


def _gemm(
    typingctx: Any,
    m: Any,
    n: Any,
    k: Any,
    alpha: Any,
    a: Any,
    lda: Any,
    b: Any,
    ldb: Any,
    beta: Any,
    c: Any,
    ldc: Any,
) -> tuple:
    """C = alpha a @ b + beta c for matrices in Fortran order, as BLAS's gemm has it.

    Parameters
    ----------
    m, n, k : int
        Of c (m, n), and what a and b have in common.
    alpha, beta : float
    a, b, c : flat arrays of one dtype, float64 or float32
        Each begins where its matrix does.
    lda, ldb, ldc : int
        From one column to the next.
    """
    importlib.import_module("numba.np.linalg").ensure_blas()
    dtype, size = a.dtype, types.intp
    how = "s" if dtype == types.float32 else "d", "n", "n"

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        char, whole = ir.IntType(8), context.get_value_type(size)
        pointer = char.as_pointer()
        taken = [*[char] * 3, *[whole] * 3, pointer, pointer, whole, pointer, whole]
        taken += [pointer, pointer, whole]
        function_type = ir.FunctionType(ir.IntType(32), taken)
        function = PRODUCTS.get_or_insert(builder.module, function_type, "numba_xxgemm")

        def data(place: int) -> Any:
            array = context.make_array(signature.args[place])(context, builder, values[place])
            return builder.bitcast(array.data, pointer)

        def number(place: int) -> Any:
            return builder.bitcast(PRODUCTS.alloca_once_value(builder, values[place]), pointer)

        arguments = [ir.Constant(char, ord(letter)) for letter in how]
        arguments += [*values[:3], number(3), data(4), values[5], data(6), values[7]]
        builder.call(function, [*arguments, number(8), data(9), values[10]])
        return context.get_dummy_value()

    return types.none(size, size, size, dtype, a, size, b, size, dtype, c, size), generate


gemm: Any = numba.extending.intrinsic(_gemm)


@jit
def multiply(shape, alpha, left, left_line, right, right_line, beta, out, out_line):
    """Out = alpha left @ right + beta out, of matrices row by row in flat arrays of one dtype.

    Parameters
    ----------
    shape : (height, width, depth)
        Of out (height, width), and what is summed over. All three together, with no more than
        `DEPTH` of the last, are no more than `ONE_THREAD`.
    alpha, beta : float
    left, right, out : flat arrays
        Each begins where its matrix does.
    left_line, right_line, out_line : int
        From one row to the next.
    """
    height, width, depth = shape
    dtype = out.dtype.type
    for p in range(0, depth, DEPTH):
        part, before = min(DEPTH, depth - p), dtype(beta if p == 0 else 1.0)
        a, b = right[p * right_line :], left[p:]
        gemm(width, height, part, dtype(alpha), a, right_line, b, left_line, before, out, out_line)
