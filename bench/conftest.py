"""Options of the benches, and the tables that they print at the end."""

import contextlib

import pytest
from measure import machine

TABLES = pytest.StashKey[dict]()


def pytest_addoption(parser):
    group = parser.getgroup("fastem benches")
    group.addoption(
        "--scale",
        type=float,
        default=1.0,
        help="number of rows, times this: 0.1 for a quick look (default 1)",
    )
    group.addoption(
        "--rounds",
        type=int,
        default=5,
        help="interleaved rounds, of which the fastest counts (default 5)",
    )
    group.addoption(
        "--patience",
        type=float,
        default=75.0,
        help="seconds after which a peer's whole fit is cut short (default 75)",
    )
    group.addoption(
        "--picture",
        default=None,
        metavar="FILE",
        help="where time to solution is drawn, one file for each size of data",
    )


def pytest_configure(config):
    config.stash[TABLES] = {}


def _value_of(option):
    @pytest.fixture(scope="session", name=option)
    def value(request):
        return request.config.getoption(option)

    return value


scale, rounds, patience, picture = map(_value_of, ["scale", "rounds", "patience", "picture"])


@pytest.fixture(scope="session", autouse=True)
def two_threads():
    """Hold fastem and scikit-learn to two threads; oneDAL is told so at each call."""
    import numba

    numba.set_num_threads(min(2, numba.config.NUMBA_NUM_THREADS))
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(ImportError):
            import sklearn  # noqa: F401  its OpenMP must be loaded before it can be limited
            from threadpoolctl import threadpool_limits

            stack.enter_context(threadpool_limits(2))
        yield


@pytest.fixture
def report(request):
    """Add a row to a table of the summary: ``report(title, column=text, ...)``.

    Under ``--benchmark-json``, ``--benchmark-save`` and ``--benchmark-autosave`` the row is kept
    with the timings, as the bench's ``extra_info``.
    """

    def add(title, **row):
        request.config.stash[TABLES].setdefault(title, []).append(row)
        if "benchmark" in request.fixturenames:
            request.getfixturevalue("benchmark").extra_info.update(row)

    return add


def pytest_terminal_summary(terminalreporter, config):
    if config.stash[TABLES]:
        terminalreporter.write_line(machine())
    for title, rows in config.stash[TABLES].items():
        terminalreporter.section(title)
        for line in _aligned(rows):
            terminalreporter.write_line(line)


def _aligned(rows):
    columns = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[name.replace("_", " ") for name in columns]]
    cells += [[str(row.get(name, "")) for name in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(c.rjust(w) for c, w in zip(line, widths, strict=True)) for line in cells]
