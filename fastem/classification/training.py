"""Mixtures of classes from rows whose classes are known, or known in part.

One component a class, of one covariance family for all: EDDA (H. Bensmail and G. Celeux, J. Am.
Stat. Assoc. 91 (1996) 1743). Several components a class, of a family of its own: MclustDA (T.
Hastie and R. Tibshirani, J. R. Stat. Soc. B 58 (1996) 155; C. Fraley and A. E. Raftery, J. Am.
Stat. Assoc. 97 (2002) 611). Where classes of rows are unknown, all classes have as many components,
of one family, and are fitted together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastem import results, validation
from fastem.classification.classifier import Candidate, joint
from fastem.covariance import Family
from fastem.fit import fit
from fastem.mixture import Mixture
from fastem.results import Fit


class Model(NamedTuple):
    """Mixtures of classes.

    Parameters
    ----------
    mixtures : tuple of Mixture
    shares : (n_classes,)
        Of the rows.
    n_parameters : int
        Without the shares.
    chosen : tuple of (int, Family)
        Components and family of each class, or of all.
    """

    mixtures: tuple[Mixture, ...]
    shares: NDArray[np.float64]
    n_parameters: int
    chosen: tuple[tuple[int, Family], ...]


@dataclass(frozen=True, eq=False)
class Rows:
    """What is trained on.

    Parameters
    ----------
    X : (n, n_features)
        NaN for what is missing.
    codes : (n,) intp
        Numbers of classes; -1 where that is unknown.
    weight : (n,) or None
    classes : (n_classes,) ndarray
    options : dict
        Of `fit`.
    """

    X: NDArray
    codes: NDArray[np.intp]
    weight: NDArray[np.float64] | None
    classes: NDArray
    options: dict[str, Any]

    def some(self, which: NDArray[np.bool_]) -> Rows:
        """Some of the rows."""
        weight = None if self.weight is None else self.weight[which]
        return replace(self, X=self.X[which], codes=self.codes[which], weight=weight)

    @property
    def counts(self) -> NDArray[np.intp]:
        """How many rows there are of each class, as far as that is known."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.classes))

    @property
    def shares(self) -> NDArray[np.float64]:
        """Of the classes in the rows of known class."""
        known = self.codes >= 0
        weight = None if self.weight is None else self.weight[known]
        counts = np.bincount(self.codes[known], weight, len(self.classes))
        return counts / counts.sum()

    def fit(self, n_components: int, family: Family, labels: NDArray | None = None) -> Fit:
        """A mixture of the rows."""
        return fit(
            self.X,
            n_components,
            covariance_type=family.name,  # type: ignore[arg-type]  # one of the words
            sample_weight=self.weight,
            labels=labels,
            missing="mar",
            **self.options,
        )

    def log_likelihood(self, mixtures: tuple[Mixture, ...], shares: NDArray) -> float:
        """Of the rows, whatever their class."""
        each = np.logaddexp.reduce(joint(mixtures, shares, self.X, "mar"), axis=1)
        return float(each.sum() if self.weight is None else self.weight @ each)

    @property
    def n_rows(self) -> float:
        """Number of rows, or the sum of their weights."""
        return float(len(self.X) if self.weight is None else self.weight.sum())


def together(rows: Rows, n_components: int, family: Family) -> tuple[Model, Candidate]:
    """Classes of so many components each, of one family for all."""
    C, m = len(rows.classes), n_components
    check_rows(rows, n_components, family)
    labels: NDArray = rows.codes
    if m > 1:
        own = np.repeat(np.arange(C), m)
        labels = (own == rows.codes[:, None]) | (rows.codes < 0)[:, None]
    fitted = rows.fit(C * m, family, labels)
    mixture = fitted.mixture
    matrices, diagonal = mixture.full_covariances, mixture.family.diagonal
    parts, shares = [], mixture.weights.reshape(C, m).sum(axis=1)
    for c in range(C):
        some = slice(c * m, (c + 1) * m)
        kind, covariances = "full", matrices[some]
        if diagonal:
            kind, covariances = "diag", np.diagonal(matrices[some], axis1=1, axis2=2)
        weights = mixture.weights[some] / shares[c] if shares[c] > 0 else np.full(m, 1 / m)
        parts.append(Mixture(weights, mixture.means[some], covariances, kind))
    n_parameters = mixture.n_parameters - (C - 1)
    model = Model(tuple(parts), shares, n_parameters, ((m, family),))
    level = rows.log_likelihood(model.mixtures, shares)
    return model, _candidate(None, m, family, level, n_parameters, rows.n_rows, fitted)


def alone(rows: Rows, c: int, n_components: int, family: Family) -> tuple[Fit, Candidate]:
    """One class by itself."""
    own = rows.some(rows.codes == c)
    fitted = own.fit(n_components, family)
    found = fitted.log_likelihood, fitted.mixture.n_parameters, own.n_rows
    name = rows.classes[c]
    return fitted, _candidate(name, n_components, family, *found, fitted)


def _candidate(
    class_: Any,
    n_components: int,
    family: Family,
    log_likelihood: float,
    n_parameters: int,
    n_rows: float,
    fitted: Fit,
) -> Candidate:
    return Candidate(
        class_,
        n_components,
        family.name,
        log_likelihood,
        n_parameters,
        results.aic(n_parameters, log_likelihood),
        results.bic(n_parameters, log_likelihood, n_rows),
        fitted.status.code,
        fitted.n_iter,
    )


def rank(candidate: Candidate, criterion: str) -> tuple[bool, float]:
    """Lower is better; models with collapsed components come last."""
    return candidate.status == "collapsed", getattr(candidate, criterion)


def choose(
    rows: Rows, counts: list[int], families: list[Family], criterion: str
) -> tuple[Model, list[Candidate]]:
    """Train all that may be chosen, and choose."""
    table: list[Candidate] = []
    if counts == [1] or (rows.codes < 0).any():
        models = []
        for m, family in product(counts, families):
            model, row = together(rows, m, family)
            models.append(model)
            table.append(row)
        best = min(range(len(table)), key=lambda i: rank(table[i], criterion))
        smallest = int(rows.counts.argmin())
        # Of larger classes components may collapse that stand beside others.
        if rows.counts[smallest] <= table[best].n_components * rows.X.shape[1]:
            _check_collapsed(rows, smallest, table[best])
        return models[best], table
    mixtures, chosen, n_parameters = [], [], 0
    for c in range(len(rows.classes)):
        tried = []
        n_rows = int((rows.codes == c).sum())
        for m, family in product(counts, families):
            if m <= n_rows:
                tried.append((*alone(rows, c, m, family), (m, family)))
        fitted, row, own = min(tried, key=lambda found: rank(found[1], criterion))
        _check_collapsed(rows, c, row)
        table += [each[1] for each in tried]
        mixtures.append(fitted.mixture)
        chosen.append(own)
        n_parameters += row.n_parameters
    return Model(tuple(mixtures), rows.shares, n_parameters, tuple(chosen)), table


def again(rows: Rows, chosen: tuple[tuple[int, Family], ...]) -> Model:
    """Train what was chosen on other rows."""
    if len(chosen) == 1:
        return together(rows, *chosen[0])[0]
    fits = [alone(rows, c, *own)[0] for c, own in enumerate(chosen)]
    mixtures = tuple(fitted.mixture for fitted in fits)
    n_parameters = sum(mixture.n_parameters for mixture in mixtures)
    return Model(mixtures, rows.shares, n_parameters, chosen)


def check_rows(rows: Rows, n_components: int, family: Family) -> None:
    """Refuse classes of fewer known rows than components."""
    c = int(rows.counts.argmin())
    if rows.counts[c] < n_components:
        validation.components(
            n_components, int(rows.counts[c]), name=f"n_components of {_said(rows, c)}"
        )


def _check_collapsed(rows: Rows, c: int, row: Candidate) -> None:
    if row.status == "collapsed":
        raise ValueError(
            f"{_said(rows, c)} has {rows.counts[c]} rows, too few for any "
            f"covariance_type that was tried; try a simpler one, such as 'EII', or prior=True"
        )


def _said(rows: Rows, c: int) -> str:
    return f"class {rows.classes[c].item()!r}"
