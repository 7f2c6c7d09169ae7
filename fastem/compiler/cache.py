"""Machine code kept on disk from one run to the next.

Numba's own cache notices an edit of the file a kernel is written in but not of the other files it
calls, fails for ever on a file cut short, and fails at import where nothing can be written. So each
kernel is given this cache in its place. It has no index: a compiled signature is one file, named
after all that it depends on and put in place by a rename. Processes need no lock: at worst two of
them write the same code.

    <user's cache folder>/fastem/kernels/<sources and versions>/<function>-<signature and CPU>.nbc

``NUMBA_CACHE_DIR`` moves the folder, ``FASTEM_CACHE=0`` does without it. Where nothing can be
written, or Numba's inner workings are not those known here, kernels are compiled anew in each
process, and a debug message says why.
"""

import contextlib
import functools
import hashlib
import logging
import os
import pickle
import shutil
import sys
import uuid
import warnings
from pathlib import Path
from typing import Any

import llvmlite  # type: ignore[import-untyped]
import numba
import numpy

from fastem.compiler.internals import CACHE
from fastem.compiler.uninterrupted import uninterrupted
from fastem.compiler.vector_width import WIDE

LOG = logging.getLogger(__name__)
CONFIG: Any = numba.config
DIGESTS_KEPT = 8  # several environments can share a folder without evicting one another
CHECKSUM_SIZE = hashlib.sha256().digest_size

#: Folders whose files the digest speaks for, so that it notices an edit of any.
SOURCES = Path(__file__).parent, Path(__file__).parents[1] / "kernels"


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]


def _read_sources() -> list[tuple[str, bytes]]:
    try:
        paths = ((folder, path) for folder in SOURCES for path in folder.rglob("*.py"))
        return sorted((str(p.relative_to(top.parent)), p.read_bytes()) for top, p in paths)
    except OSError:
        return []


# Read when the kernels are imported: an edit made after that is not the code that runs.
_SOURCES = _read_sources()


@functools.cache
def _debug_once(message: str, *args: object) -> None:
    LOG.debug(message, *args)


def user_folder() -> Path:
    """The folder of all that fastem keeps for this user, whether or not it exists.

    Raises
    ------
    OSError
        If the user has none.
    """
    if CONFIG.CACHE_DIR:
        top = Path(CONFIG.CACHE_DIR).absolute() / "fastem"
    else:
        top = Path(CACHE.AppDirs("fastem", appauthor=False).user_cache_dir)
    if not top.is_absolute():  # "~/.cache" of a user without a home
        raise OSError(f"no cache folder for this user: {top}")
    return top


@functools.cache
def _folder() -> Path:
    """Return the folder for the present sources and versions, whether or not it exists."""
    modules = sys.modules["fastem"], numba, llvmlite, numpy
    versions = [getattr(module, "__version__", None) for module in modules]
    return user_folder() / "kernels" / _digest(_SOURCES, versions, sys.version)


def _make_folder() -> Path:
    folder = _folder()
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):  # another process is at it
            _remove_oldest(folder.parent, current=folder)
    return folder


def _remove_oldest(top: Path, current: Path) -> None:
    others = [path for path in top.iterdir() if path != current]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in others[DIGESTS_KEPT - 1 :]:
        shutil.rmtree(path, ignore_errors=True)


def _write(path: Path, payload: bytes) -> None:
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    try:
        part.write_bytes(hashlib.sha256(payload).digest() + payload)
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _read(path: Path) -> bytes | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    checksum, payload = content[:CHECKSUM_SIZE], content[CHECKSUM_SIZE:]
    if hashlib.sha256(payload).digest() == checksum:
        return payload
    try:
        path.unlink()
    except OSError as error:
        _debug_once("%s stays: %s", path, error)
    _warn_of_damage(path.parent)
    return None


@functools.cache
def _warn_of_damage(folder: Path) -> None:
    message = (
        f"A damaged file of compiled code in {folder} was put aside and its kernel is compiled "
        "again. Nothing needs doing. Should it happen often, move the folder with "
        "NUMBA_CACHE_DIR=<folder> or do without it with FASTEM_CACHE=0."
    )
    warnings.warn(message, RuntimeWarning, stacklevel=2)


class KernelCache(CACHE.NullCache if CACHE else object):  # type: ignore[misc]
    """The compiled signatures of one function, one file each.

    `Dispatcher.compile` asks it before it compiles a signature, and tells it afterwards.

    Parameters
    ----------
    function : function
        The Python function. It must live in one of `SOURCES`.
    variant : str
        Which set of compiler options, of the sets this function is compiled with.
    """

    def __init__(self, function: Any, variant: str) -> None:
        self._name = f"{function.__module__}.{function.__qualname__}-{variant}"
        self._line = function.__code__.co_firstlineno

    def _path(self, folder: Path, signature: Any, codegen: Any) -> Path:
        settings = CONFIG.OPT, CONFIG.BOUNDSCHECK, CONFIG.DEBUGINFO_DEFAULT, CONFIG.USING_SVML, WIDE
        key = self._line, signature, codegen.magic_tuple(), settings
        if " at 0x" in repr(key):  # of a function given as an argument
            raise ValueError(f"an address means nothing in another process: {signature}")
        return folder / f"{self._name}-{_digest(key)}.nbc"

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """Return the compiled signature, or None if it has to be compiled."""
        try:
            payload = _read(self._path(_folder(), signature, target_context.codegen()))
            if payload is None:
                return None
            with uninterrupted():
                # Numba would also refresh the context: a quarter of a second, for compiling alone.
                CACHE.rtsys.initialize(target_context)
                return CACHE.CompileResult._rebuild(target_context, *pickle.loads(payload))
        except RuntimeWarning:  # the user's filter turned our warning into an error
            raise
        except Exception as error:  # whatever it is, compiling is the answer
            _debug_once("%s cannot be read from disk: %r", self._name, error)
            return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep a signature just compiled."""
        try:
            if compiled.library.has_dynamic_globals:
                raise ValueError("it refers to addresses of this process")
            path = self._path(_make_folder(), signature, compiled.codegen)
            _write(path, CACHE.dumps(compiled._reduce()))
        except OSError as error:
            _debug_once("kernels are not kept on disk: %s", error.strerror or error)
        except Exception as error:
            _debug_once("%s is not kept on disk: %r", self._name, error)


def is_cold() -> bool:
    """Whether no kernel is on disk yet: whatever runs first is compiled first."""
    if os.environ.get("FASTEM_CACHE") == "0" or CACHE is None or CONFIG.DISABLE_JIT:
        return True
    try:
        return not _folder().is_dir()
    except OSError:
        return True


def keep(dispatcher: Any, variant: str) -> None:
    """Keep what a dispatcher compiles on disk, if that can be.

    Parameters
    ----------
    dispatcher : numba.core.dispatcher.Dispatcher
        Just made, not called yet.
    variant : str
        A name for its compiler options: those of one function under two names share no files.
    """
    if os.environ.get("FASTEM_CACHE") == "0" or not _SOURCES or CACHE is None:
        return
    if not hasattr(dispatcher, "_cache"):  # NUMBA_DISABLE_JIT, or a Numba not known here
        _debug_once("kernels are not kept on disk: %s has no cache", type(dispatcher).__name__)
        return
    function = dispatcher.py_func
    if _is_source(function.__code__.co_filename) and "<locals>" not in function.__qualname__:
        # The digest speaks for no file elsewhere, the name for no function made in another.
        dispatcher._cache = KernelCache(function, variant)


@functools.cache
def _is_source(path: str) -> bool:
    """Whether a file is one of those that the digest speaks for."""
    return any(folder in Path(path).parents for folder in SOURCES)
