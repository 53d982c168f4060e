"""What tells settings that are equal from others."""

from __future__ import annotations

import pickle
from collections.abc import Hashable
from typing import Any


def content(settings: Any) -> Hashable:
    """Return what is equal for objects of equal content, while they live.

    Examples
    --------
    >>> from sknn_tricks.nets import MLP
    >>> content(MLP((8,))) == content(MLP((8,))), content(MLP((8,))) == content(MLP((9,)))
    (True, False)
    """
    try:
        return pickle.dumps(settings)
    except Exception:  # it has a class that was defined in a function, say
        return id(settings)
