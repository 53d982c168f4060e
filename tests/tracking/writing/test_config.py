import functools
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.stats import loguniform
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from torch import nn

from sknn_tricks import NetClassifier
from sknn_tricks.nets import MLP
from sknn_tricks.tracking.writing._config import as_config, candidate_configs, config_text


def test_estimators_nest():
    config = json.loads(config_text(make_pipeline(StandardScaler(), LogisticRegression(C=3.0))))
    assert config["class"] == "sklearn.pipeline.Pipeline"
    (_, scaler), (name, last) = config["params"]["steps"]
    assert scaler["params"]["with_std"] is True
    assert name == "logisticregression"
    assert last["class"] == "sklearn.linear_model._logistic.LogisticRegression"
    assert last["params"]["C"] == 3.0


class _Own(nn.Module):
    def __init__(self, width=7):
        super().__init__()


@pytest.mark.parametrize(
    ("module", "name", "size"),
    [
        (None, None, ("hidden", [100])),
        (MLP(), "sknn_tricks.nets._mlp.MLP", ("hidden", [100])),
        (_Own, f"{__name__}._Own", ("width", 7)),
    ],
)
def test_the_module_of_a_net_is_there_however_it_was_given(module, name, size):
    config = as_config(NetClassifier(module))["params"]["module"]
    assert config["class"] == name
    assert config["params"].get(size[0]) == size[1]


def test_a_parameter_of_the_default_module():
    config = as_config(NetClassifier().set_params(module__dropout=0.2))["params"]["module"]
    assert config["class"] == "sknn_tricks.nets._mlp.MLP"
    assert config["params"]["dropout"] == 0.2


def test_functions_and_classes_have_their_names():
    assert as_config(np.linalg.norm) == "numpy.linalg.norm"
    assert as_config(np.log) == "<ufunc 'log'>"
    assert as_config(functools.partial(max, default=1)) == {
        "function": "builtins.max",
        "keywords": {"default": 1},
    }
    assert as_config(KFold) == "sklearn.model_selection._split.KFold"
    assert as_config(FunctionTransformer(np.log1p))["params"]["func"] == "<ufunc 'log1p'>"
    assert "lambda" in as_config(lambda x: x)


def test_an_array_is_told_by_its_digest():
    x = np.arange(6.0).reshape(2, 3)
    config = as_config(x)
    assert config["class"] == "numpy.ndarray"
    assert (config["shape"], config["dtype"]) == ([2, 3], "float64")
    assert config["sha256"] != as_config(x + 1)["sha256"]
    assert as_config(np.asfortranarray(x))["sha256"] == config["sha256"]


@pytest.mark.parametrize(
    "value",
    [
        np.arange(5000.0) + 12345.678,
        list(range(100_000, 105_000)),
        [[i] * (i % 3) for i in range(100_000, 102_000)],
        pd.DataFrame({"a": np.arange(5000) + 100_000}),
        pd.Series(["secret"] * 10),
        csr_array(np.eye(3) * 123456),
        np.array(["secret", None], dtype=object),
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_data_are_told(value):
    text = json.dumps(as_config(value))
    assert len(text) < 300
    assert not any(number in text for number in ("12345", "secret", "101", "102"))


def test_objects_are_their_repr_unless_it_is_an_address():
    class Opaque:
        def __init__(self):
            self.width, self.hidden_by_name, self._own = 3, object(), 4

    assert as_config(KFold(3)) == "KFold(n_splits=3, random_state=None, shuffle=False)"
    config = as_config(Opaque())
    assert config["params"] == {"width": 3}
    assert "0x" not in json.dumps(config)
    assert "0x" not in json.dumps(as_config(loguniform(1e-3, 1e-1)))
    assert as_config(loguniform(1e-3, 1e-1))["params"]["args"] == [1e-3, 1e-1]


def test_numbers_that_json_has_not():
    assert as_config([float("nan"), -np.inf, np.float32(0.5), np.bool_(True)]) == [
        "nan",
        "-inf",
        0.5,
        True,
    ]


def test_a_search():
    search = GridSearchCV(LogisticRegression(), {"C": np.array([0.1, 1.0])}, cv=KFold(2))
    config = json.loads(config_text(search))
    assert config["params"]["error_score"] == "nan"
    assert config["params"]["estimator"]["params"]["C"] == 1.0


def test_candidates_with_other_parameters_do_not_meet():
    pipe = make_pipeline(StandardScaler(), LogisticRegression())
    scaler = StandardScaler(with_std=False)
    params = [
        {"logisticregression__C": 2.0},
        {"standardscaler": scaler},
        {"standardscaler": "passthrough", "logisticregression__C": 3.0},
        {"logisticregression__C": 4.0},
    ]
    configs = [json.loads(text)["params"]["steps"] for text in candidate_configs(pipe, params)]
    assert [steps[1][1]["params"]["C"] for steps in configs] == [2.0, 1.0, 3.0, 4.0]
    assert configs[1][0][1]["params"]["with_std"] is False
    assert configs[2][0][1] == "passthrough"
    assert configs[3][0][1]["params"]["with_std"] is True
    assert pipe.get_params()["logisticregression__C"] == 1.0


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.complex_numbers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)


@given(anything)
def test_all_of_it_is_json(value):
    json.loads(json.dumps(as_config(value), allow_nan=False))


def test_what_holds_itself_ends():
    endless = []
    endless.append(endless)
    json.dumps(as_config(endless))
