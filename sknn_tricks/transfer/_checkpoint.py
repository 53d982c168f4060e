"""Weights from a file into a module, without running anything of the file."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor, nn

from sknn_tricks.nets import ModuleInstance, as_spec
from sknn_tricks.transfer import _refusals as refusals

# Under which a training's checkpoint has the weights, beside its optimiser and so on.
WHERE = ("state_dict", "model_state_dict", "model")


def read_weights(path: str | PathLike[str]) -> dict[str, Tensor]:
    """Return the weights of a file.

    Parameters
    ----------
    path : str or path
        Of safetensors (``.safetensors``), or of what ``torch.save(module.state_dict(), path)``
        wrote; also of a dict that has this as "state_dict", "model_state_dict" or "model".

    Raises
    ------
    ValueError
        If the file holds something else than weights: code in it is never run.
    OSError
        If it cannot be read.
    """
    path = Path(path)
    read = _of_safetensors if path.suffix == ".safetensors" else _of_torch
    weights: Any = read(path)
    for name in WHERE:
        if isinstance(weights, Mapping) and isinstance(weights.get(name), Mapping):
            weights = weights[name]
    return check_weights(weights, path)


def check_weights(weights: Any, source: Any) -> dict[str, Tensor]:
    """Return a mapping of names to tensors, or raise if it is none."""
    named = isinstance(weights, Mapping) and len(weights) > 0
    if not named or not all(isinstance(tensor, Tensor) for tensor in weights.values()):
        raise ValueError(refusals.no_weights(source, weights))
    return dict(weights)


def _of_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    data = path.read_bytes()
    try:
        return load(data)
    except SafetensorError as error:
        raise ValueError(refusals.unreadable(path, error)) from error


def _of_torch(path: Path) -> Any:
    with path.open("rb") as file:
        return _loaded(file, path)


def _loaded(file: BinaryIO, path: Path) -> Any:
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        refusal = refusals.holds_code(path) if _is_of_torch(file) else refusals.no_file(path)
        raise ValueError(refusal) from error
    # What damaged data make of torch's reader.
    except (RuntimeError, EOFError, LookupError, OSError, TypeError, ValueError) as error:
        raise ValueError(refusals.unreadable(path, error)) from error


def _is_of_torch(file: BinaryIO) -> bool:
    """Whether a file begins as those of ``torch.save`` do, or as other pickles."""
    file.seek(0)
    return file.read(1) == b"\x80" or zipfile.is_zipfile(file)


def module_with(
    weights: Mapping[str, Tensor], module: Any, input_shape: tuple[int, ...], source: Any
) -> nn.Module:
    """Return the module of a spec with given weights.

    Parameters
    ----------
    weights : mapping of str to Tensor
    module : spec, torch.nn.Module class or instance
        How many outputs its head had, the weights tell.
    input_shape : tuple of int
        Shape of one row.
    source : object
        What to call the weights in an error.

    Raises
    ------
    ValueError
        If names or shapes differ; saying which, and whether a prefix is to blame.
    """
    spec = as_spec(module)
    built = spec.build(input_shape, 1)
    n_outputs = None if isinstance(spec, ModuleInstance) else _n_outputs(built, weights)
    if n_outputs is not None:
        built = spec.build(input_shape, n_outputs)
    own = {name: tuple(tensor.shape) for name, tensor in built.state_dict().items()}
    given = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    if own != given:
        raise ValueError(refusals.other_weights(source, built, own, given))
    built.load_state_dict(weights)
    return built


def _n_outputs(built: nn.Module, weights: Mapping[str, Tensor]) -> int | None:
    """Return the length of the one axis in which the weights are not those of one output."""
    for name, tensor in built.state_dict().items():
        given = weights.get(name, tensor)
        differs = given.shape != tensor.shape and given.ndim == tensor.ndim
        if differs and given.shape[1:] == tensor.shape[1:]:
            return len(given)
    return None
