"""Guides: from scikit-learn, from mclust, and on what fastem does.

Each is a page of Markdown beside this file. `python -m fastem.guides FOLDER` renders them, with the
pictures of the gallery and the reference of the API, as HTML (extra: docs).
"""

from __future__ import annotations

import re
from importlib import resources

#: The pages in the order of reading.
PAGES = (
    "getting_started",
    "from_scikit_learn",
    "from_mclust",
    "how_many_clusters",
    "missing_values_and_labels",
    "more_rows_than_memory",
    "how_sure",
    "gallery",
    "how_it_is_built",
    "what_is_guaranteed",
    "how_fast",
    "glossary",
    "contributing",
)


def page(name: str) -> str:
    """The Markdown of a page."""
    return resources.files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8")


def examples(name: str) -> list[str]:
    """The blocks of Python of a page, which go on from one another."""
    return re.findall(r"^```python\n(.*?)^```$", page(name), re.MULTILINE | re.DOTALL)
