"""The pretrained module that a backbone stands for, whatever it is given as."""

from __future__ import annotations

import copy
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike, fspath
from typing import Any

from sklearn.frozen import FrozenEstimator
from torch import nn

from sknn_tricks.estimators._base import BaseNet
from sknn_tricks.transfer import _refusals as refusals
from sknn_tricks.transfer._checkpoint import check_weights, module_with, read_weights


@dataclass(frozen=True)
class Backbone:
    """A pretrained module.

    Parameters
    ----------
    module : torch.nn.Module
        Nobody else's, in evaluation mode, on the CPU.
    foreign : bool
        The module is the user's own, which predicts in its own precision.
    of_bytes : bool or None
        Whether it was fitted on images of bytes, where that is known.
    """

    module: nn.Module
    foreign: bool
    of_bytes: bool | None = None


def as_backbone(backbone: Any, module: Any, input_shape: tuple[int, ...]) -> Backbone:
    """Return the module that a backbone stands for.

    Parameters
    ----------
    backbone : fitted estimator, torch.nn.Module, path, mapping or callable
    module : spec or None
        What net weights from a file are of.
    input_shape : tuple of int
        Shape of one row.

    Raises
    ------
    TypeError
        If it is none of these.
    ValueError
        If the estimator is not fitted, or the weights are not those of the net.
    """
    if isinstance(backbone, str | PathLike) and module is None:
        backbone = _saved(backbone)
    if isinstance(backbone, FrozenEstimator):
        backbone = backbone.estimator
    backbone = getattr(backbone, "estimator_", backbone)  # of another FineTuner
    if isinstance(backbone, BaseNet):
        return _of_estimator(backbone)
    if isinstance(backbone, str | PathLike):
        backbone = module_with(read_weights(backbone), module, input_shape, fspath(backbone))
    elif isinstance(backbone, Mapping):
        if module is None:
            raise ValueError(refusals.whose_weights("the mapping"))
        weights = check_weights(backbone, "The mapping")
        backbone = module_with(weights, module, input_shape, "The mapping")
    elif callable(backbone) and not isinstance(backbone, nn.Module | type):
        backbone = backbone()
    if not isinstance(backbone, nn.Module):
        raise TypeError(refusals.no_backbone(backbone))
    return Backbone(_own(backbone), foreign=True)


def _of_estimator(net: BaseNet) -> Backbone:
    if not net.__sklearn_is_fitted__():
        raise ValueError(refusals.not_fitted(net))
    return Backbone(_own(net.net_.module_), net._foreign, net._of_bytes)


def _own(module: nn.Module) -> nn.Module:
    return copy.deepcopy(module).cpu().eval().requires_grad_(True)


def _saved(path: str | PathLike[str]) -> Any:
    """Return the estimator of a file that `sknn_tricks.save` wrote."""
    from sknn_tricks.saving import load
    from sknn_tricks.saving._format import CONFIG

    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if CONFIG in archive.namelist():
                return load(path)
    with open(path, "rb"):  # complains of a file that is not there
        raise ValueError(refusals.whose_weights(fspath(path)))
