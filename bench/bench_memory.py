"""Memory that a fit takes beside the rows themselves, in a fresh process."""

import numpy as np
import peers
import pytest
from measure import extra_memory

FIT = """
import numpy as np, fastem
path, K, covariance_type = arguments
X = np.load(path)
options = dict(covariance_type=covariance_type, random_state=0)
fastem.fit(X[:50_000].copy(), K, **options)  # compiles whatever a fit may call
peak("fastem", lambda: fastem.fit(X, K, **options))
"""


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("covariance_type", ["full", "diag"])
def bench_memory(report, scale, tmp_path, covariance_type, dtype):
    """1,000,000 x 8, K = 16, default options."""
    n, D, K = int(1_000_000 * scale), 8, 16
    X, _ = peers.overlapping(n, D, K, dtype=dtype, separation=3.0)
    np.save(tmp_path / "rows.npy", X)
    memory = extra_memory(FIT, str(tmp_path / "rows.npy"), K, covariance_type)
    if not memory:
        pytest.skip("resident memory is read from /proc, which only Linux has")
    report(
        "Peak extra memory of a fit with the default options (wanted: under 32 MiB)",
        n=n,
        D=D,
        K=K,
        covariances=covariance_type,
        dtype=dtype,
        rows_MiB=f"{X.nbytes / 2**20:.1f}",
        extra_MiB=f"{memory['fastem']:.1f}",
    )
