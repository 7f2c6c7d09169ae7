"""Checkpoint: a file from which a fit goes on when its process was killed, to the same bits.

It holds arrays and text and nothing that could be executed: the arguments and a digest of the rows,
by which another fit is told; what became of the restarts; and the state of EM over all rows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastem import archive
from fastem.atomic import whole
from fastem.em import State
from fastem.kernels.em_control import N_PASSES, NEXT, OUTCOME, PROJECTION, RUNNING
from fastem.results import Restart

FORMAT = "fastem checkpoint"
FORMAT_VERSION = 3
CAUSES = tuple(archive.CAUSES)
#: What may become of a start.
OUTCOMES = "dropped", "finished", "chosen", "collapsed"


class Checkpoint:
    """The file of one fit, which `em.run` keeps up to date.

    Parameters
    ----------
    path : path
    every : int
        Accepted passes from one writing to the next.
    arguments : mapping of str to object
        What tells the fit from others.
    like : State
        Of the same fit: the sizes of its arrays count.
    """

    def __init__(
        self, path: Path, every: int, arguments: Mapping[str, object], like: State
    ) -> None:
        self.path, self.every = path, every
        self.restarts: tuple[Restart, ...] = ()
        self._arguments = {name: _called(value) for name, value in arguments.items()}
        self._like = like

    def open(self) -> State | None:
        """Read the file, if there is one; returns where its fit stands.

        Raises
        ------
        OSError
            If it cannot be read.
        ValueError
            If it is damaged, or of another fit.
        """
        if not self.path.exists():
            return None
        if not self._is_one():
            raise ValueError(
                f"{self.path} is no checkpoint, or one that was cut short; give another path, at "
                f"which there is nothing yet"
            )
        try:
            names = [name for name, _ in _flattened(self._like)]
            fields = archive.members(self.path, ["version", "arguments", "restarts", *names])
            if int(fields["version"]) != FORMAT_VERSION:
                raise archive.Damaged("its format is another")
            theirs = dict(_from_text(fields["arguments"]))
        except CAUSES as error:
            raise self._unusable(error) from None
        self._refuse_others(theirs)
        try:
            self.restarts = tuple(map(_restart, _from_text(fields["restarts"])))
            return _checked(_unflattened(self._like, fields), self._like)
        except CAUSES as error:
            raise self._unusable(error) from None

    @contextmanager
    def to_blame(self) -> Iterator[None]:
        """A context in which EM goes on from the file.

        Raises
        ------
        ValueError
            If that leads nowhere: the file is damaged.
        """
        try:
            yield
        except np.linalg.LinAlgError as error:
            raise self._unusable(error) from None

    def keep(self, state: State) -> None:
        """Write where EM stands, if it is time to.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        if state.n_passes % self.every:
            return
        fields = {
            "format": np.array(FORMAT),
            "version": np.array(FORMAT_VERSION),
            "arguments": _to_text(self._arguments),
            "restarts": _to_text([astuple(restart) for restart in self.restarts]),
            **dict(_flattened(state)),
        }
        with whole(self.path) as part, open(part, "wb") as file:
            np.savez(file, **fields)  # type: ignore[arg-type]

    def _is_one(self) -> bool:
        """Whether the file says of itself that it is a checkpoint."""
        try:
            fields = archive.members(self.path, ["format"])
        except archive.Damaged:
            return False
        return "format" in fields and str(fields["format"]) == FORMAT

    def _refuse_others(self, theirs: Mapping[str, str]) -> None:
        for name in (*self._arguments, *theirs):
            was, now = theirs.get(name, "absent"), self._arguments.get(name, "absent")
            if was != now:
                raise ValueError(
                    f"{self.path} is the checkpoint of another fit: {name} was {was} and is {now}; "
                    f"give the same arguments and rows, or another checkpoint, or delete the file"
                )

    def _unusable(self, error: Exception) -> Exception:
        if isinstance(error, OSError):
            return error
        return ValueError(
            f"{self.path} is a checkpoint that is damaged or of another version of fastem "
            f"({archive.cause(error)}); delete it, and the fit begins anew"
        )


def _flattened(state: Any, prefix: str = "") -> Iterator[tuple[str, NDArray]]:
    """Names and arrays of a state, those of its parts after their names."""
    for name, value in state._asdict().items():
        if isinstance(value, np.ndarray):
            yield prefix + name, value
        else:
            yield from _flattened(value, f"{prefix}{name}_")


def _unflattened(like: Any, fields: Mapping[str, NDArray], prefix: str = "") -> Any:
    """The reverse, into a state like that one."""
    return type(like)(
        *(
            fields[prefix + name]
            if isinstance(value, np.ndarray)
            else _unflattened(value, fields, f"{prefix}{name}_")
            for name, value in like._asdict().items()
        )
    )


def _checked(state: State, like: State) -> State:
    """A state that steps may go on from.

    Raises
    ------
    ValueError
        If it is not one of arrays like those.
    """
    for (name, array), (_, mine) in zip(_flattened(state), _flattened(like), strict=True):
        shape = array.shape if name == "trace" and array.ndim == 1 else mine.shape
        if array.dtype != mine.dtype or array.shape != shape or not array.flags.c_contiguous:
            raise archive.Damaged(f"{name} has shape {array.shape} and dtype {array.dtype}")
    finite = state.point, state.em_step, state.point_statistics, state.em_statistics
    if not all(np.isfinite(array).all() for array in (*finite, state.levels, state.n_rows)):
        raise archive.Damaged("numbers are not finite")
    counters, order = state.counters, state.steps.pairs.shape[1]
    n_pairs, slot = state.steps.seen
    if not (
        (counters >= 0).all()
        and counters[N_PASSES] <= len(state.trace)
        and counters[NEXT] <= PROJECTION
        and counters[OUTCOME] == RUNNING
        and (state.shape == like.shape).all()
        and state.n_rows[0] >= 0
        and -1 <= n_pairs <= order
        and 0 <= slot < order
        and (state.gain.n_seen >= 0).all()
    ):
        raise archive.Damaged("its counts are not those of a fit")
    return state


def _restart(parts: list) -> Restart:
    """What became of a start, as it was written.

    Raises
    ------
    Damaged
        If it was written otherwise.
    """
    index, log_likelihood, n_iter, outcome, trace = parts
    whole, levels = (index, n_iter), (log_likelihood, *trace)
    if not (
        all(type(number) is int and number >= 0 for number in whole)
        and all(type(level) is float for level in levels)
        and outcome in OUTCOMES
    ):
        raise archive.Damaged("its restarts are none")
    return Restart(index, log_likelihood, n_iter, outcome, tuple(trace))


def _called(value: object) -> str:
    """A text of its own for each value."""
    if value is None or isinstance(value, bool | int | float | str | np.generic | np.dtype):
        return str(value)
    array = np.asarray(value)
    digest = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]
    return f"an array of shape {array.shape} and digest {digest}"


def _to_text(value: object) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(value).encode(), np.uint8)


def _from_text(array: NDArray) -> list:
    return json.loads(array.astype(np.uint8, casting="no").tobytes())
