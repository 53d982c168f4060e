"""What a trick is: hooks around a step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self

from torch import Tensor, nn

if TYPE_CHECKING:
    from sknn_tricks.fused._job import Job
    from sknn_tricks.fused._rows import Batch
    from sknn_tricks.fused.stacks._batches import StackBatch
    from sknn_tricks.fused.stacks._stack import Stack

# Returns the seed of a random stream of a member, by its purpose.
Stream = Callable[[str], int]
HOOKS = ("on_epoch_begin", "on_batches", "on_batch", "on_grads", "on_update", "on_epoch_end")


class Trick:
    """Something that is done in each step of one net. A subclass writes `of` and some hooks."""

    @classmethod
    def of(cls, job: Job, module: nn.Module, stream: Stream) -> Self | None:
        """Return what a job asks for, or None.

        Parameters
        ----------
        job : Job
        module : torch.nn.Module
            That is to be trained.
        stream : callable (purpose) -> int
            Seeds of the member's random streams.
        """
        raise NotImplementedError

    def on_epoch_begin(self, epoch: int) -> None:
        """Be told that the steps of an epoch begin.

        Parameters
        ----------
        epoch : int
            Its number in this training, from 0. The streams of a training that goes on from
            another one are others, so nothing comes again.
        """

    def on_batches(self, batches: Iterable[Batch]) -> Iterable[Batch]:
        """Return the batches of an epoch, in their order, prepared ahead of their steps."""
        return batches

    def on_batch(self, batch: Batch) -> Batch:
        """Return the rows of a step, changed; the batch itself is left alone."""
        return batch

    def on_grads(self) -> None:
        """Change the gradients of the parameters in place."""

    def on_update(self) -> None:
        """Change the weights in place, after the optimiser did."""

    def on_epoch_end(self) -> None:
        """Be told that the steps of an epoch are over, before the net is validated."""

    def save(self, net: Any) -> None:
        """Give the net what it shall keep, at the end of the training."""


class StackedTrick:
    """Something that is done in each step of K members. A subclass writes `of` and some hooks.

    `part` is the stack of the members of a step, a slice of all of them.
    """

    @classmethod
    def of(cls, jobs: Sequence[Job], stack: Stack, streams: Sequence[Stream]) -> Self | None:
        """Return what the jobs of the members ask for, or None if nobody asks for anything."""
        raise NotImplementedError

    def on_epoch_begin(self, stack: Stack, epoch: int) -> None:
        """Be told that the steps of an epoch begin, whose number counts from 0 for all members."""

    def on_batch(self, batch: StackBatch) -> StackBatch:
        """Return the rows of a step, changed; their memory may be overwritten."""
        return batch

    def on_grads(self, part: Stack, members: slice) -> None:
        """Change the gradients in place."""

    def on_update(self, part: Stack, members: slice) -> None:
        """Change the weights in place, after the optimiser did."""

    def on_epoch_end(self, stack: Stack) -> None:
        """Be told that the steps of an epoch are over, before the members are validated."""

    def save(self, k: int, net: Any) -> None:
        """Give member k's net what it shall keep, at the end of its training."""

    def keep(self, index: Tensor) -> None:
        """Forget all members but those of that index."""


class Hooks:
    """Tricks by what they do, so that a step asks only those that do something.

    Parameters
    ----------
    tricks : sequence of Trick or of StackedTrick
    base : type
        Which of the two.
    """

    def __init__(self, tricks: Sequence[Any], base: type) -> None:
        self.tricks = list(tricks)
        for hook in HOOKS:
            usual = getattr(base, hook, None)  # a stack's batches are not prepared ahead
            doing = [
                getattr(trick, hook)
                for trick in tricks
                if usual is not None and getattr(type(trick), hook) is not usual
            ]
            setattr(self, hook, doing)

    on_epoch_begin: list[Callable[..., None]]
    on_batches: list[Callable[[Any], Any]]
    on_batch: list[Callable[[Any], Any]]
    on_grads: list[Callable[..., None]]
    on_update: list[Callable[..., None]]
    on_epoch_end: list[Callable[..., None]]


NOTHING = Hooks([], Trick)
