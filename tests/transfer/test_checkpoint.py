"""Weights from files and mappings: what is read, and what is refused."""

import functools
import os
import pickle
import re

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import sknn_tricks
from sknn_tricks.nets import ConvNet
from sknn_tricks.transfer import FeatureExtractor, FineTuner

SPEC = ConvNet(channels=(8, 16), n_convs=1)


@pytest.fixture(scope="module")
def weights(backbone):
    return {name: tensor.clone() for name, tensor in backbone.net_.module_.state_dict().items()}


@pytest.fixture(scope="module")
def expected(backbone, new):
    return FeatureExtractor(backbone).fit_transform(new[0])


def features(given, new, **params):
    return FeatureExtractor(given, **params).fit_transform(new[0])


@pytest.mark.parametrize("wrapped", [lambda w: w, lambda w: {"epoch": 3, "state_dict": w}])
def test_torch_files_are_read(weights, expected, new, tmp_path, wrapped):
    torch.save(wrapped(weights), tmp_path / "net.pt")

    np.testing.assert_array_equal(features(tmp_path / "net.pt", new, module=SPEC), expected)


def test_safetensors_are_read(weights, expected, new, tmp_path):
    save_file(weights, tmp_path / "net.safetensors")
    path = str(tmp_path / "net.safetensors")

    np.testing.assert_array_equal(features(path, new, module=SPEC), expected)


def test_files_of_ours_need_no_module(backbone, expected, new, tmp_path):
    sknn_tricks.save(backbone, tmp_path / "net")

    np.testing.assert_array_equal(features(tmp_path / "net", new), expected)


def test_a_mapping_an_instance_and_a_function_are_taken(backbone, weights, expected, new):
    made = functools.partial(lambda module: module, backbone.net_.module_)

    for given in (backbone.net_.module_, made):
        np.testing.assert_array_equal(features(given, new), expected)
    blank = SPEC.build((8, 8), 5)
    for module in (SPEC, blank):
        np.testing.assert_array_equal(features(weights, new, module=module), expected)
    assert not torch.equal(blank.state_dict()["conv_0_0.weight"], weights["conv_0_0.weight"])


def test_the_backbone_stays_as_it_is(backbone, weights, new, tuner):
    for strategy in ("fine_tune", "pretrained_init", "linear_probe"):
        tuner(strategy, backbone.net_.module_).fit(*new)

    after = backbone.net_.module_.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in weights.items())


class Bomb:
    """What leaves a trace if it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("write", ["torch.save", "pickle.dump"])
def test_code_in_a_file_is_refused_and_not_run(new, tmp_path, write):
    trace, path = tmp_path / "trace", tmp_path / "net.pt"
    if write == "torch.save":
        torch.save({"weight": Bomb(trace)}, path)
    else:
        path.write_bytes(pickle.dumps(Bomb(trace), protocol=2))
    text = (
        f"{path} holds something else than weights, which only running its code would read. "
        "Expected a state dict: names and tensors; got a pickle of other objects. Save "
        "torch_module.state_dict(), best with safetensors.torch.save_file."
    )

    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        FineTuner(path, module=SPEC).fit(*new)

    assert not trace.exists()


def test_files_that_are_not_there_are_named(new, tmp_path):
    for name in ("net.pt", "net.safetensors"):
        for module in (SPEC, None):
            with pytest.raises(FileNotFoundError, match=name):
                FineTuner(tmp_path / name, module=module).fit(*new)


@pytest.mark.parametrize("content", [b"nothing", b"<!doctype html>", b"version https://git-lfs"])
def test_files_of_something_else_are_no_weights(new, tmp_path, content):
    path = tmp_path / "net.pt"
    path.write_bytes(content)

    assert text_of(path, new) == (
        f"{path} is no file of weights. Expected a file of safetensors, or one that torch.save "
        "wrote; got neither. Look into it: it may be a web page, or a pointer to what git-lfs did "
        "not fetch."
    )


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.99])
@pytest.mark.parametrize("kind", ["zip", "old", "safetensors"])
def test_damaged_files_are_refused(weights, new, tmp_path, share, kind):
    path = tmp_path / ("net.safetensors" if kind == "safetensors" else "net.pt")
    if kind == "safetensors":
        save_file(weights, path)
    else:
        torch.save(weights, path, _use_new_zipfile_serialization=kind == "zip")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])

    text = text_of(path, new)

    assert text.startswith((f"{path} cannot be read. Expected", f"{path} is no file of weights."))
    assert "running its code" not in text


def test_a_number_among_the_weights_is_none_of_them(weights, new):
    text = text_of(weights | {"output.bias": torch.tensor(1.0)}, new)

    assert "of another shape: output.bias () instead of" in text


def text_of(given, new, module=SPEC):
    with pytest.raises(ValueError) as info:  # noqa: PT011, as the whole text is compared
        FineTuner(given, module=module).fit(*new)
    return str(info.value)


def test_a_prefix_is_found_out(weights, new):
    longer = {f"module.{name}": tensor for name, tensor in weights.items()}

    text = text_of(longer, new)

    assert text == (
        "The mapping does not have the weights of the Sequential. Expected 14 tensors, names and "
        "shapes as in its state_dict(); got missing: conv_0_0.weight, norm_0_0.weight, "
        "norm_0_0.bias, norm_0_0.running_mean and 10 more; unexpected: module.conv_0_0.weight, "
        "module.norm_0_0.weight, module.norm_0_0.bias, module.norm_0_0.running_mean and 10 more. "
        "Did you mean the names without 'module.'? Give them as "
        "backbone={name.removeprefix('module.'): weight for name, weight in weights.items()}."
    )
    fixed = {name.removeprefix("module."): weight for name, weight in longer.items()}
    assert FeatureExtractor(fixed, module=SPEC).fit(new[0])


def test_a_prefix_that_is_missing_is_found_out(weights, new):
    whole = nn.Sequential()
    whole.add_module("net", SPEC.build((8, 8), 5))

    text = text_of(weights, new, module=whole)

    assert text.endswith(
        "Did you mean the names with 'net.' before them? Give them as "
        "backbone={'net.' + name: weight for name, weight in weights.items()}."
    )


def test_other_names_and_shapes_are_listed(weights, new):
    wrong = {name: tensor for name, tensor in weights.items() if name != "norm_0_0.bias"}
    wrong["extra"] = torch.zeros(2)
    wrong["conv_1_0.weight"] = torch.zeros(16, 4, 3, 3)

    assert text_of(wrong, new) == (
        "The mapping does not have the weights of the Sequential. Expected 14 tensors, names and "
        "shapes as in its state_dict(); got missing: norm_0_0.bias; unexpected: extra; of another "
        "shape: conv_1_0.weight (16, 4, 3, 3) instead of (16, 8, 3, 3). Give as module the net "
        "that they were trained in, with the same parameters."
    )


def test_weights_without_a_net_are_refused(weights, new, tmp_path):
    save_file(weights, tmp_path / "net.safetensors")

    for given, name in ((weights, "the mapping"), (tmp_path / "net.safetensors", str(tmp_path))):
        text = text_of(given, new, module=None)
        assert text.startswith(f"It is not known what net the weights of {name}")
    assert text_of({"weight": 3}, new) == (
        "The mapping holds no weights. Expected a mapping of names to tensors, a state dict; got "
        "the keys weight. Save torch_module.state_dict()."
    )
