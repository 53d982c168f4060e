"""From the smallest and largest number to the ends of a range."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from sknn_tricks._messages import message
from sknn_tricks.preprocessing._arrays import Rows
from sknn_tricks.preprocessing.scalers._elementwise import Elementwise
from sknn_tricks.preprocessing.scalers._groups import Groups
from sknn_tricks.preprocessing.scalers._scaler import ScalerND
from sknn_tricks.preprocessing.scalers._statistics import Extremes, Weight


def _to_range(x: Any, lowest: Any, extent: Any, low: float, high: float) -> Any:
    x -= lowest
    x /= extent
    if low + (high - low) != high:  # rounding would miss the upper end
        return low * (1 - x) + high * x
    x *= high - low
    x += low
    return x


def _to_clipped_range(x: Any, lowest: Any, extent: Any, low: float, high: float) -> Any:
    return _to_range(x, lowest, extent, low, high).clip(low, high)


def _from_range(x: Any, lowest: Any, extent: Any, low: float, high: float) -> Any:
    x -= low
    x /= high - low
    x *= extent
    x += lowest
    return x


class MinMaxScalerND(ScalerND):
    """Bring the features, channels, pixels or all of the data to a range.

    The smallest and largest numbers of the training data become exactly the ends of the range.
    What does not vary becomes its lower end.

    Parameters
    ----------
    feature_range : tuple of (float, float), default=(0, 1)
        The lower and the upper end.
    per : {"feature", "channel", "pixel", "global"}, default="feature"
        What has a minimum and maximum of its own. ``"feature"``: each entry of a row, such as the
        columns of a table, or every channel of every pixel. ``"channel"``: each index along
        `channel_axis`, over rows and all positions. ``"pixel"``: each position, over rows and
        channels. ``"global"``: all numbers have the same.
    channel_axis : int or None, default=None
        Axis of the channels in `X`, where axis 0 are the rows: 1 for images (N, C, H, W), -1 for
        (N, H, W, C) and sequences (N, T, D). With None it is 1 for tables, and for four axes that
        one of 1 and -1 which has no more than 4 numbers.
    clip : bool, default=False
        Whether numbers beyond those of the training data are set to the ends of the range.

    Attributes
    ----------
    data_min_, data_max_ : ndarray of float64
        Smallest and largest numbers, in a shape that can be broadcast against a row: (C, 1, 1)
        for channels of (N, C, H, W). NaN where there were no numbers.
    data_range_ : ndarray of float64
        Their difference.
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
    StandardScalerND : To mean zero and variance one.
    RobustScalerND : If there are outliers.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn_tricks.preprocessing import MinMaxScalerND
    >>> images = np.arange(2 * 3 * 4 * 4, dtype=np.uint8).reshape(2, 3, 4, 4)
    >>> scaled = MinMaxScalerND((-1, 1), per="global").fit_transform(images)
    >>> scaled.dtype, scaled.min(), scaled.max()
    (dtype('float32'), np.float32(-1.0), np.float32(1.0))
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **ScalerND._parameter_constraints,
        "feature_range": [tuple, list],
        "clip": ["boolean"],
    }

    def __init__(
        self,
        feature_range: tuple[float, float] = (0, 1),
        *,
        per: str = "feature",
        channel_axis: int | None = None,
        clip: bool = False,
    ) -> None:
        self.feature_range = feature_range
        self.per = per
        self.channel_axis = channel_axis
        self.clip = clip

    def _check_params(self) -> None:
        super()._check_params()
        ends = tuple(self.feature_range)
        numbers = all(isinstance(end, Real) for end in ends)
        if not numbers or len(ends) != 2 or not -np.inf < ends[0] < ends[1] < np.inf:
            raise ValueError(
                message(
                    "feature_range is no range",
                    expected="two finite numbers, the lower one first",
                    got=f"{self.feature_range}",
                    todo="Try (0, 1) or (-1, 1)",
                )
            )

    def _learn(self, rows: Rows, weight: Weight, groups: Groups, stream: bool) -> Extremes:
        return Extremes.of(rows, weight, groups)

    def _settle(self, learnt: Extremes) -> None:
        self.data_min_, self.data_max_ = learnt.lowest, learnt.highest
        self.data_range_ = learnt.highest - learnt.lowest

    def _forth(self) -> Elementwise:
        formula = _to_clipped_range if self.clip else _to_range
        return self._step(formula)

    def _back(self, dtype: np.dtype[Any]) -> Elementwise:
        return self._step(_from_range)

    def _step(self, formula: Callable[..., Any]) -> Elementwise:
        constant = Extremes(self.data_min_, self.data_max_).is_constant
        extent = np.where(constant, 1.0, self.data_range_)
        ends = tuple(map(float, self.feature_range))
        return Elementwise(formula, (self.data_min_, extent), self.input_shape_, ends)
