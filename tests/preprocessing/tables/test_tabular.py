import pickle
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sknn_tricks import NetClassifier, NetRegressor
from sknn_tricks.preprocessing import tabular_preprocessor

N = 120


def messy(n=N, seed=0, gaps=0.2):
    """Return a table with a column of every kind, and gaps in most of them."""
    rng = np.random.default_rng(seed)

    def some(values):
        column = pd.Series(values, dtype=object)
        column[rng.random(n) < gaps] = None
        return column

    start = pd.Timestamp("2020-01-01")
    days = start + pd.to_timedelta(rng.integers(0, 900, n), unit="D")
    return pd.DataFrame(
        {
            "size": rng.normal(1e6, 1e5, n),
            "float": some(rng.normal(size=n)).astype(float),
            "Int64": some(rng.integers(0, 9, n)).astype("Int64"),
            "Float64": some(rng.normal(size=n)).astype("Float64"),
            "number_object": some(rng.integers(0, 5, n)),
            "duration": pd.to_timedelta(some(rng.integers(0, 900, n)).astype(float), unit="s"),
            "bool": rng.random(n) < 0.5,
            "boolean": some(rng.random(n) < 0.5).astype("boolean"),
            "bool_object": some(rng.random(n) < 0.5),
            "day": some(days).astype("datetime64[ns]"),
            "zoned": days.tz_localize("Europe/Berlin"),
            "text": some(rng.choice(["a", "b"], n)).astype("str"),
            "text_object": some(rng.choice(["a", "b"], n)),
            "mixed_object": some(rng.choice(np.array([1, "a", 2.5], object), n)),
            "categorical": pd.Categorical(some(rng.choice(["x", "y"], n)), ["x", "y", "z"]),
            "town": rng.choice([f"town {i}" for i in range(30)], n),
            "always": 1,
            "empty": np.nan,
            "nothing": None,
            "name": [f"name {i}" for i in range(n)],
        }
    )


def quiet(df, **settings):
    with pytest.warns(UserWarning, match="are left out"):
        return tabular_preprocessor(df, **settings)


def columns_of(prepare):
    return {name: columns for name, _, columns in prepare.transformers}


def exactly(text):
    return "^" + re.escape(text) + "$"


@pytest.fixture(scope="module")
def fitted():
    return quiet(messy()).fit(messy(), np.arange(N) % 3 == 0)


# --- every kind of column -------------------------------------------------------------------


def test_each_column_goes_where_it_belongs():
    numbers = ["size", "float", "Int64", "Float64", "number_object", "duration"]
    flags = ["bool", "boolean", "bool_object"]
    assert columns_of(quiet(messy())) == {
        "numbers": numbers,
        "flags": flags,
        "dates": ["day", "zoned"],
        "categories": ["text", "text_object", "mixed_object", "categorical"],
        "many_categories": ["town"],
        "missing": [*numbers[1:], *flags[1:], "day"],
        "left_out": ["always", "empty", "nothing", "name"],
    }


def test_result_is_an_unfitted_column_transformer():
    prepare = quiet(messy())
    assert isinstance(prepare, ColumnTransformer)
    assert not hasattr(prepare, "transformers_")


def test_output_is_finite_float32_of_a_size_that_suits_nets(fitted):
    Z = fitted.transform(messy())
    assert Z.dtype == np.float32
    assert np.isfinite(Z).all()
    assert np.abs(Z).max() < 10


@pytest.mark.parametrize("numeric", ["robust", "standard", "quantile", MinMaxScaler()])
@pytest.mark.parametrize("many_categories", ["target", "one_hot"])
def test_any_later_table_gives_the_same_columns(numeric, many_categories):
    prepare = quiet(messy(), numeric=numeric, many_categories=many_categories)
    prepare.fit(messy(), np.arange(N) % 3 == 0)
    for later in (messy(5, seed=1, gaps=0.9), messy(50, seed=2, gaps=0), messy()[:1]):
        Z = prepare.transform(later)
        assert Z.dtype == np.float32
        assert np.isfinite(Z).all()
        assert Z.shape == (len(later), len(prepare.get_feature_names_out()))


def test_missing_values_where_there_were_none():
    df = pd.DataFrame(
        {"x": [1.0, 2.0, 4.0], "flag": [True, True, False], "town": ["Ulm", "Bonn", "Ulm"]}
    )
    prepare = tabular_preprocessor(df, numeric="standard").fit(df)
    later = pd.DataFrame({"x": [None, 2.0], "flag": [None, True], "town": [None, "Koeln"]})
    Z = prepare.transform(later)
    assert Z[0].tolist() == Z[1].tolist() == [*prepare.transform(df)[1, :1], 1, 0, 0]


def test_unseen_categories_join_the_rare_ones():
    df = pd.DataFrame({"town": ["Ulm"] * 5 + ["Bonn"] * 4 + ["Jena"]})
    prepare = tabular_preprocessor(df, min_frequency=3).fit(df)
    assert list(prepare.get_feature_names_out()) == [
        "categories__town_Bonn",
        "categories__town_Ulm",
        "categories__town_infrequent_sklearn",
    ]
    new = pd.DataFrame({"town": ["Jena", "Trier"]})
    assert prepare.transform(new).tolist() == [[0, 0, 1], [0, 0, 1]]


def test_categories_of_whole_numbers_stay_when_some_are_missing():
    df = pd.DataFrame({"kind": pd.Categorical([1, 2, 1, 2])})
    prepare = tabular_preprocessor(df).fit(df)
    later = pd.DataFrame({"kind": [1.0, 2.0, np.nan]})
    assert prepare.transform(later).tolist() == [[1, 0], [0, 1], [0, 0]]


def test_a_flag_that_is_set_or_missing_says_whether_it_is_missing():
    df = pd.DataFrame({"flag": [True, None, True], "x": [1.0, 2.0, 3.0]})
    prepare = tabular_preprocessor(df).fit(df)
    assert prepare.get_feature_names_out().tolist() == ["numbers__x", "missing__flag_missing"]
    assert prepare.transform(df)[:, 1].tolist() == [0, 1, 0]


def test_hours_only_where_there_are_hours():
    df = pd.DataFrame({"when": pd.date_range("2024-01-01", periods=9, freq="D")})
    assert not any(
        "hour" in name for name in tabular_preprocessor(df).fit(df).get_feature_names_out()
    )
    df["when"] += pd.Timedelta("1h")
    assert any("hour" in name for name in tabular_preprocessor(df).fit(df).get_feature_names_out())


@pytest.mark.parametrize(("numeric", "limit"), [("robust", 3), ("quantile", 5.2)])
def test_outliers_are_tamed(numeric, limit):
    df = pd.DataFrame({"x": [*np.random.default_rng(0).normal(size=200), 1e9]})
    assert np.abs(tabular_preprocessor(df, numeric=numeric).fit_transform(df)).max() <= limit


def test_numbers_are_those_of_scikit_learn():
    X, _ = load_diabetes(return_X_y=True, as_frame=True)
    Z = tabular_preprocessor(X, numeric="standard").fit_transform(X)
    np.testing.assert_allclose(Z, (X - X.mean()) / X.std(ddof=0), rtol=1e-6, atol=1e-6)


def test_many_categories_are_encoded_by_the_target_without_seeing_their_own():
    rng = np.random.default_rng(0)
    df = pd.DataFrame({"town": rng.choice([f"town {i}" for i in range(200)], 400)})
    y = rng.normal(size=400)  # which the town says nothing about
    prepare = tabular_preprocessor(df)
    assert np.corrcoef(prepare.fit_transform(df, y)[:, 0], y)[0, 1] < 0.2
    assert np.corrcoef(prepare.fit(df, y).transform(df)[:, 0], y)[0, 1] > 0.5


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(25, 60), gaps=st.floats(0, 1))
def test_no_table_is_too_messy(seed, n, gaps):
    df = messy(n, seed, gaps)
    Z = quiet(df, numeric="standard").fit_transform(df, np.arange(n) % 2)
    assert np.isfinite(Z).all()


# --- as scikit-learn's users know it --------------------------------------------------------


def test_table_out(fitted):
    Z = clone(fitted).set_output(transform="pandas").fit(messy(), np.arange(N) % 3 == 0)
    table = Z.transform(messy())
    assert list(table.columns) == list(fitted.get_feature_names_out())
    assert set(table.dtypes) == {np.dtype("float32")}
    np.testing.assert_array_equal(table, fitted.transform(messy()))


def test_clone_and_pickle(fitted):
    again = clone(fitted).fit(messy(), np.arange(N) % 3 == 0)
    loaded = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(loaded.transform(messy()), fitted.transform(messy()))
    np.testing.assert_array_equal(again.transform(messy()), fitted.transform(messy()))


def test_same_seed_same_folds():
    y = np.random.default_rng(0).normal(size=N)
    of_seed = [quiet(messy(), random_state=seed).fit_transform(messy(), y) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(of_seed[0], of_seed[1])
    assert (of_seed[0] != of_seed[2]).any()


def test_in_a_cross_validation():
    df = messy(300)
    y = (df["text_object"] == "a") & (df["bool"] | (df["float"] > 0))
    model = make_pipeline(quiet(df), LogisticRegression())
    assert cross_val_score(model, df, y, cv=3).mean() > 0.9


def test_steps_can_be_searched():
    prepare = quiet(messy())
    prepare.set_params(numbers__scale=MinMaxScaler(), categories__encode__min_frequency=3)
    assert np.isfinite(prepare.fit_transform(messy(), np.arange(N))).all()


def test_before_nets():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    X["big"] = np.where(X["mean area"] > 600, "yes", None)
    net = NetClassifier(max_epochs=5, random_state=0)
    pipe = Pipeline([("prepare", tabular_preprocessor(X)), ("net", net)])
    assert cross_val_score(pipe, X, y, cv=3).mean() > 0.93
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    net = make_pipeline(tabular_preprocessor(X), NetRegressor(max_epochs=20, random_state=0))
    line = make_pipeline(tabular_preprocessor(X), Ridge())
    assert cross_val_score(net, X, y, cv=3).mean() > 0.8 * cross_val_score(line, X, y, cv=3).mean()


def test_the_table_and_the_scaler_are_left_alone():
    df, before, scaler = messy(), messy(), MinMaxScaler()
    quiet(df, numeric=scaler).fit(df, np.arange(N))
    pd.testing.assert_frame_equal(df, before)
    assert not hasattr(scaler, "scale_")


# --- what is said when something is wrong ---------------------------------------------------


def test_columns_of_ids():
    with pytest.warns(
        UserWarning,
        match=exactly(
            "The columns ['name'] are left out, as nearly all their texts are different. "
            "Expected categories that come back; got 120 values in 120 rows of 'name'. "
            "Make features of what matters in them, or drop them from df."
        ),
    ) as caught:
        tabular_preprocessor(messy())
    assert caught[0].filename == __file__


def test_texts_of_a_short_table_are_categories():
    df = pd.DataFrame({"town": ["Ulm", "Bonn", "Jena"]})
    assert columns_of(tabular_preprocessor(df)) == {"categories": ["town"]}


LOOKED_AT = "a pandas.DataFrame with at least one row, whose columns have names of their own"


@pytest.mark.parametrize(
    ("df", "got", "todo"),
    [
        (np.zeros((2, 2)), "ndarray", "Give the features as a DataFrame"),
        (pd.Series([1, 2]), "Series", "Give the features as a DataFrame"),
        (pd.DataFrame({"a": []}), "no rows", "Check how the table was loaded"),
        (
            pd.DataFrame([[1, 2]]),
            "the columns [0, 1]",
            "Name them, for instance df.columns = df.columns.astype(str)",
        ),
        (
            pd.DataFrame([[1, 2]], columns=["a", "a"]),
            "several columns 'a'",
            "Rename or drop all but one",
        ),
    ],
)
def test_no_table(df, got, todo):
    text = f"df cannot be looked at. Expected {LOOKED_AT}; got {got}. {todo}."
    with pytest.raises(ValueError, match=exactly(text)):
        tabular_preprocessor(df)


@pytest.mark.parametrize(
    ("values", "got"),
    [
        ([[1], [2]], "the dtype object, such as [1]"),
        ([1j, 2j], "the dtype complex128, such as np.complex128(1j)"),
        (pd.period_range("2024", periods=2, freq="M"), "the dtype period[M], such as Period("),
    ],
)
def test_a_column_of_something_else(values, got):
    text = (
        "The column 'x' holds what no net can use. Expected numbers, texts, categories, "
        f"booleans, dates or durations; got {got}"
    )
    with pytest.raises(ValueError, match="^" + re.escape(text)):
        tabular_preprocessor(pd.DataFrame({"x": values}))


def test_nothing_is_left():
    df = pd.DataFrame({"a": [1, 1], "b": [None, None]})
    text = (
        "Nothing in df tells rows apart. Expected numbers, categories, ... of at least two "
        "values; got the columns ['a', 'b'], which are constant, or texts that all are "
        "different. Check how the table was loaded."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        tabular_preprocessor(df)


def test_texts_where_numbers_were():
    df = pd.DataFrame({"x": [1.0, 2.0]})
    text = (
        "The column 'x' does not hold numbers. Expected numbers, booleans or durations, as when "
        "the preprocessor was made; got could not convert string to float: 'two'. "
        "Convert it as in the training data."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        tabular_preprocessor(df).fit(df).transform(pd.DataFrame({"x": ["1", "two"]}))


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"numeric": "robusd"}, "numeric='robusd' is not known"),
        ({"many_categories": "onehot"}, "many_categories='onehot' is not known"),
        (
            {"numeric": MinMaxScaler},
            "numeric=<class 'sklearn.preprocessing._data.MinMaxScaler'> is no scaler. Expected one "
            "of 'robust', 'standard', 'quantile', or a transformer; got type. "
            "Give an instance, for instance MinMaxScaler().",
        ),
        (
            {"max_categories": 0},
            "max_categories=0 is no number of categories. Expected an int of at least 1; got 0. "
            "Give how many categories get a column each, for instance 20.",
        ),
    ],
)
def test_wrong_settings(settings, text):
    with pytest.raises(ValueError, match=re.escape(text)):
        tabular_preprocessor(messy(), **settings)
