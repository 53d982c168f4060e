"""Runs of one MLflow experiment: create, log, end."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sknn_tricks.tracking._names import clean
from sknn_tricks.tracking._quiet import no_links
from sknn_tricks.tracking._scores import Point

# A batch of MLflow takes 100 parameters and 1000 entries in all.
_PARAMS_A_BATCH = 100
_POINTS_A_BATCH = 900


class Runs:
    """Write the runs of one experiment, each batch in one call.

    Parameters
    ----------
    client : mlflow.MlflowClient
    experiment_id : str
    tags : mapping of str to str
        Tags that all runs get.
    """

    def __init__(self, client: Any, experiment_id: str, tags: Mapping[str, str]):
        self._client = client
        self._experiment_id = experiment_id
        self._tags = dict(tags)

    def create(self, name: str | None, began: float, tags: Mapping[str, str]) -> str:
        """Create a run that began at `began`, in seconds since the epoch, and return its id."""
        every = {**self._tags, **tags}
        run = self._client.create_run(
            self._experiment_id, start_time=_milliseconds(began), tags=every, run_name=name
        )
        return run.info.run_id

    def log(
        self, run_id: str, params: Mapping[str, str] | None = None, points: Iterable[Point] = ()
    ) -> None:
        """Log parameters and those numbers that are finite.

        A store's database may have no notion of NaN, and a chart has none either.
        """
        from mlflow.entities import Metric, Param

        now = time.time()
        every_param = [Param(clean(name), text) for name, text in (params or {}).items()]
        every_point = [
            Metric(clean(p.name), p.value, _milliseconds(p.time or now), p.step)
            for p in points
            if math.isfinite(p.value)
        ]
        while every_param or every_point:
            some_params, every_param = _cut(every_param, _PARAMS_A_BATCH)
            some_points, every_point = _cut(every_point, _POINTS_A_BATCH)
            self._client.log_batch(run_id, metrics=some_points, params=some_params)

    def end(self, run_id: str, status: str, ended: float) -> None:
        """Give a run its end time, in seconds since the epoch, and its status."""
        with no_links():
            self._client.set_terminated(run_id, status, _milliseconds(ended))

    def rename(self, run_id: str, name: str) -> None:
        """Give a run another name."""
        self._client.update_run(run_id, name=name)

    def tag(self, run_id: str, name: str, value: str) -> None:
        """Set one tag."""
        self._client.set_tag(run_id, name, value)


def _cut(entries: Sequence[Any], size: int) -> tuple[list[Any], list[Any]]:
    return list(entries[:size]), list(entries[size:])


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
