"""Progress bars that a test can look at afterwards."""

import pytest


@pytest.fixture
def bars(monkeypatch):
    """The bars of tqdm made meanwhile."""
    tqdm = pytest.importorskip("tqdm.auto")
    made, real = [], tqdm.tqdm

    def kept(*args, **options):
        made.append(real(*args, **options))
        return made[-1]

    monkeypatch.setattr(tqdm, "tqdm", kept)
    return made
