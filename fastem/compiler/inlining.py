"""Compiled functions that exist only within those that call them.

Numba optimises a function and makes machine code of it, does so again in each function that calls
it, and so on up to the kernel, which alone ever runs: a third of the time to compile. Here what is
called stays what Numba first made of it, only tidied up, until the kernel is optimised as a whole.

A function called from Python is compiled as usual. Where Numba's inner workings are not those known
here, all are.
"""

from typing import Any

from fastem.compiler.internals import INLINING, TIDYING

#: Whether there are LLVM's few passes that make what is kept short.
TIDIES = (
    TIDYING is not None
    and hasattr(TIDYING.new_pass_manager(), "add_sroa_pass")
    and hasattr(TIDYING.Codegen, "_pass_builder")
)


if INLINING is not None:

    class _Library(INLINING.JITCodeLibrary):  # type: ignore[name-defined, misc]
        """Code as it was first made: neither made machine code nor optimised, but for its size."""

        def _optimize_functions(self, ll_module: Any) -> None:
            if not TIDIES:
                super()._optimize_functions(ll_module)
                return
            ll_module.data_layout = self._codegen._data_layout
            passes, builder = TIDYING.new_pass_manager(), self._codegen._pass_builder()
            passes.add_sroa_pass()
            passes.add_simplify_cfg_pass()
            passes.add_instruction_combine_pass()
            for function in ll_module.functions:
                if not function.is_declaration:
                    passes.run(function, builder)

        def _optimize_final_module(self) -> None:
            pass

        def _finalize_final_module(self) -> None:
            self._finalize_dynamic_globals()
            self._finalized = True


class _Within:
    """What a dispatcher offers to the functions that call it: two of its methods."""

    def __init__(self, dispatcher: Any) -> None:
        self._dispatcher = dispatcher
        self._compiled: dict[tuple, Any] = {}

    def get_call_template(self, args: Any, kws: Any) -> tuple:
        """Compile for arguments of these types, and return what Numba infers types from."""
        pysig, args = self._dispatcher.fold_argument_types(args, kws)
        args = tuple(map(INLINING.unliteral, args))  # 4 is an integer as any other
        if args not in self._compiled:
            self._compile(args)
        name = self._dispatcher.py_func.__name__
        signatures = [compiled.signature for compiled in self._compiled.values()]
        return INLINING.make_concrete_template(name, name, signatures), pysig, args, {}

    def get_overload(self, args: Any) -> Any:
        """Return what Numba knows the compiled function by."""
        return self._compiled[tuple(map(INLINING.unliteral, args))].library

    def _compile(self, args: tuple) -> None:
        dispatcher = self._dispatcher
        function, context = dispatcher.py_func, dispatcher.targetctx
        flags: Any = INLINING.Flags()
        dispatcher.targetdescr.options.parse_as_flags(flags, dispatcher.targetoptions)
        flags.no_compile = flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
        library = _Library(context.codegen(), function.__qualname__)
        compiled = INLINING.compile_extra(
            dispatcher.typingctx, context, function, args, None, flags, {}, library
        )
        context.insert_user_function(library, compiled.fndesc, [library])
        self._compiled[args] = compiled


def compile_within_callers(dispatcher: Any) -> None:
    """Let other compiled functions take in the code of this one before it is optimised.

    Parameters
    ----------
    dispatcher : numba.core.dispatcher.Dispatcher
        Just made, not called yet.
    """
    if INLINING is not None and hasattr(dispatcher, "get_call_template"):
        within = _Within(dispatcher)
        dispatcher.get_call_template = within.get_call_template
        dispatcher.get_overload = within.get_overload
