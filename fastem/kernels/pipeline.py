"""The way from a kernel's Python to machine code: Numba's, without the detours.

Two thirds of the time to compile is Numba's own Python. Much of that asks again and again what the
sum of two numbers is, and whether an array is one, looks for constructs that no kernel has, or
counts Numba's many objects for the garbage collector. Here each is asked once, or left out.
"""

import contextlib
import gc
import logging
from collections.abc import Iterator
from typing import Any, ClassVar

LOG = logging.getLogger(__name__)

try:
    from numba.core.compiler import CompilerBase, DefaultPassBuilder
    from numba.core.compiler_machinery import PassManager
    from numba.core.types import Array, Boolean, Function, Literal, Number
except ImportError as error:
    LOG.debug("kernels take Numba's whole way: %s", error)
    CompilerBase = None  # type: ignore[assignment, misc]

#: Passes, by Numba's names, that look for what no kernel has: closures, `with`, array expressions,
#: `literally`, functions to paste in; and those that only report.
NEEDLESS = frozenset(
    {
        "with_lifting",
        "inline_closure_likes",
        "Rewrite dynamic raises",
        "make_function_op_code_to_jit_function",
        "inline_inlinables",
        "find_literally",
        "literal_unroll",
        "LiteralPropagation",
        "inline_overloads",
        "nopython_rewrites",
        "nopython_supported_feature_validation",
        "annotate_types",
        "dump_parfor_diagnostics",
    }
)


class _Typing:
    """Numba's typing context, asked once what an operator makes of numbers of some types."""

    _known: ClassVar[dict[tuple, Any]] = {}

    def __init__(self, context: Any) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def resolve_function_type(self, function: Any, args: tuple, kws: Any) -> Any:
        """The signature of a function for arguments of these types."""
        resolve = self._context.resolve_function_type
        numbers = all(isinstance(kind, (Number, Boolean, Literal)) for kind in args)
        if kws or not numbers or not isinstance(function, Function):
            return resolve(function, args, kws)
        key = function, args
        if key not in self._known:
            self._known[key] = resolve(function, args, kws)
        return self._known[key]


def _look_up_less(target: Any) -> None:
    """Say at once that arrays need not be turned into arrays: Numba asks it at each access.

    Its own answer takes two errors, each with a message, and a look for new libraries.
    """
    look_up = target.get_function

    def get_function(function: Any, signature: Any, *more: Any, **named: Any) -> Any:
        is_conversion = isinstance(function, str) and function == "__array__"
        if is_conversion and type(signature.args[0]) is Array:
            raise NotImplementedError
        return look_up(function, signature, *more, **named)

    target.get_function = get_function


@contextlib.contextmanager
def garbage_left_alone() -> Iterator[None]:
    """Do not look for garbage among the many objects of Numba: a tenth of the time to compile."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


if CompilerBase is None:
    OPTIONS: dict[str, Any] = {}
else:

    class Pipeline(CompilerBase):
        """The compiler of kernels, as `numba.njit` takes it."""

        def define_pipelines(self) -> list:
            """Numba's passes but for the needless ones."""
            whole = DefaultPassBuilder.define_nopython_pipeline(self.state)
            if self.state.flags.auto_parallel.enabled:
                return [whole]
            self.state.typingctx = _Typing(self.state.typingctx)
            _look_up_less(self.state.targetctx)  # this compilation's own copy
            lean = PassManager(whole.pipeline_name)
            lean.passes = [each for each in whole.passes if each[0].name() not in NEEDLESS]
            lean.finalize()
            return [lean]

        def compile_extra(self, func: Any) -> Any:
            """Compile a Python function."""
            with garbage_left_alone():
                return super().compile_extra(func)

    OPTIONS = {"pipeline_class": Pipeline}
