"""Train one net in skorch's loop, with any module, optimiser and callbacks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from sknn_tricks.fused._cpu import is_small, no_denormals, one_thread
from sknn_tricks.fused._job import Job
from sknn_tricks.fused._member import Member
from sknn_tricks.fused._random import borrowed_global_state
from sknn_tricks.fused._stopping import check_finite_weights
from sknn_tricks.nets._seeded import Seeded


def run_alone(member: Member, is_cancelled: Callable[[], bool]) -> None:
    """Train a net to its end."""
    job, net = member.job, member.net
    small = not job.spec.foreign and is_small(net.module_, job.batch_size)
    threads = one_thread() if small else nullcontext()
    with _random_state_of_module(member), threads, no_denormals():
        for i, layer in enumerate(e for e in net.module_.modules() if isinstance(e, Seeded)):
            layer.seed_(member.stream("dropout", i), job.device)
        net.is_cancelled_ = is_cancelled
        net.run(job.train, job.valid, job.max_epochs, member.epochs)
        check_finite_weights(net)
    member.has_ended = True


def _random_state_of_module(member: Member) -> AbstractContextManager[None]:
    """Give a user's own module, which may draw from torch's global state, a stream of its own."""
    job: Job = member.job
    if not job.spec.foreign:
        return nullcontext()
    return borrowed_global_state(member.stream("module"), job.device)
