"""Classifier: what `classify` returns, a mixture for each class and the classes' shares."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem import results, validation
from fastem.classification import file
from fastem.classification.targets import codes_of
from fastem.drawing import draw
from fastem.mixture import Mixture
from fastem.summary import Shown, Summary, Table
from fastem.words import Missing


class Candidate(NamedTuple):
    """One model that was tried; of every criterion, lower is better.

    Parameters
    ----------
    class_ : object
        The class that it is of; None where it is of all.
    n_components : int
        Of each class.
    covariance_type : str
    log_likelihood : float
        Of rows and, where classes share a model, of all rows whatever their class, in nats.
    n_parameters : int
        Without the classes' shares.
    aic, bic : float
    status : str
    n_iter : int
        As of a `Fit`.
    """

    class_: Any
    n_components: int
    covariance_type: str
    log_likelihood: float
    n_parameters: int
    aic: float
    bic: float
    status: str
    n_iter: int


@dataclass(frozen=True, eq=False, repr=False)
class Classifier(Shown):
    """A Gaussian mixture for each class.

    Parameters
    ----------
    classes : (n_classes,) ndarray
        What they are called, sorted.
    mixtures : tuple of Mixture
        One for each class.
    shares : (n_classes,)
        Of the rows trained on.
    priors : (n_classes,)
        Probabilities of the classes before a row is seen: the shares, unless given.
    log_likelihood : float
        Of the rows trained on, whatever their class: sum_i v_i log sum_c share_c p_c(x_i), in nats.
    n_parameters : int
        Free parameters of the mixtures, without the shares, as mclust counts.
    n_samples : float
        Rows trained on, or the sum of their weights.
    table : tuple of Candidate
        What was tried.
    training_error : float
        Share of the rows of known class that are put into another.
    cv_error, cv_brier : float or None
        The same, and the Brier score, of rows that were left out in training, if asked for.

    Examples
    --------
    >>> import numpy as np, fastem
    >>> rng = np.random.default_rng(0)
    >>> X = np.concatenate([rng.normal(0, 1, (50, 2)), rng.normal(4, 1, (50, 2))])
    >>> found = fastem.classify(X, np.repeat(["left", "right"], 50), covariance_type="EEI")
    >>> found.predict([[0.0, 1.0], [5.0, 4.0]]).tolist()
    ['left', 'right']
    >>> found.predict_proba([[2.0, 2.0]]).round(1)
    array([[0.5, 0.5]])
    """

    classes: NDArray
    mixtures: tuple[Mixture, ...]
    shares: NDArray[np.float64]
    priors: NDArray[np.float64]
    log_likelihood: float
    n_parameters: int
    n_samples: float
    table: tuple[Candidate, ...] = ()
    training_error: float = float("nan")
    cv_error: float | None = None
    cv_brier: float | None = None

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return self.mixtures[0].n_features

    @property
    def mixture(self) -> Mixture:
        """The density of rows of any class: all components, weighted by the shares."""
        parts = zip(self.shares, self.mixtures, strict=True)
        return Mixture(
            np.concatenate([share * mixture.weights for share, mixture in parts]),
            np.concatenate([mixture.means for mixture in self.mixtures]),
            np.concatenate([mixture.full_covariances for mixture in self.mixtures]),
            feature_names=self.mixtures[0].feature_names,
        )

    def with_priors(self, priors: ArrayLike) -> Classifier:
        """The same classifier with other probabilities of the classes before a row is seen.

        Parameters
        ----------
        priors : (n_classes,) array-like
            In the order of `classes`, of sum 1.

        Returns
        -------
        Classifier

        Raises
        ------
        TypeError, ValueError
            If they are not such numbers.
        """
        return replace(self, priors=validation.weights(priors, len(self.classes), name="priors"))

    def predict_proba(self, X: ArrayLike, *, missing: Missing = "error") -> NDArray[np.float64]:
        """Probability that each row is of each class.

        Parameters
        ----------
        X : (n_samples, n_features) array-like
        missing : {"error", "drop", "mar"}, default "error"
            As in `Mixture.log_prob`, which says what is raised.

        Returns
        -------
        probabilities : (n_samples, n_classes) float64
        """
        logs = joint(self.mixtures, self.priors, X, missing)
        top = logs.max(axis=1, keepdims=True)
        shares: NDArray[np.float64] = np.exp(logs - np.where(np.isfinite(top), top, 0.0))
        return shares / shares.sum(axis=1, keepdims=True)

    def predict(self, X: ArrayLike, *, missing: Missing = "error") -> NDArray:
        """The likeliest class of each row.

        Parameters
        ----------
        X : (n_samples, n_features) array-like
        missing : {"error", "mar"}, default "error"
            As in `Mixture.log_prob`.

        Returns
        -------
        classes : (n_samples,) ndarray, of the dtype of `classes`

        Raises
        ------
        TypeError, ValueError
            As `Mixture.log_prob`, and if rows are to be dropped: they would have no class.
        """
        validation.choice(missing, "missing", ("error", "mar"))
        return self.classes[joint(self.mixtures, self.priors, X, missing).argmax(axis=1)]

    def score(self, X: ArrayLike, y: ArrayLike, *, missing: Missing = "error") -> float:
        """Share of the rows of known class that are put into their own.

        Parameters
        ----------
        X : (n_samples, n_features) array-like
        y : (n_samples,) array-like
            As in `fastem.classify`.
        missing : {"error", "mar"}, default "error"

        Returns
        -------
        float

        Raises
        ------
        TypeError, ValueError
            As `predict`; and if y holds other classes.
        """
        found = joint(self.mixtures, self.priors, X, missing).argmax(axis=1)
        codes = codes_of(y, len(found), self.classes)
        return float((found == codes)[codes >= 0].mean())

    def brier(self, X: ArrayLike, y: ArrayLike, *, missing: Missing = "error") -> float:
        """Brier score of the probabilities: sum over classes of (p - 1{own})^2 / 2, a row's mean.

        From 0 to 1, as mclust has it; G. W. Brier, Monthly Weather Review 78 (1950) 1, without 2.

        Parameters
        ----------
        X, y, missing
            As in `score`, which says what is raised.

        Returns
        -------
        float
        """
        probabilities = self.predict_proba(X, missing=missing)
        return brier(probabilities, codes_of(y, len(probabilities), self.classes))

    def aic(self) -> float:
        """Akaike's criterion, 2 p - 2 log L, of the rows trained on; lower is better."""
        return results.aic(self.n_parameters, self.log_likelihood)

    def bic(self) -> float:
        """Schwarz's criterion, p log n - 2 log L, of the rows trained on; mclust's with -."""
        return results.bic(self.n_parameters, self.log_likelihood, self.n_samples)

    def save(self, path: str | os.PathLike) -> None:
        """Write the classifier, but for its table, to an .npz file, whole or not at all.

        Parameters
        ----------
        path : str or path

        Raises
        ------
        TypeError, ValueError
            If it is no path.
        OSError
            If the file cannot be written.
        """
        fields = {name: getattr(self, name) for name in file.FIELDS}
        file.write(validation.path(path, "path"), fields, self.mixtures)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Classifier:
        """Read a classifier that `save` wrote. Nothing in it is executed.

        Parameters
        ----------
        path : str or path

        Returns
        -------
        Classifier

        Raises
        ------
        OSError
            If the file cannot be read.
        TypeError, ValueError
            If it is no path; if it is damaged, or no classifier.
        """
        fields, mixtures = file.read(validation.path(path, "path"))
        return cls(mixtures=mixtures, **fields)

    def plot(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        ax: Any = None,
        columns: Sequence[int | str] | None = None,
    ) -> Any:
        """Regions of the classes in two columns: `fastem.plot.regions` (extra: plot).

        Parameters
        ----------
        X, y, ax, columns
            As in `fastem.plot.regions`.

        Returns
        -------
        Axes

        Raises
        ------
        ImportError
            If matplotlib or Pillow is not installed.
        TypeError, ValueError
            As `fastem.plot.regions`.
        """
        return draw("regions", self, X, y, ax, columns)

    def table_columns(self) -> dict[str, list[Any]]:
        """Every model that was tried as lists by column, a line a `Candidate`.

        Returns
        -------
        dict of str to list
        """
        return {name: [getattr(row, name) for row in self.table] for name in Candidate._fields}

    def summary(self) -> Summary:
        """Classes, their models and errors for people; it is what `print` shows.

        Returns
        -------
        Summary
        """
        mixtures = self.mixtures
        cells = [
            ["class", *map(str, self.classes.tolist())],
            ["share", *(f"{share:.4f}" for share in self.shares)],
            ["components", *(str(mixture.n_components) for mixture in mixtures)],
            ["covariance", *(mixture.covariance_type for mixture in mixtures)],
        ]
        best = min(self.table, key=lambda row: row.bic)
        together = f"Covariances of all classes are {best.covariance_type} together."
        errors = f"Error {self.training_error:.4f} in training"
        if self.cv_error is not None:
            errors += f", {self.cv_error:.4f} of rows left out (Brier score {self.cv_brier:.4f})"
        return Summary(
            f"{len(self.classes)} classes in {self.n_features} columns:",
            Table(cells, left=True),
            together if best.class_ is None else "",
            f"Log-likelihood {self.log_likelihood:.2f} with {self.n_parameters} parameters; BIC "
            f"{self.bic():.2f} (lower is better).",
            f"{errors}.",
        )


def joint(
    mixtures: Sequence[Mixture], priors: NDArray, X: ArrayLike, missing: Missing
) -> NDArray[np.float64]:
    """Log of prior times density of each class at rows, (n, n_classes)."""
    with np.errstate(divide="ignore"):
        logs = np.log(priors)
    densities = [mixture.log_prob(X, missing=missing) for mixture in mixtures]
    return np.stack(densities, axis=1) + logs


def brier(probabilities: NDArray[np.float64], codes: NDArray[np.intp]) -> float:
    """Of the rows whose class is known."""
    known = codes >= 0
    own = np.eye(probabilities.shape[1])[codes[known]]
    return float(((probabilities[known] - own) ** 2).sum(axis=1).mean() / 2)
