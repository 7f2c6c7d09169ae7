"""Machine code called by its address: a function is compiled once, and not in each caller.

Numba otherwise takes a function into those that call it and optimises it anew in each.
"""

from typing import Any

import numba
import numba.extending
from numba import types

from fastem.compiler.fork_safety import global_compiler_lock
from fastem.compiler.internals import POINTERS

#: Whether machine code can be called so. Without it, and without a compiler, callers need a way of
#: their own.
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


call: Any = numba.extending.intrinsic(_call)


def address_of(function: Any, signature: Any) -> int:
    """The address of a function's machine code, which is compiled now if it was not before.

    Parameters
    ----------
    function : numba.core.dispatcher.Dispatcher
    signature : numba.core.typing.Signature
        Its return type, called with the types of its arguments.
    """
    # The look-up takes LLVM's lock as well, and a fork may copy that only when it is free.
    with global_compiler_lock:
        compiled = function.get_compile_result(signature)
        return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
