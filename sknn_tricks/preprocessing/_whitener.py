"""Whitening: features without correlation, each of variance one."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    OneToOneFeatureMixin,
    TransformerMixin,
)
from sklearn.utils import Tags, check_array, gen_batches
from sklearn.utils.validation import check_is_fitted, validate_data

from sknn_tricks._messages import lookup, message
from sknn_tricks._sklearn_private import Interval, RealNotInt

Array = NDArray[np.float64]

# Taken as they are, and computed with in float64 block by block; anything else becomes float64.
FLOATS = (np.float64, np.float32, np.float16)
FLOAT64_EPS = float(np.finfo(np.float64).eps)


def _pca(directions: Array, sd: Array) -> tuple[Array, Array]:
    return directions.T / sd, directions * sd[:, None]


def _zca(directions: Array, sd: Array) -> tuple[Array, Array]:
    # root @ root.T is exactly symmetric
    root, inverse_root = directions.T / np.sqrt(sd), directions.T * np.sqrt(sd)
    return root @ root.T, inverse_root @ inverse_root.T


METHODS = {"pca": _pca, "zca": _zca}


class Whitener(
    OneToOneFeatureMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Remove the correlations between features and give each variance one.

    Directions in which the data do not vary measurably (copied or constant columns, fewer rows
    than features) are dropped, not blown up. Sums are kept in float64 whatever the input, so
    float32 features far from zero come out white as well. Scale features of very different
    size first, for instance with ``StandardScaler``.

    Parameters
    ----------
    method : {"pca", "zca"}, default="pca"
        The rotation of the output. ``"pca"``: one output for each principal direction, largest
        variance first. ``"zca"``: rotated back onto the input features; of all white outputs
        it is the closest to the centred input, so a pixel remains a pixel.
    n_components : int or float or None, default=None
        How many principal directions to keep, at most: an int is a number of directions, a
        float between 0 and 1 the share of the variance that the kept ones have together, None
        all. This is the number of outputs of ``"pca"``; ``"zca"`` keeps every feature, without
        the part that lies in the dropped directions. Directions below `eps` are never kept, so
        even with None or an int ``"pca"`` has no more outputs than the data have rank.
    eps : float or None, default=None
        Directions with less variance than `eps` times the largest are dropped, which bounds how
        much noise can be enlarged (by ``1 / sqrt(eps)``, relative to the largest direction).
        None is 1.5e-8 for float64, the square root of its resolution: a variance is computed
        to about 2e-16 of the largest, so any kept one has half its digits right. For float32 it
        is the resolution of the input itself, 1.2e-7 (float16: 9.8e-4), since a copy rounded in
        float32 is no exact copy. Values below the error of the decomposition
        (2.2e-16 times the number of features) act like it.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features_in_,)
        Mean of each feature.
    components_ : ndarray of shape (n_components_, n_features_in_)
        The kept principal directions, unit vectors whose largest entry is positive.
    explained_variance_ : ndarray of shape (n_components_,)
        Variance along each kept direction (divisor rows - 1), the eigenvalues of the covariance.
    explained_variance_ratio_ : ndarray of shape (n_components_,)
        The same as a share of the variance of all features.
    n_components_ : int
        Number of kept directions.
    whitening_ : ndarray of shape (n_features_in_, n_outputs)
        The output is ``(X - mean_) @ whitening_``.
    dewhitening_ : ndarray of shape (n_outputs, n_features_in_)
        The way back; the pseudo-inverse of `whitening_`.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if `X` was a table whose columns have names.

    Notes
    -----
    The covariance, features x features, is held in memory and decomposed. All attributes are
    float64; the output is float32 for float32 input, else float64.

    References
    ----------
    A. Kessy, A. Lewin and K. Strimmer (2018). Optimal whitening and decorrelation.
    The American Statistician 72(4), 309-314.

    A. J. Bell and T. J. Sejnowski (1997). The "independent components" of natural scenes are
    edge filters. Vision Research 37(23), 3327-3338 (for ZCA).

    Examples
    --------
    >>> import numpy as np
    >>> from sknn_tricks.preprocessing import Whitener
    >>> rng = np.random.default_rng(0)
    >>> height = rng.normal(170, 10, size=100)
    >>> X = np.column_stack([height, 0.9 * height - 80 + rng.normal(0, 5, size=100)])
    >>> white = Whitener(method="zca")
    >>> Z = white.fit_transform(X)
    >>> np.allclose(np.cov(Z, rowvar=False), np.eye(2))
    True
    >>> np.allclose(white.inverse_transform(Z), X)
    True

    A copied column adds no direction:

    >>> Whitener(method="pca").fit_transform(X[:, [0, 1, 1]]).shape
    (100, 2)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "method": [str],
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
            None,
        ],
        "eps": [Interval(Real, 0, 1, closed="left"), None],
    }

    def __init__(
        self,
        method: str = "pca",
        *,
        n_components: int | float | None = None,
        eps: float | None = None,
    ) -> None:
        self.method = method
        self.n_components = n_components
        self.eps = eps

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the mean and the whitening matrix.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The data, at least two rows.
        y : object, default=None
            Ignored.

        Returns
        -------
        Whitener
            Itself.

        Raises
        ------
        ValueError
            If a parameter is not valid, `X` is not a finite table of numbers, all features are
            constant, or the covariance is too large for float64.

        Warns
        -----
        UserWarning
            If the default `eps` drops features that do vary, because others vary far more.
        """
        self._validate_params()
        lookup(self.method, METHODS, "method")  # complains before any work is done
        X = validate_data(self, X, dtype=FLOATS, ensure_min_samples=2)
        self._check_n_components(X.shape[1])
        mean, covariance = _moments(X)
        return self._solve(mean, covariance, X.dtype)

    def transform(self, X: Any) -> Any:
        """Whiten.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features_in_)
            The data.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
            float32 for float32 input, else float64.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=FLOATS, reset=False)
        return _affine(X, self.whitening_, before=self.mean_)

    def inverse_transform(self, X: Any) -> NDArray[Any]:
        """Undo the whitening.

        Exact if no direction was dropped, else the projection of the original data on the kept
        directions.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_outputs)
            Whitened data.

        Returns
        -------
        ndarray of shape (n_samples, n_features_in_)
            float32 for float32 input, else float64.

        Raises
        ------
        ValueError
            If `X` has another number of columns than `transform` gives.
        """
        check_is_fitted(self)
        X = check_array(X, dtype=FLOATS, input_name="X")
        if X.shape[1] != self._n_features_out:
            raise ValueError(
                message(
                    "X is not an output of this Whitener",
                    expected=f"{self._n_features_out} columns",
                    got=str(X.shape[1]),
                    todo="Pass what transform gave",
                )
            )
        return _affine(X, self.dewhitening_, after=self.mean_)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Name the outputs: "whitener0", "whitener1", ... for pca, the input's names for zca.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the input features, if `fit` saw none.

        Returns
        -------
        ndarray of str objects
        """
        one_to_one = self.method == "zca"
        mixin = OneToOneFeatureMixin if one_to_one else ClassNamePrefixFeaturesOutMixin
        return mixin.get_feature_names_out(self, input_features)

    @property
    def _n_features_out(self) -> int:
        return self.whitening_.shape[1]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _check_n_components(self, n_features: int) -> None:
        if self.n_components is not None and self.n_components > n_features:
            raise ValueError(
                message(
                    f"n_components={self.n_components} is more than X has features",
                    expected=f"at most {n_features}",
                    got=str(self.n_components),
                    todo="Lower it, or use n_components=None to keep every direction",
                )
            )

    def _solve(self, mean: Array, covariance: Array, dtype: np.dtype[Any]) -> Self:
        variance, directions = _eigen(covariance)
        cut = self._cut(variance, dtype)
        self._warn_lost(np.diag(covariance), cut)
        ratio = variance / np.trace(covariance)
        kept = self._n_kept(ratio, rank=int(np.count_nonzero(variance >= cut)))
        self.mean_ = mean
        self.n_components_ = kept
        self.components_ = directions[:kept]
        self.explained_variance_ = variance[:kept]
        self.explained_variance_ratio_ = ratio[:kept]
        rotate = METHODS[self.method]
        self.whitening_, self.dewhitening_ = rotate(self.components_, np.sqrt(variance[:kept]))
        return self

    def _cut(self, variance: Array, dtype: np.dtype[Any]) -> float:
        eps = self.eps
        if eps is None:
            eps = max(float(np.finfo(dtype).eps), FLOAT64_EPS**0.5)
        return max(eps, len(variance) * FLOAT64_EPS) * variance[0]

    def _n_kept(self, ratio: Array, rank: int) -> int:
        if self.n_components is None:
            return rank
        if isinstance(self.n_components, Integral):
            return min(int(self.n_components), rank)
        return min(int(np.searchsorted(np.cumsum(ratio), self.n_components)) + 1, rank)

    def _warn_lost(self, feature_variance: Array, cut: float) -> None:
        lost = (feature_variance > 0) & (feature_variance < cut)
        if self.eps is not None or not lost.any():
            return
        names = [str(name) for name in OneToOneFeatureMixin.get_feature_names_out(self)[lost]]
        text = message(
            "Some features are lost, because others vary far more",
            expected="features of similar size",
            got=f"almost no variance in {', '.join(names[:5] + ['...'] * (len(names) > 5))}",
            todo="Put a StandardScaler before the Whitener, or set eps",
        )
        warnings.warn(text, stacklevel=4)


def _blocks(X: NDArray[Any]) -> Iterator[slice]:
    # about a megabyte of float64 at a time, but enough rows for a good matrix product
    yield from gen_batches(len(X), max(256, 2**17 // X.shape[1]))


def _moments(X: NDArray[Any]) -> tuple[Array, Array]:
    """Mean and covariance in float64, in two passes: centring first loses no digits."""
    n_features = X.shape[1]
    scatter, shift = np.zeros((n_features, n_features)), np.zeros(n_features)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = X.mean(axis=0, dtype=np.float64)
        for rows in _blocks(X):
            centred = X[rows] - mean
            scatter += centred.T @ centred
            shift += centred.sum(axis=0)
        # what rounding left in the mean
        shift /= len(X)
        mean += shift
        covariance = (scatter - len(X) * np.outer(shift, shift)) / (len(X) - 1)
    _clear_constant(covariance, mean, np.finfo(X.dtype).eps)
    return mean, covariance


def _clear_constant(covariance: Array, mean: Array, resolution: float) -> None:
    """Set the rows and columns of features that only vary by rounding to zero."""
    if not np.isfinite(covariance).all():
        raise ValueError(
            message(
                "The covariance of X is too large for float64",
                expected="values up to about 1e150",
                got="larger ones",
                todo="Scale X first, for instance with a StandardScaler",
            )
        )
    constant = np.diag(covariance) <= (resolution * mean) ** 2
    covariance[constant] = covariance[:, constant] = 0
    if constant.all():
        raise ValueError(
            message(
                "X does not vary",
                expected="at least one feature that is not constant",
                got=f"none among {len(mean)}",
                todo="Check the data, or leave the Whitener out",
            )
        )


def _eigen(covariance: Array) -> tuple[Array, Array]:
    """Variances, largest first, and their directions as rows, with signs that do not vary."""
    variance, vectors = np.linalg.eigh(covariance)
    variance, directions = variance[::-1], vectors.T[::-1]
    size = np.abs(directions)
    # the first of the largest entries is made positive; rounding must not choose between equals
    first = np.argmax(size >= 0.999 * size.max(axis=1, keepdims=True), axis=1)
    return variance, directions * np.sign(directions[np.arange(len(size)), first])[:, None]


def _affine(
    X: NDArray[Any], matrix: Array, before: Array | float = 0.0, after: Array | float = 0.0
) -> NDArray[Any]:
    """Give ``(X - before) @ matrix + after``, computed in float64."""
    dtype: DTypeLike = np.float32 if X.dtype == np.float32 else np.float64
    out = np.empty((len(X), matrix.shape[1]), dtype)
    for rows in _blocks(X):
        out[rows] = (X[rows] - before) @ matrix + after
    return out
