"""The components of a mixture, for people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastem.summary.page import Table
from fastem.validation.column_choice import printable

#: Beyond these a table is no longer read by people.
MAX_COLUMNS, MAX_COMPONENTS = 12, 64
COUNTED = "those that most probably belong to it"
EXPECTED = "as many as the weight stands for"
#: What has the whole of a table that is cut short here.
WHOLE = "to_frame() has"


def found(mixture: Any) -> str:
    """How many components, of which family."""
    n = mixture.n_components
    count = "1 component (cluster)" if n == 1 else f"{n} components (clusters)"
    return f"{count}, {mixture.covariance_type} covariance"


def column_names(mixture: Any) -> list[str]:
    """The names of the columns, else "column 0" and so on."""
    if mixture.feature_names is not None:
        return list(map(printable, mixture.feature_names))
    return [f"column {d}" for d in range(mixture.n_features)]


def components(
    mixture: Any,
    columns: Sequence[str] | None = None,
    sizes: NDArray | None = None,
    *,
    rows: str = COUNTED,
    whole: str = WHOLE,
) -> list[str | Table]:
    """One line a component: rows, weight, and mean ± standard deviation of each column.

    Of `sizes` (1 + n_components,), the first is the noise's; `rows` says what they are.
    """
    columns = column_names(mixture) if columns is None else columns
    deviations = np.sqrt(np.diagonal(mixture.full_covariances, axis1=1, axis2=2))
    shown = range(min(mixture.n_components, MAX_COMPONENTS))
    cells = [["component", *map(str, shown)]]
    if sizes is not None:
        cells.append(["rows", *(f"{sizes[1 + k]:.0f}" for k in shown)])
    cells.append(["weight", *(f"{mixture.weights[k]:.4f}" for k in shown)])
    for d, name in enumerate(columns[:MAX_COLUMNS]):
        head = name if len(name) <= 24 else name[:23] + "…"
        means = mixture.means[: len(shown), d]
        cells.append([head, *means_and_deviations(means, deviations[: len(shown), d])])
    blocks: list[str | Table] = [Table(cells)]
    if mixture.noise is not None:
        counted = "" if sizes is None else f"{sizes[0]:.0f} rows, "
        blocks.append(f"  noise: {counted}weight {mixture.noise.weight:.4f}")
    if mixture.n_components > MAX_COMPONENTS:
        blocks.append(f"  and {mixture.n_components - MAX_COMPONENTS} more; {whole} them all")
    legend = "" if sizes is None else f"rows: {rows}; "
    blocks.append(f"  {legend}columns: mean ± standard deviation")
    if len(columns) > MAX_COLUMNS:
        blocks.append(f"  and {len(columns) - MAX_COLUMNS} more columns; {whole} them all")
    return blocks


def ending(fit: Any) -> str:
    """Likelihood and criteria."""
    return (
        f"Log-likelihood {fit.log_likelihood:.2f} with {fit.n_parameters} parameters; "
        f"AIC {fit.aic():.2f}, BIC {fit.bic():.2f}, ICL {fit.icl():.2f} (lower is better)."
    )


def means_and_deviations(means: NDArray, deviations: NDArray) -> list[str]:
    """A column, to the second digit of its smallest deviation, all to the same: `54.5 ± 5.8`."""
    usual = (deviations > 0) & (deviations < 1e7)
    decimals = [1 - math.floor(math.log10(deviation)) for deviation in deviations[usual]]
    if not usual.all() or max(decimals) > 6:
        return list(map(_mean_and_deviation, means, deviations))
    places = max(*decimals, 0)
    # Rounding may leave -0.0, which is 0.
    pairs = zip(np.round(means, places) + 0.0, deviations, strict=True)
    return [f"{mean:.{places}f} ± {deviation:.{places}f}" for mean, deviation in pairs]


def _mean_and_deviation(mean: float, deviation: float) -> str:
    """Where one of a column vanishes, or is too small or too large for fixed places."""
    if deviation <= 0 or not math.isfinite(deviation):
        return f"{mean:.6g} ± {deviation:.2g}"
    decimals = 1 - math.floor(math.log10(deviation))
    digits = 2
    if mean:
        digits = max(2, math.floor(math.log10(abs(mean))) + decimals + 1)
    return f"{mean:.{min(digits, 12)}g} ± {deviation:.2g}"
