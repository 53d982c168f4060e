"""The address of a job's net: a digest of all that its weights depend on."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
from dataclasses import fields, is_dataclass
from types import BuiltinFunctionType, FunctionType, MethodDescriptorType
from typing import Any

import numpy as np
import torch
from torch import nn

from sknn_tricks.fused._job import Job
from sknn_tricks.fused._sources import Source

# To be raised whenever the same job comes to train another net.
FORMAT = 4
# Code of these is told by their version, which is part of the address.
VERSIONED = ("builtins", "numpy", "sklearn", "sknn_tricks", "torch")
# What every module has.
OF_ANY_MODULE = frozenset(vars(nn.Module()))
# Who is told of the training, and what else has no part in it.
WITHOUT_EFFECT = ("epochs", "verbose")


class NoAddress(Exception):
    """The net depends on something that cannot be told from another such thing."""


def digest(job: Job, known: dict[int, str]) -> str:
    """Return the address of the net that a job trains.

    Parameters
    ----------
    job : Job
    known : dict of int to str
        Digests of data sets, by the ``id`` of their Rows: jobs share them. It is added to.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    NoAddress
        Saying what cannot be told.
    """
    if job.callbacks:
        raise NoAddress("it has skorch callbacks")
    if job.start is not None:
        raise NoAddress("it goes on from a trained net")
    settings: dict[str, Any] = {}
    for field in fields(job):
        value = getattr(job, field.name)
        if field.name in ("train", "valid"):
            settings[field.name] = None if value is None else _of_rows(value, known)
        elif field.name not in WITHOUT_EFFECT:
            settings[field.name] = describe(value)
    text = json.dumps([FORMAT, torch.__version__, np.__version__, settings], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=32).hexdigest()


def _of_rows(rows: Any, known: dict[int, str]) -> str:
    if id(rows) not in known:
        known[id(rows)] = json.dumps(describe(vars(rows)))
    return known[id(rows)]


def describe(value: Any) -> Any:
    """Return plain lists, texts and numbers that are equal for equal values only.

    Examples
    --------
    >>> describe((1, 0.5, torch.float32))
    ['tuple', [1, ['float', '0x1.0000000000000p-1'], ['dtype', 'torch.float32']]]
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return ["float", float(value).hex()]
    if isinstance(value, np.generic):
        return ["scalar", str(value.dtype), describe(value.item())]
    if isinstance(value, torch.dtype | torch.device):
        return [type(value).__name__, str(value)]
    if isinstance(value, torch.Tensor):
        return describe(value.detach().cpu().numpy())
    if isinstance(value, np.ndarray):
        return _of_array(value)
    if isinstance(value, Source):
        return _of_source(value)
    if isinstance(value, tuple | list):
        return [type(value).__name__, [describe(each) for each in value]]
    if isinstance(value, dict):
        pairs = [[describe(key), describe(each)] for key, each in value.items()]
        return ["dict", sorted(pairs, key=json.dumps)]
    if isinstance(value, functools.partial):
        return ["partial", *(describe(part) for part in (value.func, value.args, value.keywords))]
    if isinstance(value, type | FunctionType | BuiltinFunctionType | MethodDescriptorType):
        return _of_code(value)
    return _of_object(value)


def _of_array(array: np.ndarray[Any, Any]) -> Any:
    if array.dtype.hasobject:
        raise NoAddress("it has an array of objects")
    numbers = hashlib.blake2b(np.ascontiguousarray(array).data, digest_size=32).hexdigest()
    return ["array", str(array.dtype), list(array.shape), numbers]


def _of_source(source: Source) -> Any:
    """Describe rows that are not in memory by where they are; nobody reads them all for it."""
    if (identity := source.identity()) is None:
        raise NoAddress("nothing tells its rows from others")
    return ["source", describe(identity)]


def _of_object(value: Any) -> Any:
    """Describe an object by its class and what it was made with."""
    kind = _of_code(type(value))
    if isinstance(value, nn.Module):
        own = {n: v for n, v in vars(value).items() if n not in OF_ANY_MODULE}
        parts = {**dict(value.named_children()), **own, **value._parameters, **value._buffers}
        return ["module", kind, describe(parts)]
    if is_dataclass(value):
        return ["object", kind, describe({f.name: getattr(value, f.name) for f in fields(value)})]
    if hasattr(value, "get_params"):
        return ["object", kind, describe(value.get_params(deep=False))]
    if hasattr(value, "module"):  # a module of the user's own
        return ["object", kind, describe(vars(value))]
    raise NoAddress(f"there is no telling one {type(value).__name__} from another")


def _of_code(code: Any) -> Any:
    """Describe a function or class by its name, and one of the user's by its source too."""
    module = getattr(code, "__module__", None) or "builtins"
    name = [module, code.__qualname__]
    if module.split(".")[0] in VERSIONED:
        return ["code", name]
    try:
        source = inspect.getsource(code)
    except (OSError, TypeError) as error:
        raise NoAddress(f"the source of {code.__qualname__} is not known") from error
    if isinstance(code, type):
        return ["code", name, source, [_of_code(base) for base in code.__bases__]]
    cells = [cell.cell_contents for cell in getattr(code, "__closure__", None) or ()]
    defaults = [getattr(code, "__defaults__", None), getattr(code, "__kwdefaults__", None)]
    return ["code", name, source, describe(cells), describe(defaults)]
