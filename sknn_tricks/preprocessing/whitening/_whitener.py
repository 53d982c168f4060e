"""Whitening: features without correlation, each of variance one."""

from __future__ import annotations

from numbers import Integral, Real
from operator import attrgetter
from typing import Any, ClassVar, Self

from numpy.typing import NDArray
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    OneToOneFeatureMixin,
    TransformerMixin,
)
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from sknn_tricks._messages import lookup, message
from sknn_tricks._sklearn_private import Interval, RealNotInt
from sknn_tricks._unchanged import unchanged_on_error
from sknn_tricks.preprocessing._arrays import Rows, check_rows, output_dtype
from sknn_tricks.preprocessing.whitening._covariance import RULES
from sknn_tricks.preprocessing.whitening._linear_map import LinearMap
from sknn_tricks.preprocessing.whitening._seen import Seen, see
from sknn_tricks.preprocessing.whitening._whitening import METHODS, Settings, Whitening


class Whitener(
    OneToOneFeatureMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Remove the correlations between features and give each variance one.

    Directions in which the data do not vary measurably (copied or constant columns, fewer rows
    than features) are dropped, not blown up. Sums are kept in float64, so float32 features far
    from zero come out white as well. Scale features of very different size first, for instance
    with ``StandardScaler``, or use ``"zca_cor"``.

    Rows may have any shape: the features of a picture are its pixels. Data may be arrays, tables
    or tensors; on the disk (memmap, `OnDisk`), where they are read by blocks; or a stream of
    chunks, for `partial_fit`.

    Parameters
    ----------
    method : {"pca", "zca", "zca_cor"}, default="pca"
        The rotation of the output. ``"pca"``: one output for each principal direction, largest
        variance first. ``"zca"``: rotated back onto the input features; of all white outputs
        it is the closest to the centred input, so a pixel remains a pixel. ``"zca_cor"``: the
        same for standardised features, by their correlation matrix; of all white outputs it is
        the most correlated with the input, whatever the units of the features.
    n_components : int or float or None, default=None
        How many principal directions to keep, at most: an int is a number of directions, a
        float between 0 and 1 the share of the variance that the kept ones have together, None
        all. This is the number of outputs of ``"pca"``; the others keep every feature, without
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
    shrinkage : {"oas", "ledoit_wolf"} or float or None, default=None
        How far the covariance is moved towards the identity (times the mean variance): a number
        from 0 to 1, or the rule that finds it from the data. With few rows, the smallest
        variances are too small by chance, and other rows, divided by them, come out far too
        large. Shrinkage prevents that, and keeps directions beyond the rank; but the rows of
        `fit` themselves come out less white. ``"zca_cor"`` shrinks the correlation matrix,
        constant features left out.

    Attributes
    ----------
    mean_ : ndarray of shape (D,)
        Mean of each feature; D is the product of the row's shape.
    components_ : ndarray of shape (n_components_, D)
        The kept principal directions (``"zca_cor"``: of the standardised features), unit vectors
        whose largest entry is positive.
    explained_variance_ : ndarray of shape (n_components_,)
        Variance along each kept direction (divisor rows - 1), the eigenvalues of the covariance
        (``"zca_cor"``: correlation) matrix after shrinkage.
    explained_variance_ratio_ : ndarray of shape (n_components_,)
        The same as a share of the variance of all features.
    n_components_ : int
        Number of kept directions.
    shrinkage_ : float
        How far the matrix was shrunk.
    whitening_ : ndarray of shape (D, n_outputs)
        The output is ``(X - mean_) @ whitening_``, for flat rows.
    dewhitening_ : ndarray of shape (n_outputs, D)
        The way back; the pseudo-inverse of `whitening_`.
    n_samples_seen_ : int
        Number of rows.
    row_shape_ : tuple of int
        Shape of one row.
    n_features_in_ : int
        Length of the first axis of a row.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if `X` was a table whose columns have names.

    Notes
    -----
    Some matrices of D x D are held in memory, and one is decomposed: in `fit`, or when it is first
    needed after `partial_fit`. All attributes are float64; the output is float32 if float32 holds
    the input exactly (float32, float16, integers of up to 16 bits), else float64.

    The amount of shrinkage is that of ``sklearn.covariance.oas`` and ``ledoit_wolf``, also of a
    stream. ``"ledoit_wolf"`` sums up fourth powers, for ``"zca_cor"`` of all pairs of features:
    these sums are three times the work.

    References
    ----------
    A. Kessy, A. Lewin and K. Strimmer (2018). Optimal whitening and decorrelation.
    The American Statistician 72(4), 309-314.

    A. J. Bell and T. J. Sejnowski (1997). The "independent components" of natural scenes are
    edge filters. Vision Research 37(23), 3327-3338 (for ZCA).

    O. Ledoit and M. Wolf (2004). A well-conditioned estimator for large-dimensional covariance
    matrices. Journal of Multivariate Analysis 88(2), 365-411.

    Y. Chen, A. Wiesel, Y. C. Eldar and A. O. Hero (2010). Shrinkage algorithms for MMSE
    covariance estimation. IEEE Transactions on Signal Processing 58(10), 5016-5029 (for OAS).

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

    A stream gives what all rows at once give:

    >>> stream = Whitener(method="zca")
    >>> for chunk in np.array_split(X, 7):
    ...     stream = stream.partial_fit(chunk)
    >>> np.allclose(stream.transform(X), Z)
    True

    Pictures stay pictures:

    >>> pictures = rng.integers(256, size=(500, 8, 8)).astype(np.uint8)
    >>> Z = Whitener(method="zca").fit_transform(pictures)
    >>> Z.shape, Z.dtype
    ((500, 8, 8), dtype('float32'))
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "method": [str],
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
            None,
        ],
        "eps": [Interval(Real, 0, 1, closed="left"), None],
        "shrinkage": [str, Interval(Real, 0, 1, closed="both"), None],
    }

    def __init__(
        self,
        method: str = "pca",
        *,
        n_components: int | float | None = None,
        eps: float | None = None,
        shrinkage: str | float | None = None,
    ) -> None:
        self.method = method
        self.n_components = n_components
        self.eps = eps
        self.shrinkage = shrinkage

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the mean and the whitening matrix.

        Parameters
        ----------
        X : array-like, Tensor, memmap or OnDisk of shape (N, ...)
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
            If a parameter is not valid, `X` does not hold finite numbers, all features are
            constant, or the covariance is too large for float64.

        Warns
        -----
        UserWarning
            If the default `eps` drops features that do vary, because others vary far more.
        """
        settings = self._checked_settings()
        with unchanged_on_error(self):
            rows = check_rows(X, estimator=self, reset=True, min_rows=2)
            self._see(rows, settings, before=None)
            _ = self._solved
        return self

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Learn from some more rows.

        In float64, chunks of any sizes give what all their rows at once give, up to rounding. The
        matrix is decomposed when it is first needed, with the parameters of the last call.

        Parameters
        ----------
        X : array-like, Tensor, memmap or OnDisk of shape (N, ...)
            More rows, one or more.
        y : object, default=None
            Ignored.

        Returns
        -------
        Whitener
            Itself.

        Raises
        ------
        ValueError
            As `fit`; or if rows have another shape than before. What was learned is kept then.
        """
        settings, before = self._checked_settings(), getattr(self, "_seen", None)
        shape = None if before is None else before.row_shape
        with unchanged_on_error(self):
            rows = check_rows(X, estimator=self, reset=before is None, row_shape=shape)
            self._see(rows, settings, before)
        return self

    def transform(self, X: Any) -> Any:
        """Whiten.

        Parameters
        ----------
        X : array-like, Tensor, memmap or OnDisk of shape (N, ...)
            The data.

        Returns
        -------
        ndarray, Tensor or OnDisk of shape (N, n_components_) or (N, ...)
            ``"pca"`` gives one output for each direction, the others rows of the input's shape.
            Tensors stay on their device; rows of `OnDisk` are whitened when they are read.
        """
        learned = self._solved
        rows = check_rows(X, estimator=self, row_shape=self.row_shape_)
        step = LinearMap(learned.forward, self._shape_out, before=learned.mean)
        return rows.map(step, self._shape_out, output_dtype(rows.dtype))

    def inverse_transform(self, X: Any) -> Any:
        """Undo the whitening.

        Exact if no direction was dropped, else the projection of the original data on the kept
        directions.

        Parameters
        ----------
        X : array-like, Tensor, memmap or OnDisk of shape (N, n_components_) or (N, ...)
            Whitened data.

        Returns
        -------
        ndarray, Tensor or OnDisk of shape (N, ...)

        Raises
        ------
        ValueError
            If rows of `X` have another shape than those that `transform` gives.
        """
        learned = self._solved
        rows = check_rows(X)
        if rows.row_shape != self._shape_out:
            raise ValueError(_no_output(rows.row_shape, self._shape_out))
        step = LinearMap(learned.back, self.row_shape_, after=learned.mean)
        return rows.map(step, self.row_shape_, output_dtype(rows.dtype))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Name the outputs: "whitener0", "whitener1", ... for pca, else the input's names.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the input features, if `fit` saw none.

        Returns
        -------
        ndarray of str objects

        Raises
        ------
        ValueError
            If the output has more than two axes, and so no columns.
        """
        if not self._solved.keeps_features:
            return ClassNamePrefixFeaturesOutMixin.get_feature_names_out(self, input_features)
        if len(self.row_shape_) > 1:
            raise ValueError(_no_columns(self.row_shape_))
        return OneToOneFeatureMixin.get_feature_names_out(self, input_features)

    # Solved for when first asked for; see Seen.
    mean_ = property(attrgetter("_solved.mean"))
    components_ = property(attrgetter("_solved.components"))
    explained_variance_ = property(attrgetter("_solved.variance"))
    explained_variance_ratio_ = property(attrgetter("_solved.ratio"))
    n_components_ = property(lambda self: len(self.components_))
    shrinkage_ = property(attrgetter("_solved.shrinkage"))
    whitening_ = property(attrgetter("_solved.forward"))
    dewhitening_ = property(attrgetter("_solved.back"))
    n_samples_seen_ = property(attrgetter("_seen.moments.n_rows"))

    @property
    def _solved(self) -> Whitening:
        check_is_fitted(self)
        return self._seen.whitening

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_seen")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @property
    def _n_features_out(self) -> int:
        return self.whitening_.shape[1]

    @property
    def _shape_out(self) -> tuple[int, ...]:
        return self.row_shape_ if self._solved.keeps_features else (self._n_features_out,)

    def _checked_settings(self) -> Settings:
        self._validate_params()
        lookup(self.method, METHODS, "method")
        if isinstance(self.shrinkage, str | bool):  # True is no amount
            lookup(self.shrinkage, RULES, "shrinkage")
        return Settings(self.method, self.n_components, self.eps, self.shrinkage)

    def _see(self, rows: Rows, settings: Settings, before: Seen | None) -> None:
        names = getattr(self, "feature_names_in_", None)
        self._seen = see(rows, settings, names, before)
        self.row_shape_ = rows.row_shape


def _no_columns(row_shape: tuple[int, ...]) -> str:
    return message(
        "The outputs have no columns to be named",
        expected="rows of one axis",
        got=f"rows of shape {row_shape}",
        todo="Flatten them first, or use method='pca'",
    )


def _no_output(row_shape: tuple[int, ...], shape_out: tuple[int, ...]) -> str:
    return message(
        "X is not an output of this Whitener",
        expected=f"rows of shape {shape_out}",
        got=f"{row_shape}",
        todo="Pass what transform gave",
    )
