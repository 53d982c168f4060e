"""Estimators to a file."""

from __future__ import annotations

import functools
import importlib.metadata
import json
import os
import platform
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator

from sknn_tricks.saving import _refusals as refusals
from sknn_tricks.saving._container import write_whole, zip_bytes
from sknn_tricks.saving._format import CONFIG, FORMAT, FORMS, VERSION, WEIGHTS, part_name
from sknn_tricks.saving._refusals import Refused
from sknn_tricks.saving._writer import Place, Writer

# Whose versions are in the file.
LIBRARIES = ("numpy", "scikit-learn", "sknn-tricks", "skops", "skorch", "torch")


def save(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write a fitted estimator to one file, from which `load` reads it without running code.

    The estimator may be a net, one of our transformers or samplers, or scikit-learn's pipelines,
    searches and ensembles with such inside. The file is a zip of readable parts: ``config.json``
    with all parameters and attributes, ``weights.safetensors`` with all arrays, and files of skops
    for estimators that have no net inside. The same estimator gives the same bytes.

    Parameters
    ----------
    estimator : estimator
        Callbacks that listen to its fits, such as an MLflowCallback, are left out.
    path : str or path
        A file that is there is replaced; it is written whole or not at all.

    Raises
    ------
    ValueError
        If a part cannot be written without code: functions of your own as parameters, skorch
        callbacks, modules with hooks. The error says which.
    OSError
        If the file cannot be written.

    See Also
    --------
    load : Reads it.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_iris
    >>> import sknn_tricks
    >>> X, y = load_iris(return_X_y=True)
    >>> net = sknn_tricks.NetClassifier(max_epochs=2, random_state=0).fit(X, y)
    >>> path = Path(tempfile.mkdtemp()) / "iris.net"
    >>> sknn_tricks.save(net, path)
    >>> again = sknn_tricks.load(path)
    >>> (again.predict_proba(X) == net.predict_proba(X)).all()
    np.True_
    """
    write_whole(Path(path), to_bytes(estimator))


def to_bytes(estimator: Any) -> bytes:
    """Return the content of the file.

    Raises
    ------
    Refused
        If a part cannot be written.
    """
    from safetensors.numpy import save as tensors_to_bytes

    if not isinstance(estimator, BaseEstimator):
        raise Refused(refusals.no_estimator(estimator))
    writer = Writer(FORMS)
    node = writer.write(estimator, Place("", f"The {type(estimator).__name__}"))
    config = {"format": FORMAT, "version": VERSION, "versions": versions(), "estimator": node}
    files = {
        CONFIG: json.dumps(config, allow_nan=False, indent=1).encode(),
        WEIGHTS: tensors_to_bytes(writer.arrays),
    }
    parts = {part_name(i): data for i, data in enumerate(writer.parts)}
    return zip_bytes({**files, **parts})


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that a file is made with."""
    libraries = {name: importlib.metadata.version(name) for name in LIBRARIES}
    return {"python": platform.python_version(), **libraries}
