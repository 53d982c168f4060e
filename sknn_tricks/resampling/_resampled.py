"""A sampler and an estimator as one estimator."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from copy import deepcopy
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import Tags, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from sknn_tricks._sklearn_private import check_sample_weight
from sknn_tricks.resampling import _refusals as refusals
from sknn_tricks.resampling._prior_correction import log_proba, log_shift, shifted
from sknn_tricks.resampling._targets import check_labels_kept, is_wide
from sknn_tricks.resampling._training import Training, has_copies, holds_rows_out, resample


def _if_estimator_has(name: str) -> Callable[[Any], bool]:
    def check(self: Any) -> bool:
        getattr(getattr(self, "estimator_", self.estimator), name)
        return True

    return check


class Resampled(CallbackSupportMixin, MetaEstimatorMixin, BaseEstimator):
    """Train an estimator on resampled rows, and predict with it.

    Only `fit` resamples. So in a cross-validation or a search the rows a model is scored on are
    never resampled, and no copy of them is trained on. It is an ordinary estimator, which
    scikit-learn's own pipelines and searches take as it is.

    Parameters
    ----------
    sampler : object with ``fit_resample`` or None
        A sampler of this package or of imbalanced-learn. None passes all rows on, so that a
        search can tell whether resampling is of use.
    estimator : estimator
        Classifier, regressor or a whole pipeline.
    prior_correction : bool, default=False
        Whether `predict_proba` and `predict_log_proba` are corrected for the change of the
        shares of the classes, so that they mean the probabilities in the data as they came.
        `predict` and `decision_function` are those of the estimator in any case: balanced
        decisions go with calibrated probabilities.

    Attributes
    ----------
    sampler_ : sampler or None
        The fitted sampler.
    estimator_ : estimator
        The fitted estimator.
    log_prior_shift_ : ndarray of shape (n_classes,)
        Log of the share of each class before, less that after resampling. Only if
        `prior_correction`.
    classes_ : ndarray of shape (n_classes,)
        Labels, if the estimator is a classifier.
    n_features_in_ : int
        Length of the second axis of X.
    feature_names_in_ : ndarray of str
        Names of the columns, if X was a table that has them.

    Notes
    -----
    With the share of class k before (P) and after (P') resampling, weighted by `sample_weight`,
    the correction is ``p_k = p'_k P_k / P'_k``, divided by the sum over the classes. It is exact
    if resampling changes nothing but these shares, as when rows are drawn at random.

    Where the estimator itself holds out rows (``early_stopping=True``), copies of them are trained
    on after over-sampling; there is a warning. Resampling takes place before it sees any rows.

    References
    ----------
    C. Elkan (2001). The foundations of cost-sensitive learning. IJCAI, 973-978.

    M. Saerens, P. Latinne and C. Decaestecker (2002). Adjusting the outputs of a classifier to
    new a priori probabilities: a simple procedure. Neural Computation 14(1), 21-41.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.pipeline import Pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sknn_tricks import NetClassifier
    >>> from sknn_tricks.resampling import AutoSMOTE, RandomOverSampler, Resampled
    >>> X, y = make_classification(weights=[0.9], random_state=0)
    >>> net = NetClassifier(max_epochs=5, random_state=0)
    >>> pipeline = Pipeline([
    ...     ("scale", StandardScaler()),
    ...     ("net", Resampled(RandomOverSampler(random_state=0), net, prior_correction=True)),
    ... ])
    >>> grid = {"net__sampler": [None, AutoSMOTE(random_state=0)], "net__estimator__lr": [1e-3]}
    >>> search = GridSearchCV(pipeline, grid, scoring="balanced_accuracy", cv=3).fit(X, y)
    >>> search.predict_proba(X).shape
    (100, 2)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "sampler": [object],
        "estimator": [object],
        "prior_correction": ["boolean"],
    }

    def __init__(self, sampler: Any, estimator: Any, *, prior_correction: bool = False) -> None:
        self.sampler = sampler
        self.estimator = estimator
        self.prior_correction = prior_correction

    @with_callbacks
    def fit(self, X: Any, y: Any, sample_weight: Any = None, **fit_params: Any) -> Self:
        """Resample the rows and train the estimator on them.

        Parameters
        ----------
        X : data of shape (N, ...)
            As the sampler and the estimator take them.
        y : array-like of shape (N,) or (N, O)
            Targets.
        sample_weight : array-like of shape (N,), default=None
            Row weights. They go along with the rows, where the sampler tells which ones it chose.
        **fit_params
            Passed to the estimator's `fit` as they are, such as ``validation_data``; what has an
            entry for each row would not fit the resampled ones.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If data, weights or parameters are not right. It is then as it was before.

        Warns
        -----
        UserWarning
            If the estimator holds out rows of which the sampler made copies.
        """
        self._validate_params()
        self._check_parts(y, sample_weight)
        context = self._init_callback_context(max_subtasks=1)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        weights = None if sample_weight is None else check_sample_weight(sample_weight, X)
        before = Training(X, y, weights)
        sampler, after = resample(self.sampler, before)
        self._check_resampled(sampler, before, after, fit_params)
        estimator = self._train(context, after, fit_params)
        self._learn(sampler, estimator, before, after)
        context.call_on_fit_task_end(estimator=self, X=X, y=y)
        return self

    def _check_parts(self, y: Any, sample_weight: Any) -> None:
        """Complain of what cannot work before any work is done."""
        sampler, estimator = self.sampler, self.estimator
        if isinstance(sampler, type) or not (sampler is None or hasattr(sampler, "fit_resample")):
            raise ValueError(refusals.no_sampler(sampler))
        if isinstance(estimator, type) or not hasattr(estimator, "fit"):
            raise ValueError(refusals.no_estimator(estimator))
        if sample_weight is not None and not has_fit_parameter(estimator, "sample_weight"):
            raise ValueError(refusals.no_weights(estimator))
        if self.prior_correction:
            if not is_classifier(estimator):
                raise ValueError(refusals.no_classifier(estimator))
            if is_wide(y):
                raise ValueError(refusals.many_labels())

    def _check_resampled(
        self, sampler: Any, before: Training, after: Training, fit_params: dict[str, Any]
    ) -> None:
        if sampler is None:
            return
        if is_classifier(self.estimator):
            check_labels_kept(before.y, after.y, type(sampler).__name__)
        holds_out = fit_params.get("validation_data") is None and holds_rows_out(self.estimator)
        if holds_out and has_copies(sampler, before, after):
            warnings.warn(refusals.held_out_copies(sampler), UserWarning, stacklevel=4)

    def _train(self, context: Any, rows: Training, fit_params: dict[str, Any]) -> Any:
        """Return the estimator, trained; callbacks hear of it as of a step of a pipeline."""
        estimator = clone(self.estimator)
        task = context.subcontext(task_name="fit-estimator")
        weights = {} if rows.weights is None else {"sample_weight": rows.weights}
        with task.propagate_callback_context(estimator):
            task.call_on_fit_task_begin(estimator=self, X=rows.X, y=rows.y)
            estimator.fit(rows.X, rows.y, **weights, **fit_params)
            task.call_on_fit_task_end(estimator=self, X=rows.X, y=rows.y)
        return estimator

    def _learn(self, sampler: Any, estimator: Any, before: Training, after: Training) -> None:
        self.__dict__.pop("log_prior_shift_", None)
        if self.prior_correction:
            self.log_prior_shift_ = log_shift(before, after, estimator.classes_)
        self.sampler_, self.estimator_ = sampler, estimator

    # --- what the estimator does ------------------------------------------------------------

    @available_if(_if_estimator_has("predict"))
    def predict(self, X: Any) -> Any:
        """Return what the estimator predicts.

        Parameters
        ----------
        X : data of shape (N, ...)

        Returns
        -------
        ndarray of shape (N,) or (N, O)
        """
        check_is_fitted(self)
        return self.estimator_.predict(X)

    @available_if(_if_estimator_has("predict_proba"))
    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class, corrected if `prior_correction` is set.

        Parameters
        ----------
        X : data of shape (N, ...)

        Returns
        -------
        ndarray of shape (N, n_classes)
        """
        check_is_fitted(self)
        if not hasattr(self, "log_prior_shift_"):
            return self.estimator_.predict_proba(X)
        return np.exp(self._corrected_log_proba(X))

    @available_if(_if_estimator_has("predict_proba"))
    def predict_log_proba(self, X: Any) -> Any:
        """Return the log of the probabilities that `predict_proba` returns.

        Parameters
        ----------
        X : data of shape (N, ...)

        Returns
        -------
        ndarray of shape (N, n_classes)
        """
        check_is_fitted(self)
        if not hasattr(self, "log_prior_shift_"):
            return log_proba(self.estimator_, X)
        return self._corrected_log_proba(X)

    @available_if(_if_estimator_has("decision_function"))
    def decision_function(self, X: Any) -> Any:
        """Return the scores of the estimator, which are not corrected.

        Parameters
        ----------
        X : data of shape (N, ...)

        Returns
        -------
        ndarray of shape (N,) or (N, n_classes)
        """
        check_is_fitted(self)
        return self.estimator_.decision_function(X)

    @available_if(_if_estimator_has("transform"))
    def transform(self, X: Any) -> Any:
        """Return rows as the estimator transforms them; all of them, none is resampled.

        Parameters
        ----------
        X : data of shape (N, ...)

        Returns
        -------
        data of shape (N, ...)
        """
        check_is_fitted(self)
        return self.estimator_.transform(X)

    @available_if(_if_estimator_has("score"))
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the estimator's score on rows as they are.

        Parameters
        ----------
        X : data of shape (N, ...)
        y : array-like of shape (N,) or (N, O)
        sample_weight : array-like of shape (N,), default=None
            Row weights.

        Returns
        -------
        float
        """
        check_is_fitted(self)
        params = {} if sample_weight is None else {"sample_weight": sample_weight}
        return self.estimator_.score(X, y, **params)

    def _corrected_log_proba(self, X: Any) -> NDArray[np.float64]:
        return shifted(log_proba(self.estimator_, X), self.log_prior_shift_)

    @property
    def classes_(self) -> NDArray[Any]:
        """Labels of the classes."""
        return self._of_estimator("classes_")

    @property
    def n_features_in_(self) -> int:
        """Length of the second axis of X."""
        return self._of_estimator("n_features_in_")

    @property
    def feature_names_in_(self) -> NDArray[Any]:
        """Names of the columns."""
        return self._of_estimator("feature_names_in_")

    def _of_estimator(self, name: str) -> Any:
        if "estimator_" not in vars(self):
            raise AttributeError(f"{type(self).__name__} has no {name} before it is fitted.")
        return getattr(self.estimator_, name)

    def __sklearn_tags__(self) -> Tags:
        tags = deepcopy(get_tags(self.estimator))
        tags.target_tags.required = True
        tags.array_api_support = False  # samplers number rows with numpy
        if self.sampler is not None:
            of_sampler = get_tags(self.sampler)
            tags.input_tags.allow_nan &= of_sampler.input_tags.allow_nan
            tags.input_tags.sparse &= of_sampler.input_tags.sparse
            tags.target_tags.multi_output &= of_sampler.target_tags.multi_output
        return tags
