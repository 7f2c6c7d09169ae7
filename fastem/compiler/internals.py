"""Names from inside Numba and LLVM: all of them, so that one file says what a new Numba may break.

Numba promises nothing about these names. Each group is None if one of its names is missing, and its
user works without it:

    CACHE        `cache` keeps no machine code on disk
    INLINING     `inlining` leaves functions to be optimised apart from their callers
    TIDYING      `inlining` lets Numba optimise a function before its callers take it in
    POINTERS     `slot_loop` compiles a function anew in each of its two loops
    WIDTH        `vector_width` leaves vectors to LLVM and Numba
    LOCK         `fork_safety` has a lock of its own, for which compiling does not wait
    FINGERPRINT  `slot_loop` compares arguments by their Numba types, which takes longer
    PRODUCTS     `blas` has no product, and rows of many columns are worked on as others are
    EVENTS       `collection` lets Python look for garbage while Numba compiles
"""

import importlib
import logging
import operator
from types import SimpleNamespace
from typing import Any

LOG = logging.getLogger(__name__)


def taken(use: str, **names: str) -> Any:
    """A namespace of objects from inside Numba, or None if this Numba lacks one of them.

    Parameters
    ----------
    use : str
        What happens without them, for the log.
    **names : str
        Under each name the "module:attribute" that it stands for. The attribute may be dotted: a
        method that is overridden or called elsewhere is named here to be looked for.
    """
    found = {}
    for name, place in names.items():
        module, _, attribute = place.partition(":")
        try:
            found[name] = operator.attrgetter(attribute)(importlib.import_module(module))
        except (ImportError, AttributeError) as error:
            LOG.debug("%s: this Numba has no %s (%s)", use, place, error)
            return None
    return SimpleNamespace(**found)


CACHE = taken(
    "machine code is not kept on disk",
    NullCache="numba.core.caching:NullCache",
    CompileResult="numba.core.compiler:CompileResult",
    rtsys="numba.core.runtime.nrt:rtsys",
    dumps="numba.core.serialize:dumps",
    AppDirs="numba.misc.appdirs:AppDirs",
)
INLINING = taken(
    "functions are compiled apart from their callers",
    JITCodeLibrary="numba.core.codegen:JITCodeLibrary",
    optimize_functions="numba.core.codegen:JITCodeLibrary._optimize_functions",
    optimize_final_module="numba.core.codegen:JITCodeLibrary._optimize_final_module",
    finalize_final_module="numba.core.codegen:JITCodeLibrary._finalize_final_module",
    finalize_dynamic_globals="numba.core.codegen:JITCodeLibrary._finalize_dynamic_globals",
    Flags="numba.core.compiler:Flags",
    compile_extra="numba.core.compiler:compile_extra",
    unliteral="numba.core.types:unliteral",
    make_concrete_template="numba.core.typing.templates:make_concrete_template",
)
TIDYING = taken(
    "functions are optimised before their callers take them in",
    new_pass_manager="llvmlite.binding:create_new_function_pass_manager",
    add_sroa_pass="llvmlite.binding.newpassmanagers:FunctionPassManager.add_sroa_pass",
    pass_builder="numba.core.codegen:JITCPUCodegen._pass_builder",
)
POINTERS = taken(
    "functions are compiled in each loop that calls them",
    unpack_tuple="numba.core.cgutils:unpack_tuple",
    if_unlikely="numba.core.cgutils:if_unlikely",
    function_type="numba.core.callconv:CPUCallConv.get_function_type",
    call_function="numba.core.callconv:CPUCallConv.call_function",
    propagate="numba.core.callconv:CPUCallConv.return_status_propagate",
    get_compile_result="numba.core.dispatcher:Dispatcher.get_compile_result",
    pointer_to="numba.core.codegen:JITCodeLibrary.get_pointer_to_function",
)
WIDTH = taken(
    "vectors are as wide as LLVM takes them",
    JITCodeLibrary="numba.core.codegen:JITCodeLibrary",
    add_ir_module="numba.core.codegen:JITCodeLibrary.add_ir_module",
    optimize_final_module="numba.core.codegen:JITCodeLibrary._optimize_final_module",
    packs="numba.core.config:SLP_VECTORIZE",
    Compiler="numba.core.compiler:Compiler",
    attributes="llvmlite.ir.values:FunctionAttributes._to_list",
)
LOCK = taken(
    "forks do not wait for the compiler", lock="numba.core.compiler_lock:global_compiler_lock"
)
FINGERPRINT = taken(
    "arguments are compared by their Numba types", of="numba._dispatcher:compute_fingerprint"
)
PRODUCTS = taken(
    "wide rows are worked on without BLAS",
    helpers="numba._helperlib:c_helpers",
    get_or_insert="numba.core.cgutils:get_or_insert_function",
    alloca_once_value="numba.core.cgutils:alloca_once_value",
)
EVENTS = taken(
    "garbage is looked for while functions are compiled",
    Listener="numba.core.event:Listener",
    register="numba.core.event:register",
)
