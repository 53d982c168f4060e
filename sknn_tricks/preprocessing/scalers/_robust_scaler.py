"""Median and quantiles, which outliers do not move, and a smooth bound for these."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from sknn_tricks._messages import message
from sknn_tricks._sklearn_private import Interval
from sknn_tricks.preprocessing._arrays import Rows
from sknn_tricks.preprocessing.scalers._elementwise import Elementwise
from sknn_tricks.preprocessing.scalers._groups import Groups
from sknn_tricks.preprocessing.scalers._quantiles import Quantiles, learn_quantiles
from sknn_tricks.preprocessing.scalers._scaler import ScalerND
from sknn_tricks.preprocessing.scalers._statistics import Array, Extremes, Weight

# What is so many times the bound is the bound itself in float64, and its square is no infinity.
FAR = 1e9


def _scale(x: Any, centre: Any, factor: Any) -> Any:
    x -= centre
    x *= factor
    return x


def _scale_and_bound(x: Any, centre: Any, factor: Any, bound: float) -> Any:
    x = _scale(x, centre, factor)
    x /= bound
    x = x.clip(-FAR, FAR)
    x /= (1 + x * x) ** 0.5
    x *= bound
    return x


def _restore(x: Any, centre: Any, scale: Any) -> Any:
    x *= scale
    x += centre
    return x


def _restore_bounded(x: Any, centre: Any, scale: Any, bound: float, largest: float) -> Any:
    share = (x / bound).clip(-largest, largest)
    return _restore(bound * share / ((1 - share) * (1 + share)) ** 0.5, centre, scale)


@dataclass(frozen=True)
class Spread:
    """What the scaler learns.

    Parameters
    ----------
    extremes : Extremes
    quantiles : Quantiles
    """

    extremes: Extremes
    quantiles: Quantiles

    def merged(self, other: Spread) -> Spread:
        """Return what both tell."""
        quantiles = self.quantiles.merged(other.quantiles)
        return Spread(self.extremes.merged(other.extremes), quantiles)

    def at(self, shares: Array) -> Array:
        """Return quantiles (Q, ...) in the shape of the extremes."""
        lowest, highest = self.extremes.lowest, self.extremes.highest
        found = self.quantiles.at(shares).reshape(-1, *lowest.shape)
        found[shares == 0], found[shares == 1] = lowest, highest
        return found


class RobustScalerND(ScalerND):
    """Centre by the median, scale by a range of quantiles, and bound what is far away, smoothly.

    Computes ``z = (x - median) / (q3 - q1)`` and gives ``z / sqrt(1 + (z / smooth_clip)**2)``:
    near zero that is z itself, and no outlier comes beyond `smooth_clip`. Where the quantiles are
    equal, half the distance of the smallest to the largest number is divided by; where there is
    none either, the output is 0.

    Parameters
    ----------
    per : {"feature", "channel", "pixel", "global"}, default="feature"
        What has quantiles of its own. ``"feature"``: each entry of a row, such as the
        columns of a table, or every channel of every pixel. ``"channel"``: each index along
        `channel_axis`, over rows and all positions. ``"pixel"``: each position, over rows and
        channels. ``"global"``: all numbers have the same.
    channel_axis : int or None, default=None
        Axis of the channels in `X`, where axis 0 are the rows: 1 for images (N, C, H, W), -1 for
        (N, H, W, C) and sequences (N, T, D). With None it is 1 for tables, and for four axes that
        one of 1 and -1 which has no more than 4 numbers.
    quantile_range : tuple of (float, float), default=(25.0, 75.0)
        The quantiles, in percent.
    smooth_clip : float or None, default=3.0
        The bound, None for none.

    Attributes
    ----------
    center_ : ndarray of float64
        The medians, in a shape that can be broadcast against a row: (C, 1, 1) for channels of
        (N, C, H, W). NaN where there were no numbers.
    scale_ : ndarray of float64
        What is divided by; 0 where the output is 0.
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
    StandardScalerND : Mean and variance.
    MinMaxScalerND : To a range.

    Notes
    -----
    Quantiles are exact for integers of 8 bits, and of what `fit` finds in memory. For a memmap,
    `OnDisk` and `partial_fit` they are exact up to 4096 numbers for each statistic; beyond, the
    share of the numbers below a quantile is wrong by ``(1 + log2 c) / 4096`` at most, for c times
    4096 numbers: 0.5 % for a hundred million. (Of more than 1024 statistics, as with many pixels,
    summaries are smaller: ``4096`` becomes ``2**22`` divided by their number, at least 256.)

    A quantile between two numbers is their mean (type 2 of Hyndman and Fan), so that a weight of
    two is the same as a row given twice; `numpy.quantile` interpolates by default.

    A `partial_fit` after `fit` goes on from a summary eight times as coarse, since what is fitted
    should be small; of integers of 8 bits it goes on exactly.

    `inverse_transform` brings back what is inside the bound, with the digits that are left; what
    was so far away that it reached the bound comes back as the farthest that does not.

    References
    ----------
    D. Holzmueller, L. Grinsztajn and I. Steinwart (2024). Better by default: strong pre-tuned
    MLPs and boosted trees on tabular data. NeurIPS 37 (robust scaling with smooth clipping).

    R. J. Hyndman and Y. Fan (1996). Sample quantiles in statistical packages. The American
    Statistician 50(4), 361-365.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn_tricks.preprocessing import RobustScalerND
    >>> X = np.array([[1.0], [2.0], [3.0], [4.0], [1e9]])
    >>> RobustScalerND().fit_transform(X).round(2).ravel().tolist()
    [-0.95, -0.49, 0.0, 0.49, 3.0]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **ScalerND._parameter_constraints,
        "quantile_range": [tuple, list],
        "smooth_clip": [Interval(Real, 0, None, closed="neither"), None],
    }

    def __init__(
        self,
        *,
        per: str = "feature",
        channel_axis: int | None = None,
        quantile_range: tuple[float, float] = (25.0, 75.0),
        smooth_clip: float | None = 3.0,
    ) -> None:
        self.per = per
        self.channel_axis = channel_axis
        self.quantile_range = quantile_range
        self.smooth_clip = smooth_clip

    def _check_params(self) -> None:
        super()._check_params()
        ends = tuple(self.quantile_range)
        numbers = all(isinstance(end, Real) for end in ends)
        if not numbers or len(ends) != 2 or not 0 <= ends[0] < ends[1] <= 100:
            raise ValueError(
                message(
                    "quantile_range is no range of percentages",
                    expected="two numbers from 0 to 100, the lower one first",
                    got=f"{self.quantile_range}",
                    todo="Try (25.0, 75.0)",
                )
            )

    @property
    def _shares(self) -> Array:
        low, high = self.quantile_range
        return np.array([low, 50.0, high]) / 100

    def _learn(self, rows: Rows, weight: Weight, groups: Groups, stream: bool) -> Spread:
        quantiles = learn_quantiles(rows, weight, groups, self._shares, stream=stream)
        return Spread(Extremes.of(rows, weight, groups), quantiles)

    def _settle(self, learnt: Spread) -> None:
        lower, self.center_, upper = learnt.at(self._shares)
        between = upper - lower
        half = (learnt.extremes.highest - learnt.extremes.lowest) / 2
        self.scale_ = np.where(between == 0, half, between)

    def _forth(self) -> Elementwise:
        factor = np.divide(1, self.scale_, out=np.zeros_like(self.scale_), where=self.scale_ != 0)
        return self._step(_scale, _scale_and_bound, factor)

    def _back(self, dtype: np.dtype[Any]) -> Elementwise:
        largest = float(np.nextafter(dtype.type(1), dtype.type(0)))  # 1 has no inverse
        return self._step(_restore, _restore_bounded, self.scale_, largest)

    def _step(self, plain: Any, bounded: Any, factor: Array, *constants: float) -> Elementwise:
        statistics = (self.center_, factor)
        if self.smooth_clip is None:
            return Elementwise(plain, statistics, self.input_shape_)
        constants = (float(self.smooth_clip), *constants)
        return Elementwise(bounded, statistics, self.input_shape_, constants)
