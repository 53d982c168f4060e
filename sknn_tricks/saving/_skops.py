"""Estimators of scikit-learn, by skops: it has each type's trust checked before making anything.

skops must never get a net: of modules it would write pickles, whose loading runs code.
"""

from __future__ import annotations

import copy
import functools
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator

from sknn_tricks.saving import _refusals as refusals
from sknn_tricks.saving._arrays import MOST_BYTES
from sknn_tricks.saving._container import read_zip, zip_bytes
from sknn_tricks.saving._form import Form
from sknn_tricks.saving._refusals import Damaged, Refused
from sknn_tricks.saving._registry import OBJECTS, known
from sknn_tricks.saving._state import put_requests, requests_of, state_of

if TYPE_CHECKING:
    from sknn_tricks.saving._reader import Reader
    from sknn_tricks.saving._writer import Place, Writer

# Nothing of these is written by skops or read by it, whoever vouches for it.
NEVER = ("sknn_tricks", "skorch", "torch")
# Values that are the same whether they are one object or two: their numbers say nothing.
WITHOUT_NUMBER = ("FunctionNode", "JsonNode", "TupleNode", "TypeNode")
PARTS = re.compile(r"schema\.json|\d+\.(bin|npy|npz)")


class Part(Form):
    """An estimator that has no net inside."""

    kind = "skops"
    shared = True

    def fits(self, value: Any) -> bool:
        return isinstance(value, BaseEstimator)

    def write(self, writer: Writer, value: Any, place: Place) -> dict[str, Any]:
        if any(_is_never(each) for each in _within(value)):
            raise Refused(refusals.around_a_net(place.what, value))
        bare = copy.copy(value)
        vars(bare).clear()
        vars(bare).update(state_of(value))
        return {"part": writer.part(_dumps(bare, place)), **requests_of(value)}

    def read(self, reader: Reader, node: dict[str, Any]) -> Any:
        value = reader.part(node["part"])
        put_requests(value, node)
        return value


def read_part(data: bytes, trusted: Sequence[Any]) -> Any:
    """Return what skops wrote.

    Parameters
    ----------
    data : bytes
    trusted : sequence of str or type

    Raises
    ------
    Refused
        If it holds types for whose loading nobody vouches.
    """
    import skops.io

    _check_sizes(read_zip(data, PARTS))
    untrusted = sorted(set(skops.io.get_untrusted_types(data=data)) - harmless())
    if never := [name for name in untrusted if name.split(".")[0] in NEVER]:
        raise Refused(refusals.never_trusted(never))
    names = {name if isinstance(name, str) else _name(name) for name in trusted}
    if missing := [name for name in untrusted if name not in names]:
        raise Refused(refusals.untrusted(missing))
    return skops.io.loads(data, trusted=[*harmless(), *untrusted])


def _check_sizes(files: Mapping[str, bytes]) -> None:
    """Raise if a sparse matrix, which scipy compresses, would become too much."""
    for name, content in files.items():
        if name.endswith(".npz"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                if sum(entry.file_size for entry in archive.infolist()) > MOST_BYTES:
                    raise Damaged(f"{name!r} would fill the memory")


@functools.cache
def harmless() -> frozenset[str]:
    """Return types that skops does not know, but we do: dtypes, and what splits rows."""
    module = "sklearn.model_selection"
    splitters = [known(f"{module}.{name}") for name in OBJECTS[module]]
    return frozenset({"numpy.dtype", *(_name(cls) for cls in splitters if hasattr(cls, "split"))})


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__name__}"


def _dumps(estimator: Any, place: Place) -> bytes:
    import skops.io
    from skops.io.exceptions import UnsupportedTypeException

    try:
        return canonical(skops.io.dumps(estimator))
    except (UnsupportedTypeException, TypeError, RecursionError) as error:
        raise Refused(refusals.no_form(place.what, estimator)) from error


def canonical(data: bytes) -> bytes:
    """Return what skops wrote, without the time and the addresses in memory.

    skops names objects and files by where they are in memory, or at random. Here they have numbers
    from 1, in the order in which they come.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(files.pop("schema.json"))
    numbers: dict[int, int] = {}
    names: dict[str, str] = {}
    for node in _nodes(schema):
        if node.get("__loader__") in WITHOUT_NUMBER:
            node.pop("__id__", None)
        if isinstance(number := node.get("__id__"), int):
            node["__id__"] = numbers.setdefault(number, len(numbers) + 1)
        if isinstance(name := node.get("file"), str) and name in files:
            ending = name.rpartition(".")[2]
            node["file"] = names.setdefault(name, f"{len(names) + 1}.{ending}")
    held = {names[name]: content for name, content in files.items() if name in names}
    return zip_bytes({"schema.json": json.dumps(schema).encode(), **held})


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield the dicts of a tree, from the root on."""
    if isinstance(tree, dict):
        yield tree
    children = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    for child in children:
        yield from _nodes(child)


def _is_never(value: Any) -> bool:
    """Whether a value, or a class it is of, is of a library that skops must not see."""
    of_value = [value] if isinstance(value, FunctionType) else []
    classes = (value if isinstance(value, type) else type(value)).__mro__
    return any(str(each.__module__).split(".")[0] in NEVER for each in (*of_value, *classes))


def _within(value: Any) -> Iterator[Any]:
    """Yield a value and all that is in it, each once."""
    seen: dict[int, Any] = {}
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen[id(each)] = each
        yield each
        waiting.extend(_children(each))


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from (*value.keys(), *value.values())
    elif isinstance(value, list | tuple | set | frozenset):
        yield from value
    elif isinstance(value, np.ndarray) and value.dtype.hasobject:
        yield from value.ravel().tolist()
    elif isinstance(value, functools.partial):
        yield from (value.func, value.args, value.keywords)
    if not isinstance(value, type) and hasattr(value, "__dict__"):
        yield from vars(value).values()
