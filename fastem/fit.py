"""fit: from what a user gives, checked, to a mixture."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import ArrayLike

from fastem import covariance, validation
from fastem.covariance import ConjugatePrior, NormalWishart
from fastem.data import Data
from fastem.event import Callback
from fastem.mixture import Mixture
from fastem.moments import Moments
from fastem.noise import Noise
from fastem.options import Options
from fastem.progress import Progress
from fastem.results import Fit
from fastem.rows import RowsLike
from fastem.search.beginning import Starts
from fastem.search.starts import UserStart
from fastem.solve import solve
from fastem.validation.column_choice import Column
from fastem.warm import Warm
from fastem.words import CovarianceType, Missing, Seed, Start


def fit(
    X: RowsLike,
    n_components: int | None = None,
    *,
    covariance_type: CovarianceType = "full",
    sample_weight: ArrayLike | None = None,
    n_init: int = 10,
    init: Start | Sequence[Start] = "mixed",
    weights_init: ArrayLike | None = None,
    means_init: ArrayLike | None = None,
    covariances_init: ArrayLike | None = None,
    start: Mixture | Fit | None = None,
    seen: Moments | None = None,
    fixed: Mapping[str, bool | ArrayLike] | None = None,
    reg_covar: float | None = None,
    tol: float = 1e-6,
    max_iter: int = 1000,
    accelerate: bool = True,
    random_state: Seed = None,
    callback: Callback | None = None,
    progress: bool = False,
    noise: bool | Noise | ArrayLike = False,
    prior: bool | ConjugatePrior | NormalWishart = False,
    checkpoint: str | os.PathLike | None = None,
    checkpoint_every: int = 1,
    checkpoint_wait: bool = False,
    columns: Sequence[Column] | None = None,
    missing: Missing = "error",
    na_values: Any = None,
    labels: ArrayLike | Column | None = None,
) -> Fit:
    """Fit a Gaussian mixture by Expectation-Maximisation.

    Many starts race on a sample of the rows (on all of them when they are few); the best one runs
    to convergence on all rows.

    Parameters
    ----------
    X : (n_samples, n_features) array-like, path or source
        Rows; more than 65,536 numbers of float32 are worked on in float32, anything else in
        float64. Never changed. Files and what `fastem.rows.open` or `fastem.rows.Blocks` returns
        may hold more rows than memory, Dask's arrays and data frames (extra: dask) more than one
        machine.
    n_components : int, optional
        Needed unless `start` is given.
    covariance_type : str, default "full"
        "full", "tied", "diag" or "spherical", or one of mclust's families: EII, VII, EEI, VEI, EVI,
        VVI (diagonal), EEE, VEE, EVE, VVE, EEV, VEV, EVV, VVV (ellipsoidal), and E or V for one
        column.
    sample_weight : (n_samples,) array-like, optional
        A weight of 2 is the row twice, of 0 an absent row. Where X is a path, the name of a column
        as well; where it is a source, weights come with it.
    n_init : int, default 10
        Starts. One where `means_init` is given: nothing is left to chance. With more than ten,
        more swaps of components are tried as well, with fewer, fewer: over few rows one start takes
        about half the time of ten.
    init : str or sequence of str, default "mixed"
        Kinds of starts, which the `n_init` take in turn: "k-means++", greedy k-means++ with k-means
        after it; "k-means++-turned", the same along principal axes of which none is much the
        longest; "k-means++-unscaled", the same of the columns as they are, which the others
        standardise; "k-means++-seeds" alone; "random", random rows as centres; "random-subsets",
        for each component the mean and covariance of 30 random rows; "hierarchical", the groups of
        model-based hierarchical clustering of at most 2,000 rows, as mclust begins;
        "hierarchical-trace", "hierarchical-determinant" and "hierarchical-diagonal", the same of
        at most 128 rows, or 12 a component, by criteria of spherical, full and diagonal groups. A
        hierarchical kind leaves nothing to chance, unless there are more rows: it is one start, and
        further ones of it are by k-means++. "mixed" takes kinds that lead to different maxima.
    weights_init, means_init, covariances_init : array-like, optional
        The start, whole or in part, shaped as `Mixture` has them. With means alone, covariances are
        those of the rows nearest to each mean. Covariances need not be of the family: where EM
        begins at others its first step may lower the likelihood.
    start : Mixture or Fit, optional
        The start as a whole, in place of those; its family and its noise go on.
    seen : Moments, optional
        Rows that stand behind `start`, as `start.summarise(rows)` in float64 tells of them: the fit
        is then that of these rows and X together, as far as moments can say. They keep the shares
        in components that they had under `start`, so that the first EM step is that of all rows;
        where components move far, a fit to all rows goes further. Likelihoods count them by a lower
        bound of theirs, exact at `start`.
    fixed : dict, optional
        What of that start is held to the bit, such as components of a known background: "means",
        "covariances", "weights", each True for all components or True or False for each. The
        criteria do not count what is held. Other weights share what held ones leave; beside noise
        weights are shares of the rows that are not noise. Where components share parts of their
        covariances, as in mclust's VEI or EEV, those that are held say what the others share; where
        they share the whole ("tied", EEE, EEI, EII, E), all covariances are held or none.
    reg_covar : float, optional
        Added to the diagonal of every covariance, in squared units of the data. By default nothing
        is added; instead no eigenvalue may fall below 1e-10 of the data's own variance (1.5e-8 of
        it where float32 is worked on), which changes nothing unless a component collapses.
    tol : float, default 1e-6
        Stop when the gain in mean log-likelihood still to be expected is below this, in nats a row.
        0 never stops before `max_iter`.
    max_iter : int, default 1000
        EM steps, at most, over all rows; as many for each start on the sample.
    accelerate : bool, default True
        Extrapolate the EM map, safeguarded: the likelihood never falls.
    random_state : int, Generator, RandomState or None
        Where chance comes from. The same int gives the same bits.
    callback : callable, optional
        Called with an `Event` after each pass; returning True stops the fit with what it has.
    progress : bool, default False
        Show a progress bar (extra: progress).
    noise : bool, Noise or (n_samples,) array-like of bool, default False
        Whether there are rows of no component: a uniform density over the smaller of the data's
        bounding boxes along the columns and along the principal axes (Banfield and Raftery 1993).
        A `fastem.Noise` gives the box, and so the volume, itself. An array, for rows in memory, is
        a first guess at which they are; by default those far from their neighbours (Byers and
        Raftery 1998). Rows of noise are labelled -1; `weights_init` are
        shares of the others.
    prior : bool, ConjugatePrior, DirichletProcess or NormalWishart, default False
        Maximise the posterior density under the conjugate prior of Fraley and Raftery (2007)
        instead of the likelihood: no component can collapse. The prior holds a hundredth of a row
        for each mean and shrinks covariances mildly towards the data's over K^(2 / D): True has
        these defaults of theirs, a `fastem.ConjugatePrior` others. Of several ends the likeliest
        one is kept, as BIC has it: the posterior is often highest where components are next to
        empty, since their covariances may then be the prior's own. `fastem.DirichletProcess` and
        `fastem.NormalWishart` give a variational fit, of "full", "tied", "diag" and "spherical":
        components that the data do not need lose their rows, and `n_effective` counts the others.
        The mixture is that of the posterior's expected weights, means and precisions; levels are
        the variational bound. What is held (`fixed`) has no prior; weights cannot be held then,
        since their prior is one of all of them, which a known one changes for the others.
    checkpoint : path, optional
        A file, written whole or not at all while EM runs over all rows. Where it exists the fit
        goes on from it: killed at any time and called again with the same rows and arguments it
        comes to the bits that it would have come to uninterrupted. The file stays when the fit is
        done, and the same call then repeats no more than its last passes; delete it to begin anew.
    checkpoint_every : int, default 1
        Passes over all rows from one writing of the checkpoint to the next.
    checkpoint_wait : bool, default False
        Whether to wait where another process has the checkpoint, as when a job was started twice,
        and then to go on from what it kept. By default that is an error which names the process.
        What a killed process had is free at once, but for a folder that machines share: there
        nobody sees whether a process of another machine runs, and the error says what to delete.
    columns : sequence of int or str, optional
        Which columns of a file, a data frame, a structured array or an array, in this order: names,
        positions counted from 0, or ranges of either with both ends, such as "a:c". Names stay with
        the mixture, as `feature_names`.
    missing : {"error", "drop", "mar"}, default "error"
        What becomes of rows with missing values. "drop" leaves them out. With "mar" the likelihood
        is that of what is observed of them: right where values are missing at random, that is, for
        reasons that what is observed tells (Ghahramani and Jordan 1994).
    na_values : str, number or sequence of them, optional
        What stands for a missing value beside NaN, nulls and, in text, NA, nan, null, ? and the
        like: ["@", -200].
    labels : (n_samples,) ints or (n_samples, n_components) bools, array-like, or column, optional
        What is known of the component of each row in memory: its number, from 0, or -1 where
        nothing is known; or which components are possible. A row adds log sum_k weight_k N_k over
        those to the likelihood. EM begins at the labels, and labelled components keep their
        numbers. Where X is a path, the name or position of a column as well, empty or -1 where
        nothing is known: it is no data then, and all rows are read into memory.

    Returns
    -------
    Fit

    Raises
    ------
    TypeError, ValueError
        If an argument is not what it must be; the message names it, its value and the remedy.
        ValueError too if the checkpoint is damaged or that of another fit.
    RuntimeError
        If a worker of Dask's has no fastem, or another version of it, of NumPy or of Numba.
    OSError
        If a file cannot be read or written; BlockingIOError if another process has the checkpoint.
    ImportError
        If `progress` is asked for without tqdm.

    Warns
    -----
    SymmetricStartWarning
        If components of the given start coincide.
    UserWarning
        If more rows are dropped than kept, or nothing of a row is observed.

    References
    ----------
    EM: A. P. Dempster, N. M. Laird and D. B. Rubin, J. R. Stat. Soc. B 39 (1977) 1; as it is
    accelerated here, M. Jamshidian and R. I. Jennrich, J. R. Stat. Soc. B 59 (1997) 569. Races: K.
    Jamieson and A. Talwalkar, AISTATS 2016. Families: G. Celeux and G. Govaert, Pattern Recognition
    28 (1995) 781. k-means++: D. Arthur and S. Vassilvitskii, SODA 2007. Hierarchical clustering: C.
    Fraley, SIAM J. Sci. Comput. 20 (1998) 270. Noise: J. D. Banfield and A. E. Raftery, Biometrics
    49 (1993) 803; S. Byers and A. E. Raftery, J. Am. Stat. Assoc. 93 (1998) 577. Prior: C. Fraley
    and A. E. Raftery, Journal of Classification 24 (2007) 155. Variational fits: D. M. Blei and M.
    I. Jordan, Bayesian Analysis 1 (2006) 121. Missing values: Z. Ghahramani and M. I. Jordan, NIPS
    6 (1994) 120; R. J. A. Little and D. B. Rubin, Statistical Analysis with Missing Data (2019),
    chapter 11. Labels: C. Fraley and A. E. Raftery, J. Am. Stat. Assoc. 97 (2002) 611.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = np.concatenate([rng.normal(0, 1, (500, 2)), rng.normal(5, 1, (500, 2))])
    >>> fitted = fit(X, 2, random_state=0)
    >>> np.sort(fitted.mixture.means[:, 0]).round() + 0.0
    array([0., 5.])
    """
    given = {
        "weights_init": weights_init,
        "means_init": means_init,
        "covariances_init": covariances_init,
    }
    warm = Warm.of(start, seen, **given)
    if warm is not None:
        n_components = warm.n_components(n_components)
        covariance_type, noise = warm.covariance_type(covariance_type), warm.noise(noise)
    options = Options(
        n_init=n_init,
        init=init,
        reg_covar=reg_covar,
        tol=tol,
        max_iter=max_iter,
        accelerate=accelerate,
        callback=callback,
        progress=progress,
        noise=noise,
        prior=prior,
        checkpoint=checkpoint,
        checkpoint_every=checkpoint_every,
        labels=labels,
        checkpoint_wait=checkpoint_wait,
    )
    family = covariance.family_by_name(covariance_type)
    with options.sole(), Progress(options.progress) as bar:
        reading = {"columns": columns, "missing": missing, "na_values": na_values}
        at_once = options.needs_memory
        data = Data.of(X, sample_weight, **reading, at_once=at_once, labels=labels)
        data = data if warm is None else warm.of_columns(data)
        # Given means leave nothing to chance but the sample that covariances come from.
        is_given = random_state is None and (warm is not None or means_init is not None)
        starts = Starts.of(data, options, 0 if is_given else random_state)
        if warm is None:
            K = validation.components(n_components, data.n_samples)
            parts = weights_init, means_init, covariances_init
            user_start = UserStart.of(*parts, family, K, data.n_features, fixed)
        else:
            K = warm.mixture.n_components
            user_start = UserStart.of_mixture(warm.mixture, family, fixed, warm.seen)
        user_start.warn_if_symmetric()
        return solve(starts, K, family, bar, user_start, sort=user_start.is_empty)
