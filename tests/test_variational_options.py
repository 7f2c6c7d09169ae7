"""Variational fits beside noise, of labelled, incomplete and earlier rows, against a NumPy loop."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import betaln, digamma, gammaln, logsumexp
from scipy.stats import multivariate_normal

import fastem
from fastem import DirichletProcess, NormalWishart

PRIORS = DirichletProcess, NormalWishart
FAMILIES = "full", "tied", "diag", "spherical"
STEPS = 4
PLAIN = {"accelerate": False, "tol": 0, "max_iter": STEPS}
G, BETA, NU, MEAN = 0.3, 0.7, 3.5, np.array([1.0, 2.0])
SCALE = np.array([[2.0, 0.3], [0.3, 1.5]])


def rows(n=60, seed=0):
    rng = np.random.default_rng(seed)
    parts = [rng.normal(mean, 1.0, (n, 2)) for mean in (0.0, 4.0)]
    return np.concatenate([*parts, rng.uniform(-10, 14, (n // 3, 2))])


def with_gaps(X):
    gaps = np.random.default_rng(5).random(X.shape) < 0.3
    return np.where(gaps & ~gaps.all(axis=1)[:, None], np.nan, X)


def prior_of(kind, name):
    shaped = {"full": SCALE, "tied": SCALE, "diag": np.diag(SCALE), "spherical": 1.75}
    return kind(G, MEAN, BETA, NU, shaped[name])


def start_of(name, noise=None):
    spreads = {"full": [np.eye(2)] * 3, "tied": np.eye(2), "diag": np.ones((3, 2))}
    covariances = 4.0 * np.array(spreads.get(name, np.ones(3)))
    left = 1.0 if noise is None else 1.0 - noise.weight
    means = [[0.0, 1.0], [5.0, 3.0], [9.0, 9.0]]
    return fastem.Mixture(left * np.array([0.5, 0.3, 0.2]), means, covariances, name, noise)


class Oracle:
    """Variational EM by the formulas of Bishop, row by row in NumPy."""

    def __init__(self, kind, name, X, start, possible=None, seen=None, fixed=None):
        self.X, self.K, self.D, self.kind, self.name = X, *start.means.shape, kind, name
        self.noise, self.possible = start.noise, possible
        fixed = {"means": [False] * 3, "covariances": [False] * 3, **(fixed or {})}
        self.known_means, self.known_spreads = map(np.array, fixed.values())
        self.prior_scale = self._shaped(SCALE)
        if name == "spherical":
            self.prior_scale = 1.75 * np.eye(2)
        self.seen = np.empty((0, 2)), np.empty((0, self.K + 1))
        if seen is not None:
            r = start.responsibilities(seen)
            self.seen = seen, r if r.shape[1] > self.K else np.pad(r, [(0, 0), (0, 1)])
        self.n = len(X) + len(self.seen[0])
        shares = start.weights
        self.counts = self.n * shares
        self.n_noise = self.n * (1.0 - shares.sum())
        self.beta, self.means = BETA + self.counts, start.means
        self.covariances = start.full_covariances

    def _shaped(self, S):
        if self.name == "diag":
            return np.diag(np.diag(S))
        return np.mean(np.diag(S)) * np.eye(self.D) if self.name == "spherical" else S

    @property
    def nu(self):
        return NU + (np.full(self.K, self.counts.mean()) if self.name == "tied" else self.counts)

    def weights(self):
        """Posterior parameters, expected logarithms and expectations."""
        N = self.counts
        if self.kind is NormalWishart:
            a = G + N
            return digamma(a) - digamma(a.sum()), a / a.sum()
        a, b = 1 + N, G + N.sum() - np.cumsum(N)
        logs, rest = digamma(a) - digamma(a + b), digamma(b) - digamma(a + b)
        logs = logs + np.r_[0.0, np.cumsum(rest)[:-1]]
        expected = a / (a + b) * np.r_[1.0, np.cumprod(b / (a + b))[:-1]]
        return logs, expected / expected.sum()

    def log_joint(self, X):
        """Expected log of each component and row, the noise last, of what is observed."""
        found = np.full((len(X), self.K + 1), -np.inf)
        n_noise, both = self.n_noise, self.n + 2.0
        logs, D = self.weights()[0], self.D
        for k in range(self.K):
            extra = digamma(0.5 * (self.nu[k] - np.arange(D))).sum() + D * np.log(2 / self.nu[k])
            extra *= not self.known_spreads[k]
            extra -= 0.0 if self.known_means[k] else D / self.beta[k]
            extra = logs[k] + 0.5 * extra
            if self.noise is not None:
                extra += digamma(1 + self.n - n_noise) - digamma(both)
            for gaps in np.unique(np.isnan(X), axis=0):
                own, o = (np.isnan(X) == gaps).all(axis=1), ~gaps
                normal = multivariate_normal(self.means[k][o], self.covariances[k][np.ix_(o, o)])
                found[own, k] = extra + normal.logpdf(X[own][:, o])
        if self.noise is not None:
            box = np.log(self.noise.high - self.noise.low)
            found[:, -1] = digamma(1 + n_noise) - digamma(both) - ~np.isnan(X) @ box
        if self.possible is not None:
            found[:, :-1][~self.possible] = -np.inf
            found[~self.possible.all(axis=1), -1] = -np.inf
        return found

    def level(self):
        """The bound in nats a row."""
        own = logsumexp(self.log_joint(self.X), axis=1).sum()
        seen, r = self.seen
        if len(seen):
            with np.errstate(invalid="ignore", divide="ignore"):
                terms = r * (self.log_joint(seen) - np.log(r))
            own += np.where(r > 0, terms, 0.0).sum()
        return (own - self.divergence()) / self.n

    def divergence(self):
        """KL of the posterior from the prior: weights, noise, means and precisions."""
        N, D, nu = self.counts, self.D, self.nu
        logs = self.weights()[0]
        if self.kind is NormalWishart:
            a = G + N
            total = gammaln(a.sum()) - gammaln(a).sum() - gammaln(G * self.K)
            total += self.K * gammaln(G) + N @ logs
        else:
            a, b = 1 + N, G + N.sum() - np.cumsum(N)
            total = (betaln(1, G) - betaln(a, b) + (a - 1) * (digamma(a) - digamma(a + b))).sum()
            total += ((b - G) * (digamma(b) - digamma(a + b))).sum()
        if self.noise is not None:
            a, b = 1 + self.n_noise, 1 + self.n - self.n_noise
            total += (a - 1) * digamma(a) + (b - 1) * digamma(b) - betaln(a, b)
            total -= (a + b - 2) * digamma(a + b)
        for k in range(self.K):
            S, W = nu[k] * self.covariances[k], np.linalg.inv(nu[k] * self.covariances[k])
            log_det = digamma(0.5 * (nu[k] - np.arange(D))).sum() + D * np.log(2)
            log_det -= np.linalg.slogdet(S)[1]
            step, ratio = self.means[k] - MEAN, BETA / self.beta[k]
            if not self.known_means[k]:
                total += 0.5 * (D * (ratio - 1 - np.log(ratio)) + BETA * nu[k] * step @ W @ step)
            if self.known_spreads[k]:
                continue
            total += _log_b(nu[k], S) - _log_b(NU, self.prior_scale)
            total += 0.5 * (nu[k] - NU) * log_det
            total += 0.5 * nu[k] * (np.trace(self.prior_scale @ W) - D)
        return total

    def step(self):
        """An E step and an M step."""
        joint = self.log_joint(self.X)
        r = np.exp(joint - logsumexp(joint, axis=1)[:, None])
        X, r = np.concatenate([self.X, self.seen[0]]), np.concatenate([r, self.seen[1]])
        means, scatters = np.empty_like(self.means), np.empty_like(self.covariances)
        for k in range(self.K):
            filled, spread = X.copy(), np.zeros((self.D, self.D))
            S, m = self.covariances[k], self.means[k]
            for i in np.flatnonzero(np.isnan(X).any(axis=1)):
                u = np.isnan(X[i])
                B = S[np.ix_(u, ~u)] @ np.linalg.inv(S[np.ix_(~u, ~u)])
                filled[i, u] = m[u] + B @ (X[i, ~u] - m[~u])
                spread[np.ix_(u, u)] += r[i, k] * (S[np.ix_(u, u)] - B @ S[np.ix_(~u, u)])
            means[k] = r[:, k] @ filled / r[:, k].sum()
            if self.known_means[k]:
                means[k] = self.means[k]
            scatters[k] = (r[:, k, None] * (filled - means[k])).T @ (filled - means[k]) + spread
        self.counts, self.n_noise = r[:, :-1].sum(axis=0), r[:, -1].sum()
        self.beta = BETA + self.counts
        found = (BETA * MEAN + self.counts[:, None] * means) / self.beta[:, None]
        self.means = np.where(self.known_means[:, None], self.means, found)
        step = means - MEAN
        pull = np.where(self.known_means, 0.0, BETA * self.counts / self.beta)
        scatters += pull[:, None, None] * step[:, :, None] * step[:, None, :]
        if self.name == "tied":
            scatters[:] = scatters.mean(axis=0)
        S = self.prior_scale + np.array([self._shaped(s) for s in scatters])
        known = self.known_spreads[:, None, None]
        self.covariances = np.where(known, self.covariances, S / self.nu[:, None, None])


def _log_b(nu, S):
    """Log of the constant of the Wishart density, but for powers of pi."""
    D = len(S)
    gammas = gammaln(0.5 * (nu - np.arange(D))).sum()
    return 0.5 * nu * np.linalg.slogdet(S)[1] - 0.5 * nu * D * np.log(2) - gammas


def check(fitted, oracle):
    levels = [oracle.level()]
    for _ in range(STEPS):
        oracle.step()
        levels.append(oracle.level())
    assert np.diff(levels).min() > -1e-12
    assert_allclose(fitted.trace, levels, rtol=1e-11)
    share = (1 + oracle.n - oracle.n_noise) / (2 + oracle.n) if oracle.noise is not None else 1.0
    assert_allclose(fitted.mixture.weights, share * oracle.weights()[1], rtol=1e-9)
    assert_allclose(fitted.mixture.means, oracle.means, rtol=1e-9)
    assert_allclose(fitted.mixture.full_covariances, oracle.covariances, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("kind", PRIORS)
@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("gaps", [False, True])
def test_labels_and_missing_values(kind, name, gaps):
    X = with_gaps(rows()) if gaps else rows()
    possible = np.ones((len(X), 3), bool)
    possible[:10] = [False, True, False]
    possible[60:70] = [True, False, True]
    start = start_of(name)
    missing = "mar" if gaps else "error"
    given = {"start": start, "prior": prior_of(kind, name), "missing": missing}
    fitted = fastem.fit(X, labels=possible, **given, **PLAIN)
    check(fitted, Oracle(kind, name, X, start, possible))
    check(fastem.fit(X, **given, **PLAIN), Oracle(kind, name, X, start))


@pytest.mark.parametrize("kind", PRIORS)
@pytest.mark.parametrize("name", FAMILIES)
def test_noise_and_rows_seen_before(kind, name):
    X, old = rows(), rows(40, seed=1)
    start = start_of(name, fastem.Noise(0.2, [-10.0, -10.0], [14.0, 14.0]))
    given = {"start": start, "prior": prior_of(kind, name)}
    fitted = fastem.fit(X, seen=start.summarise(old), **given, **PLAIN)
    check(fitted, Oracle(kind, name, X, start, seen=old))
    fitted = fastem.fit(X, **given, **PLAIN)
    oracle = Oracle(kind, name, X, start)
    check(fitted, oracle)
    wanted = (1 + oracle.n_noise) / (2 + oracle.n)
    assert fitted.mixture.noise.weight == pytest.approx(wanted, rel=1e-9)
    assert fitted.log_likelihood == pytest.approx(fitted.mixture.log_prob(X).sum(), rel=1e-12)


@pytest.mark.parametrize("kind", PRIORS)
@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("all_spreads", [False, True])
def test_what_is_held_is_known(kind, name, all_spreads):
    X = with_gaps(rows())
    start = start_of(name)
    spreads = [True] * 3 if all_spreads else [name != "tied", False, False]
    fixed = {"means": [True, True, False], "covariances": spreads}
    given = {"start": start, "prior": prior_of(kind, name), "missing": "mar", "fixed": fixed}
    fitted = fastem.fit(X, **given, **PLAIN)
    check(fitted, Oracle(kind, name, X, start, fixed=fixed))
    assert (fitted.mixture.means[:2] == start.means[:2]).all()
    if all_spreads or name != "tied":
        one = slice(None) if name == "tied" else 0
        assert (fitted.mixture.covariances[one] == start.covariances[one]).all()
    climbed = fastem.fit(X, **given, noise=True, tol=1e-8)
    assert climbed.converged
    assert np.diff(climbed.trace).min() > -1e-13
    assert (climbed.mixture.means[:2] == start.means[:2]).all()


@pytest.mark.parametrize("kind", PRIORS)
@pytest.mark.parametrize("name", FAMILIES)
def test_from_starts_of_its_own_the_bound_never_falls(kind, name):
    X, labels = rows(150), np.full(350, -1)
    labels[:20], labels[150:170] = 0, 1
    own = {"covariance_type": name, "prior": kind(1e-2), "random_state": 0, "tol": 1e-8}
    for given in (
        {"X": X, "noise": True},
        {"X": X, "labels": labels},
        {"X": with_gaps(X), "missing": "mar", "noise": True, "labels": labels},
    ):
        fitted = fastem.fit(n_components=5, **own, **given)
        assert fitted.converged
        assert np.diff(fitted.trace).min(initial=0.0) > -1e-13
        if "noise" in given:
            assert 0.05 < fitted.mixture.noise.weight < 0.4


def test_labelled_components_keep_their_numbers_in_a_process():
    X = rows(150)
    labels = np.full(len(X), -1)
    labels[:5], labels[150:160] = 2, 1
    found = fastem.fit(X, 3, labels=labels, prior=DirichletProcess(), random_state=0).mixture
    assert_allclose(found.means[2], 0.0, atol=0.5)
    assert_allclose(found.means[1], 4.0, atol=0.5)


@pytest.mark.parametrize("prior", [DirichletProcess(), NormalWishart(), True])
@pytest.mark.parametrize("name", ["full", "diag"])
def test_a_prior_is_taken_from_the_rows_seen_too(prior, name):
    old, new = rows(seed=1), rows(seed=2) + 3.0
    both, start = np.concatenate([old, new]), start_of(name)
    one = {"start": start, "prior": prior, "accelerate": False, "tol": 0, "max_iter": 1}
    found = fastem.fit(new, seen=start.summarise(old), **one)
    if prior is True:
        wanted = fastem.fit(both, **one).mixture
    else:  # rows seen keep the shares that they had under the mixture, which is none of a posterior
        centre = (
            both.mean(axis=0),
            1.0,
            None,
            np.cov(both.T) if name == "full" else both.var(0, ddof=1),
        )
        given = {**one, "prior": type(prior)(None, *centre)}
        wanted = fastem.fit(new, seen=start.summarise(old), **given).mixture
    assert_allclose(found.mixture.means, wanted.means, rtol=1e-9)
    assert_allclose(found.mixture.covariances, wanted.covariances, rtol=1e-9)


@pytest.mark.parametrize(("scale", "shift"), [(2.0**-480, 0.0), (2.0**480, 0.0), (1.0, 2.0**27)])
@pytest.mark.parametrize("kind", PRIORS)
def test_scale_and_shift_of_the_data_commute_with_the_fit(kind, scale, shift):
    X = with_gaps(rows())
    own = {"missing": "mar", "noise": True, "prior": kind(), "random_state": 0}
    plain, moved = (fastem.fit(Z, 3, **own).mixture for Z in (X, X * scale + shift))
    assert_allclose(moved.weights, plain.weights, rtol=1e-6)
    assert_allclose((moved.means - shift) / scale, plain.means, atol=1e-6)


@pytest.mark.parametrize("kind", PRIORS)
def test_files_that_lack_columns(kind, tmp_path):
    X = with_gaps(rows())
    np.save(tmp_path / "rows.npy", X)
    own = {"missing": "mar", "noise": True, "prior": kind(), "random_state": 0}
    stored, memory = (fastem.fit(at, 3, **own) for at in (tmp_path / "rows.npy", X))
    assert stored.trace[-1] == pytest.approx(memory.trace[-1], abs=1e-7)
