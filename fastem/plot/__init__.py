"""Pictures of mixtures, selections and fits (extra: plot).

Every function draws with matplotlib's object-oriented interface on the Axes it is given, or on a
new figure of its own, and returns the Axes: `ax.figure.savefig("clusters.png")`. Nothing is shown,
and no display is needed.
"""

try:
    import matplotlib  # noqa: F401
    import PIL  # noqa: F401
except ImportError as error:
    raise ImportError(
        "fastem.plot needs matplotlib and Pillow; install them with: pip install 'fastem[plot]'"
    ) from error

from fastem.plot.animation import animate, frames
from fastem.plot.bootstraps import histograms
from fastem.plot.checks import cdf, qq
from fastem.plot.classes import merging, regions, uncertainty
from fastem.plot.clusters import clusters, points
from fastem.plot.curves import selection, trace
from fastem.plot.one_column import density_1d
from fastem.plot.outlines import contours, ellipses, replicates
from fastem.plot.style import COLOURS, colour, figure
from fastem.plot.surface import density

__all__ = [
    "COLOURS",
    "animate",
    "cdf",
    "clusters",
    "colour",
    "contours",
    "density",
    "density_1d",
    "ellipses",
    "figure",
    "frames",
    "histograms",
    "merging",
    "points",
    "qq",
    "regions",
    "replicates",
    "selection",
    "trace",
    "uncertainty",
]


def __dir__() -> list[str]:
    """What there is to draw with."""
    return sorted(__all__)
