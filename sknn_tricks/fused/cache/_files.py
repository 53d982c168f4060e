"""A trained net in a file: arrays as safetensors, all else as JSON in its header. No pickle."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save
from sklearn.exceptions import ConvergenceWarning
from skorch.history import History

from sknn_tricks.fused._job import Trained
from sknn_tricks.fused._packed import Packed

# Warnings that training gives.
WARNINGS: dict[str, type[Warning]] = {
    kind.__name__: kind for kind in (ConvergenceWarning, RuntimeWarning, UserWarning)
}
DTYPES = {"F32": np.float32, "F64": np.float64, "I64": np.int64, "I32": np.int32, "BOOL": np.bool_}


class Damaged(Exception):
    """A file does not hold what was written."""


def to_bytes(packed: Packed) -> bytes | None:
    """Return what to write for a trained net, or None if it has something for no file."""
    trained = packed.trained
    if any(type(warning).__name__ not in WARNINGS for warning in trained.warnings):
        return None
    arrays = {f"weights/{i}": array for i, array in enumerate(packed.weights)}
    for kept, weights in packed.beside.items():
        arrays |= {f"beside/{kept}/{i}": array for i, array in enumerate(weights)}
    memory: list[dict[str, Any]] = []
    for i, held in enumerate(packed.memory):
        arrays |= {f"memory/{i}/{n}": v for n, v in held.items() if isinstance(v, np.ndarray)}
        memory.append({n: v for n, v in held.items() if not isinstance(v, np.ndarray)})
    record = json.dumps(
        {
            **packed.record,
            "memory": memory,
            "best_epoch": trained.best_epoch,
            "seconds": trained.seconds,
            "warnings": [[type(w).__name__, str(w)] for w in trained.warnings],
        },
        default=_plain,
    )
    arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    return save(arrays, {"record": record, "checksum": _checksum(record, arrays)})


def from_bytes(data: bytes) -> Packed:
    """Return the trained net of a file.

    Raises
    ------
    Damaged
        If it is not what `to_bytes` gave.
    """
    try:
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
        arrays = {name: _as_array(entry) for name, entry in deserialize(data)}
        text = header["record"]
        if header["checksum"] != _checksum(text, arrays):
            raise Damaged("checksum")
        record = json.loads(text)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise Damaged(str(error)) from error
    warnings = tuple(WARNINGS[kind](text) for kind, text in record.pop("warnings"))
    trained = Trained(None, record.pop("best_epoch"), record.pop("seconds"), warnings)
    memory = record.pop("memory")
    for name, array in arrays.items():
        if name.startswith("memory/"):
            _, i, of = name.split("/", 2)
            memory[int(i)][of] = array
    weights = _numbered(arrays, "weights/")
    kept = {name.split("/")[1] for name in arrays if name.startswith("beside/")}
    beside = {name: _numbered(arrays, f"beside/{name}/") for name in kept}
    record["history_"] = History(record["history_"])
    return Packed(trained, weights, memory, record, beside)


def _numbered(arrays: dict[str, NDArray[Any]], prefix: str) -> list[NDArray[Any]]:
    """Return the arrays whose names are the prefix and 0, 1, 2..."""
    n = sum(name.startswith(prefix) for name in arrays)
    return [arrays[f"{prefix}{i}"] for i in range(n)]


def _as_array(entry: Any) -> NDArray[Any]:
    array: NDArray[Any] = np.frombuffer(bytearray(entry["data"]), dtype=DTYPES[entry["dtype"]])
    return array.reshape(entry["shape"])


def _checksum(record: str, arrays: dict[str, NDArray[Any]]) -> str:
    digest = hashlib.blake2b(record.encode(), digest_size=16)
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    """Return a number of numpy's as one of Python's, for JSON."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a {type(value).__name__} has no place in JSON")
