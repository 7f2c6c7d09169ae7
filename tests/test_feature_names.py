"""Names of columns: they stay with the answer, and decide which column of a table is which."""

import json
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow
import pytest

import fastem
from fastem import cli

NAMES = ("glucose", "insulin", "age")
QUICK = {"n_init": 2, "tol": 1e-3, "random_state": 0}


def rows():
    rng = np.random.default_rng(0)
    means = np.where(np.arange(300)[:, None] % 2, [0.0, 40.0, -7.0], [9.0, 41.0, -3.0])
    return rng.normal(means)


X = rows()
FRAME = pd.DataFrame(X, columns=NAMES)
MEANS = np.array([[9.0, 41.0, -3.0], [0.0, 40.0, -7.0]])
MIXTURE = fastem.Mixture([0.5, 0.5], MEANS, np.ones((2, 3)), "diag", feature_names=NAMES)

FORMS = {
    "pandas": lambda frame: frame,
    "polars": lambda frame: pl.DataFrame({name: frame[name].to_numpy() for name in frame}),
    "arrow": lambda frame: pyarrow.table(frame),
    "nullable": lambda frame: frame.convert_dtypes(),
    "pandas on Arrow": lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
}
forms = pytest.mark.parametrize("form", FORMS)


@forms
def test_frames_of_all_libraries_are_fitted_with_their_names(form):
    fitted = fastem.fit(FORMS[form](FRAME), 2, **QUICK)
    assert fitted.feature_names == fitted.mixture.feature_names == NAMES
    assert fitted.mixture == fastem.fit(X, 2, **QUICK).mixture
    assert fastem.fit(X, 2, **QUICK).feature_names is None


@forms
def test_a_frame_in_another_order_is_put_in_order(form):
    """The oracle is the array; in the frame's own order most labels would differ."""
    turned = FORMS[form](FRAME[["age", "glucose", "insulin"]])
    assert np.array_equal(MIXTURE.predict(turned), MIXTURE.predict(X))
    assert np.array_equal(MIXTURE.log_prob(turned), MIXTURE.log_prob(X))
    assert np.array_equal(MIXTURE.summarise(turned).second, MIXTURE.summarise(X).second)
    fitted = fastem.fit(FRAME, 2, **QUICK)
    assert fitted.bic(turned) == fitted.bic(X)


@forms
@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["glucose", "insulin", "weight"], "does not know, weight and none of age"),
        (["glucose", "insulin", "age", "id"], "columns that the mixture does not know, id;"),
        (["glucose", "insulin"], "X has none of age; give the columns .*'glucose', 'insulin'"),
    ],
)
def test_other_names_are_refused(form, names, told):
    frame = FORMS[form](pd.DataFrame(np.ones((3, len(names))), columns=names))
    for method in MIXTURE.predict, MIXTURE.log_prob, MIXTURE.responsibilities, MIXTURE.summarise:
        with pytest.raises(ValueError, match=told):
            method(frame)


def test_files_in_another_order_are_put_in_order(tmp_path):
    turned = FRAME[["age", "glucose", "insulin"]].assign(name="x")
    turned.to_csv(tmp_path / "x.csv", index=False)
    turned.to_parquet(tmp_path / "x.parquet")
    for name in "x.csv", "x.parquet":
        assert np.array_equal(MIXTURE.predict(tmp_path / name), MIXTURE.predict(X))
    source = fastem.rows.open(tmp_path / "x.csv", ["age", "glucose", "insulin"])
    with pytest.raises(ValueError, match=r"in another order .* open it with columns=\['glucose'"):
        MIXTURE.predict(source)
    pd.DataFrame({"a": [1.0]}).to_csv(tmp_path / "y.csv", index=False)
    with pytest.raises(ValueError, match="has no column 'glucose', which the model was fitted to"):
        MIXTURE.predict(tmp_path / "y.csv")


def test_names_are_kept_in_files_copies_and_parts(tmp_path):
    MIXTURE.save(tmp_path / "m.npz")
    for again in fastem.Mixture.load(tmp_path / "m.npz"), pickle.loads(pickle.dumps(MIXTURE)):
        assert again == MIXTURE
        assert again.feature_names == NAMES
    assert MIXTURE.marginal(["age", "glucose"]).feature_names == ("age", "glucose")
    assert MIXTURE.marginal("insulin").feature_names == ("insulin",)
    assert MIXTURE.condition("insulin", 40.0).feature_names == ("glucose", "age")
    assert MIXTURE.without_noise().feature_names == NAMES
    assert "columns: glucose, insulin, age" in repr(MIXTURE)


def test_columns_are_asked_for_by_name():
    """The oracle is the same call by number."""
    assert MIXTURE.marginal("age") == MIXTURE.marginal(2)
    assert MIXTURE.marginal(["age", 0]) == MIXTURE.marginal([2, 0])
    assert MIXTURE.condition({"glucose": 1.0, "age": -6.0}) == MIXTURE.condition(
        [0, 2], [1.0, -6.0]
    )
    assert MIXTURE.condition("glucose", 1.0) == MIXTURE.condition(0, 1.0)
    expected = MIXTURE.predict_mean([0], X[:5, :1])
    assert np.array_equal(MIXTURE.predict_mean(["glucose"], X[:5, :1]), expected)
    with pytest.raises(ValueError, match="the mixture has no column 'glucos'; did you mean 'gluc"):
        MIXTURE.marginal("glucos")
    with pytest.raises(ValueError, match="its columns have no names; give positions from 0 to 2"):
        fastem.fit(X, 1, **QUICK).mixture.marginal("age")


@pytest.mark.parametrize(
    ("names", "error", "told"),
    [
        (["a", "b"], ValueError, "give each of the 3 columns its own"),
        (["a", "b", "b"], ValueError, "give each of the 3 columns its own"),
        ("abc", TypeError, "feature_names is 'abc'; give a list of texts"),
        ([1, 2, 3], TypeError, "feature_names is .*; give texts"),
    ],
)
def test_names_that_are_none(names, error, told):
    with pytest.raises(error, match=told):
        fastem.Mixture([1.0], [[0.0, 0.0, 0.0]], [1.0], "spherical", feature_names=names)


def test_pictures_have_the_names():
    plot = pytest.importorskip("fastem.plot")
    ax = plot.clusters(MIXTURE, X, columns=["age", "glucose"])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("age", "glucose")
    assert plot.ellipses(MIXTURE.marginal([0, 1])) is not None


# Which columns, and what is missing --------------------------------------------------------------


def test_columns_of_whatever_has_some(tmp_path):
    FRAME.assign(name="x").to_csv(tmp_path / "x.csv", index=False)
    structured = np.array(
        [("x", *row) for row in X.tolist()],
        dtype=[("name", "U1"), *((name, float) for name in NAMES)],
    )
    expected = fastem.fit(X[:, [2, 0]], 2, **QUICK).mixture
    by_name = {"columns": ["age", "glucose"]}
    for given in FRAME.assign(name="x"), structured, tmp_path / "x.csv", pl.DataFrame(FRAME):
        fitted = fastem.fit(given, 2, **by_name, **QUICK)
        assert fitted.mixture == expected
        assert fitted.feature_names == ("age", "glucose")
    assert fastem.fit(X, 2, columns=[2, 0], **QUICK).mixture == expected
    assert fastem.fit(FRAME, 2, columns=[2, "glucose"], **QUICK).mixture == expected
    choice = fastem.select(FRAME, [2], **by_name, **QUICK)
    assert choice.best.mixture == expected
    ranged = fastem.fit(FRAME, 2, columns=["glucose:insulin"], **QUICK)
    assert ranged.mixture == fastem.fit(X[:, :2], 2, **QUICK).mixture
    with pytest.raises(ValueError, match="X has no column 'ag'; did you mean 'age'"):
        fastem.fit(FRAME, 2, columns=["ag"])
    with pytest.raises(TypeError, match=r"structured array with the fields name, gluc.*columns="):
        fastem.fit(structured, 2)
    with pytest.raises(TypeError, match="columns is given beside a source of rows"):
        fastem.fit(fastem.rows.open(tmp_path / "x.csv", ["age"]), 2, columns=["age"])


@pytest.mark.parametrize("weighted", [False, True])
def test_rows_that_lack_values_are_dropped(weighted, tmp_path):
    gaps = X.copy()
    gaps[3, 1] = gaps[7, 0] = np.nan
    gaps[11, 2] = -999
    kept = np.ones(len(X), bool)
    kept[[3, 7, 11]] = False
    weight = np.arange(len(X)) % 4 if weighted else None
    expected = fastem.fit(
        X[kept], 2, sample_weight=None if weight is None else weight[kept], **QUICK
    )
    frame = pd.DataFrame(gaps, columns=NAMES)
    frame.to_csv(tmp_path / "x.csv", index=False)
    how = {"missing": "drop", "na_values": -999, "sample_weight": weight, **QUICK}
    forms = gaps, frame, frame.convert_dtypes(), tmp_path / "x.csv", pyarrow.table(frame)
    for given in forms:
        assert fastem.fit(given, 2, **how).mixture == expected.mixture
        assert fastem.select(given, 2, **how).best.mixture == expected.mixture
    labels = np.where(np.isnan(gaps).any(axis=1), -2, MIXTURE.predict(np.nan_to_num(gaps)))
    assert np.array_equal(MIXTURE.predict(gaps, missing="drop"), labels)
    assert np.array_equal(MIXTURE.predict(tmp_path / "x.csv", missing="drop"), labels)
    assert np.array_equal(np.isnan(MIXTURE.log_prob(frame, missing="drop")), labels == -2)
    MIXTURE.predict_to(tmp_path / "l.npy", gaps, missing="drop")
    assert np.array_equal(np.load(tmp_path / "l.npy"), labels)


def test_dropping_most_rows_is_warned_of():
    gaps = X.copy()
    gaps[:200, 1] = np.nan
    with pytest.warns(UserWarning, match=r"200 of 300 rows have missing values .* insulin \(200"):
        fastem.fit(pd.DataFrame(gaps, columns=NAMES), 1, missing="drop")
    with pytest.raises(ValueError, match="every row has missing values"):
        fastem.fit(np.full((4, 2), np.nan), 1, missing="drop")
    gaps[:, 1] = np.nan
    with pytest.raises(ValueError, match="insulin has no number in any row; leave it out"):
        fastem.fit(pd.DataFrame(gaps, columns=NAMES), 1, missing="drop")
    with pytest.raises(ValueError, match="missing is 'mean'; use one of 'error', 'drop'"):
        fastem.fit(X, 1, missing="mean")


@pytest.mark.parametrize("value", [np.nan, None, pd.NA, pd.NaT])
@pytest.mark.parametrize("form", ["objects", "nullable", "pandas on Arrow", "polars", "arrow"])
def test_what_is_missing_in_a_frame_is_told_by_row_and_column(form, value):
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0, 3.0]})
    if form == "objects":
        frame = frame.astype({"b": object})
        frame.loc[1, "b"] = value
    else:
        frame.loc[1, "b"] = np.nan
        frame = FORMS[form](frame)
    for call in fastem.fit, lambda X, _: fastem.Mixture([1], [[0, 0]], [1], "spherical").predict(X):
        with pytest.raises(ValueError, match=r"1 entry .* at row 1, column 'b': nan; fill or drop"):
            call(frame, 1)


@pytest.mark.parametrize(
    ("column", "told"),
    [
        (["x", "y", "z"], "X column 'b' holds 'x'; give numbers, not text or dates"),
        (pd.to_datetime(["2020", "2021", "2022"]), "X column 'b' has dtype datetime64"),
        ([1j, 2, 3], "X column 'b' is complex"),
    ],
)
def test_columns_of_a_frame_that_hold_no_numbers_are_named(column, told):
    with pytest.raises(TypeError, match=told):
        fastem.fit(pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": column}), 1)


# The command -------------------------------------------------------------------------------------


def test_names_go_from_command_to_command(tmp_path, capsys):
    FRAME.assign(name="x").to_parquet(tmp_path / "x.parquet")
    FRAME[["age", "insulin", "glucose"]].to_csv(tmp_path / "y.csv", index=False)
    model, words = str(tmp_path / "m.npz"), ["--components", "2", "--n-init", "2", "--json"]
    source = str(tmp_path / "x.parquet")
    assert cli.main(["fit", source, "--columns", "glucose:age", *words, "--model", model]) == 0
    assert json.loads(capsys.readouterr().out)["columns"] == list(NAMES)
    mixture = fastem.Mixture.load(model)
    assert mixture.feature_names == NAMES
    expected = ["label", *map(str, mixture.predict(X))]
    for name in "x.parquet", "y.csv":
        assert cli.main(["predict", model, str(tmp_path / name)]) == 0
        assert capsys.readouterr().out.split() == expected


def test_a_bootstrap_tells_its_columns_by_name():
    made = fastem.bootstrap(fastem.fit(FRAME, 2, **QUICK), FRAME, 9, random_state=0)
    assert made.table_columns()["column"] == [None, None, *NAMES * 4]
    assert "  mean 0, glucose    " in repr(made)
    ax = made.plot(columns=["age", "glucose"])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("age", "glucose")
    unnamed = fastem.bootstrap(fastem.fit(X, 2, **QUICK), X, 9, random_state=0)
    assert unnamed.table_columns()["column"] == [None, None, *[0, 1, 2] * 4]
    assert "  mean 0, column 2   " in repr(unnamed)
    assert unnamed.plot(columns=[2, 0]).get_xlabel() == "column 2"


def test_signs_that_steer_a_terminal_are_not_printed(tmp_path, capsys):
    names = ["a\x1b[31m", "b\x07"]
    pd.DataFrame(X[:, :2], columns=names).to_parquet(tmp_path / "x.parquet")
    pd.DataFrame(X[:, :2], columns=names).to_csv(tmp_path / "x.csv", index=False)
    for name in "x.parquet", "x.csv":
        for more in [], ["--columns", "z"]:
            cli.main(["fit", str(tmp_path / name), "--components", "1", *more])
            printed = "".join(capsys.readouterr())
            assert "\x1b" not in printed
            assert "\x07" not in printed
    assert "\x1b" not in repr(fastem.fit(tmp_path / "x.csv", 1).mixture)
