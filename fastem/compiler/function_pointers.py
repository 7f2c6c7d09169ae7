"""Machine code called by its address: a function is compiled once, and not in each caller.

Numba otherwise takes a function into those that call it and optimises it anew in each.
"""

from collections.abc import Callable
from typing import Any

import numba
import numba.extending
from numba import types

from fastem.compiler.fork_safety import global_compiler_lock
from fastem.compiler.internals import POINTERS
from fastem.compiler.options import jit_strict

#: Whether machine code can be called so. Where it cannot, Python makes the calls.
AVAILABLE = POINTERS is not None and not numba.config.DISABLE_JIT  # type: ignore[attr-defined]


def _call(typingctx, address, like, args):
    """Call what was compiled for such arguments; what it returns is `like` that, None nothing."""
    returned = types.unliteral(like)

    def generate(context, builder, signature, values):
        convention = context.call_conv
        argument_types = [types.unliteral(argument) for argument in signature.args[2]]
        pointer = convention.get_function_type(returned, argument_types).as_pointer()
        code = builder.inttoptr(values[0], pointer)
        arguments = POINTERS.unpack_tuple(builder, values[2])
        status, result = convention.call_function(
            builder, code, returned, argument_types, arguments
        )
        with POINTERS.if_unlikely(builder, status.is_error):
            convention.return_status_propagate(builder, status)
        return context.get_dummy_value() if returned == types.none else result

    return returned(types.intp, like, args), generate


_functions: list[Callable] = []


def _call_in_python(address: int, like: object, args: tuple) -> Any:
    return _functions[address](*args)


call: Any = numba.extending.intrinsic(_call) if AVAILABLE else _call_in_python


def jit_calling(function: Callable) -> Any:
    """Compile as `jit_strict` does a function that uses `call`, if machine code can be called so.

    Parameters
    ----------
    function : function
        At the top level of a kernel file. Python calls it.

    Returns
    -------
    numba.core.dispatcher.Dispatcher, or the function as it is
    """
    return jit_strict(function) if AVAILABLE else function


def address_of(function: Any, signature: Any) -> int:
    """The address of a function's machine code, which is compiled now if it was not before.

    Where machine code cannot be called by its address this is a number that `call` understands.

    Parameters
    ----------
    function : numba.core.dispatcher.Dispatcher
    signature : numba.core.typing.Signature
        Its return type, called with the types of its arguments.
    """
    if not AVAILABLE:
        _functions.append(function)
        return len(_functions) - 1
    # The look-up takes LLVM's lock as well, and a fork may copy that only when it is free.
    with global_compiler_lock:
        compiled = function.get_compile_result(signature)
        return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
