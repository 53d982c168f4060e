"""What a pretrained net makes of rows, as features for other estimators."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from torch import Tensor, nn

from sknn_tricks._read_once import ReadOnce
from sknn_tricks._unchanged import unchanged_on_error
from sknn_tricks.estimators._beyond import validate_rows
from sknn_tricks.estimators._bytes import are_bytes
from sknn_tricks.estimators._prediction import Prediction
from sknn_tricks.estimators._settings import find_device
from sknn_tricks.fused._bytes import check_shares, shares
from sknn_tricks.transfer import _refusals as refusals
from sknn_tricks.transfer._backbone import Backbone, as_backbone
from sknn_tricks.transfer._cloning import KeepsBackbone
from sknn_tricks.transfer._layers import Layers, joined, take_apart

# Numbers of a row that the feature maps of a convolution are averaged down to.
MOST_NUMBERS = 2048
# Numbers of features above which they are kept on the disk, a gigabyte; and numbers that are
# computed at once then.
MOST_IN_MEMORY, AT_ONCE = 2**28, 2**24


@dataclass(frozen=True)
class Forward:
    """What a prediction needs of a net.

    Parameters
    ----------
    module_ : torch.nn.Module
    """

    module_: nn.Module
    snapshots_: tuple[Any, ...] = ()

    @property
    def device(self) -> torch.device:
        """Where the module is."""
        tensors = (*self.module_.parameters(), *self.module_.buffers())
        return tensors[0].device if tensors else torch.device("cpu")


class FeatureExtractor(
    KeepsBackbone,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    Prediction,
    ReadOnce,
    BaseEstimator,
):
    """Rows to the features that a pretrained net has of them, for any estimator behind it.

    Nothing is trained: the net is in evaluation mode, and its features are those of its last
    hidden layer, or of an earlier one.

    Parameters
    ----------
    backbone : fitted estimator, torch.nn.Module, path, mapping or callable
        As for `FineTuner`. It stays as it is, also where this is cloned.
    cut : None, str or int, default=None
        Behind which layer the features are taken: None for the last hidden one, a name, or how
        many of the parts at the top to keep (below 0: to leave out).
    module : spec or torch.nn.Module, default=None
        What net the weights of a file are of.
    device : str or torch.device, default="auto"
        Where the features are computed.

    Attributes
    ----------
    feature_shape_ : tuple of int
        Shape of one row's features, as the backbone has them.
    cut_ : str
        The last layer that was kept.
    n_features_in_, input_shape_
        Of the rows.

    Notes
    -----
    Feature maps (C, H, W) are averaged over equal parts of their height and width until there are
    no more than 2,048 numbers, then flattened, as is usual for linear classifiers on convolutional
    features [1]_.

    References
    ----------
    .. [1] R. Zhang, P. Isola, A. Efros, "Colorful image colorization", ECCV 2016: feature maps are
       resized to about as many numbers for all layers.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sknn_tricks import NetClassifier
    >>> from sknn_tricks.transfer import FeatureExtractor
    >>> X, y = load_digits(return_X_y=True)
    >>> net = NetClassifier(max_epochs=5, random_state=0).fit(X[y < 5] / 16, y[y < 5])
    >>> pipe = make_pipeline(FeatureExtractor(net), StandardScaler(), LogisticRegression())
    >>> pipe.fit(X[y > 4] / 16, y[y > 4]).score(X[y > 4] / 16, y[y > 4]) > 0.95
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "backbone": "no_validation",
        "cut": [str, int, None],
        "module": "no_validation",
        "device": [str, torch.device],
    }

    def __init__(
        self, backbone: Any, *, cut: Any = None, module: Any = None, device: Any = "auto"
    ) -> None:
        self.backbone = backbone
        self.cut = cut
        self.module = module
        self.device = device

    def fit(self, X: Any, y: Any = None) -> Self:
        """Take the backbone apart.

        Parameters
        ----------
        X : array-like of shape (N, ...)
            Rows as the backbone takes them.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the backbone cannot take the rows, or there is no such layer.
        """
        with unchanged_on_error(self):
            self._validate_params()
            X = validate_rows(self, X, reset=True, dtype="float32")
            self.input_shape_ = X.shape[1:]
            backbone = as_backbone(self.backbone, self.module, self.input_shape_)
            rows = some_rows(X, "float32")
            check_scale(backbone, X)
            layers = take_apart(backbone.module.float(), rows)
            n = layers.place(self.cut)
            self._take(layers, n, rows, find_device(self.device))
        return self

    def _take(self, layers: Layers, n: int, rows: Tensor, device: torch.device) -> None:
        """Have the first n layers for features."""
        self.cut_ = layers.names[n - 1]
        kept = layers.first(n)
        self.feature_shape_ = shape_behind(kept, rows)
        body = nn.Sequential(OrderedDict(joined(kept, flat_layers(self.feature_shape_))))
        self.net_, self._foreign = Forward(body.eval().to(device)), True

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Return the features.

        Parameters
        ----------
        X : array-like of shape (N, ...)

        Returns
        -------
        ndarray of float32, shape (N, D)
        """
        outputs = self._outputs(X)[0, 0]
        return outputs.to(torch.float32).numpy()

    @property
    def _n_features_out(self) -> int:
        return math.prod(shape_of_features(self.feature_shape_))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def extractor_of(net: Any, body: nn.Module) -> FeatureExtractor:
    """Return what computes the features of the rows that an estimator has learnt of."""
    extractor = FeatureExtractor(None)
    for name in ("input_shape_", "n_features_in_", "_of_bytes"):
        setattr(extractor, name, getattr(net, name))
    extractor.net_, extractor._foreign = Forward(body.eval()), True
    return extractor


def computed(extractor: FeatureExtractor, X: Any, dtype: str, path: Path) -> NDArray[Any]:
    """Return the features of all rows, on the disk if they are large.

    Parameters
    ----------
    extractor : FeatureExtractor
    X : ndarray or OnDisk of shape (N, ...)
    dtype : {"float32", "float64"}
    path : Path
        Where to keep them.

    Returns
    -------
    ndarray or memmap of shape (N, D)
    """
    n, width = len(X), extractor._outputs(X[:1]).shape[-1]
    if n * width <= MOST_IN_MEMORY:
        features = np.empty((n, width), dtype)
    else:
        features = np.memmap(path, dtype, "w+", shape=(n, width))
    size = max(AT_ONCE // max(math.prod(X.shape[1:]), width), 1)
    for start in range(0, n, size):
        features[start : start + size] = extractor._outputs(X[start : start + size])[0, 0]
    return features


def scaled_(features: NDArray[Any], scale: nn.Module) -> NDArray[Any]:
    """Scale features in place, some rows at a time."""
    size = max(AT_ONCE // features.shape[1], 1)
    for start in range(0, len(features), size):
        rows = features[start : start + size]
        rows[:] = scale(torch.from_numpy(rows)).numpy()
    return features


def some_rows(X: Any, dtype: str, n: int = 2) -> Tensor:
    """Return the first rows as a net sees them."""
    return shares(torch.from_numpy(np.array(X[:n])), getattr(torch, dtype))


def check_scale(backbone: Backbone, X: Any) -> None:
    """Raise if a backbone was fitted on bytes, and rows in memory are not, or the reverse."""
    if backbone.of_bytes and isinstance(X, np.ndarray):
        check_shares(X)
    if backbone.of_bytes is False and are_bytes(X):
        raise ValueError(refusals.bytes_for_floats())


@torch.no_grad()
def shape_behind(layers: Mapping[str, nn.Module], rows: Tensor) -> tuple[int, ...]:
    """Return the shape of a row behind these layers."""
    return tuple(nn.Sequential(*layers.values()).eval()(rows.clone()).shape[1:])


def flat_layers(shape: tuple[int, ...]) -> dict[str, nn.Module]:
    """Return the layers that make features of a shape flat, and no more of them than is usual."""
    if len(shape) == 1:
        return {}
    layers: dict[str, nn.Module] = {"flatten": nn.Flatten()}
    if (pooled := shape_of_features(shape)) != shape:
        layers = {"pool": nn.AdaptiveAvgPool2d(pooled[1:]), **layers}
    return layers


def shape_of_features(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that feature maps are averaged down to.

    Examples
    --------
    >>> shape_of_features((64, 7, 7)), shape_of_features((16, 28, 14)), shape_of_features((5,))
    ((64, 5, 5), (16, 11, 11), (5,))
    """
    if len(shape) != 3:
        return shape
    n_channels, height, width = shape
    side = max(math.isqrt(MOST_NUMBERS // max(n_channels, 1)), 1)
    fits = n_channels * height * width <= MOST_NUMBERS
    return shape if fits else (n_channels, min(height, side), min(width, side))
