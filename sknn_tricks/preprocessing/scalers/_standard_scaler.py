"""Zero mean, unit variance."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from sknn_tricks.preprocessing._arrays import Rows
from sknn_tricks.preprocessing.scalers._elementwise import Elementwise
from sknn_tricks.preprocessing.scalers._groups import Groups
from sknn_tricks.preprocessing.scalers._scaler import ScalerND
from sknn_tricks.preprocessing.scalers._statistics import Moments, Weight


def _standardise(x: Any, centre: Any, scale: Any) -> Any:
    x -= centre
    x /= scale
    return x


def _restore(x: Any, centre: Any, scale: Any) -> Any:
    x *= scale
    x += centre
    return x


class StandardScalerND(ScalerND):
    """Give the features, channels, pixels or all of the data mean zero and variance one.

    Statistics are exact for integers of 8 bits, and computed in float64 around the mean of each
    block for all else; so is the result, before it becomes float32. What does not vary is
    centred and not divided.

    Parameters
    ----------
    per : {"feature", "channel", "pixel", "global"}, default="feature"
        What has a mean and variance of its own. ``"feature"``: each entry of a row, such as the
        columns of a table, or every channel of every pixel. ``"channel"``: each index along
        `channel_axis`, over rows and all positions. ``"pixel"``: each position, over rows and
        channels. ``"global"``: all numbers have the same.
    channel_axis : int or None, default=None
        Axis of the channels in `X`, where axis 0 are the rows: 1 for images (N, C, H, W), -1 for
        (N, H, W, C) and sequences (N, T, D). With None it is 1 for tables, and for four axes that
        one of 1 and -1 which has no more than 4 numbers.
    with_mean : bool, default=True
        Whether to subtract the mean.
    with_std : bool, default=True
        Whether to divide by the standard deviation.

    Attributes
    ----------
    mean_ : ndarray of float64
        The means, in a shape that can be broadcast against a row: (C, 1, 1) for channels of
        (N, C, H, W). NaN where there were no numbers.
    var_ : ndarray of float64
        The variances (divisor: number of values), in the same shape.
    scale_ : ndarray of float64, or None
        What is divided by: the standard deviations, and 1 where there is none. None without
        `with_std`.
    channel_axis_ : int or None
        The axis of the channels, positive.
    input_shape_ : tuple of int
        Shape of a row.
    n_samples_seen_ : int
        Number of rows.
    n_features_in_ : int
        Size of axis 1.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, if `X` was a table whose columns have names.

    See Also
    --------
    MinMaxScalerND : To a range.
    RobustScalerND : If there are outliers.

    References
    ----------
    Y. LeCun, L. Bottou, G. Orr and K.-R. Mueller (1998). Efficient BackProp. Neural Networks:
    Tricks of the Trade, LNCS 1524, 9-50 (why inputs of mean zero train faster).

    T. F. Chan, G. H. Golub and R. J. LeVeque (1983). Algorithms for computing the sample
    variance: analysis and recommendations. The American Statistician 37(3), 242-247.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn_tricks.preprocessing import StandardScalerND
    >>> rng = np.random.default_rng(0)
    >>> images = rng.integers(0, 256, size=(100, 3, 8, 8), dtype=np.uint8)
    >>> scaler = StandardScalerND(per="channel")
    >>> scaled = scaler.fit_transform(images)
    >>> scaled.shape, scaled.dtype, scaler.mean_.shape
    ((100, 3, 8, 8), dtype('float32'), (3, 1, 1))
    >>> scaled.std(axis=(0, 2, 3), dtype=float).round(6).tolist()
    [1.0, 1.0, 1.0]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **ScalerND._parameter_constraints,
        "with_mean": ["boolean"],
        "with_std": ["boolean"],
    }

    def __init__(
        self,
        *,
        per: str = "feature",
        channel_axis: int | None = None,
        with_mean: bool = True,
        with_std: bool = True,
    ) -> None:
        self.per = per
        self.channel_axis = channel_axis
        self.with_mean = with_mean
        self.with_std = with_std

    def _learn(self, rows: Rows, weight: Weight, groups: Groups, stream: bool) -> Moments:
        return Moments.of(rows, weight, groups)

    def _settle(self, learnt: Moments) -> None:
        self.mean_, self.var_ = learnt.known_mean, learnt.variance
        self.scale_ = None
        if self.with_std:
            self.scale_ = np.where(learnt.is_constant, 1.0, np.sqrt(self.var_))

    def _forth(self) -> Elementwise:
        return Elementwise(_standardise, self._centre_and_scale(), self.input_shape_)

    def _back(self, dtype: np.dtype[Any]) -> Elementwise:
        return Elementwise(_restore, self._centre_and_scale(), self.input_shape_)

    def _centre_and_scale(self) -> tuple[Any, Any]:
        centre = self.mean_ if self.with_mean else np.zeros_like(self.mean_)
        return centre, np.ones_like(self.mean_) if self.scale_ is None else self.scale_
