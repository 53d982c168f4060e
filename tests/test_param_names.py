from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn_tricks import NetClassifier
from sknn_tricks._param_names import (
    changed_params,
    class_names,
    clean,
    describe,
    short_names,
)
from sknn_tricks.augment import Augment, Cutout, Flip
from sknn_tricks.nets import ConvNet

paths = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map("__".join)


@given(st.lists(paths, unique=True), st.lists(paths))
def test_short_names_mean_one_parameter_each(names, taken):
    short = short_names(names, taken)
    assert len(set(short.values())) == len(names)
    for name, suffix in short.items():
        assert f"__{name}".endswith(f"__{suffix}")
        owners = [n for n in names if f"__{n}".endswith(f"__{suffix}")]
        assert suffix == name or (owners == [name] and suffix not in taken)


@given(st.lists(paths, unique=True))
def test_short_names_are_as_short_as_can_be(names):
    for suffix in short_names(names).values():
        if "__" in suffix:
            shorter = suffix.partition("__")[2]
            assert sum(f"__{n}".endswith(f"__{shorter}") for n in names) > 1


def test_a_word_that_is_taken():
    assert short_names(["net__iter"], taken=["iter"]) == {"net__iter": "net__iter"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (True, "True"),
        (1e-4, "0.0001"),
        (np.float32(0.5), "0.5"),
        ((64,), "(64,)"),
        ([np.float64(0.1), None], "[0.1, None]"),
        (Ridge, "Ridge"),
        (np.mean, "mean"),
        (describe, "describe"),
        (Ridge(alpha=2), "Ridge(alpha=2)"),
        ("a\nb", "a b"),
    ],
)
def test_describe(value, text):
    assert describe(value) == text


def test_describe_leaves_out_addresses_and_stays_within_mlflows_limit():
    assert "0x" not in describe(partial(max, key=object()))
    assert len(describe("x" * 10_000)) == 6000


def test_clean():
    assert clean("fold_0/näh loss(%)") == "fold_0/näh loss___"
    assert len(clean("x" * 300)) == 250


def test_class_names():
    pipe = Pipeline([("a", Pipeline([("b", StandardScaler())])), ("c", None), ("d", Ridge())])
    assert class_names(pipe) == "StandardScaler > None > Ridge"


def test_changed_params_of_nested_estimators():
    columns = ColumnTransformer([("scale", StandardScaler(with_mean=False), [0])])
    pipe = Pipeline([("cols", columns), ("model", LogisticRegression(C=np.float64(1.0), tol=0.1))])
    assert changed_params(pipe) == {"cols__scale__with_mean": False, "model__tol": 0.1}


def test_changed_params_name_specs_and_lists_of_transforms():
    net = NetClassifier(ConvNet(channels=8), augment=Augment([Flip(), Cutout(6)], n_workers=2))
    assert changed_params(make_pipeline(StandardScaler(), net)) == {
        "netclassifier__augment": "Augment",
        "netclassifier__augment__n_workers": 2,
        "netclassifier__augment__transforms": net.augment.transforms,
        "netclassifier__module": "ConvNet",
        "netclassifier__module__channels": 8,
    }
    assert describe(net.augment.transforms) == "[Flip(), Cutout(size=6)]"


class Part(BaseEstimator):
    def __init__(self, size=1):
        self.size = size


class Whole(BaseEstimator):
    def __init__(self, part=Part(size=2)):  # noqa: B008
        self.part = part


def test_changed_params_of_an_object_of_the_defaults_class_are_its_own():
    assert changed_params(Whole(Part(size=3))) == {"part__size": 3}
    assert changed_params(Whole(Whole())) == {"part": "Whole", "part__part__size": 2}
