"""Values of Python's own that JSON does not have."""

from __future__ import annotations

import datetime
import functools
import math
import zoneinfo
from collections import OrderedDict
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import Bunch

from sknn_tricks.saving._form import Form
from sknn_tricks.saving._registry import family

if TYPE_CHECKING:
    from sknn_tricks.saving._reader import Reader
    from sknn_tricks.saving._writer import Place, Writer

SETS: dict[str, type] = {"frozenset": frozenset, "set": set}
DICTS: dict[str, Any] = {"Bunch": Bunch, "OrderedDict": OrderedDict, "dict": dict}


class NotFinite(Form):
    """NaN and the infinities: JSON has no names for them."""

    kind = "float"

    def fits(self, value: Any) -> bool:
        return type(value) is float and not math.isfinite(value)

    def write(self, writer: Writer, value: Any, place: Place) -> dict[str, Any]:
        return {"value": str(value)}

    def read(self, reader: Reader, node: dict[str, Any]) -> float:
        return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[node["value"]]


class Tuple(Form):
    """A tuple, as a list."""

    kind = "tuple"

    def fits(self, value: Any) -> bool:
        return type(value) is tuple

    def write(self, writer: Writer, value: Any, place: Place) -> dict[str, Any]:
        return {"items": writer.write(list(value), place)}

    def read(self, reader: Reader, node: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(reader.read(node["items"]))


class Set(Form):
    """A set of plain values, in an order that is always the same."""

    kind = "set"

    def fits(self, value: Any) -> bool:
        return type(value) in SETS.values()

    def write(self, writer: Writer, value: Any, place: Place) -> dict[str, Any]:
        items = sorted((writer.write(each, place) for each in value), key=repr)
        return {"of": type(value).__name__, "items": items}

    def read(self, reader: Reader, node: dict[str, Any]) -> Any:
        return SETS[node["of"]](reader.read(node["items"]))


class Dict(Form):
    """A dict: by name, or as pairs where a key is no text."""

    kind = "dict"

    def fits(self, value: Any) -> bool:
        return type(value) in DICTS.values()

    def write(self, writer: Writer, value: Any, place: Place) -> dict[str, Any]:
        kind = {} if type(value) is dict else {"of": type(value).__name__}
        values = [writer.write(each, place.item(key)) for key, each in value.items()]
        if all(type(key) is str for key in value):
            return {**kind, "named": dict(zip(value, values, strict=True))}
        keys = [writer.write(key, place) for key in value]
        return {**kind, "keys": keys, "values": values}

    def read(self, reader: Reader, node: dict[str, Any]) -> Any:
        kind = DICTS[node.get("of", "dict")]
        if "named" in node:
            return kind(**reader.attributes(node["named"]))
        # Read in the order in which they were written: what is shared is where it came first.
        values = reader.read(node["values"])
        return kind(zip(reader.read(node["keys"]), values, strict=True))


class Range(Form):
    """A slice or a range."""

    kind = "range"

    def fits(self, value: Any) -> bool:
        return isinstance(value, slice | range)

    def write(self, writer: Writer, value: Any, place: Place) -> dict[str, Any]:
        bounds = writer.write([value.start, value.stop, value.step], place)
        return {"of": type(value).__name__, "bounds": bounds}

    def read(self, reader: Reader, node: dict[str, Any]) -> Any:
        return {"range": range, "slice": slice}[node["of"]](*reader.read(node["bounds"]))


class FilePath(Form):
    """A path; it is not followed."""

    kind = "path"

    def fits(self, value: Any) -> bool:
        return isinstance(value, PurePath)

    def write(self, writer: Writer, value: Any, place: Place) -> dict[str, Any]:
        return {"path": value.as_posix()}

    def read(self, reader: Reader, node: dict[str, Any]) -> Path:
        return Path(node["path"])


class Partial(Form):
    """A known function or class with some of its arguments."""

    kind = "partial"

    def fits(self, value: Any) -> bool:
        return type(value) is functools.partial

    def write(self, writer: Writer, value: Any, place: Place) -> dict[str, Any]:
        parts = {"func": value.func, "args": value.args, "keywords": value.keywords}
        return {name: writer.write(part, place.item(name)) for name, part in parts.items()}

    def read(self, reader: Reader, node: dict[str, Any]) -> Any:
        func, args = reader.read(node["func"]), reader.read(node["args"])
        return functools.partial(func, *args, **reader.read(node["keywords"]))


class Distribution(Form):
    """A distribution of scipy's with its parameters, as a randomised search draws from."""

    kind = "distribution"

    def fits(self, value: Any) -> bool:
        if type(value).__module__ != "scipy.stats._distn_infrastructure":
            return False
        found = family("scipy.stats").get(value.dist.name)
        return found is not None and type(found) is type(value.dist)

    def write(self, writer: Writer, value: Any, place: Place) -> dict[str, Any]:
        arguments = {"args": value.args, "keywords": value.kwds}
        written = writer.attributes(arguments, type(value).__name__, place)
        return {"name": value.dist.name, **written}

    def read(self, reader: Reader, node: dict[str, Any]) -> Any:
        arguments = reader.read(node["args"]), reader.read(node["keywords"])
        return family("scipy.stats")[node["name"]](*arguments[0], **arguments[1])


class TimeZone(Form):
    """A time zone, by its name or its distance from UTC."""

    kind = "time zone"

    def fits(self, value: Any) -> bool:
        return isinstance(value, datetime.timezone) or (
            isinstance(value, zoneinfo.ZoneInfo) and value.key is not None
        )

    def write(self, writer: Writer, value: Any, place: Place) -> dict[str, Any]:
        if isinstance(value, zoneinfo.ZoneInfo):
            return {"name": value.key}
        return {"seconds": value.utcoffset(None).total_seconds()}

    def read(self, reader: Reader, node: dict[str, Any]) -> datetime.tzinfo:
        if "name" in node:
            return zoneinfo.ZoneInfo(node["name"])
        return datetime.timezone(datetime.timedelta(seconds=node["seconds"]))


class Time(Form):
    """A time of pandas', as a whole number of its unit; None if it is none."""

    kind = "time"

    def fits(self, value: Any) -> bool:
        # No file is written with pandas' times if pandas was not imported.
        return f"{type(value).__module__}.{type(value).__name__}" in (
            "pandas.Timestamp",
            "pandas._libs.tslibs.timestamps.Timestamp",
            "pandas.NaT",
            "pandas._libs.tslibs.nattype.NaTType",
            "pandas.api.typing.NaTType",
        )

    def write(self, writer: Writer, value: Any, place: Place) -> dict[str, Any]:
        if value != value:
            return {"value": None}
        number = int(value.asm8.astype(np.int64))
        return {"value": number, "unit": value.unit, "zone": writer.write(value.tzinfo, place)}

    def read(self, reader: Reader, node: dict[str, Any]) -> Any:
        import pandas as pd

        if node["value"] is None:
            return pd.NaT
        time = pd.Timestamp(np.datetime64(node["value"], node["unit"]))
        zone = reader.read(node["zone"])
        return time if zone is None else time.tz_localize("UTC").tz_convert(zone)
