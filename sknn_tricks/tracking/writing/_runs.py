"""Runs of one MLflow experiment: create, log, end."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from sknn_tricks._param_names import clean
from sknn_tricks.tracking.stores._direct_client import Batch, WholeRun
from sknn_tricks.tracking.stores._names import storable
from sknn_tricks.tracking.stores._quiet import no_links
from sknn_tricks.tracking.writing._scores import Point

# Uploads at the same time: each mostly waits for a server.
_UPLOADS = 8
_ON_THIS_MACHINE = ("", "file")
# Parameters, numbers and tags.
Entry: TypeAlias = tuple[Mapping[str, str], Iterable[Point], Mapping[str, str]]


class Runs:
    """Write the runs of one experiment, each batch in one call.

    Parameters
    ----------
    client : mlflow.MlflowClient
    experiment_id : str
    tags : mapping of str to str
        Tags that all runs get.

    Attributes
    ----------
    client, experiment_id
        As they were given.
    """

    def __init__(self, client: Any, experiment_id: str, tags: Mapping[str, str]):
        self.client = client
        self.experiment_id = experiment_id
        self._tags = dict(tags)
        self._artifact_uris: dict[str, str] = {}

    def create(self, name: str | None, began: float, tags: Mapping[str, str]) -> str:
        """Create a run that began at `began`, in seconds since the epoch, and return its id."""
        title = None if name is None else storable(name)
        every = {key: storable(text) for key, text in {**self._tags, **tags}.items()}
        run = self.client.create_run(
            self.experiment_id, start_time=_milliseconds(began), tags=every, run_name=title
        )
        self._artifact_uris[run.info.run_id] = run.info.artifact_uri
        return run.info.run_id

    def write_whole(
        self,
        name: str,
        tags: Mapping[str, str],
        times: tuple[float, float],
        status: str,
        params: Mapping[str, str],
        points: Iterable[Point],
    ) -> str | None:
        """Create a run that began and ended at `times`, log to it, all in one transaction.

        Returns
        -------
        str or None
            The run's id. None if nothing was done: this store takes one thing after the other.
        """
        log_run = getattr(self.client, "log_run", None)
        if log_run is None:
            return None
        began, ended = map(_milliseconds, times)
        batch = _batch(params, points, {**self._tags, **tags})
        whole = WholeRun(storable(name), began, ended, status, batch)
        if (run := log_run(self.experiment_id, whole)) is None:
            return None
        self._artifact_uris[run.run_id] = run.artifact_uri
        return str(run.run_id)

    def log(
        self,
        run_id: str,
        params: Mapping[str, str] | None = None,
        points: Iterable[Point] = (),
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Log parameters, tags and those numbers that are finite, in as few calls as may be.

        A store's database may have no notion of NaN, and a chart has none either.
        """
        self.log_all({run_id: (params or {}, points, tags or {})})

    def log_all(self, entries: Mapping[str, Entry]) -> None:
        """Log to several runs what `log` would log to each, in one transaction if it can be."""
        batches = {run_id: _batch(*entry) for run_id, entry in entries.items()}
        log_batches = getattr(self.client, "log_batches", None)
        if log_batches is not None:
            log_batches(batches)
            return
        for run_id, (metrics, params, tags) in batches.items():
            self.client.log_batch(run_id, metrics=metrics, params=params, tags=tags)

    def end(self, run_id: str, status: str, ended: float) -> None:
        """Give a run its end time, in seconds since the epoch, and its status."""
        with no_links():
            self.client.set_terminated(run_id, status, _milliseconds(ended))

    def rename(self, run_id: str, name: str) -> None:
        """Give a run another name."""
        self.client.update_run(run_id, name=storable(name))

    def tag(self, run_id: str, name: str, value: str) -> None:
        """Set one tag."""
        self.client.set_tag(run_id, name, storable(value))

    def write_files(self, name: str, texts: Mapping[str, str]) -> None:
        """Write a text file of the same name for each of some runs.

        The client's own `log_text` asks the store for the run again each time, which takes ten
        times as long where files are on this machine.

        Parameters
        ----------
        name : str
            The file's name among the run's artifacts.
        texts : mapping of str to str
            Run ids and contents.
        """
        with TemporaryDirectory() as folder, ThreadPoolExecutor(_UPLOADS) as pool:
            uploads = []
            for run_id, text in texts.items():
                uri = self._artifact_uris[run_id]
                if urlsplit(uri).scheme in _ON_THIS_MACHINE:
                    self._write_file(uri, Path(folder, name), text)
                else:
                    file = Path(folder, run_id, name)
                    uploads.append(pool.submit(self._write_file, uri, file, text))
            for upload in uploads:
                upload.result()

    def _write_file(self, uri: str, file: Path, text: str) -> None:
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        file.parent.mkdir(exist_ok=True)
        file.write_text(storable(text), encoding="utf-8")
        repository = get_artifact_repository(uri, tracking_uri=self.client.tracking_uri)
        patiently = getattr(self.client, "patiently", lambda upload: upload())
        patiently(lambda: repository.log_artifact(str(file)))


def _batch(params: Mapping[str, str], points: Iterable[Point], tags: Mapping[str, str]) -> Batch:
    from mlflow.entities import Metric, Param, RunTag

    now = time.time()
    return Batch(
        metrics=[
            Metric(clean(p.name), float(p.value), _milliseconds(p.time or now), int(p.step))
            for p in points
            if math.isfinite(p.value)
        ],
        params=[Param(clean(name), storable(text)) for name, text in params.items()],
        tags=[RunTag(name, storable(text)) for name, text in tags.items()],
    )


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
