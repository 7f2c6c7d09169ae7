"""A progress bar for long fits (extra: progress)."""

from __future__ import annotations

from types import TracebackType


class Progress:
    """A tqdm bar that counts passes, or nothing at all.

    Parameters
    ----------
    shown : bool

    Raises
    ------
    ImportError
        If it is to be shown and tqdm is not installed.
    """

    def __init__(self, shown: bool) -> None:
        self.shown = bool(shown)
        self._bar = None
        if self.shown:
            try:
                from tqdm.auto import tqdm
            except ImportError:
                raise ImportError(
                    "progress=True needs tqdm; install it with: pip install 'fastem[progress]'"
                ) from None
            self._bar = tqdm(unit=" passes", desc="fastem")

    def update(self, stage: str, start: int, n_iter: int, log_likelihood: float) -> None:
        """Count one pass and show where it stands."""
        if self._bar is not None:
            where = f"start {start}" if start >= 0 else stage
            self._bar.set_postfix_str(f"{where}, {log_likelihood:.6f} a row", refresh=False)
            self._bar.update()

    def __enter__(self) -> Progress:
        """Self."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.close()
