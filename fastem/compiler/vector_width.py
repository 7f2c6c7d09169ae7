"""Vectors of 512 bits on Intel's processors that have them, and vectors of straight-line code.

LLVM takes 256 bits there for fear of a lower clock. On Cascade Lake kernels with wide vectors took
0.70 of the time of a pass with full covariances in two columns, 0.79 in 8 and in 16, 0.78 in 64,
and 0.65 to 1.05 with other families and in float32 (one thread, the best of five runs in turn). On
AMD's LLVM chooses well. The choice is a rule, not a measurement at run time, so that one machine
always gives the same bits.

``FASTEM_VECTOR_WIDTH=256`` or ``512`` overrules it.
"""

import os
from typing import Any

import llvmlite.binding  # type: ignore[import-untyped]
import numba

from fastem.compiler.internals import WIDTH

CONFIG: Any = numba.config

#: What is put on each function; LLVM's names.
ATTRIBUTES = ('"prefer-vector-width"="512"', '"min-legal-vector-width"="512"')


def _is_wide() -> bool:
    chosen = os.environ.get("FASTEM_VECTOR_WIDTH", "")
    if chosen not in ("", "256", "512"):
        raise ImportError(f"FASTEM_VECTOR_WIDTH is {chosen!r}; make it 256 or 512, or unset it")
    if WIDTH is None or not llvmlite.binding.get_host_cpu_features().get("avx512f"):
        return False
    amd = llvmlite.binding.get_host_cpu_name().startswith("znver")
    return chosen == "512" or (not chosen and not amd)


#: Whether kernels have vectors of 512 bits.
WIDE = _is_wide()


def widen(ir_module: Any) -> None:
    """Ask for wide vectors in every function of LLVM's code, before it is optimised."""
    if WIDE:
        for function in ir_module.functions:
            if not function.is_declaration:
                set.update(function.attributes, ATTRIBUTES)


def pipeline(packed: bool = False) -> dict[str, Any]:
    """Options for `numba.njit` that widen a kernel.

    Parameters
    ----------
    packed : bool
        Whether vectors are made of straight-line code as well (superword-level parallelism, which
        Numba leaves out): of what is loaded whole before any of it is stored.
    """
    if WIDTH is None or not (WIDE or packed):
        return {}
    return {"pipeline_class": _PackedPipeline if packed else _Pipeline}


if WIDTH is not None:

    class _Library(WIDTH.JITCodeLibrary):  # type: ignore[name-defined, misc]
        def add_ir_module(self, ir_module: Any) -> None:
            widen(ir_module)
            super().add_ir_module(ir_module)

    class _PackedLibrary(_Library):
        def _optimize_final_module(self) -> None:
            usual = CONFIG.SLP_VECTORIZE  # read when passes are made, under the compiler's lock
            CONFIG.SLP_VECTORIZE = 1
            try:
                super()._optimize_final_module()
            finally:
                CONFIG.SLP_VECTORIZE = usual

    class _Pipeline(WIDTH.Compiler):  # type: ignore[name-defined, misc]
        library = _Library

        def __init__(self, typingctx: Any, targetctx: Any, library: Any, *rest: Any) -> None:
            if library is None:
                library = self.library(targetctx.codegen(), "wide")
                library.enable_object_caching()
            super().__init__(typingctx, targetctx, library, *rest)

    class _PackedPipeline(_Pipeline):
        library = _PackedLibrary
