"""The search over all rows that follows a race on a sample."""

import numpy as np
import pytest

import fastem
from fastem.search import over_all
from fastem.search.samples import MIN_SAMPLE


@pytest.fixture(scope="module")
def overlapping():
    """Rows in whose maxima a sample of them errs."""
    rng = np.random.default_rng(1)
    means = rng.uniform(-1.43, 1.43, (10, 3)) * 10 ** (1 / 3)
    return means[rng.integers(10, size=8000)] + rng.normal(size=(8000, 3))


def fit(X, **options):
    return fastem.fit(X, 10, covariance_type="diag", random_state=0, **options)


def test_it_ends_higher_than_the_race_alone(overlapping, monkeypatch):
    both = fit(overlapping)
    monkeypatch.setattr(over_all, "MOST_ROWS", MIN_SAMPLE)
    alone = fit(overlapping)
    assert both.log_likelihood > alone.log_likelihood + 1.0
    chosen = [next(r for r in f.restarts if r.outcome == "chosen") for f in (both, alone)]
    assert chosen[0].n_iter > chosen[1].n_iter  # its steps are counted


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_callback_ends_it(overlapping, share):
    told = []
    fit(overlapping, callback=lambda event: told.append(event.stage))
    last, n = int(share * len(told)), []

    def stop(event):
        n.append(event)
        return len(n) >= last

    stopped = fit(overlapping, callback=stop)
    assert stopped.status.code == "stopped"
    assert len(n) <= last + 1
    assert np.isfinite(stopped.log_likelihood)
