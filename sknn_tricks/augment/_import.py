"""albumentations, imported when it is needed: that takes seconds."""

from __future__ import annotations

import importlib
import os
import sys
import threading
from functools import cache
from typing import Any

from sknn_tricks._messages import message

# It asks a server for newer versions, unless this is set while it is imported.
NO_UPDATE = "NO_ALBUMENTATIONS_UPDATE"
_LOCK = threading.Lock()


@cache
def albumentations() -> Any:
    """Return the library.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    if "albumentations" in sys.modules:
        return importlib.import_module("albumentations")
    with _LOCK:
        before = os.environ.get(NO_UPDATE)
        os.environ[NO_UPDATE] = "1"
        try:
            return importlib.import_module("albumentations")
        except ImportError as error:
            raise ImportError(_not_installed()) from error
        finally:
            if before is None:
                del os.environ[NO_UPDATE]
            else:
                os.environ[NO_UPDATE] = before


def _not_installed() -> str:
    return message(
        "albumentations is not installed",
        expected="albumentations 2.0.8, for transforms of it",
        got="no such package",
        todo='Install it with pip install "sknn-tricks[images]", or take transforms of '
        "sknn_tricks.augment, which need no other package",
    )
