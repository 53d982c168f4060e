"""The file itself: the same bytes, whole or not at all, and what is in it."""

import json
import os
import stat
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import sklearn
from safetensors.numpy import load_file
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PowerTransformer

from sknn_tricks import NetClassifier, load, save
from sknn_tricks.nets import MLP
from sknn_tricks.saving import _container


@pytest.fixture
def fitted(classifier, iris):
    return make_pipeline(PowerTransformer(), classifier()).fit(*iris)


def test_the_same_estimator_gives_the_same_bytes(fitted, classifier, iris, tmp_path):
    again = make_pipeline(PowerTransformer(), classifier()).fit(*iris)
    for epoch, other in zip(fitted[-1].history_, again[-1].history_, strict=True):
        other["dur"] = epoch["dur"]  # all that differs
    again[-1].net_.history_ = fitted[-1].net_.history_
    save(fitted, tmp_path / "one")
    save(again, tmp_path / "other")
    save(load(tmp_path / "one"), tmp_path / "third")
    first = (tmp_path / "one").read_bytes()
    assert first == (tmp_path / "other").read_bytes() == (tmp_path / "third").read_bytes()


@pytest.mark.slow
def test_another_process_writes_the_same_bytes(tmp_path):
    code = (
        "import sys, sknn_tricks\n"
        "from sklearn.preprocessing import OneHotEncoder\n"
        "from sklearn.pipeline import make_pipeline\n"
        "step = OneHotEncoder().fit([['a', 1], ['b', 2]])\n"
        "net = sknn_tricks.NetClassifier(class_weight={'a': 1.0, 'b': 2.0})\n"
        "sknn_tricks.save(make_pipeline(step, net), sys.argv[1])\n"
    )
    path = tmp_path / "theirs"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", code, path], check=True, env=environment)
    step = OneHotEncoder().fit([["a", 1], ["b", 2]])
    net = NetClassifier(class_weight={"a": 1.0, "b": 2.0})
    save(make_pipeline(step, net), tmp_path / "ours")
    assert path.read_bytes() == (tmp_path / "ours").read_bytes()


def test_others_can_read_what_is_in_it(fitted, tmp_path):
    save(fitted, tmp_path / "file")
    with zipfile.ZipFile(tmp_path / "file") as archive:
        assert archive.namelist() == ["config.json", "weights.safetensors", "skops/0.skops"]
        assert archive.testzip() is None
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        config = json.loads(archive.read("config.json"))
        archive.extract("weights.safetensors", tmp_path)
    assert config["format"] == "sknn_tricks estimator"
    assert config["version"] == 1
    assert config["versions"]["scikit-learn"] == sklearn.__version__
    weights = load_file(tmp_path / "weights.safetensors")
    [name] = [name for name in weights if name.endswith("module.linear_0.weight")]
    np.testing.assert_array_equal(
        weights[name], fitted[-1].net_.module_.linear_0.weight.detach().numpy()
    )


def test_a_file_that_is_there_is_replaced(fitted, classifier, tmp_path):
    path = tmp_path / "file"
    save(fitted, path)
    save(classifier(), str(path))
    assert type(load(str(path))).__name__ == "NetClassifier"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_written_whole_or_not_at_all(fitted, classifier, tmp_path, monkeypatch):
    path = tmp_path / "file"
    save(fitted, path)
    before = path.read_bytes()

    def fail(*args):
        raise OSError("no room")

    monkeypatch.setattr(_container.os, "replace", fail)
    with pytest.raises(OSError, match="no room"):
        save(classifier(), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_leaves_the_file_as_it_was(fitted, classifier, tmp_path):
    path = tmp_path / "file"
    save(fitted, path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="is a function of your own"):
        save(classifier(loss=lambda outputs, target, weight: outputs.sum()), path)
    assert path.read_bytes() == before


def test_others_may_read_the_file_if_they_may_read_new_files(classifier, tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    save(classifier(), tmp_path / "file")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "file")]
    assert modes[0] == modes[1]


def test_a_folder_that_is_not_there(classifier, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^There is no folder .*nowhere\. Expected"):
        save(classifier(), tmp_path / "nowhere" / "file")
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nowhere")


def test_another_version_of_scikit_learn_is_told_of(classifier, iris, changed):
    def older(config):
        config["versions"]["scikit-learn"] = "1.8.0"

    net = classifier().fit(*iris)
    with pytest.warns(InconsistentVersionWarning, match=r"NetClassifier from version 1\.8\.0") as w:
        loaded = load(changed(net, older))
    assert w[0].filename == __file__
    np.testing.assert_array_equal(loaded.predict(iris[0]), net.predict(iris[0]))


def test_a_later_format_is_refused(classifier, changed):
    path = changed(classifier(), lambda config: config.update(version=2))
    with pytest.raises(ValueError, match="later version") as error:
        load(path)
    assert str(error.value) == (
        f"{path} was written by a later version of sknn_tricks. Expected format version 1 or "
        "lower; got 2. Update sknn_tricks."
    )


class Scheme:
    def __call__(self, weight, gain, generator): ...


FUNCTIONS = {
    "init": lambda weight, gain, generator: weight.zero_(),
    "lr_schedule": lambda moment: 1.0,
    "loss": lambda outputs, target, weight: outputs.sum(),
    "class_weight": lambda counts: counts,
    "monitor": lambda estimator, X, y: 0.0,
    "optimizer": lambda parameters, lr: None,
    "module__norm": lambda width: None,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_the_users_are_refused_by_the_parameters_name(name, classifier, tmp_path):
    net = classifier(MLP()).set_params(**{name: FUNCTIONS[name]})
    with pytest.raises(ValueError, match="a function of your own") as error:
        save(net, tmp_path / "file")
    owner = "MLP" if "__" in name else "NetClassifier"
    assert str(error.value) == (
        f"{name.rpartition('_')[2] if '__' in name else name} of {owner} is a function of your "
        f"own, and a file holds no code. Expected a name, or one of the library's; got "
        f"{FUNCTIONS[name]!r}. Choose one by name, or keep the estimator with joblib."
    )


def test_objects_and_skorch_callbacks_are_refused(classifier, tmp_path):
    from skorch.callbacks import LRScheduler

    for params, start in [
        ({"init": Scheme()}, "init of NetClassifier holds what has no place in a file"),
        ({"callbacks": [LRScheduler()]}, "callbacks of NetClassifier holds"),
    ]:
        with pytest.raises(ValueError, match=f"^{start}"):
            save(classifier(**params), tmp_path / "file")


@pytest.mark.parametrize("value", [None, 3, {"net": 1}, MLP], ids=repr)
def test_only_estimators_are_saved(value, tmp_path):
    with pytest.raises(ValueError, match=r"^This is no estimator\. Expected a fitted estimator"):
        save(value, tmp_path / "file")


def test_what_holds_itself_is_refused(classifier, tmp_path):
    net = classifier()
    net.module = make_pipeline(net)
    with pytest.raises(ValueError, match="holds itself"):
        save(net, tmp_path / "file")
