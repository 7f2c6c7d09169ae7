"""How the chapters draw and describe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastem.mixture import Mixture


def named(ax: Any) -> Any:
    """Axes with the names of the examples' columns."""
    ax.set(xlabel="x", ylabel="y")
    ax.label_outer()
    return ax


def save(ax: Any, path: Path) -> None:
    """The picture that the axes are of, as a file."""
    ax.figure.savefig(path, dpi=100)


def described(mixture: Mixture) -> list[str]:
    """A line for each component: weight, mean and covariance."""
    lines = []
    for k in range(mixture.n_components):
        (x, y), ((xx, xy), (_, yy)) = mixture.means[k], mixture.full_covariances[k]
        lines.append(
            f"  {k}: weight {mixture.weights[k]:.2f}, mean ({x:.2f}, {y:.2f}), "
            f"covariance [[{xx:.2f}, {xy:.2f}], [{xy:.2f}, {yy:.2f}]]"
        )
    return lines
