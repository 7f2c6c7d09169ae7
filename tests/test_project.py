"""What the project's own files promise each other."""

import configparser
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import fastem

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def python(code):
    """Run code in a fresh interpreter at the top of the checkout."""
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_one_version():
    assert fastem.__version__ == PROJECT["version"] == metadata.version("fastem")


def test_both_ends_of_numbas_range_are_tried():
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini")
    tried = re.findall(r"numba>=([\d.]+),<([\d.]+)", tox["testenv:py311-{oldest,newest}"]["deps"])
    (needed,) = (text for text in PROJECT["dependencies"] if text.startswith("numba"))
    assert needed == f"numba>={tried[0][0]},<{tried[1][1]}"


def test_readme_has_the_command_that_ci_runs():
    command = (ROOT / ".ci" / "run").read_text().splitlines()[-1]
    assert command.endswith("-m pytest")
    assert command in (ROOT / "README.md").read_text().splitlines()


def test_imports_keep_to_the_layers():
    run = python("from importlinter.cli import lint_imports; raise SystemExit(lint_imports())")
    assert run.returncode == 0, run.stdout + run.stderr


def test_import_loads_no_extra():
    """Nor SciPy's optimisers, which take as long to import as fastem."""
    extras = {"dask", "distributed", "matplotlib", "PIL", "pyarrow", "sklearn", "tqdm"}
    late = extras | {"scipy.optimize"}
    run = python(f"import sys, fastem; print(sorted({late} & set(sys.modules)))")
    assert run.stdout == "[]\n", run.stdout + run.stderr


def test_types_are_shipped():
    assert Path(fastem.__file__).with_name("py.typed").exists()
