"""One thread for BLAS while EM runs, and while a search decides between its runs.

OpenBLAS's threads spin for some milliseconds after a product or a decomposition of more than some
thirty columns, and take the processors from a pass's own threads: with two processors a fit of
3,000 rows and 100 columns took 1.6 times as long. What is worked on in a fit is too small for them.

threadpoolctl says so to BLAS, for the whole process; scikit-learn brings it, and does the same in
its k-means. Where it is not installed BLAS keeps its threads, and for fits in other threads than
the main one: OpenBLAS (0.3.31) does not let each thread take a limit back.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

#: Columns up to which BLAS takes one thread anyway.
FEW_COLUMNS = 24


def one_thread(n_features: int) -> AbstractContextManager[Any]:
    """Let BLAS have one thread meanwhile, if there are columns enough for more.

    Parameters
    ----------
    n_features : int
        Columns of what is fitted.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if n_features <= FEW_COLUMNS or not is_main or _controller() is None:
        return nullcontext()
    return _controller().limit(limits=1, user_api="blas")


@cache
def _controller() -> Any:
    """What knows the BLAS of NumPy and that of SciPy; None without threadpoolctl."""
    try:
        from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]
    except ImportError:
        return None
    import scipy.linalg  # noqa: F401  # whose BLAS is loaded with it

    return ThreadpoolController()
