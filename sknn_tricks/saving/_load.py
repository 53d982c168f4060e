"""Estimators from a file."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import InconsistentVersionWarning
from torch import nn

from sknn_tricks.saving import _refusals as refusals
from sknn_tricks.saving._container import ZIP, read_zip
from sknn_tricks.saving._format import CONFIG, FILES, FORMAT, KINDS, VERSION, WEIGHTS, part_name
from sknn_tricks.saving._reader import Reader
from sknn_tricks.saving._refusals import Damaged, Refused


def load(
    path: str | os.PathLike[str],
    *,
    trusted: str | type | Sequence[str | type] = (),
    modules: Mapping[str, type[nn.Module]] | None = None,
) -> Any:
    """Return the fitted estimator of a file that `save` wrote.

    Nothing in the file is run: it has no pickles, and names only classes and functions of a fixed
    list. Predictions are those of the estimator that was saved, to the bit on the same machine;
    training goes on from where it stood, by ``partial_fit`` or with ``warm_start=True``. A net
    that was trained on another device is on the CPU now.

    Parameters
    ----------
    path : str or path
    trusted : str, type or sequence of them, default=()
        Types of other libraries, or of your own, that you vouch for; the error says which are
        needed. Give them only for a file from somebody you trust: their loading may run code.
    modules : dict of str to class, or None, default=None
        Your own ``torch.nn.Module`` classes that the net is made of, by name.

    Returns
    -------
    estimator

    Raises
    ------
    ValueError
        If the file is damaged or of another kind, or needs what was not given in `trusted` or
        `modules`.
    OSError
        If it cannot be read.

    Warns
    -----
    sklearn.exceptions.InconsistentVersionWarning
        If another version of scikit-learn wrote it.

    See Also
    --------
    save : Writes it.
    """
    vouched = [trusted] if isinstance(trusted, str | type) else trusted
    return from_bytes(Path(path).read_bytes(), path, vouched, _checked(modules))


def from_bytes(
    data: bytes,
    path: Any,
    trusted: Sequence[str | type],
    modules: Mapping[str, type[nn.Module]],
) -> Any:
    """Return the estimator of a file's content; `path` is what errors call it."""
    if not data.startswith(ZIP):
        raise Refused(refusals.no_file_of_ours(path))
    try:
        files = read_zip(data, FILES)
        config = _config(files, path)
        n_parts = sum(name.startswith("skops/") for name in files)
        parts = [files[part_name(i)] for i in range(n_parts)]
        reader = Reader(KINDS, _arrays(files[WEIGHTS]), parts, trusted, modules)
        before = str(config["versions"]["scikit-learn"])
        estimator = reader.read(config["estimator"])
        reader.check_all_used()
        if not isinstance(estimator, BaseEstimator):
            raise Damaged("it holds no estimator")
    except Refused:
        raise
    # Whatever reading it runs into, a name, a shape or the memory: it is not what `save` writes.
    except Exception as error:
        why = error if isinstance(error, Damaged) else f"{type(error).__name__}: {error}"
        raise Refused(refusals.damaged(path, why)) from error
    if before != sklearn.__version__:
        _warn_of_version(before, estimator)
    return estimator


def _config(files: Mapping[str, bytes], path: Any) -> dict[str, Any]:
    config = json.loads(files[CONFIG], parse_constant=_no_constant) if CONFIG in files else None
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise Refused(refusals.no_file_of_ours(path))
    if config["version"] > VERSION:
        raise Refused(refusals.too_new(path, config["version"], VERSION))
    return config


def _no_constant(name: str) -> None:
    raise Damaged(f"{name} is no number of JSON's")


def _arrays(data: bytes) -> dict[str, NDArray[Any]]:
    from safetensors.numpy import load as bytes_to_tensors

    return {name: np.asarray(array) for name, array in bytes_to_tensors(data).items()}


def _checked(modules: Mapping[str, Any] | None) -> Mapping[str, type[nn.Module]]:
    for name, cls in (modules or {}).items():
        if not (isinstance(cls, type) and issubclass(cls, nn.Module)):
            raise Refused(refusals.no_class(name, cls))
    return modules or {}


def _warn_of_version(before: str, estimator: Any) -> None:
    warnings.warn(
        InconsistentVersionWarning(
            estimator_name=type(estimator).__name__,
            current_sklearn_version=sklearn.__version__,
            original_sklearn_version=before,
        ),
        stacklevel=4,
    )
