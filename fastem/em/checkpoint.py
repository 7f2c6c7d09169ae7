"""Checkpoint: a file from which a fit goes on when its process was killed, to the same bits.

It holds arrays and text and nothing that could be executed: the arguments and a digest of the rows,
by which another fit is told; what became of the restarts; where the loop stands before a pass; and
what its accelerator and its rule remember.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastem.atomic import whole
from fastem.covariance import Parameters
from fastem.em.standing import Standing, Stateful
from fastem.results import Restart

FORMAT = "fastem checkpoint"
FORMAT_VERSION = 2
#: What goes wrong in reading a file that `Checkpoint` did not write, or that is cut short.
DAMAGE = (
    *(ValueError, TypeError, LookupError, EOFError, AttributeError, OverflowError, MemoryError),
    *(NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error),
)


class Checkpoint:
    """The file of one fit, which `em.run` keeps up to date.

    Parameters
    ----------
    path : path
    every : int
        Accepted passes from one writing to the next.
    seed : str
        Where chance comes from.

    Raises
    ------
    OSError
        If its folder does not exist.
    """

    def __init__(self, path: str | os.PathLike, every: int, seed: str) -> None:
        self.path, self.every, self.seed = Path(path), every, seed
        self.restarts: tuple[Restart, ...] = ()
        self._arguments: dict[str, str] = {}
        self._saved: dict[str, NDArray] | None = None
        self._n_rows = 0.0
        if not self.path.parent.is_dir():
            raise FileNotFoundError(
                f"checkpoint is {os.fspath(path)!r}, but there is no folder {self.path.parent}; "
                f"make it, or give another path"
            )

    def of(self, name: str) -> Checkpoint:
        """The file, beside this one, of one of several fits."""
        return Checkpoint(
            self.path.with_suffix(f".{name}{self.path.suffix}"), self.every, self.seed
        )

    def open(
        self, arguments: Mapping[str, object], shapes: Sequence[tuple[int, ...]]
    ) -> Parameters | None:
        """Read the file, if there is one; returns where its fit stands.

        Parameters
        ----------
        arguments : mapping of str to object
            What tells the fit from others.
        shapes : sequence of tuples of int
            Of the parameters.

        Raises
        ------
        OSError
            If it cannot be read.
        ValueError
            If it is damaged, or of another fit.
        """
        texts = {name: _called(value) for name, value in arguments.items()}
        self._arguments = {**texts, "random_state": self.seed}
        if not self.path.exists():
            return None
        try:
            with open(self.path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
                fields = {name: file[name] for name in file.files}
            if str(fields["format"]) != FORMAT or int(fields["version"]) != FORMAT_VERSION:
                raise ValueError("its format is another")
            theirs = dict(_from_text(fields["arguments"]))
        except DAMAGE as error:
            raise self._unusable(error) from None
        self._refuse_others(theirs)
        try:
            point = _parameters("point", fields)
            for parameters in point, _parameters("image", fields):
                _check(parameters, shapes)
            starts = _from_text(fields["restarts"])
            self.restarts = tuple(Restart(i, x, n, o, tuple(trace)) for i, x, n, o, trace in starts)
            self._n_rows = float(fields["n_rows"])
        except DAMAGE as error:
            raise self._unusable(error) from None
        self._saved = fields
        return point

    def resume(self, stepper: Stateful, rule: Stateful) -> Standing | None:
        """Where the fit stands, if there is a file; stepper and rule are brought there as well."""
        if self._saved is None:
            return None
        fields = self._saved
        try:
            point = _parameters("point", fields)
            stepper.restore(_part("stepper", fields), point)
            rule.restore(_part("rule", fields), point)
            return Standing(
                point,
                _parameters("image", fields),
                bool(fields["leapt"]),
                fields["trace"].astype(float, casting="no").tolist(),
                int(fields["n_iter"]),
            )
        except DAMAGE as error:
            raise self._unusable(error) from None

    def weigh(self, n_rows: float) -> None:
        """Compare the rows' sum of weights with that of the passes before.

        Raises
        ------
        ValueError
            If it is another.
        """
        if self._n_rows not in (0.0, n_rows):
            raise ValueError(
                f"{self.path} is the checkpoint of a fit with other sample weights: their sum was "
                f"{self._n_rows:g} and is {n_rows:g}, in units of a power of 2; "
                f"give the same ones, or delete the file"
            )
        self._n_rows = n_rows

    def keep(self, at: Standing, stepper: Stateful, rule: Stateful) -> None:
        """Write where the loop stands, if it is time to.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        if len(at.trace) % self.every:
            return
        fields = {
            "format": np.array(FORMAT),
            "version": np.array(FORMAT_VERSION),
            "arguments": _to_text(self._arguments),
            "restarts": _to_text([astuple(restart) for restart in self.restarts]),
            "n_rows": np.array(self._n_rows),
            "leapt": np.array(at.leapt),
            "trace": np.array(at.trace, float),
            "n_iter": np.array(at.n_iter),
            **{f"point_{name}": array for name, array in at.point._asdict().items()},
            **{f"image_{name}": array for name, array in at.image._asdict().items()},
            **{f"stepper_{name}": array for name, array in stepper.state().items()},
            **{f"rule_{name}": array for name, array in rule.state().items()},
        }
        with whole(self.path, alone=True) as part, open(part, "wb") as file:
            np.savez(file, **fields)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())

    def _refuse_others(self, theirs: Mapping[str, str]) -> None:
        for name in (*self._arguments, *theirs):
            was, now = theirs.get(name, "absent"), self._arguments.get(name, "absent")
            if was != now:
                raise ValueError(
                    f"{self.path} is the checkpoint of another fit: {name} was {was} and is {now}; "
                    f"give the same arguments and rows, or another checkpoint, or delete the file"
                )

    def _unusable(self, error: BaseException) -> ValueError:
        return ValueError(
            f"{self.path} is damaged or no checkpoint of this version of fastem ({error}); delete "
            f"it, and the fit begins anew"
        )


def _parameters(prefix: str, fields: Mapping[str, NDArray]) -> Parameters:
    return Parameters(*(fields[f"{prefix}_{name}"] for name in Parameters._fields))


def _check(parameters: Parameters, shapes: Sequence[tuple[int, ...]]) -> None:
    for array, shape in zip(parameters, shapes, strict=True):
        if array.shape != shape or array.dtype != np.float64 or not np.isfinite(array).all():
            raise ValueError(f"shape {shape} is {array.shape}, or not of finite float64")


def _part(prefix: str, fields: Mapping[str, NDArray]) -> dict[str, NDArray]:
    """Fields of that prefix, without it."""
    start = f"{prefix}_"
    return {name.removeprefix(start): a for name, a in fields.items() if name.startswith(start)}


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
