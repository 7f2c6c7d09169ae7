"""What is taken from inside Numba: all of it, so that one file tells what a new Numba may break.

Numba promises nothing about these names. Each group is None where one of them is missing; who uses
it then does without: `cache` keeps nothing on disk, `inlining` compiles each function apart, and
`fork_safety` and `slot_loop` have replacements of their own.
"""

import importlib
import logging
from types import SimpleNamespace
from typing import Any

LOG = logging.getLogger(__name__)


def taken(use: str, **names: str) -> Any:
    """A namespace of objects from inside Numba, or None if this Numba lacks one of them.

    Parameters
    ----------
    use : str
        What they are for, for the log.
    **names : str
        Under each name, the "module:attribute" that it stands for.
    """
    found = {}
    for name, place in names.items():
        module, _, attribute = place.partition(":")
        try:
            found[name] = getattr(importlib.import_module(module), attribute)
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
    Flags="numba.core.compiler:Flags",
    compile_extra="numba.core.compiler:compile_extra",
    unliteral="numba.core.types:unliteral",
    make_concrete_template="numba.core.typing.templates:make_concrete_template",
)
TIDYING = taken(
    "functions are optimised before their callers take them in",
    new_pass_manager="llvmlite.binding:create_new_function_pass_manager",
    Codegen="numba.core.codegen:JITCPUCodegen",
)
LOCK = taken(
    "forks do not wait for the compiler", lock="numba.core.compiler_lock:global_compiler_lock"
)
FINGERPRINT = taken(
    "arguments are told apart by their Numba types", of="numba._dispatcher:compute_fingerprint"
)
