"""Arrays and other values of numpy's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sknn_tricks.saving._form import Form
from sknn_tricks.saving._refusals import Damaged

# Of an array of texts, each of which takes as much room as the dtype says.
MOST_BYTES = 2**30
# Numbers that the generator of a RandomState stands in.
N_KEYS = 624

if TYPE_CHECKING:
    from sknn_tricks.saving._reader import Reader
    from sknn_tricks.saving._writer import Place, Writer


class Array(Form):
    """Numbers, which go where the weights are."""

    kind = "array"
    shared = True

    def fits(self, value: Any) -> bool:
        plain = isinstance(value, np.ndarray) and not isinstance(value, np.ma.MaskedArray)
        return plain and value.dtype.kind not in "OUSMm"

    def write(self, writer: Writer, value: Any, place: Place) -> dict[str, Any]:
        # The order in memory stays: products of matrices may round otherwise in another one.
        turned = value.flags.f_contiguous and not value.flags.c_contiguous
        name = writer.array(value.T if turned else value, place)
        return {"name": name, "turned": True} if turned else {"name": name}

    def read(self, reader: Reader, node: dict[str, Any]) -> NDArray[Any]:
        array = reader.array(node["name"])
        return array.T if node.get("turned") else array


class Times(Form):
    """Dates and durations, as whole numbers of their unit."""

    kind = "times"
    shared = True

    def fits(self, value: Any) -> bool:
        return type(value) is np.ndarray and value.dtype.kind in "Mm"

    def write(self, writer: Writer, value: Any, place: Place) -> dict[str, Any]:
        return {"dtype": value.dtype.str, "name": writer.array(value.view(np.int64), place)}

    def read(self, reader: Reader, node: dict[str, Any]) -> NDArray[Any]:
        return reader.array(node["name"]).view(_dtype(node["dtype"], "Mm"))


class Items(Form):
    """Texts and objects, one by one."""

    kind = "items"
    shared = True

    def fits(self, value: Any) -> bool:
        return type(value) is np.ndarray and value.dtype.kind in "OU"

    def write(self, writer: Writer, value: Any, place: Place) -> dict[str, Any]:
        items = writer.write(value.ravel().tolist(), place)
        return {"dtype": value.dtype.str, "shape": list(value.shape), "items": items}

    def read(self, reader: Reader, node: dict[str, Any]) -> NDArray[Any]:
        items, dtype = reader.read(node["items"]), _dtype(node["dtype"], "OU")
        if len(items) * dtype.itemsize > MOST_BYTES:
            raise Damaged(f"{node['dtype']!r} is more room than texts need")
        array = np.empty(len(items), dtype)
        for i, item in enumerate(items):  # numpy would take a list of lists for more axes
            array[i] = item
        return array.reshape(node["shape"])


class Masked(Form):
    """An array some of whose values are not there, as the results of a search have them."""

    kind = "masked"
    shared = True

    def fits(self, value: Any) -> bool:
        return type(value) is np.ma.MaskedArray

    def write(self, writer: Writer, value: Any, place: Place) -> dict[str, Any]:
        return {
            "data": writer.write(np.asarray(value.data), place.item("data")),
            "mask": writer.write(np.ma.getmaskarray(value), place.item("mask")),
            "fill": writer.write(value.fill_value, place.item("fill")),
        }

    def read(self, reader: Reader, node: dict[str, Any]) -> Any:
        data, mask, fill = (reader.read(node[name]) for name in ("data", "mask", "fill"))
        return np.ma.MaskedArray(data, mask, fill_value=fill)


class Scalar(Form):
    """A single number or text of numpy's."""

    kind = "scalar"

    def fits(self, value: Any) -> bool:
        kind = value.dtype.kind if isinstance(value, np.generic) else ""
        return kind == "U" or (kind in ("b", "i", "u", "f", "M", "m") and value.nbytes <= 8)

    def write(self, writer: Writer, value: Any, place: Place) -> dict[str, Any]:
        plain = value.astype(np.int64) if value.dtype.kind in "Mm" else value
        return {"dtype": value.dtype.str, "value": writer.write(plain.item(), place)}

    def read(self, reader: Reader, node: dict[str, Any]) -> Any:
        dtype, value = _dtype(node["dtype"], "biufUMm"), reader.read(node["value"])
        if dtype.kind in "Mm":
            return np.array(value, np.int64).view(dtype)[()]
        return np.array(value).astype(dtype)[()]


class DType(Form):
    """A dtype."""

    kind = "dtype"

    def fits(self, value: Any) -> bool:
        return isinstance(value, np.dtype) and value.kind in "biufOUMm"

    def write(self, writer: Writer, value: Any, place: Place) -> dict[str, Any]:
        return {"dtype": value.str}

    def read(self, reader: Reader, node: dict[str, Any]) -> np.dtype[Any]:
        return _dtype(node["dtype"], "biufOUMm")


class RandomState(Form):
    """A generator of numpy's older kind, as it stands."""

    kind = "RandomState"
    shared = True

    def fits(self, value: Any) -> bool:
        return type(value) is np.random.RandomState and _state(value)[0] == "MT19937"

    def write(self, writer: Writer, value: Any, place: Place) -> dict[str, Any]:
        _, keys, *rest = _state(value)
        return {"keys": writer.array(keys, place), "rest": writer.write(list(rest), place)}

    def read(self, reader: Reader, node: dict[str, Any]) -> np.random.RandomState:
        keys, (position, *rest) = reader.array(node["keys"]), reader.read(node["rest"])
        if not 0 <= position <= len(keys) == N_KEYS:  # numpy reads there without looking
            raise Damaged(f"a RandomState has no position {position}")
        state = np.random.RandomState(0)
        state.set_state(("MT19937", keys, position, *rest))
        return state


def _state(value: np.random.RandomState) -> Any:
    return value.get_state(legacy=True)


def _dtype(name: Any, kinds: str) -> np.dtype[Any]:
    """Return the dtype of a text; not of anything else that numpy takes for one."""
    dtype = np.dtype(name) if isinstance(name, str) else None
    if dtype is None or dtype.kind not in kinds or dtype.fields is not None:
        raise Damaged(f"{name!r} is no dtype of the file's")
    return dtype
