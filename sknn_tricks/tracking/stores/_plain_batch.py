"""Which of what is logged are plain numbers and short texts, that mean one row each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from sknn_tricks._param_names import clean

_LONGEST_TEXT = 6000  # MLflow cuts, or refuses, what is longer
_RUN_NAME = "mlflow.runName"  # is a column of the run besides


def is_plain(metrics: Sequence[Any], params: Sequence[Any], tags: Sequence[Any]) -> bool:
    """Tell whether MLflow would log all of this as it is, to a run and nothing else.

    Parameters
    ----------
    metrics : sequence of mlflow.entities.Metric
        Plain are finite ones, and not of a model or a data set besides.
    params : sequence of mlflow.entities.Param
        Plain are short ones, each once.
    tags : sequence of mlflow.entities.RunTag
        Plain are short ones, but not the name of the run.

    Returns
    -------
    bool

    Examples
    --------
    >>> from mlflow.entities import Metric
    >>> is_plain([Metric("loss", 0.5, 0, 1)], [], []), is_plain([Metric("?", 0.5, 0, 1)], [], [])
    (True, False)
    """
    has_name = any(tag.key == _RUN_NAME for tag in tags)
    is_once = len({param.key for param in params}) == len(params)
    texts = (*params, *tags)
    keys = {entity.key for entity in (*metrics, *texts)}
    return (
        is_once
        and not has_name
        and not (metrics and _has_active_model())
        and all(map(_is_plain_key, keys))
        and all(map(_is_plain_metric, metrics))
        and all(isinstance(t.value, str) and len(t.value) <= _LONGEST_TEXT for t in texts)
    )


def _has_active_model() -> bool:
    from mlflow import get_active_model_id

    return get_active_model_id() is not None


def _is_plain_key(key: Any) -> bool:
    return isinstance(key, str) and key != "" and key == clean(key)


def _is_plain_metric(metric: Any) -> bool:
    return (
        metric.model_id is None
        and metric.dataset_name is None
        and isinstance(metric.value, float)
        and math.isfinite(metric.value)
        and isinstance(metric.step, int)
        and isinstance(metric.timestamp, int)
        and metric.timestamp >= 0
    )
