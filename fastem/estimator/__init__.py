"""scikit-learn's front door: its mixtures, as drop-ins (extra: sklearn).

`gaussian_mixture` and `bayesian` are the classes, `fitted` what they answer once they are fitted,
`online` how they learn from batches, `given_start` what users give of a start, `starts` where EM
begins by scikit-learn's names, and `runs` and `variational_runs` EM from each start by
scikit-learn's rule. `own_search` is that of `fastem.fit` instead. `mixture_classifier` is a
classifier, over `fastem.classify`.
"""

try:
    from sklearn.utils.validation import validate_data as _of_1_6  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"fastem.GaussianMixture needs scikit-learn 1.6 or later ({error}); install it with: "
        f"pip install 'fastem[sklearn]'. fastem.fit does the same work and needs none."
    ) from error

from fastem.estimator.bayesian import BayesianGaussianMixture
from fastem.estimator.gaussian_mixture import GaussianMixture
from fastem.estimator.mixture_classifier import MixtureClassifier

__all__ = ["BayesianGaussianMixture", "GaussianMixture", "MixtureClassifier"]
