"""Train jobs: those that can share a stack as one, the others alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from joblib import Parallel, delayed

from sknn_tricks.fused._chunk import run_chunk
from sknn_tricks.fused._cpu import one_thread
from sknn_tricks.fused._elsewhere import can_travel, is_worth_it, note_done_here, run_elsewhere
from sknn_tricks.fused._job import Job, Trained
from sknn_tricks.fused._plan import Chunk, plan, shared_data
from sknn_tricks.fused._report import Batch, Report
from sknn_tricks.fused.cache._cache import Cache
from sknn_tricks.fused.cache._recall import Recall

IsCancelled = Callable[[], bool]
Result = tuple[list[Trained], list[Batch]]
LOG = logging.getLogger("sknn_tricks.fused")


def train(
    jobs: Sequence[Job],
    *,
    n_jobs: int = 1,
    n_cores: int | None = None,
    report: Report | None = None,
    cache: Cache | None = None,
    backend: Any = None,
    is_cancelled: IsCancelled = lambda: False,
) -> list[Trained]:
    """Train one net for each job.

    Parameters
    ----------
    jobs : sequence of Job
    n_jobs : int, default=1
        Cores to train stacks on.
    n_cores : int, default=None
        Cores there are, where others of them are at work as well. Default is `n_jobs`.
    report : Report, default=None
        Is told what trained with what.
    cache : Cache, default=None
        Where nets are looked for before, and kept after, each stack.
    backend : joblib backend, default=None
        Where stacks are trained; None for this machine's threads or processes.
    is_cancelled : callable, default never
        Asked between steps; once it says True, training ends with `Cancelled`.

    Returns
    -------
    list of Trained
        In the order of the jobs. A job that failed has its error there; the others go on.
    """
    report = Report() if report is None else report
    with one_thread():  # others are at work, and two threads would wait for each other
        rows = shared_data(jobs)
        jobs = [replace(job, train=same) for job, same in zip(jobs, rows, strict=True)]
        recall = Recall(cache, jobs)
        report.add_cached(len(recall.found))
        missing = [i for i in range(len(jobs)) if i not in recall.found]
        jobs = [recall.jobs[i] for i in missing]
        chunks, errors = plan(jobs, n_jobs)
    results = {missing[j]: Trained(None, error=error) for j, error in errors.items()}
    for chunk, (nets, batches) in zip(
        chunks,
        _run(jobs, chunks, n_jobs, n_cores or n_jobs, backend, is_cancelled),
        strict=True,
    ):
        places = [missing[j] for j in chunk.jobs]
        results |= {i: recall.keep(i, net) for i, net in zip(places, nets, strict=True)}
        for batch in batches:
            report.add(batch)
    results |= recall.found
    return [results[i] for i in range(len(results))]


def _run(
    jobs: Sequence[Job],
    chunks: Sequence[Chunk],
    n_jobs: int,
    n_cores: int,
    backend: Any,
    is_cancelled: IsCancelled,
) -> Iterator[Result]:
    """Run the chunks: here, in threads, or in processes where that is faster."""
    # Other cores are given as much.
    seconds = sum(chunk.seconds for chunk in chunks) * n_cores / n_jobs
    in_company = len(chunks) > 1 or n_jobs < n_cores
    n_done = 0
    if (backend or (n_cores > 1 and in_company)) and can_travel(jobs):
        try:
            if backend or is_worth_it(seconds):
                for result in run_elsewhere(jobs, chunks, n_cores, is_cancelled, backend):
                    n_done += 1
                    yield result
                return
        except Exception as error:  # something that cannot travel, or a process that died
            LOG.info("Training goes on in threads, as processes failed: %s", error)
        note_done_here(seconds * n_jobs / n_cores)
    run = delayed(run_chunk)
    in_company |= len(jobs) > 1
    n_threads = max(min(n_jobs, len(chunks)), 1)
    threads = Parallel(n_threads, backend="threading", batch_size=1, return_as="generator")
    yield from threads(
        run([jobs[i] for i in chunk.jobs], chunk.alone, in_company, is_cancelled)
        for chunk in chunks[n_done:]
    )
