"""Smoothing: noise taken out of series."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d
from scipy.signal import lfilter, savgol_coeffs, savgol_filter
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import validate_data

from sknn_tricks._messages import lookup, message
from sknn_tricks._sklearn_private import Interval

Array = NDArray[np.float64]

# Numbers in the sorted windows of the running median at a time: 8 MB.
SORTED_AT_ONCE = 2**20


def _moving_average(X: Array, window: int, causal: bool, polyorder: int) -> Array:
    there = ~np.isnan(X)
    # Beyond the ends is nothing: neither values nor counts.
    settings: dict[str, Any] = {
        "weights": np.ones(window),
        "mode": "constant",
        "origin": (window - 1) // 2 if causal else 0,
    }
    total = correlate1d(np.where(there, X, 0.0), **settings)
    return _divide(total, correlate1d(there.astype(np.float64), **settings))


def _exponential(X: Array, window: int, causal: bool, polyorder: int) -> Array:
    there = ~np.isnan(X)
    values, counts = np.where(there, X, 0.0), there.astype(np.float64)
    stay = 1 - 2 / (window + 1)

    def decaying_sum(A: Array) -> Array:
        past = lfilter([1.0], [1.0, -stay], A)
        return past if causal else past + lfilter([1.0], [1.0, -stay], A[..., ::-1])[..., ::-1] - A

    return _divide(decaying_sum(values), decaying_sum(counts))


def _median(X: Array, window: int, causal: bool, polyorder: int) -> Array:
    size = max(SORTED_AT_ONCE // (X[0].size * window), 1)
    blocks = [_median_of(X[i : i + size], window, causal) for i in range(0, len(X), size)]
    return np.concatenate(blocks)


def _median_of(X: Array, window: int, causal: bool) -> Array:
    before = window - 1 if causal else window // 2
    ends = [(0, 0)] * (X.ndim - 1) + [(before, window - 1 - before)]
    padded = np.pad(X, ends, constant_values=np.nan)
    # NaNs are sorted to the end, where the median of the others does not look.
    ordered = np.sort(np.lib.stride_tricks.sliding_window_view(padded, window, axis=-1), axis=-1)
    count = np.count_nonzero(~np.isnan(ordered), axis=-1, keepdims=True)
    low, high = (
        np.take_along_axis(ordered, np.maximum(at, 0), axis=-1)[..., 0]
        for at in ((count - 1) // 2, count // 2)
    )
    return np.where(count[..., 0] > 0, low + (high - low) / 2, np.nan)


def _savgol(X: Array, window: int, causal: bool, polyorder: int) -> Array:
    if not causal:
        return savgol_filter(X, window, polyorder, mode="interp")
    out = np.empty_like(X)
    weights = savgol_coeffs(window, polyorder, pos=window - 1, use="dot")
    correlate1d(X, weights, output=out, origin=(window - 1) // 2)
    for t in range(window - 1):  # fewer values carry a polynomial of lower order
        weights = savgol_coeffs(t + 1, min(polyorder, t), pos=t, use="dot")
        out[..., t] = X[..., : t + 1] @ weights
    return out


METHODS = {
    "moving_average": _moving_average,
    "exponential": _exponential,
    "savgol": _savgol,
    "median": _median,
}


class Smoother(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Smooth each series of the data along the time.

    The length stays. At its ends a series is smoothed with as much of the window as lies within
    it; no values are made up beyond. Rows have nothing to do with each other and nothing is
    learned from them, so there is nothing to leak from a test set; with ``causal=True`` nothing
    leaks from the future to the past either.

    Parameters
    ----------
    method : {"moving_average", "exponential", "savgol", "median"}, default="moving_average"
        ``"moving_average"``: the mean of the window. ``"median"``: its median, which forgets
        single spikes and keeps steps. ``"savgol"`` (Savitzky and Golay): the value of the
        polynomial of order `polyorder` that fits the window best, which keeps the height of
        peaks. ``"exponential"``: the mean of the whole series with weights that decay with the
        distance in time.
    window : int, default=5
        Steps of time in the window; odd, unless `causal`. For ``"exponential"`` weights decay by
        a factor of ``1 - 2 / (window + 1)`` a step, which gives them the same centre of mass as a
        causal window of that length has.
    polyorder : int, default=2
        Order of the polynomials of ``"savgol"``, less than `window`. Other methods ignore it.
    causal : bool, default=False
        Whether only a step itself and those before it are used, as a forecast must; the output
        then lags behind. If not, as many steps after as before.
    time_axis : int, default=-1
        The axis of `X` along which to smooth: 1 or -1 for series as rows (N, T), 1 for (N, T, D).

    Attributes
    ----------
    n_features_in_ : int
        ``X.shape[1]`` in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, if `X` was a table whose columns have names.

    Notes
    -----
    Missing values (NaN) are left out of means and medians, so short gaps are filled; a window
    without any value gives NaN. ``"savgol"`` refuses them. All is computed in float64.

    References
    ----------
    A. Savitzky and M. J. E. Golay (1964). Smoothing and differentiation of data by simplified
    least squares procedures. Analytical Chemistry 36(8), 1627-1639.

    P. A. Gorry (1990). General least-squares smoothing and differentiation by the convolution
    (Savitzky-Golay) method. Analytical Chemistry 62(6), 570-573 (for the ends of the series).

    J. W. Tukey (1977). Exploratory data analysis. Addison-Wesley (for running medians).

    R. G. Brown (1963). Smoothing, forecasting and prediction of discrete time series.
    Prentice-Hall (for exponential smoothing).

    Examples
    --------
    >>> import numpy as np
    >>> from sknn_tricks.preprocessing import Smoother
    >>> X = np.array([[1.0, 2.0, 9.0, 4.0, 5.0]])
    >>> Smoother(window=3).fit_transform(X)
    array([[1.5, 4. , 5. , 6. , 4.5]])
    >>> Smoother("median", window=3).fit_transform(X)
    array([[1.5, 2. , 4. , 5. , 4.5]])
    >>> Smoother(window=2, causal=True).fit_transform(X)
    array([[1. , 1.5, 5.5, 6.5, 4.5]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "method": [str],
        "window": [Interval(Integral, 1, None, closed="left")],
        "polyorder": [Interval(Integral, 0, None, closed="left")],
        "causal": ["boolean"],
        "time_axis": [Integral],
    }

    def __init__(
        self,
        method: str = "moving_average",
        *,
        window: int = 5,
        polyorder: int = 2,
        causal: bool = False,
        time_axis: int = -1,
    ) -> None:
        self.method = method
        self.window = window
        self.polyorder = polyorder
        self.causal = causal
        self.time_axis = time_axis

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters and the data; nothing is learned.

        Parameters
        ----------
        X : array-like of shape (N, T) or (N, ...)
            Series of numbers, NaN where one is missing.
        y : object, default=None
            Ignored.

        Returns
        -------
        Smoother
            Itself.

        Raises
        ------
        ValueError
            If a parameter is not valid for series of this length, `X` is infinite somewhere, or
            has missing values and `method` is ``"savgol"``.
        """
        self._validate_params()
        self._validate(X, reset=True)
        return self

    def transform(self, X: Any) -> Any:
        """Smooth; `fit` need not come before.

        Parameters
        ----------
        X : array-like of shape (N, T) or (N, ...)
            Series of numbers, NaN where one is missing.

        Returns
        -------
        ndarray of the shape of X
            float32 for float32 input, else float64.
        """
        smooth = lookup(self.method, METHODS, "method")
        X = self._validate(X, reset=False)
        axis = int(self.time_axis)
        series = np.moveaxis(X, axis, -1).astype(np.float64)
        smoothed = smooth(series, int(self.window), bool(self.causal), int(self.polyorder))
        return np.ascontiguousarray(np.moveaxis(smoothed, -1, axis), dtype=X.dtype)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.allow_nan = self.method != "savgol"
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _validate(self, X: Any, reset: bool) -> NDArray[Any]:
        lookup(self.method, METHODS, "method")
        self._check_window()
        X = validate_data(
            self,
            X,
            dtype=(np.float64, np.float32),
            allow_nd=True,
            ensure_all_finite="allow-nan",
            reset=reset,
        )
        self._check_series(X)
        return X

    def _check_window(self) -> None:
        if self.method != "exponential" and not self.causal and self.window % 2 == 0:
            raise ValueError(
                message(
                    f"window={self.window} has no step in its middle",
                    expected="an odd number, unless causal=True",
                    got=str(self.window),
                    todo=f"Use {self.window + 1}",
                )
            )
        if self.method == "savgol" and self.polyorder >= self.window:
            raise ValueError(
                message(
                    f"polyorder={self.polyorder} fits any window of {self.window}",
                    expected=f"an order below {self.window}",
                    got=str(self.polyorder),
                    todo="Lower polyorder, or use a longer window",
                )
            )

    def _check_series(self, X: NDArray[Any]) -> None:
        if not -X.ndim < self.time_axis < X.ndim or self.time_axis == 0:
            raise ValueError(
                message(
                    f"time_axis={self.time_axis} is no axis of a series",
                    expected=f"1 to {X.ndim - 1}, or -1 to {1 - X.ndim}, for X of shape {X.shape}",
                    got=str(self.time_axis),
                    todo="Give the axis of X along which time goes; axis 0 counts the series",
                )
            )
        n_steps = X.shape[self.time_axis]
        steps = f"n_features = {n_steps}" if X.ndim == 2 else f"{n_steps}"
        if self.method != "exponential" and self.window > n_steps:
            raise ValueError(
                message(
                    f"window={self.window} is longer than the series",
                    expected=f"at most {steps} for X of shape {X.shape}",
                    got=str(self.window),
                    todo="Use a shorter window, or correct time_axis",
                )
            )
        if self.method == "savgol" and np.isnan(X).any():
            raise ValueError(
                message(
                    "method='savgol' cannot fit missing values",
                    expected="numbers",
                    got="NaN in X",
                    todo="Fill the gaps before, or use another method",
                )
            )


def _divide(total: Array, count: Array) -> Array:
    """Give NaN where there is nothing to divide by."""
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 1e-200)
