"""Machine code called by its address: what is called is compiled once, and not in each caller.

Numba takes a function into those that call it and optimises it anew in each.
"""

from typing import Any

import numba
import numba.extending
from numba import types
from numba.core import cgutils

from fastem.compiler.fork_safety import global_compiler_lock


def _call(typingctx, address, like, args):
    """Call what was compiled for such arguments; what it returns is `like` that, None nothing."""
    returned = types.unliteral(like)

    def generate(context, builder, signature, values):
        convention = context.call_conv
        kinds = [types.unliteral(kind) for kind in signature.args[2]]
        pointer = convention.get_function_type(returned, kinds).as_pointer()
        code = builder.inttoptr(values[0], pointer)
        arguments = cgutils.unpack_tuple(builder, values[2])
        status, result = convention.call_function(builder, code, returned, kinds, arguments)
        with cgutils.if_unlikely(builder, status.is_error):
            convention.return_status_propagate(builder, status)
        return context.get_dummy_value() if returned == types.none else result

    return returned(types.intp, like, args), generate


call: Any = numba.extending.intrinsic(_call)


def address_of(function: Any, signature: Any) -> int:
    """Where the machine code of a function is, which is compiled now if it was not.

    Parameters
    ----------
    function : numba.core.dispatcher.Dispatcher
    signature : numba.core.typing.Signature
        What it returns, called with what it takes.
    """
    # The look-up takes LLVM's lock as well, and a fork may copy that only when it is free.
    with global_compiler_lock:
        compiled = function.get_compile_result(signature)
        return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
