"""scikit-learn's functions for cross-validation, with nets that are trained together."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sklearn import model_selection

from sknn_tricks.model_selection._cross_validation import CrossValidation, handed_down
from sknn_tricks.model_selection._fit_times import fused_with_fit_times

Function = TypeVar("Function", bound=Callable[..., Any])


def _fused(function: Function, example: str) -> Function:
    """Return scikit-learn's function, in a block that trains nets together on `n_jobs` cores."""

    @functools.wraps(function)
    def fused(*args: Any, **kwargs: Any) -> Any:
        with fused_with_fit_times(kwargs.get("n_jobs")):
            return function(*args, **kwargs)

    fused.__module__ = __name__  # where pickle finds it
    fused.__doc__ = _document(function, example)
    return fused  # type: ignore[return-value]


def _document(function: Function, example: str) -> str:
    """Return the docstring with another example, and a word on what differs."""
    summary, _, rest = (inspect.getdoc(function) or "").partition("\n\n")
    rest = rest.partition("Examples\n--------\n")[0].rstrip()
    note = "Nets are trained together, on `n_jobs` cores; all else is as in scikit-learn."
    return f"{summary}\n\n{note}\n\n{rest}\n\nExamples\n--------\n{_SETTING}{example}\n"


def _with_callbacks(doc: str) -> str:
    """Return the docstring of `cross_validate` with its parameter `callbacks`."""
    before, heading, after = doc.partition("Returns\n-------\n")
    return f"{before}{_CALLBACKS}\n{heading}{after}"


def _signature_with_callbacks(function: Function) -> inspect.Signature:
    signature = inspect.signature(function)
    callbacks = inspect.Parameter("callbacks", inspect.Parameter.KEYWORD_ONLY, default=None)
    return signature.replace(parameters=[*signature.parameters.values(), callbacks])


_CALLBACKS = """\
callbacks : list of callbacks, default=None
    Callbacks of scikit-learn, such as ``[MLflowCallback("demo"), ProgressBar()]``, that see the
    whole cross-validation, with its folds as tasks. Those of the estimator's own callbacks that
    are handed down to nets are taken for callbacks of the whole too, and not of each fold.
"""

_SETTING = """\
>>> from sklearn.datasets import load_iris
>>> from sknn_tricks import NetClassifier
>>> X, y = load_iris(return_X_y=True)
>>> net = NetClassifier(max_epochs=2, random_state=0)
"""

_cross_validate = _fused(
    model_selection.cross_validate,
    """\
>>> sorted(cross_validate(net, X, y, cv=3))
['fit_time', 'score_time', 'test_score']""",
)


@functools.wraps(_cross_validate)
def cross_validate(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    callbacks: Sequence[Any] | None = None,
    scoring: Any = None,
    cv: Any = None,
    **settings: Any,
) -> dict[str, Any]:
    every = handed_down(callbacks, estimator)
    if not every:
        return _cross_validate(estimator, X, y, scoring=scoring, cv=cv, **settings)
    validation = CrossValidation(estimator, scoring=scoring, cv=cv).set_callbacks(*every)
    return validation.run(_cross_validate, X, y, **settings)


cross_validate.__doc__ = _with_callbacks(cross_validate.__doc__ or "")
cross_validate.__signature__ = _signature_with_callbacks(  # type: ignore[attr-defined]
    model_selection.cross_validate
)
cross_val_score = _fused(
    model_selection.cross_val_score,
    """\
>>> cross_val_score(net, X, y, cv=3).shape
(3,)""",
)
cross_val_predict = _fused(
    model_selection.cross_val_predict,
    """\
>>> cross_val_predict(net, X, y, cv=3, method="predict_proba").shape
(150, 3)""",
)
learning_curve = _fused(
    model_selection.learning_curve,
    """\
>>> sizes, _, _ = learning_curve(net, X, y, cv=3, train_sizes=[0.5, 1.0], shuffle=True)
>>> sizes
array([ 50, 100])""",
)
validation_curve = _fused(
    model_selection.validation_curve,
    """\
>>> _, scores = validation_curve(net, X, y, param_name="lr", param_range=[0.001, 0.01], cv=3)
>>> scores.shape
(2, 3)""",
)
