import warnings

import pytest
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn_tricks import NetClassifier
from sknn_tricks.tracking.stores._quiet import quiet_mlflow
from sknn_tricks.tracking.stores._store import Store


@pytest.fixture
def store(uri):
    """A client of an empty store, and the id of a new run."""
    client, experiment_id = Store(uri).open("models")
    return client, client.create_run(experiment_id).info.run_id


@pytest.fixture(scope="session")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="session")
def pipe(iris):
    net = NetClassifier(max_epochs=2, random_state=0)
    return make_pipeline(StandardScaler(), net).fit(*iris)


@pytest.fixture(scope="session")
def pyfunc():
    with warnings.catch_warnings(), quiet_mlflow():
        warnings.simplefilter("ignore")  # its import warns of its own type hints
        import mlflow.pyfunc
    return mlflow.pyfunc


@pytest.fixture
def place(store):
    """Return the function from a model's URI to its folder.

    MLflow would look the URI up in the store that is set for the whole process.
    """
    client, _ = store
    return lambda uri: client.get_logged_model(uri.removeprefix("models:/")).artifact_location
