"""Functions optimised within their callers: a third of the time to compile is saved.

Numba optimises a function and makes machine code of it, does so again in each function that calls
it, and so on up to the kernel, which alone ever runs. Here a called function stays what Numba first
made of it, only tidied up, until the kernel is optimised as a whole.

A function called from Python is compiled as usual. So are all where Numba's inner workings are not
those known here.
"""

from typing import Any

from fastem.compiler.internals import INLINING, TIDYING
from fastem.compiler.vector_width import widen

if INLINING is not None:

    class _Library(INLINING.JITCodeLibrary):  # type: ignore[name-defined, misc]
        """LLVM's code of a function, neither compiled nor optimised, but for its size."""

        def add_ir_module(self, ir_module: Any) -> None:
            widen(ir_module)
            super().add_ir_module(ir_module)

        def _optimize_functions(self, ll_module: Any) -> None:
            if TIDYING is None:
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


class _Inlined:
    """The two methods of a dispatcher that functions which call it use."""

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
        """The compiled function, as Numba's code for a call looks it up."""
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


def inline_into_callers(dispatcher: Any) -> None:
    """Let other compiled functions take in the code of this one before it is optimised.

    Parameters
    ----------
    dispatcher : numba.core.dispatcher.Dispatcher
        Just made, not called yet.
    """
    if INLINING is not None and hasattr(dispatcher, "get_call_template"):
        inlined = _Inlined(dispatcher)
        dispatcher.get_call_template = inlined.get_call_template
        dispatcher.get_overload = inlined.get_overload
