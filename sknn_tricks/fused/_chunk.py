"""Train the jobs of one chunk, in this thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext

from sknn_tricks.fused._alone import run_alone
from sknn_tricks.fused._cpu import is_out_of_memory, is_small, no_denormals, one_thread
from sknn_tricks.fused._job import Job, Trained
from sknn_tricks.fused._member import Member
from sknn_tricks.fused._report import Batch
from sknn_tricks.fused.stacks._stack_net import StackNet

IsCancelled = Callable[[], bool]


def run_chunk(
    jobs: Sequence[Job], alone: str | None, in_company: bool, is_cancelled: IsCancelled
) -> tuple[list[Trained], list[Batch]]:
    """Train one net for each job.

    Parameters
    ----------
    jobs : sequence of Job
        That share a stack, or one that trains alone.
    alone : str or None
        Why it trains alone.
    in_company : bool
        Other chunks train as well, so that this one keeps to one core.
    is_cancelled : callable () -> bool

    Returns
    -------
    list of Trained
        In the order of the jobs.
    list of Batch
        For the report.
    """
    results: dict[int, Trained] = {}
    members: dict[int, Member] = {}
    with one_thread():
        for i, job in enumerate(jobs):
            try:
                members[i] = Member(job)
            except Exception as error:
                results[i] = Trained(None, error=error)
    batches = _run(list(members.values()), alone, in_company, is_cancelled)
    results |= {i: member.result() for i, member in members.items()}
    return [results[i] for i in range(len(jobs))], batches


def _run(
    members: Sequence[Member], alone: str | None, in_company: bool, is_cancelled: IsCancelled
) -> list[Batch]:
    if not members:
        return []
    start = time.perf_counter()
    try:
        if alone is not None:
            with one_thread() if in_company else nullcontext():
                run_alone(members[0], is_cancelled)
        else:
            _run_stack(members, in_company, is_cancelled)
    except Exception as error:
        if len(members) > 1 and is_out_of_memory(error):
            return _run_halves(members, in_company, is_cancelled)
        for member in members:
            member.fail(error)
    seconds = time.perf_counter() - start
    if alone is not None:
        members[0].seconds = seconds
    return [Batch(len(members), seconds, alone)]


def _run_stack(members: Sequence[Member], in_company: bool, is_cancelled: IsCancelled) -> None:
    first = members[0]
    small = is_small(first.net.module_, first.job.batch_size)
    with one_thread() if small or in_company else nullcontext(), no_denormals():
        StackNet(members, is_cancelled).run()


def _run_halves(
    members: Sequence[Member], in_company: bool, is_cancelled: IsCancelled
) -> list[Batch]:
    """Begin anew with two stacks, as there was too little memory for one."""
    batches = []
    half = len(members) // 2
    for part in (members[:half], members[half:]):
        with one_thread():
            for member in part:
                member.restart()
        batches += _run(part, None, in_company, is_cancelled)
    return batches
