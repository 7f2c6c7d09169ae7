"""scikit-learn's checks of any estimator, all of them, with no expected failures."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from fastem import BayesianGaussianMixture, GaussianMixture, MixtureClassifier

# Of one component each, as scikit-learn checks its own: with more, a start by chance need not be
# the same for rows given twice and for rows of weight 2.
ESTIMATORS = [
    GaussianMixture(),
    GaussianMixture(covariance_type="tied"),
    GaussianMixture(covariance_type="diag"),
    GaussianMixture(covariance_type="spherical"),
    BayesianGaussianMixture(),
    BayesianGaussianMixture(weight_concentration_prior_type="dirichlet_distribution"),
    GaussianMixture(missing="mar"),
    MixtureClassifier(),
    MixtureClassifier(missing="mar"),
]


@parametrize_with_checks(ESTIMATORS)
def test_check_estimator(estimator, check):
    check(estimator)
