"""What a fit tells of itself while it runs: a progress bar (extra: progress), and events."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable

import numpy as np

from fastem.compiler.cache import is_cold
from fastem.covariance import Family, Parameters
from fastem.em import Pass, Rule
from fastem.event import Callback, Event
from fastem.mixture import mixture_of
from fastem.units import Units

#: What is said before the first fit on a machine.
COMPILING = "compiling for this machine, once: about 10 s"
#: Passes that tell how long a run will go on.
NOTED = 12


class Progress:
    """A tqdm bar that counts passes, or nothing at all.

    Before the first fit on a machine it says that kernels are compiled.

    Parameters
    ----------
    shown : bool
    unit : str, default "passes"
        What `update` is called after.
    total : int, optional
        How often it will be called, where that is known.

    Raises
    ------
    ImportError
        If it is to be shown and tqdm is not installed.
    """

    def __init__(self, shown: bool, *, unit: str = "passes", total: int | None = None) -> None:
        self.shown = bool(shown)
        self._bar = None
        if self.shown:
            try:
                from tqdm.auto import tqdm
            except ImportError:
                raise ImportError(
                    "progress=True needs tqdm; install it with: pip install 'fastem[progress]'"
                ) from None
            if is_cold():
                tqdm.write(COMPILING, file=sys.stderr)
            self._bar = tqdm(unit=f" {unit}", total=total, desc="fastem")

    def update(
        self, stage: str, start: int, n_iter: int, log_likelihood: float, outlook: str = ""
    ) -> None:
        """Count one more and show where it stands, and what is to be expected."""
        if self._bar is not None:
            where = f"start {start}" if start >= 0 else stage
            self._bar.set_postfix_str(
                f"{where}, {log_likelihood:.6f} a row{outlook}", refresh=False
            )
            self._bar.update()

    def __enter__(self) -> Progress:
        """Self."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.close()


class Outlook:
    """How fast a run over all rows is, and how long it will go on, as far as that is known.

    The gain that the rule still expects shrinks geometrically near the end; how long it takes to
    fall below what the rule stops at follows from the last passes.
    """

    def __init__(self, rule: Rule, n_samples: int) -> None:
        self._least, self._n_samples = rule.least, n_samples
        self._noted: deque[tuple[float, float]] = deque(maxlen=NOTED)

    def __call__(self, expected: float) -> str:
        """A text after each pass, of the gain that is still to be expected."""
        now = time.perf_counter()
        before = self._noted[-1][0] if self._noted else now
        self._noted.append((now, expected))
        speed = f", {self._n_samples / (now - before):.3g} rows/s" if now > before else ""
        left = self._left()
        return f"{speed}, time left " + ("unknown" if left is None else f"about {left:.0f} s")

    def _left(self) -> float | None:
        known = [(at, np.log(gain)) for at, gain in self._noted if 0 < gain < np.inf]
        if len(known) < NOTED // 2 or not self._least > 0:
            return None
        (began, first), (ended, last) = known[0], known[-1]
        if not last < first:
            return None
        return max(0.0, (last - np.log(self._least)) * (ended - began) / (first - last))


class Watch:
    """Tells the callback and the progress bar of each pass, and remembers a request to stop."""

    def __init__(self, family: Family, callback: Callback | None, bar: Progress) -> None:
        self._family, self._callback, self._bar = family, callback, bar
        self.stopped = False

    def race(self, units: Units) -> Callable[[int, int, float, Parameters], bool] | None:
        """A watcher of a race on rows in those units, or None where nobody looks."""
        if self._callback is None and not self._bar.shown:
            return None
        return lambda index, n_iter, level, point: self._tell(
            "race", index, n_iter, level, point, units
        )

    def all_rows(self, units: Units, rule: Rule, n_samples: int) -> Callable[[Pass], bool] | None:
        """A watcher of a run over all rows, so many, that ends by that rule."""
        if self._callback is None and not self._bar.shown:
            return None
        outlook = Outlook(rule, n_samples)

        def tell(told: Pass) -> bool:
            n_iter, level, point, expected = told
            return self._tell("all rows", -1, n_iter, level, point, units, outlook(expected))

        return tell

    def _tell(
        self,
        stage: str,
        start: int,
        n_iter: int,
        level: float,
        point: Parameters,
        units: Units,
        outlook: str = "",
    ) -> bool:
        if not self.stopped:
            self._bar.update(stage, start, n_iter, level, outlook)
            if self._callback is not None:
                event = Event(
                    stage, start, n_iter, level, lambda: mixture_of(point, self._family, units)
                )
                answer = self._callback(event)
                self.stopped = isinstance(answer, bool | np.bool_) and bool(answer)
        return self.stopped
