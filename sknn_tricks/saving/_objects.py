"""Objects of known classes, known functions, and trained nets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.preprocessing import FunctionTransformer

from sknn_tricks.estimators._base import BaseNet
from sknn_tricks.saving._form import Form
from sknn_tricks.saving._nets import CPU, read_net, write_net
from sknn_tricks.saving._refusals import Damaged
from sknn_tricks.saving._registry import is_object, known, known_class, name_of
from sknn_tricks.saving._state import put_requests, requests_of, state_of, with_state

if TYPE_CHECKING:
    from sknn_tricks.saving._reader import Reader
    from sknn_tricks.saving._writer import Place, Writer


class Name(Form):
    """A known class or function itself."""

    kind = "name"

    def fits(self, value: Any) -> bool:
        return callable(value) and hasattr(value, "__name__") and name_of(value) is not None

    def write(self, writer: Writer, value: Any, place: Place) -> dict[str, Any]:
        return {"name": name_of(value)}

    def read(self, reader: Reader, node: dict[str, Any]) -> Any:
        return known(node["name"])


class Object(Form):
    """An object of a known class, attribute by attribute."""

    kind = "object"
    shared = True

    def fits(self, value: Any) -> bool:
        if not is_object(type(value)):
            return False
        # A function of the user's own is for skops, which asks for trust in it.
        return not isinstance(value, FunctionTransformer) or _has_known_functions(value)

    def write(self, writer: Writer, value: Any, place: Place) -> dict[str, Any]:
        attributes = writer.attributes(state_of(value), type(value).__name__, place)
        return {"class": name_of(type(value)), "attributes": attributes, **requests_of(value)}

    def read(self, reader: Reader, node: dict[str, Any]) -> Any:
        cls = known_class(node["class"])
        if issubclass(cls, BaseNet):
            raise Damaged(f"{node['class']!r} is no class of such objects")
        value = with_state(cls, reader.attributes(node["attributes"]))
        put_requests(value, node)
        return value


class NetEstimator(Form):
    """A NetClassifier or NetRegressor, with its net or its members."""

    kind = "net estimator"
    shared = True

    def fits(self, value: Any) -> bool:
        return isinstance(value, BaseNet) and is_object(type(value))

    def write(self, writer: Writer, value: Any, place: Place) -> dict[str, Any]:
        state = state_of(value)
        net = state.pop("net_", None)
        node = {
            "class": name_of(type(value)),
            "attributes": writer.attributes(state, type(value).__name__, place),
            **requests_of(value),
        }
        if net is not None and "members_" not in state:  # an ensemble's is its first member's
            node["net"] = write_net(writer, net, place)
        return node

    def read(self, reader: Reader, node: dict[str, Any]) -> Any:
        cls = known_class(node["class"])
        if not issubclass(cls, BaseNet):
            raise Damaged(f"{node['class']!r} is no estimator of nets")
        state = reader.attributes(node["attributes"])
        if "_device" in state:  # that of the fit, which may not be there
            state["_device"] = CPU
        value = with_state(cls, state)
        if "net" in node:
            value.net_ = read_net(reader, node["net"], value)
        elif "members_" in vars(value):
            value.net_ = value.members_[0].net_
        put_requests(value, node)
        return value


def _has_known_functions(step: Any) -> bool:
    return all(
        function is None or name_of(function) is not None
        for function in (step.func, step.inverse_func)
    )
