"""The story of EM in pictures and a table: `fastem demo --out DIR` (extra: plot).

story.py             tells all chapters
overlapping.py       EM pass by pass, and k-means beside it
random_clusters.py   how many clusters, and why restarts matter
symmetric_start.py   a start that EM cannot leave
examples.py          their data
showing.py           how they draw and describe
"""

from fastem.demo.story import run

__all__ = ["run"]
