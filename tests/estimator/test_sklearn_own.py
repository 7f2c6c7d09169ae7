"""scikit-learn's own tests of its mixtures, run on fastem's.

The installed test modules are executed with the classes replaced before they are read, and their
test functions are collected here under their own names. What is skipped is listed below with its
reason.
"""

import importlib.util
import inspect
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

import fastem

sklearn = pytest.importorskip("sklearn")
sklearn_mixture = pytest.importorskip("sklearn.mixture")

parse_version = pytest.importorskip("sklearn.utils.fixes").parse_version

CLASSES = "GaussianMixture", "BayesianGaussianMixture"
HELPERS = "tests a private function of scikit-learn alone"
NOT_APPLICABLE = {
    "test_suffstat_sk_full": HELPERS + ", _estimate_gaussian_covariances_full",
    "test_suffstat_sk_tied": HELPERS + ", _estimate_gaussian_covariances_tied",
    "test_suffstat_sk_diag": HELPERS + ", _estimate_gaussian_covariances_diag",
    "test_gaussian_suffstat_sk_spherical": HELPERS + ", _estimate_gaussian_covariances_spherical",
    "test_compute_log_det_cholesky": HELPERS + ", _compute_log_det_cholesky",
    "test_gaussian_mixture_log_probabilities": HELPERS + ", _estimate_log_gaussian_prob",
    "test_gaussian_mixture_precisions_init": "calls the private _initialize and _set_parameters",
    "test_gaussian_mixture_all_init_does_not_estimate_gaussian_parameters": (
        "counts calls of the private _estimate_gaussian_parameters"
    ),
    "test_log_dirichlet_norm": HELPERS + ", _log_dirichlet_norm",
    "test_log_wishart_norm": HELPERS + ", _log_wishart_norm",
    "test_compare_covar_type": "calls the private _check_parameters and _initialize_parameters",
}
DIFFERENT = {
    "test_check_weights": (
        "expects a message in which the greatest and the smallest weight have changed places; "
        "fastem's names each rightly, which tests/test_estimator.py checks"
    ),
    "test_gaussian_mixture_array_api_compliance": (
        "is about arrays on other devices; fastem runs on the CPU and takes NumPy arrays"
    ),
    "test_gaussian_mixture_raises_where_array_api_not_implemented": (
        "expects k-means to be refused where array_api_dispatch is on; fastem's is not"
    ),
}
#: What the tests of an older scikit-learn say otherwise.
if parse_version(sklearn.__version__) < parse_version("1.7"):
    DIFFERENT["test_regularisation"] = "expects the message that came without a third remedy"
#: Which have not been written in an older one.
LATER = {
    "test_gaussian_mixture_array_api_compliance",
    "test_gaussian_mixture_raises_where_array_api_not_implemented",
}

# Their tests are written for warnings that do not stop them.
pytestmark = pytest.mark.filterwarnings("default", "ignore:.*did not converge")


@pytest.fixture(params=[np.float32, np.float64])
def global_dtype(request):
    return request.param


@pytest.fixture
def global_random_seed():
    return 42


def load(name):
    """A test module of scikit-learn, in which its classes mean fastem's."""
    path = Path(sklearn_mixture.__file__).parent / "tests" / f"{name}.py"
    if not path.exists():
        pytest.skip(f"this scikit-learn comes without {name}.py", allow_module_level=True)
    spec = importlib.util.spec_from_file_location(f"{__name__}_{name}", path)
    module = importlib.util.module_from_spec(spec)
    classes = {name: getattr(fastem, name) for name in CLASSES}
    with mock.patch.multiple(sklearn_mixture, **classes):
        spec.loader.exec_module(module)
    swapped = [name for name in CLASSES if getattr(module, name, None) is classes[name]]
    assert swapped
    return module


def collect(module):
    """Its test functions; those that are not for fastem are skipped, each as one."""
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if name.startswith("test_"):
            reason = {**NOT_APPLICABLE, **DIFFERENT}.get(name)
            yield name, skipped(reason) if reason else function


def skipped(reason):
    @pytest.mark.skip(reason=reason)
    def test():
        """Collected for its reason alone."""

    return test


OWN = {
    name: function
    for module in map(load, ("test_gaussian_mixture", "test_bayesian_mixture", "test_mixture"))
    for name, function in collect(module)
}
globals().update(OWN)


def test_the_lists_name_tests_that_exist():
    listed = {*NOT_APPLICABLE, *DIFFERENT}
    if parse_version(sklearn.__version__) < parse_version("1.8"):
        listed -= LATER
    assert listed <= OWN.keys()
