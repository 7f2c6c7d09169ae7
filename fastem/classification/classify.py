"""classify: from rows and their classes to a mixture for each class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem import validation
from fastem.classification.classifier import Classifier, brier
from fastem.classification.targets import Target
from fastem.classification.training import Model, Rows, again, choose
from fastem.covariance import ConjugatePrior, families
from fastem.rows.missing import Marks
from fastem.search.samples import seed_sequence
from fastem.validation.column_choice import Column
from fastem.words import CovarianceGroup, CovarianceType, Missing, Seed, Start

CRITERIA = "aic", "bic"


def classify(
    X: ArrayLike,
    y: ArrayLike,
    n_components: int | Iterable[int] = 1,
    *,
    covariance_type: CovarianceType
    | CovarianceGroup
    | Sequence[CovarianceType | CovarianceGroup] = "mclust",
    criterion: Literal["aic", "bic"] = "bic",
    priors: ArrayLike | None = None,
    cv: int | None = None,
    sample_weight: ArrayLike | None = None,
    n_init: int = 10,
    init: Start | Sequence[Start] = "k-means++",
    reg_covar: float | None = None,
    tol: float = 1e-6,
    max_iter: int = 1000,
    prior: bool | ConjugatePrior = False,
    random_state: Seed = None,
    columns: Sequence[Column] | None = None,
    missing: Missing = "error",
    na_values: Any = None,
) -> Classifier:
    """Learn a Gaussian mixture for each class, and tell rows' classes by them.

    With one component a class the covariance family is one for all classes, which may share
    volumes, shapes or axes: EDDA, of which linear and quadratic discriminant analysis are the
    families "EEE" and "VVV". With several, every class chooses its own number and family: MclustDA.
    Where some classes are unknown those rows count too, by all classes' densities; classes then
    have equally many components, of one family.

    Sources: H. Bensmail and G. Celeux, J. Am. Stat. Assoc. 91 (1996) 1743; T. Hastie and R.
    Tibshirani, J. R. Stat. Soc. B 58 (1996) 155; C. Fraley and A. E. Raftery, J. Am. Stat. Assoc.
    97 (2002) 611.

    Parameters
    ----------
    X : (n_samples, n_features) array-like
        Rows in memory, as in `fastem.fit`.
    y : (n_samples,) array-like
        Texts, numbers or truth values. None, NaN and, of whole numbers, -1 are unknown.
    n_components : int or iterable of int, default 1
        Of each class; of several the criterion picks one.
    covariance_type : str or sequence of str, default "mclust"
        As in `fastem.select`.
    criterion : {"bic", "aic"}, default "bic"
        Lower is better. Of a model of all classes it is that of the rows whatever their class.
    priors : (n_classes,) array-like, optional
        Probabilities of the sorted classes before a row is seen; by default their shares.
    cv : int, optional
        In so many parts rows are left out in turn, to tell the error of what was chosen.
    sample_weight, n_init, init, reg_covar, tol, max_iter, prior : optional
        As in `fastem.fit`.
    random_state : int, Generator, RandomState or None
        Of starts and of the parts of `cv`. The same int gives the same bits.
    columns, missing, na_values : optional
        As in `fastem.fit`.

    Returns
    -------
    Classifier

    Raises
    ------
    TypeError, ValueError
        If an argument is not what it must be, or a class has too few rows; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = np.concatenate([rng.normal(0, 1, (60, 2)), rng.normal(4, 2, (40, 2))])
    >>> found = classify(X, np.repeat(["a", "b"], [60, 40]), cv=5, random_state=0)
    >>> found.training_error <= 0.05, found.shares
    (True, array([0.6, 0.4]))
    """
    validation.choice(criterion, "criterion", CRITERIA)
    names = validation.feature_names(validation.chosen_columns(X, columns))
    given = validation.chosen_columns(X, columns)
    rows, gaps = validation.complete(given, missing, na_values=Marks.of(na_values).values)
    n = len(rows) if gaps is None else len(gaps)
    target = Target.of(y, n)
    kept = np.ones(n, bool) if gaps is None else ~gaps.any(axis=1)
    weight = validation.sample_weight(sample_weight, n)
    options = {
        "n_init": n_init,
        "init": init,
        "reg_covar": reg_covar,
        "tol": tol,
        "max_iter": max_iter,
        "prior": prior,
        "random_state": random_state,
    }
    if weight is not None:
        rows, kept = rows[weight[kept] > 0], kept & (weight > 0)
        weight = weight[kept]
    trained = Rows(rows, target.codes[kept], weight, target.classes, options)
    _check_classes(trained)
    counts = _counts(n_components)
    tried = families(covariance_type, rows.shape[1])
    model, table = choose(trained, counts, tried, criterion)
    found = _classifier(model, trained, names, priors)
    known = trained.codes >= 0
    own = found.classes[trained.codes[known]]
    wrong = found.predict(rows[known], missing="mar") != own
    found = replace(found, table=tuple(table), training_error=float(wrong.mean()))
    if cv is None:
        return found
    error, score = _cross_validated(trained, model, found, _parts(cv, trained, random_state))
    return replace(found, cv_error=error, cv_brier=score)


def _classifier(
    model: Model, rows: Rows, names: tuple[str, ...] | None, priors: ArrayLike | None
) -> Classifier:
    mixtures = tuple(replace(mixture, feature_names=names) for mixture in model.mixtures)
    level = rows.log_likelihood(model.mixtures, model.shares)
    found = Classifier(
        rows.classes, mixtures, model.shares, model.shares, level, model.n_parameters, rows.n_rows
    )
    return found if priors is None else found.with_priors(priors)


def _counts(value: int | Iterable[int]) -> list[int]:
    several: list[Any] = [value] if not np.iterable(value) else list(value)  # type: ignore[arg-type]
    if not several:
        raise ValueError("n_components is empty; give at least one number of components")
    return sorted({validation.integer(each, "n_components") for each in several})


def _check_classes(rows: Rows) -> None:
    """Refuse a class of which no row counts."""
    if not rows.counts.all():
        name = rows.classes[int(rows.counts.argmin())].item()
        raise ValueError(
            f"class {name!r} has no row left that counts; leave it out, or keep its rows with "
            f'missing="mar"'
        )


def _parts(cv: int, rows: Rows, random_state: Any) -> NDArray[np.intp]:
    """The part of each row of known class, in which classes have their shares; -1 of others."""
    cv = validation.integer(cv, "cv", least=2)
    least = int(rows.counts.min())
    if least < cv:
        name = rows.classes[int(rows.counts.argmin())].item()
        raise ValueError(
            f"cv is {cv}, but class {name!r} has {least} rows; give at most as many parts"
        )
    rng = np.random.default_rng(seed_sequence(random_state))
    part = np.full(len(rows.codes), -1, np.intp)
    for c in range(len(rows.classes)):
        own = np.flatnonzero(rows.codes == c)
        part[rng.permutation(own)] = np.arange(len(own)) % cv
    return part


def _cross_validated(
    rows: Rows, model: Model, found: Classifier, part: NDArray[np.intp]
) -> tuple[float, float]:
    """Error and Brier score of rows that were left out in training."""
    known = part >= 0
    probabilities = np.empty((len(part), len(rows.classes)))
    given = not np.array_equal(found.priors, found.shares)
    for number in range(part.max() + 1):
        left_out = part == number
        trained = again(rows.some(~left_out), model.chosen)
        priors = found.priors if given else trained.shares
        retrained = replace(found, mixtures=trained.mixtures, priors=priors)
        probabilities[left_out] = retrained.predict_proba(rows.X[left_out], missing="mar")
    codes = rows.codes[known]
    wrong = probabilities[known].argmax(axis=1) != codes
    return float(wrong.mean()), brier(probabilities[known], codes)
