"""Digits: log densities and moments against mpmath with 50 digits.

Log densities hold 1e-13, at any point up to 1e4 standard deviations out and for any covariance up
to a condition of 1e8: of the numbers as they are stored, relative to the log density, or to 1 nat
where it passes through 0.
"""

import mpmath as mp
import numpy as np
import pytest

import fastem
from fastem.density.density import INFLATED

mp.mp.dps = 50


def exact_log_joint(X, weights, means, covariances):
    """log weight_k N(x | mean_k, covariance_k), a list for each row, of the numbers as stored."""
    D = len(means[0])
    factors = []
    for covariance in covariances:
        root = mp.cholesky(mp.matrix(covariance.tolist()))
        log_det = 2 * sum(mp.log(root[d, d]) for d in range(D))
        factors.append((root, log_det))
    out = []
    for x in X.tolist():
        terms = []
        for weight, mean, (root, log_det) in zip(weights, means.tolist(), factors, strict=True):
            z = []
            for i in range(D):
                known = sum(root[i, j] * z[j] for j in range(i))
                z.append((mp.mpf(x[i]) - mp.mpf(mean[i]) - known) / root[i, i])
            square = sum(v * v for v in z)
            terms.append(mp.log(mp.mpf(weight)) - (D * mp.log(2 * mp.pi) + log_det + square) / 2)
        out.append(terms)
    return out


def log_sum(terms):
    top = max(terms)
    return top + mp.log(sum(mp.exp(t - top) for t in terms))


def relative_errors(mixture, X):
    joint = exact_log_joint(X, mixture.weights, mixture.means, mixture.full_covariances)
    exact = [log_sum(terms) for terms in joint]
    found = mixture.log_prob(X)
    assert np.isfinite(found).all()
    pairs = zip(found.tolist(), exact, strict=True)
    return np.array([float(abs(mp.mpf(f) - e) / max(abs(e), 1)) for f, e in pairs])


def rows_at(rng, mixture, far):
    """Rows up to that many standard deviations from a component's mean, in all directions."""
    K, D = mixture.means.shape
    labels = rng.integers(0, K, 60)
    direction = rng.normal(size=(60, D))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    lengths = np.geomspace(0.5, far, 60)[:, None]
    roots = np.linalg.cholesky(mixture.full_covariances)
    return mixture.means[labels] + lengths * np.einsum("ide,ie->id", roots[labels], direction)


def rotated(rng, D, condition):
    axes, _ = np.linalg.qr(rng.normal(size=(D, D)))
    covariance = (axes * np.geomspace(1, 1 / condition, D)) @ axes.T
    return (covariance + covariance.T) / 2


def graded(rng, D, condition):
    """Well conditioned but for the units of its columns."""
    scale = np.geomspace(1, condition**-0.5, D)
    return rotated(rng, D, 4.0) * np.outer(scale, scale)


FAR = [10.0, 1e4]
CONDITIONS = [1.0, 1e4, 1e8]


@pytest.mark.parametrize("far", FAR)
@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("D", [1, 2, 3, 5, 8])
def test_log_densities_of_diagonal_covariances(D, condition, far):
    rng = np.random.default_rng(D)
    variances = np.geomspace(1, 1 / condition, D) * rng.uniform(0.9, 1.1, (3, D))
    mixture = fastem.Mixture([0.5, 0.3, 0.2], rng.normal(size=(3, D)), variances, "diag")
    assert relative_errors(mixture, rows_at(rng, mixture, far)).max() < 1e-13


@pytest.mark.parametrize("far", FAR)
@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("D", [1, 2, 3, 5, 8])
def test_log_densities_of_columns_in_very_different_units(D, condition, far):
    rng = np.random.default_rng(D)
    covariances = np.array([graded(rng, D, condition) for _ in range(3)])
    mixture = fastem.Mixture([0.5, 0.3, 0.2], rng.normal(size=(3, D)), covariances)
    assert relative_errors(mixture, rows_at(rng, mixture, far)).max() < 1e-13


@pytest.mark.parametrize("far", FAR)
@pytest.mark.parametrize("condition", [1.0, 1e2, 1e4, 1e6, 1e8])
@pytest.mark.parametrize(
    ("D", "kind"), [(2, "full"), (2, "tied"), (3, "full"), (5, "tied"), (8, "full"), (20, "full")]
)
def test_log_densities_of_any_covariance(D, kind, condition, far):
    rng = np.random.default_rng(D)
    covariances = np.array([rotated(rng, D, condition) for _ in range(3)])
    covariances = covariances if kind == "full" else covariances[0]
    mixture = fastem.Mixture([0.5, 0.3, 0.2], rng.normal(size=(3, D)), covariances, kind)
    rows = rows_at(rng, mixture, far)
    assert relative_errors(mixture, rows if D < 20 else rows[::6]).max() < 1e-13


@pytest.mark.parametrize("inflation", [INFLATED / 1.01, INFLATED * 1.01])
@pytest.mark.parametrize("D", [2, 5, 8])
def test_log_densities_on_either_side_of_the_change_of_arithmetic(D, inflation):
    """Equal correlations, and rows in all directions: most along the largest axis."""
    rng = np.random.default_rng(D)
    # The inverse's diagonal is (1 + (D - 2) r) / ((1 - r) (1 + (D - 1) r)), about this where r is
    # close to 1.
    r = 1 - (D - 1) / (D * inflation)
    covariance = np.full((D, D), r) + (1 - r) * np.eye(D)
    mixture = fastem.Mixture([1.0], rng.normal(size=(1, D)), [covariance])
    density, _ = mixture._refined
    assert len(density.compensated) == (inflation > INFLATED)
    assert relative_errors(mixture, rows_at(rng, mixture, 1e4)).max() < 1e-13


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_responsibilities_and_labels_of_needles_side_by_side(share):
    """eps times the condition, in log densities of some hundred nats, would mix them up."""
    rng = np.random.default_rng(0)
    needles = np.array([rotated(rng, 2, 1e8)] * 2)
    means = np.array([0.3, 0.1]) + 1e-5 * rng.normal(size=(2, 2))
    noise = fastem.Noise(share, [0.0, 0.0], [1.0, 1.0]) if share else None
    mixture = fastem.Mixture((1 - share) * np.array([0.6, 0.4]), means, needles, noise=noise)
    X = rows_at(rng, mixture, 30.0)
    expected = []
    for terms in exact_log_joint(X, mixture.weights, means, needles):
        terms += [mp.log(share)] if share else []  # the box has a volume of 1
        expected.append([float(mp.exp(t - log_sum(terms))) for t in terms])
    expected = np.array(expected)
    assert np.median(expected[:, :2].min(axis=1)) > 0.1
    np.testing.assert_allclose(mixture.responsibilities(X), expected, rtol=0, atol=1e-10)
    labels = expected.argmax(axis=1)
    assert np.array_equal(mixture.predict(X), np.where(labels == 2, -1, labels))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("offset", [0.0, 1e8, -1e8])
@pytest.mark.parametrize("kind", ["full", "diag"])
def test_moments_far_from_the_origin(kind, offset, weighted):
    """One component, so that mean and covariance are known: within the rounding of the data itself.

    Rows at 1e8 are rounded to 1.5e-8. The mean can be stored no better than that, and what the
    covariance of the rows as stored is, is then a matter of arithmetic alone: 1e-13.
    """
    rng = np.random.default_rng(3)
    X = offset + rng.normal(size=(700, 3)) * [1.0, 2.0, 0.5]
    weight = rng.integers(1, 5, 700).astype(float) if weighted else np.ones(700)
    fitted = fastem.fit(X, 1, covariance_type=kind, sample_weight=weight, random_state=0)
    mean, covariance = exact_moments(X, weight)
    assert np.abs(fitted.mixture.means[0] - mean).max() <= np.spacing(max(abs(offset), 1.0))
    found = fitted.mixture.full_covariances[0]
    expected = covariance if kind == "full" else np.diag(np.diag(covariance))
    scale = np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    assert (np.abs(found - expected) / scale).max() < 1e-13


def exact_moments(X, weight):
    """Weighted mean and covariance of the rows as they are stored."""
    columns = [[mp.mpf(x) for x in column] for column in X.T.tolist()]
    weight = [mp.mpf(w) for w in weight.tolist()]
    total = mp.fsum(weight)
    mean = [mp.fdot(weight, column) / total for column in columns]
    centred = [[x - m for x in column] for column, m in zip(columns, mean, strict=True)]

    def product(left, right):
        terms = (w * a * b for w, a, b in zip(weight, left, right, strict=True))
        return float(mp.fsum(terms) / total)

    covariance = [[product(left, right) for right in centred] for left in centred]
    return np.array([float(m) for m in mean]), np.array(covariance)
