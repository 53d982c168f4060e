"""What ``mlflow.pyfunc.load_model`` returns for models that were logged here.

Logged models name this module as what loads them: it has to stay where it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sknn_tricks._messages import lookup
from sknn_tricks.tracking.artifacts._inputs import Inputs

# The methods that `params={"predict_method": ...}` may name.
METHODS = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "predict_std",
)


class Predictor:
    """Predict with an estimator, from data of any form that means the training data's.

    MLflow checks data against a signature to the letter: a model of float32 numbers would refuse
    float64, and one of floats would refuse whole numbers. So the data come here unchecked.

    Parameters
    ----------
    estimator : fitted estimator
    inputs : Inputs, default=None
        The form of the training data. None leaves data as they are.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> model = Predictor(LogisticRegression().fit([[0.0], [1.0]], ["a", "b"]))
    >>> model.predict([[2]])
    array(['b'], dtype='<U1')
    >>> model.predict([[0.5]], params={"predict_method": "predict_proba"}).round(2)
    array([[0.5, 0.5]])
    """

    def __init__(self, estimator: Any, inputs: Inputs | None = None):
        self._estimator = estimator
        self._inputs = inputs

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Return the predictions of the estimator.

        Parameters
        ----------
        data : DataFrame, array-like, sparse array, dict of columns, or list of dicts
            Of shape (N, ...).
        params : dict, default=None
            ``predict_method``: the estimator's method to call, ``"predict"`` by default.

        Returns
        -------
        ndarray of shape (N, ...)

        Raises
        ------
        ValueError
            If the estimator has no such method, or columns are missing.
        """
        known = {name: name for name in METHODS if hasattr(self._estimator, name)}
        wanted = (params or {}).get("predict_method", "predict")
        method = getattr(self._estimator, lookup(wanted, known, "predict_method"))
        return method(data if self._inputs is None else self._inputs.prepare(data))

    def get_raw_model(self) -> Any:
        """Return the estimator; MLflow asks for it by this name."""
        return self._estimator


def _load_pyfunc(path: str) -> Predictor:
    """Return the predictor of a folder with an MLflow model; called by MLflow."""
    import mlflow.sklearn
    from mlflow.models import Model

    known = (Model.load(path).metadata or {}).get("inputs")
    # which also keeps to MLFLOW_ALLOW_PICKLE_DESERIALIZATION
    estimator = mlflow.sklearn.load_model(path)
    return Predictor(estimator, Inputs.from_dict(known) if known else None)
