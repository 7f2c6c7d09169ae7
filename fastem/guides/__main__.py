"""`python -m fastem.guides FOLDER`: guides, gallery and API as HTML (extra: docs)."""

import os
import sys
from importlib import resources
from pathlib import Path

import fastem
from fastem import guides


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
    fastem.guides.__doc__ = "\n\n".join(map(guides.page, guides.PAGES))
    pdoc.render.configure(docformat="numpy", math=False)
    pdoc.pdoc("fastem", output_directory=folder)


if __name__ == "__main__":
    render(Path(sys.argv[1]).resolve())
