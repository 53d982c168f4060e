import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sknn_tricks import NetClassifier, NetRegressor
from sknn_tricks.preprocessing import StandardScalerND
from sknn_tricks.tracking.artifacts._model import log_model


@pytest.fixture
def load(store, place, pyfunc):
    """Return the function that logs an estimator and loads it as a function."""

    def make(estimator, X):
        return pyfunc.load_model(place(log_model(*store, estimator, X)))

    return make


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=30)
    return pd.DataFrame({"size": numbers, "age": np.arange(30), "kind": ["a", "b", "c"] * 10})


@pytest.mark.parametrize(
    "form",
    [
        lambda X: X,
        lambda X: X.astype(np.float32),
        lambda X: X.round().astype(np.int64),
        lambda X: X.round().astype(np.uint8),
        lambda X: X.tolist(),
        pd.DataFrame,
        lambda X: pd.DataFrame(X, columns=list("abcd")),
        csr_array,
    ],
    ids=["float64", "float32", "int64", "uint8", "list", "unnamed", "named", "sparse"],
)
def test_arrays_of_any_type_are_taken(load, pipe, iris, form):
    model = LogisticRegression(max_iter=500).fit(*iris) if form is csr_array else pipe
    data = form(iris[0])
    plain = data.to_numpy() if isinstance(data, pd.DataFrame) else data
    np.testing.assert_array_equal(load(model, iris[0]).predict(data), model.predict(plain))


def test_numbers_come_in_the_type_of_the_training(load, iris):
    X, y = iris[0].astype(np.float32), iris[1]
    pipe = make_pipeline(StandardScaler(), NetClassifier(max_epochs=1, random_state=0)).fit(X, y)
    asked = {"predict_method": "predict_proba"}
    found = load(pipe, X).predict(X.astype(np.float64).tolist(), params=asked)
    np.testing.assert_array_equal(found, pipe.predict_proba(X))


def test_images_come_as_nested_lists(load):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (12, 4, 4, 3), dtype=np.uint8)
    net = NetClassifier(max_epochs=1, random_state=0)
    pipe = make_pipeline(StandardScalerND(per="channel", channel_axis=-1), net).fit(
        X, np.arange(12) % 2
    )
    np.testing.assert_array_equal(load(pipe, X).predict(X.tolist()), pipe.predict(X))


def test_tables_are_found_by_their_columns(load, table):
    y = np.arange(30) % 2
    encode = make_column_transformer(
        (OneHotEncoder(), ["kind"]), remainder=StandardScaler(), sparse_threshold=0
    )
    pipe = make_pipeline(encode, NetClassifier(max_epochs=1, random_state=0)).fit(table, y)
    model = load(pipe, table)
    expected = pipe.predict(table)
    shuffled = table[["kind", "age", "size"]].assign(note="not seen before")
    forms = [
        table,
        shuffled,
        table.to_numpy(),
        table.to_numpy().tolist(),
        table.to_dict("list"),
        table.to_dict("records"),
        table.set_axis(range(3), axis=1),
    ]
    for form in forms:
        np.testing.assert_array_equal(model.predict(form), expected)
    with pytest.raises(ValueError, match="no column") as caught:
        model.predict(table.drop(columns=["age", "kind"]))
    assert str(caught.value) == (
        "The table has no column 'age', 'kind'. Expected all columns that the model was trained "
        "on; got 'size'. Name the columns as in the training data, or leave the names out and "
        "keep the order."
    )
    with pytest.raises(ValueError, match="no names") as caught:
        model.predict([[1, 2]])
    assert str(caught.value) == (
        "The columns have no names and are not as many as in the training data. Expected 3, "
        "namely 'size', 'age', 'kind'; got 2. Give all columns in their order, or name them."
    )


def test_probabilities_are_asked_for_by_name(load, pipe, iris):
    model = load(pipe, iris[0])
    asked = {"predict_method": "predict_proba"}
    np.testing.assert_array_equal(model.predict(iris[0], params=asked), pipe.predict_proba(iris[0]))
    np.testing.assert_array_equal(
        model.predict(iris[0], params={"predict_method": "predict"}), pipe.predict(iris[0])
    )
    with pytest.raises(ValueError, match="Did you mean 'predict_proba'"):
        model.predict(iris[0], params={"predict_method": "predict_probs"})
    with pytest.raises(ValueError, match="predict_method='fit' is not known"):
        model.predict(iris[0], params={"predict_method": "fit"})


def test_deviations_of_an_ensemble(load):
    X = np.linspace(-1, 1, 40)[:, None]
    net = NetRegressor(n_members=2, max_epochs=1, random_state=0).fit(X, X[:, 0] ** 2)
    found = load(net, X).predict(X, params={"predict_method": "predict_std"})
    np.testing.assert_array_equal(found, net.predict_std(X))


@pytest.mark.parametrize(
    ("y", "dtype", "shape"),
    [
        (np.array(["a", "b"] * 15), "str", (-1,)),
        (np.arange(30) % 2, "int64", (-1,)),
        (np.zeros((30, 2)), "float64", (-1, 2)),
    ],
)
def test_the_signature_describes_what_comes_out(load, table, y, dtype, shape):
    X = table[["size", "age"]]
    model = LinearRegression() if y.dtype.kind == "f" else LogisticRegression()
    loaded = load(model.fit(X, y), X)
    (output,) = loaded.metadata.get_output_schema().inputs
    assert (np.dtype(output.type), output.shape) == (np.dtype(dtype), shape)
    (param,) = loaded.metadata.get_params_schema().params
    assert (param.name, param.default) == ("predict_method", "predict")
    assert loaded.metadata.get_input_schema() is None  # what comes in is checked by the model


def test_the_estimator_is_within(load, pipe, iris):
    assert repr(load(pipe, iris[0]).get_raw_model()) == repr(pipe)


def test_a_users_ban_on_pickles_is_kept(store, place, pyfunc, pipe, iris, monkeypatch):
    folder = place(log_model(*store, pipe, iris[0]))
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    with pytest.raises(Exception, match="MLFLOW_ALLOW_PICKLE_DESERIALIZATION"):
        pyfunc.load_model(folder)
