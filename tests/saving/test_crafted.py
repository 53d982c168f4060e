"""Files that were crafted to run code, to fill the memory or to confuse: all are refused."""

import io
import json
import os
import pickle
import struct
import zipfile

import joblib
import numpy as np
import pytest
import skops.io
from scipy.sparse import csr_array
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer, QuantileTransformer

from sknn_tricks import load
from sknn_tricks.nets import MLP
from sknn_tricks.preprocessing import StandardScalerND


class Bomb:
    """Touches a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.fixture
def marker(tmp_path):
    return tmp_path / "marker"


@pytest.fixture
def fitted(classifier, iris):
    return make_pipeline(
        QuantileTransformer(n_quantiles=9), classifier(MLP(hidden=(4,), dropout=0.1))
    ).fit(*iris)


@pytest.fixture
def refused():
    """Return a function that loads a file, which must be refused, and returns the error's text."""

    def text(path, **settings):
        with pytest.raises(ValueError, match=r"\. Expected .*; got .*\. ") as error:
            load(path, **settings)
        return str(error.value)

    return text


def net_of(config):
    """Return the node of the pipeline's net."""
    return config["estimator"]["attributes"]["steps"][1]["items"][1]


def module_of(config):
    return net_of(config)["net"]["module"]


# --- code -----------------------------------------------------------------------------------


def test_joblib_would_run_the_bomb(marker):
    buffer = io.BytesIO()
    joblib.dump(Bomb(marker), buffer)
    assert not marker.exists()
    joblib.load(buffer).close()
    assert marker.exists()


@pytest.mark.parametrize(
    "name", ["weights.safetensors", "config.json", "skops/0.skops", "net.pkl", "skops/1.skops"]
)
def test_a_pickle_is_not_run_wherever_it_is(name, fitted, changed, marker, refused):
    text = refused(changed(fitted, **{name: pickle.dumps(Bomb(marker))}))
    assert "is damaged, or was tampered with" in text
    assert not marker.exists()


def test_a_pickle_by_itself_is_not_run(marker, tmp_path, refused):
    path = tmp_path / "net"
    for write in (joblib.dump, lambda bomb, path: path.write_bytes(pickle.dumps(bomb))):
        write(Bomb(marker), path)
        assert refused(path) == (
            f"{path} is no file that sknn_tricks.save wrote. Expected a zip with a config.json "
            "that says so; got another kind of file. Load it with what wrote it."
        )
    assert not marker.exists()


NAMES = [
    "os.system",
    "builtins.eval",
    "builtins.getattr",
    "posix.system",
    "sknn_tricks.saving._registry.importlib",
    "sknn_tricks.estimators.__builtins__",
    "sknn_tricks.nets._registry",
    "torch.load",
    "torch.nn.os",
    "torch.hub.load",
    "numpy.load",
    "joblib.load",
    "torch.nn.Linear",
    "",
    None,
    ["os", "system"],
]


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_no_other_class_is_looked_up(name, fitted, changed, refused, monkeypatch):
    monkeypatch.setattr(os, "system", lambda *args: pytest.fail("it was run"))

    def of_estimator(config):
        net_of(config)["class"] = name

    def of_module(config):
        module_of(config)["class"] = name

    def of_parameter(config):
        net_of(config)["attributes"]["init"] = {"is": "object", "class": name, "attributes": {}}

    def of_function(config):
        net_of(config)["attributes"]["init"] = {"is": "name", "name": name}

    changes = [of_estimator, of_module, of_parameter]
    for change in changes if name == "torch.nn.Linear" else [*changes, of_function]:
        if change is of_module and name == "torch.nn.Linear":
            continue
        assert "is damaged, or was tampered with" in refused(changed(fitted, change))


@pytest.mark.parametrize("kind", ["pickle", "exec", "", None, "Form", "__class__"])
def test_no_other_kind_of_value_is_read(kind, fitted, changed, refused):
    def change(config):
        net_of(config)["attributes"]["init"] = {"is": kind}

    assert f"nothing is of the kind {kind!r}" in refused(changed(fitted, change))


def test_a_net_has_no_attributes_that_torch_keeps(fitted, changed, refused):
    def change(config):
        module_of(config)["attributes"]["_forward_hooks"] = {"is": "dict", "named": {}}

    assert "'_forward_hooks'" in refused(changed(fitted, change))


@pytest.mark.parametrize("dtype", ["O", "f4,i4", "V8", "no dtype", 3, None])
def test_dtypes_are_plain(dtype, changed, refused):
    def change(config):
        node = {"is": "scalar", "dtype": dtype, "value": 1}
        config["estimator"]["attributes"]["per"] = node

    assert "damaged" in refused(changed(StandardScalerND(), change))


class Marking:
    """Touches a file when skops makes it again."""

    def __init__(self, path):
        self.path = path

    def __getstate__(self):
        return {"path": str(self.path)}

    def __setstate__(self, state):
        with open(state["path"], "w"):
            pass


def test_skops_makes_nothing_that_nobody_vouches_for(fitted, changed, marker, refused):
    scaler = PowerTransformer().set_params(copy=Marking(marker))
    path = changed(fitted, **{"skops/0.skops": skops.io.dumps(scaler)})
    text = refused(path)
    assert "types whose loading may run code" in text
    assert "Marking" in text
    assert not marker.exists()
    load(path, trusted=[Marking])  # so the bomb would work
    assert marker.exists()


def test_skops_never_makes_nets_whoever_vouches_for_them(fitted, changed, marker, refused):
    schema = {
        "__class__": "NetClassifier",
        "__module__": "sknn_tricks.estimators._classifier",
        "__loader__": "ObjectNode",
        "protocol": 0,
    }
    name = "sknn_tricks.estimators._classifier.NetClassifier"
    with zipfile.ZipFile(buffer := io.BytesIO(), "w") as archive:
        archive.writestr("schema.json", json.dumps(schema))
    path = changed(fitted, **{"skops/0.skops": buffer.getvalue()})
    assert "The file holds a net where none belongs" in refused(path, trusted=[name])


# --- files ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../outside", "/etc/outside", "skops/../../outside.skops", "skops/a.skops", "x/"]
)
def test_no_file_of_another_name_is_taken(name, fitted, changed, tmp_path, refused):
    assert f"it has a file {name!r}" in refused(changed(fitted, **{name: b"x"}))
    assert not list(tmp_path.parent.rglob("outside*"))


def test_nothing_that_is_compressed_is_read(fitted, changed, zipped, refused):
    path = changed(fitted)
    bomb = zipped({"config.json": b"0" * 10**7}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 20000
    path.write_bytes(bomb)
    assert "'config.json' is compressed" in refused(path)
    path = changed(fitted, **{"skops/0.skops": bomb})
    assert "damaged" in refused(path)


def test_sparse_matrices_of_skops_do_not_grow_without_bounds(fitted, changed, refused, monkeypatch):
    scaler = PowerTransformer().set_params(copy=csr_array(np.zeros((10, 10))))
    path = changed(fitted, **{"skops/0.skops": skops.io.dumps(scaler)})
    monkeypatch.setattr("sknn_tricks.saving._skops.MOST_BYTES", 100)
    assert "damaged" in refused(path)


def test_a_file_twice_is_refused(fitted, changed, refused):
    path = changed(fitted)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("config.json", b"{}")
    assert "it has a file twice" in refused(path)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.6, 0.9, 0.999])
def test_a_file_that_was_cut_off_is_refused(share, fitted, changed, refused):
    path = changed(fitted)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert str(path) in refused(path)


def test_a_bit_that_was_turned_is_seen_wherever_it_is(fitted, changed, refused):
    path = changed(fitted)
    whole = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    for entry in entries:
        middle = entry.header_offset + 30 + len(entry.filename) + entry.file_size // 2
        turned = bytearray(whole)
        turned[middle] ^= 4
        path.write_bytes(turned)
        assert "Bad CRC-32" in refused(path)


# --- sizes ----------------------------------------------------------------------------------


def header_of(weights):
    n_bytes = int.from_bytes(weights[:8], "little")
    return json.loads(weights[8 : 8 + n_bytes]), weights[8 + n_bytes :]


def weights_with(path, change):
    with zipfile.ZipFile(path) as archive:
        header, numbers = header_of(archive.read("weights.safetensors"))
    change(header)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + numbers


@pytest.mark.parametrize("shape", [[10**12, 10**6], [2**63], [-1], [0], [4]])
def test_weights_of_other_shapes_than_they_have_bytes(shape, fitted, changed, refused):
    def change(header):
        name = next(name for name in header if name.endswith("linear_0.weight"))
        header[name]["shape"] = shape

    weights = weights_with(changed(fitted), change)
    path = changed(fitted, **{"weights.safetensors": weights})
    assert "damaged" in refused(path)


def test_weights_that_do_not_fit_each_other(fitted, changed, refused):
    def turn(header):
        name = next(name for name in header if name.endswith("linear_0.weight"))
        header[name]["shape"].reverse()
        assert header[name]["shape"] != [4, 4]

    fitted[-1].set_params(module__hidden=(6,)).fit(fitted[0].transform(np.eye(4)), [0, 1, 2, 0])
    path = changed(fitted, **{"weights.safetensors": weights_with(changed(fitted), turn)})
    assert "damaged" in refused(path)


CHANGES = {
    "a row that fills the memory": lambda net: net["attributes"].update(
        input_shape_={"is": "tuple", "items": [10**9, 10**9]}
    ),
    "more classes than outputs": lambda net: net["attributes"].update(
        classes_={"is": "items", "dtype": "O", "shape": [5], "items": [1, 2, 3, 4, 5]}
    ),
    "an array that is not there": lambda net: net["attributes"].update(
        classes_={"is": "array", "name": "nowhere"}
    ),
    "texts that fill the memory": lambda net: net["attributes"].update(
        classes_={"is": "items", "dtype": "<U500000000", "shape": [3], "items": ["a", "b", "c"]}
    ),
    "moments of another parameter": lambda net: net["net"]["memory"][0].update(
        named={"exp_avg": net["net"]["memory"][1]["named"]["exp_avg"]}
    ),
    "moments of fewer parameters": lambda net: net["net"]["memory"].pop(),
    "rates of another optimiser": lambda net: net["net"]["rates"][0]["named"].pop("betas"),
    "a part that is no module": lambda net: net["net"]["module"]["parts"].update(output=3),
    "what was not read before": lambda net: net["attributes"].update(init={"is": "same", "as": 99}),
    "a random state that is none": lambda net: net["attributes"].update(
        random_state={"is": "RandomState", "keys": "x", "rest": [-5, 0, 0.0]}
    ),
    "a part of skops' that is not there": lambda net: net["attributes"].update(
        init={"is": "skops", "part": 7}
    ),
    "no net, but a number": lambda net: net.update(net=3),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_does_not_fit_together_is_refused(change, fitted, changed, refused):
    path = changed(fitted, lambda config: change(net_of(config)))
    assert "is damaged, or was tampered with" in refused(path)


def test_what_is_no_estimator_is_refused(fitted, changed, refused):
    def change(config):
        config["estimator"] = module_of(config)

    assert "damaged" in refused(changed(fitted, change))


def test_a_random_state_is_not_read_beyond_its_end(classifier, changed, refused):
    def change(config):
        config["estimator"]["attributes"]["random_state"]["rest"][0] = 10**6

    path = changed(classifier(random_state=np.random.RandomState(0)), change)
    assert "a RandomState has no position 1000000" in refused(path)


def test_versions_that_are_none(fitted, changed, refused):
    assert "damaged" in refused(changed(fitted, lambda config: config.pop("versions")))


@pytest.mark.parametrize("text", ["[" * 10**5 + "]" * 10**5, "NaN", "[]", '"x"', "{}", '{"format"'])
def test_a_config_that_is_none(text, fitted, changed, refused):
    assert str(changed(fitted)) in refused(changed(fitted, **{"config.json": text.encode()}))
