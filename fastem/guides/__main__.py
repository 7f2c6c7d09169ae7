"""`python -m fastem.guides FOLDER`: guides, gallery and API as HTML (extra: docs)."""

import os
import re
import sys
from importlib import resources
from pathlib import Path
from typing import Any

from fastem import guides

#: What the reference covers; names that a module does not list are its own affair.
MODULES = "fastem", "fastem.guides", "fastem.estimator", "fastem.plot", "fastem.rows"
#: Modules with the name of the function that they hold.
SHADOWED = "!fastem.fit", "!fastem.plot.clusters", "!fastem.rows.open"
BEGIN = '<!doctype html><meta http-equiv="refresh" content="0; url=fastem/guides.html">'


class Written:
    """An annotation as the code has it: what an alias stands for would take lines."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def render(folder: Path) -> None:
    """Run the gallery for its pictures, and let pdoc write all pages."""
    import pdoc

    _draw(folder / "fastem" / "pictures")
    guides.__doc__ = _all_pages()
    for place in pdoc.doc, pdoc.doc_types:
        place.safe_eval_type = _as_written
    pdoc.doc.Module.submodules = property(_submodules)
    looks = Path(str(resources.files(guides).joinpath("looks")))
    pdoc.render.configure(docformat="numpy", math=False, template_directory=looks)
    pdoc.pdoc(*MODULES, *SHADOWED, output_directory=folder)
    (folder / "index.html").write_text(BEGIN, encoding="utf-8")


def _draw(folder: Path) -> None:
    """The gallery's pictures, in a folder with the rows that it reads."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in resources.files("fastem.demo").joinpath("data").iterdir():
        (folder / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    before = Path.cwd()
    os.chdir(folder)
    try:
        names: dict = {}
        for block in guides.examples("gallery"):
            exec(block, names)
    finally:
        os.chdir(before)


def _as_written(annotation: Any, *_: object) -> Any:
    return Written(annotation) if isinstance(annotation, str) else annotation


def _submodules(module: Any) -> list:
    inside = [name for name in MODULES if name.rpartition(".")[0] == module.fullname]
    return [module.from_name(name) for name in inside]


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
