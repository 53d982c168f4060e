"""Parameter holders that scikit-learn may ask for their parameters often."""

from __future__ import annotations

import inspect
from typing import Any


class ReadOnce:
    """A class whose signature is read once.

    scikit-learn's ``get_params`` reads the signature of ``__init__`` whenever it is called, some
    twenty times for each fit of a search; for as many parameters as a net has that takes longer
    than all else that happens before its training. `inspect.signature` gives back at once what a
    function has as ``__signature__``.

    Examples
    --------
    >>> class Holder(ReadOnce):
    ...     def __init__(self, size=1): ...
    >>> Holder.__init__.__signature__
    <Signature (self, size=1)>
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        init = vars(cls).get("__init__")
        if inspect.isfunction(init):
            init.__signature__ = inspect.signature(init)  # type: ignore[attr-defined]
