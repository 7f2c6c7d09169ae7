"""`python -m fastem.guides FOLDER`: guides, gallery and API as HTML (extra: docs)."""

import os
import re
import sys
from importlib import resources
from pathlib import Path

from fastem import guides

#: What the reference covers; names that a module does not list are its own affair.
MODULES = "fastem", "fastem.guides", "fastem.estimator", "fastem.plot", "fastem.rows"


def render(folder: Path) -> None:
    """Run the gallery for its pictures, and let pdoc write all pages."""
    import pdoc

    pictures = folder / "fastem" / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    for file in resources.files("fastem.demo").joinpath("data").iterdir():
        (pictures / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    before = Path.cwd()
    os.chdir(pictures)
    try:
        names: dict = {}
        for block in guides.examples("gallery"):
            exec(block, names)
    finally:
        os.chdir(before)
    guides.__doc__ = _all_pages()
    pdoc.render.configure(docformat="numpy", math=False)
    pdoc.pdoc(*MODULES, output_directory=folder)


def _all_pages() -> str:
    """All pages as one, with links between them."""
    text = "\n\n".join(map(guides.page, guides.PAGES))
    for name in guides.PAGES:
        title = guides.page(name).splitlines()[0]
        anchor = re.sub(r"\W+", "-", title.strip("# ").lower())
        text = text.replace(f"]({name}.md)", f"](#{anchor})")
    return text


if __name__ == "__main__":
    render(Path(sys.argv[1]).resolve())
