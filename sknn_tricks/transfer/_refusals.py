"""Why a pretrained net cannot be used as it was asked for: the texts of errors."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from sknn_tricks._messages import message

# Names that an error lists, and how many others there are.
MOST_NAMES = 4
Shapes = Mapping[str, tuple[int, ...]]


def no_backbone(backbone: Any) -> str:
    """Say that nothing pretrained was given."""
    return message(
        "backbone is nothing that holds a pretrained net",
        expected="a fitted NetClassifier or NetRegressor, a torch.nn.Module, a file of weights, or "
        "a function that makes one of these modules",
        got=repr(backbone),
        todo="Of a pipeline, give the last step: pipe[-1]",
    )


def not_fitted(net: Any) -> str:
    """Say that there are no weights yet."""
    return message(
        f"The backbone, a {type(net).__name__}, is not fitted",
        expected="an estimator that was trained on other data",
        got="one without weights",
        todo="Fit it first; among the values of a search, wrap it as "
        "sklearn.frozen.FrozenEstimator(net), or scikit-learn clones it without its weights",
    )


def no_params_of_backbone(name: str) -> str:
    """Say that a trained net has no parameters to set."""
    return message(
        "A backbone that is trained already has no parameters to set",
        expected="parameters of the new training, such as estimator__lr",
        got=name,
        todo="Search over whole backbones: backbone=[FrozenEstimator(one), FrozenEstimator(other)]",
    )


def whose_weights(source: str) -> str:
    """Say that weights come without a net."""
    return message(
        f"It is not known what net the weights of {source} are of",
        expected="module=<spec or torch.nn.Module>",
        got="module=None",
        todo="Give the net that they were trained in, such as module=ConvNet()",
    )


def holds_code(path: Any) -> str:
    """Say that a pickle is refused."""
    return message(
        f"{path} holds something else than weights, which only running its code would read",
        expected="a state dict: names and tensors",
        got="a pickle of other objects",
        todo="Save torch_module.state_dict(), best with safetensors.torch.save_file",
    )


def no_file(path: Any) -> str:
    """Say that a file is no file of weights."""
    return message(
        f"{path} is no file of weights",
        expected="a file of safetensors, or one that torch.save wrote",
        got="neither",
        todo="Look into it: it may be a web page, or a pointer to what git-lfs did not fetch",
    )


def unreadable(path: Any, error: Exception) -> str:
    """Say that a file is damaged."""
    reason = (str(error).splitlines() or ["it ends too early"])[0].rstrip(".")
    return message(
        f"{path} cannot be read",
        expected="a file of safetensors, or one that torch.save wrote",
        got=f"{type(error).__name__}: {reason}",
        todo="Take another copy",
    )


def no_weights(source: Any, found: Any) -> str:
    """Say that there are no named tensors."""
    got = "none" if isinstance(found, Mapping) and not found else type(found).__name__
    if isinstance(found, Mapping) and found:
        got = f"the keys {_some([str(key) for key in found])}"
    return message(
        f"{source} holds no weights",
        expected="a mapping of names to tensors, a state dict",
        got=got,
        todo="Save torch_module.state_dict()",
    )


def other_weights(source: Any, module: nn.Module, own: Shapes, given: Shapes) -> str:
    """Say how weights differ from those of a net, and which prefix is to blame."""
    missing = [name for name in own if name not in given]
    strange = [name for name in given if name not in own]
    differing = [
        f"{name} {given[name]} instead of {shape}"
        for name, shape in own.items()
        if name in given and given[name] != shape
    ]
    kinds = {"missing": missing, "unexpected": strange, "of another shape": differing}
    got = "; ".join(f"{kind}: {_some(names)}" for kind, names in kinds.items() if names)
    return message(
        f"{source} does not have the weights of the {type(module).__name__}",
        expected=f"{len(own)} tensors, names and shapes as in its state_dict()",
        got=got,
        todo=_prefix_hint(own, given),
    )


def _prefix_hint(own: Shapes, given: Shapes) -> str:
    """Return what to do about the names."""
    if (prefix := _prefix(own, given)) is not None:
        change = f"{{name.removeprefix({prefix!r}): weight for name, weight in weights.items()}}"
        return f"Did you mean the names without {prefix!r}? Give them as backbone={change}"
    if (prefix := _prefix(given, own)) is not None:
        change = f"{{{prefix!r} + name: weight for name, weight in weights.items()}}"
        return f"Did you mean the names with {prefix!r} before them? Give them as backbone={change}"
    return "Give as module the net that they were trained in, with the same parameters"


def _prefix(names: Shapes, longer: Shapes) -> str | None:
    """Return what all of the longer names have before one of the names, or None."""
    first = next(iter(names), "")
    prefixes = (name.removesuffix(first) for name in longer if name.endswith(first))
    prefix = next(prefixes, "")
    return prefix if prefix and {prefix + name for name in names} == set(longer) else None


def bytes_for_floats() -> str:
    """Say that bytes are not what a backbone knows."""
    return message(
        "The backbone was fitted on floats, and the rows are images of bytes",
        expected="floats of the scale that it was fitted on",
        got="uint8",
        todo="Scale them as then, such as X.astype('float32') / 255, or fit the backbone on bytes",
    )


def no_layer(cut: str, names: Sequence[str]) -> str:
    """Say that there is no layer of that name."""
    known = list(dict.fromkeys([*(name.split(".")[0] for name in names), *names]))
    close = difflib.get_close_matches(cut, known, n=1, cutoff=0.5)
    return message(
        f"The backbone has no layer {cut!r} to cut behind",
        expected=f"one of {_some(list(names), 40)}",
        got=f"cut={cut!r}",
        todo=f"Perhaps you mean {close[0]!r}" if close else "Choose one of these",
    )


def nothing_left(cut: int, n_layers: int) -> str:
    """Say that a cut keeps no layer."""
    return message(
        "cut leaves nothing of the backbone",
        expected=f"a number of its {n_layers} parts to keep, or below 0 of those to leave out",
        got=f"cut={cut}",
        todo="Try cut=-1, which leaves out the last one",
    )


def only_a_head(names: Sequence[str]) -> str:
    """Say that a net has no hidden layer."""
    return message(
        "The backbone has no layer in front of its head",
        expected="a net with a hidden layer, whose output is made by a linear layer at its end",
        got=f"the layers {_some(list(names), 40)}",
        todo="A net without hidden layers knows nothing that another one could use: train anew",
    )


def cannot_take(module: nn.Module, shape: tuple[int, ...], error: Exception) -> str:
    """Say that rows do not fit the backbone."""
    return message(
        "The backbone cannot take the rows",
        expected=f"a forward that takes one tensor such as {shape}",
        got=f"{type(error).__name__} from {type(module).__name__}: {error}",
        todo="Give rows of the shape that it was trained on",
    )


def no_outputs(module: nn.Module, outputs: Any) -> str:
    """Say that a backbone returns no features."""
    got = tuple(outputs.shape) if hasattr(outputs, "shape") else type(outputs).__name__
    return message(
        "The backbone returns no tensor with a row for each row",
        expected="a tensor of shape (N, ...)",
        got=f"{got} from {type(module).__name__}",
        todo="Wrap it in a torch.nn.Module whose forward returns its features",
    )


def no_earlier_cut(names: Sequence[str]) -> str:
    """Say that a net is too shallow to be cut."""
    return message(
        "The backbone has no layer before its last hidden one to cut behind",
        expected="a net of two hidden layers or more",
        got=f"the layers {_some(list(names), 40)}",
        todo="Use strategy='linear_probe', or say where with cut",
    )


def no_estimator(estimator: Any) -> str:
    """Say that what is to be trained is no net."""
    return message(
        "estimator is no net to be fine-tuned",
        expected="a NetClassifier or NetRegressor with the settings of the training, or None",
        got=repr(estimator),
        todo="Try estimator=NetClassifier(max_epochs=20)",
    )


def _some(names: Sequence[str], most: int = MOST_NAMES) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
