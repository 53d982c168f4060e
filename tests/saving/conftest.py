import io
import json
import zipfile

import pytest
from sklearn.datasets import load_iris

from sknn_tricks import NetClassifier, NetRegressor, load, save
from sknn_tricks.nets import MLP


@pytest.fixture(scope="session")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture
def classifier():
    """Return a function from parameters to a small classifier."""

    def make(module=None, **params):
        params = {"max_epochs": 2, "random_state": 0, **params}
        return NetClassifier(MLP(hidden=(8,)) if module is None else module, **params)

    return make


@pytest.fixture
def regressor():
    def make(**params):
        return NetRegressor(MLP(hidden=(8,)), max_epochs=2, random_state=0, **params)

    return make


@pytest.fixture
def again(tmp_path):
    """Return a function from an estimator to what is loaded of its file."""

    def through(estimator, **settings):
        save(estimator, tmp_path / "estimator")
        return load(tmp_path / "estimator", **settings)

    return through


@pytest.fixture
def changed(tmp_path):
    """Return a function that writes a file of an estimator with some of its parts changed."""

    def make(estimator, change_config=None, **files):
        path = tmp_path / "changed"
        save(estimator, path)
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        if change_config is not None:
            config = json.loads(parts["config.json"])
            change_config(config)
            parts["config.json"] = json.dumps(config).encode()
        path.write_bytes(_zipped({**parts, **files}))
        return path

    return make


@pytest.fixture(scope="session")
def zipped():
    """Return a function from files, by name, to the bytes of a zip."""
    return _zipped


def _zipped(files, compression=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()
