"""Which nets share a stack, how large stacks are, and what they cost."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from sknn_tricks.fused._content import content
from sknn_tricks.fused._costs import Costs, costs_of
from sknn_tricks.fused._job import Job
from sknn_tricks.fused._make import build
from sknn_tricks.fused._rows import Rows, batch_sizes
from sknn_tricks.fused._sources import Source
from sknn_tricks.fused.stacks import _optimizers
from sknn_tricks.fused.stacks._losses import stacked_loss
from sknn_tricks.fused.stacks._stack import plain_layers, refuses, signature
from sknn_tricks.nets._image_input import ImageInput

# Numbers in the activations of a step above which a stack gets no faster: what the calls cost is
# then little beside the arithmetic, and more no longer fits the cache.
NUMBERS = 2**19
LARGEST = 64
# Multiply-adds of a step, for each convolution, up to which a stack is faster than torch's own
# convolutions, one net after the other: it saves the time of many calls, some 0.3 ms for each
# convolution, and takes 0.1 ns longer for a product. Measured from 8x8 to 28x28 pixels, with 8 to
# 64 channels and 32 to 128 rows: stacks of 16 gain 1.1 to 2.3 x below, and lose above.
CONV_PRODUCTS = 1_700_000
# The same for nets whose rows are not in memory: each may need a window of its own.
LARGEST_FROM_DISK = 16
# Seconds for a multiply-add, and for a number to pass through the layers, of one thread.
SECONDS_A_PRODUCT, SECONDS_A_NUMBER = 2e-11, 8e-9


@dataclass(frozen=True)
class Chunk:
    """Jobs that are trained at once.

    Parameters
    ----------
    jobs : tuple of int
        Their places in the list of all jobs.
    alone : str or None
        Why the one job trains outside of the stacks; None for a stack.
    seconds : float
        What the training takes about, on one thread.
    """

    jobs: tuple[int, ...]
    alone: str | None
    seconds: float


class Specimen:
    """The plain module of a job, for what all jobs of the same spec have in common.

    Parameters
    ----------
    job : Job
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self.module = build(job) if job.start is None else job.start.module_

    @cached_property
    def signature(self) -> Hashable:
        """What modules that share a stack have in common."""
        return signature(self.module)

    @cached_property
    def refusal(self) -> str | None:
        """Why the module cannot be part of a stack."""
        return refuses(self.module)

    @cached_property
    def costs(self) -> Costs:
        """What a row costs."""
        return costs_of(self.module, self._job)


def plan(jobs: Sequence[Job], n_jobs: int) -> tuple[list[Chunk], dict[int, Exception]]:
    """Say which jobs train together.

    Parameters
    ----------
    jobs : sequence of Job
    n_jobs : int
        Cores to keep at work.

    Returns
    -------
    chunks : list of Chunk
    errors : dict of int to Exception
        Of the jobs whose module cannot be built or tried.
    """
    specimens: dict[Hashable, Specimen] = {}
    groups: dict[Hashable, list[int]] = {}
    chunks, errors = [], {}
    for i, job in enumerate(jobs):
        try:
            specimen = _specimen(job, specimens)
            alone = _why_alone(job, specimen)
            if alone is None:
                groups.setdefault(_key(job, specimen), []).append(i)
            else:
                chunks.append(Chunk((i,), alone, _seconds(job, specimen)))
        except Exception as error:
            errors[i] = error
    data: dict[int, int] = {}
    for job in jobs:
        data.setdefault(id(job.train), len(data))
    cuts = []
    for members in groups.values():
        # Neighbours share settings and data as far as possible: that saves calls.
        members.sort(key=lambda i: _order(jobs[i], data[id(jobs[i].train)]))
        first = jobs[members[0]]
        specimen = _specimen(first, specimens)
        cuts.append(Cut(members, _seconds(first, specimen), stack_size(first, specimen)))
    _keep_at_work(cuts, n_jobs, len(chunks))
    chunks += [chunk for cut in cuts for chunk in cut.chunks()]
    # Long ones first, so that all cores are done at about the same time.
    return sorted(chunks, key=lambda chunk: -chunk.seconds), errors


def numbers_of_rows(job: Job) -> tuple[int, ...]:
    """Return what members of a stack are ordered by: most full batches first, then most rows."""
    n_full = batch_sizes(len(job.train), job.batch_size).count(job.batch_size)
    return -n_full, -len(job.train), 0 if job.valid is None else len(job.valid)


def _order(job: Job, data: int) -> tuple[Any, ...]:
    """Return what neighbours in a stack have in common; rows on the disk are read for all."""
    rates = (data, _rates(job)) if job.train.on_disk else (_rates(job), data)
    return *numbers_of_rows(job), *rates


def _rates(job: Job) -> tuple[Any, ...]:
    schedules = f"{job.lr_schedule} {job.weight_decay_schedule} {job.warmup}"
    return job.lr, job.weight_decay, job.momentum, job.betas, job.decay_biases, schedules


def stack_size(job: Job, specimen: Specimen) -> int:
    """Return how many members such as this one train fastest as one."""
    n_rows = min(job.batch_size, len(job.train))
    largest = LARGEST_FROM_DISK if job.train.on_disk else LARGEST
    return max(1, min(largest, NUMBERS // max(n_rows * specimen.costs.numbers, 1)))


class Cut:
    """A group of members that could be one stack, in equal parts.

    Parameters
    ----------
    members : sequence of int
    seconds : float
        What one of them takes.
    size : int
        Of a part, at most.
    """

    def __init__(self, members: Sequence[int], seconds: float, size: int) -> None:
        self._members, self._seconds = members, seconds
        self.n_parts = -(-len(members) // size)

    def seconds_a_part(self) -> float:
        """Return what a part takes; nothing where no smaller ones can be made."""
        n = len(self._members)
        return n * self._seconds / self.n_parts if n > self.n_parts else 0.0

    def chunks(self) -> list[Chunk]:
        """Return the parts."""
        n = len(self._members)
        bounds = [n * i // self.n_parts for i in range(self.n_parts + 1)]
        parts = [tuple(self._members[start:stop]) for start, stop in pairwise(bounds)]
        return [Chunk(part, None, len(part) * self._seconds) for part in parts]


def _keep_at_work(cuts: Sequence[Cut], n_jobs: int, n_alone: int) -> None:
    """Make smaller parts of the longest, until there are as many for each core."""
    n_chunks = n_alone + sum(cut.n_parts for cut in cuts)
    for _ in range(-n_chunks % n_jobs if cuts else 0):
        longest = max(cuts, key=Cut.seconds_a_part)
        longest.n_parts += longest.seconds_a_part() > 0


def _specimen(job: Job, known: dict[Hashable, Specimen]) -> Specimen:
    if job.start is not None:
        return Specimen(job)
    key = (content(job.spec), job.input_shape, job.n_outputs, job.dtype, str(job.device))
    if key not in known:
        known[key] = Specimen(job)
    return known[key]


def _why_alone(job: Job, specimen: Specimen) -> str | None:
    """Return why a net cannot train in a stack, or None."""
    if job.device.type != "cpu":
        return f"it trains on {job.device}"
    if job.callbacks:
        return "it has skorch callbacks"
    if not isinstance(job.optimizer, str) or job.optimizer not in _optimizers.STACKED:
        return "its optimizer is a class"
    if stacked_loss(job.task.loss) is None:
        return "there is no stacked form of its loss"
    if any(parameter.dtype != job.dtype for parameter in specimen.module.parameters()):
        return "its parameters are of another dtype"
    if specimen.refusal is not None:
        return specimen.refusal
    first = next(plain_layers(specimen.module), None)
    if len(job.input_shape) > 1 and not isinstance(first, nn.Flatten | ImageInput):
        return "its first layer is no Flatten or ImageInput"
    return _why_faster_alone(job, specimen)


def _why_faster_alone(job: Job, specimen: Specimen) -> str | None:
    """Return why a stack of such nets would take longer than one after the other, or None.

    This must not depend on how many there are: a net that trains alone has torch's convolutions,
    whose last bits differ from the stack's, and a fit outside of a search shall have those of one
    within it.
    """
    costs, n_rows = specimen.costs, min(job.batch_size, len(job.train))
    if n_rows * costs.products > CONV_PRODUCTS * costs.n_convs > 0:
        return "its convolutions train faster alone"
    return None


def _key(job: Job, specimen: Specimen) -> Hashable:
    """Return what members that share a stack have in common."""
    return (
        specimen.signature,
        job.input_shape,
        job.n_outputs,
        stacked_loss(job.task.loss),
        job.optimizer,
        job.batch_size,
        len(job.train) // job.batch_size,
        job.train.on_disk,
        job.valid is None,
        job.dtype,
    )


def _seconds(job: Job, specimen: Specimen) -> float:
    n_rows = len(job.train) * job.max_epochs
    products, numbers = 3 * specimen.costs.products, specimen.costs.numbers
    return n_rows * (products * SECONDS_A_PRODUCT + numbers * SECONDS_A_NUMBER)


def shared_data(jobs: Iterable[Job]) -> list[Rows]:
    """Return the training rows of each job, one object where the numbers are the same."""
    known: dict[Hashable, list[Rows]] = {}
    result = []
    for job in jobs:
        rows = job.train
        like = known.setdefault(_sketch(rows), [])
        same = next((other for other in like if _equal(rows, other)), None)
        if same is None:
            like.append(rows)
        result.append(rows if same is None else same)
    return result


def _sketch(rows: Rows) -> Hashable:
    kinds = [(t.shape, t.dtype, t.device) for t in rows.parts if t is not None]
    if isinstance(rows.x, Source):
        return tuple(kinds)
    some = rows.x[:: max(len(rows) // 4, 1)].flatten()[:64]
    return tuple(kinds), tuple(some.tolist())


def _equal(rows: Rows, other: Rows) -> bool:
    return rows.dtype == other.dtype and all(
        mine is theirs or (mine is not None and theirs is not None and _same_numbers(mine, theirs))
        for mine, theirs in zip(rows.parts, other.parts, strict=True)
    )


def _same_numbers(mine: Tensor | Source, theirs: Tensor | Source) -> bool:
    if isinstance(mine, Tensor) and isinstance(theirs, Tensor):
        return torch.equal(mine, theirs)
    return isinstance(mine, Source) and isinstance(theirs, Source) and mine.is_same(theirs)
