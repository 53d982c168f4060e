"""The skorch net that trains K members as one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, cast

import torch
from skorch import NeuralNet
from torch import Tensor, nn

from sknn_tricks.fused import tricks
from sknn_tricks.fused._courses import per_step
from sknn_tricks.fused._hooks import Hooks, StackedTrick
from sknn_tricks.fused._job import Cancelled, Job
from sknn_tricks.fused._member import Member
from sknn_tricks.fused._net import StopTraining
from sknn_tricks.fused._plan import numbers_of_rows
from sknn_tricks.fused.stacks._balance import class_factors
from sknn_tricks.fused.stacks._batches import Part, StackBatch, StackBatches
from sknn_tricks.fused.stacks._from_disk import DiskBatches
from sknn_tricks.fused.stacks._losses import StackedLoss, Terms, blended, stacked_loss, terms_of
from sknn_tricks.fused.stacks._optimizers import STACKED, Rates, runs
from sknn_tricks.fused.stacks._seeded import SeededLayer
from sknn_tricks.fused.stacks._stack import Stack, stack

# Rows of a validation batch.
VALID_BATCH = 512
# Random bits are drawn for as many steps as need about these bytes.
DRAWN_BYTES = 2**20


class StackedCriterion(nn.Module):
    """The members' loss, as a module: skorch wants one.

    Parameters
    ----------
    jobs : sequence of Job
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        super().__init__()
        self.loss = cast(StackedLoss, stacked_loss(jobs[0].task.loss))
        self.n_outputs = jobs[0].n_outputs
        self.terms = terms_of(jobs)
        self._terms: dict[tuple[int, int], Terms] = {}
        self.factors = class_factors(jobs)
        self._memory: dict[tuple[str, torch.Size], Tensor] = {}

    def forward(self, outputs: Tensor, batch: StackBatch) -> tuple[Tensor, Tensor]:
        """Return the loss of each row (K, N), and the gradient of the members' means."""
        if (blend := batch.blend) is None:
            loss, grad = self._loss(outputs, batch.members, batch.target, batch.weight, "grad")
            return loss, grad.div_(loss.shape[1])
        copy = self._own("copy", outputs).copy_(outputs)  # a loss may overwrite it
        loss, grad = self._loss(copy, batch.members, batch.target, batch.weight, "grad")
        both = self._loss(outputs, batch.members, blend.target, blend.weight, "other")
        return blended(loss, grad, *both, cast(Tensor, blend.share))

    def _loss(
        self, outputs: Tensor, members: slice, target: Tensor, weight: Tensor | None, name: str
    ) -> tuple[Tensor, Tensor]:
        """Return each row's loss (K, N), with its weight, and its gradient, in a named memory."""
        memory, terms = self._own(name, outputs), self._terms_of(members)
        loss, grad = self.loss(outputs, target, self.n_outputs, terms, memory)
        weight = self._weight(members, target, weight)
        if weight is not None:
            loss, grad = loss * weight, grad.mul_(weight[..., None])
        return loss, grad

    def _own(self, name: str, like: Tensor) -> Tensor:
        """Return memory of the shape of `like`, the same at each call."""
        key = name, like.shape
        if key not in self._memory:
            self._memory[key] = torch.empty_like(like)
        return self._memory[key]

    def _terms_of(self, members: slice) -> Terms:
        """Return the terms of some members, made once."""
        span = members.start, members.stop
        if span not in self._terms:
            self._terms[span] = self.terms.of(members)
        return self._terms[span]

    def _weight(self, members: slice, target: Tensor, weight: Tensor | None) -> Tensor | None:
        """Return the weights of the rows (K, N), by themselves and by their classes."""
        if self.factors is None:
            return weight
        factor = self.factors.now[members].gather(1, target)
        return factor if weight is None else factor.mul_(weight)

    def begin_epoch(self, epoch: int) -> None:
        """Settle what depends on the epoch, from 0."""
        if self.factors is not None:
            self.factors.begin_epoch(epoch)

    def keep(self, index: Tensor) -> None:
        """Forget all members but those of that index."""
        self.terms, self._terms = self.terms.of(index), {}
        if self.factors is not None:
            self.factors.keep(index)


class StackNet(NeuralNet):
    """A skorch net whose module is a stack of K members.

    skorch's own loop runs it. An epoch of the stack is an epoch of each member: it begins and
    ends in the member's own net too, with its history and callbacks, whose module shows the
    stack's weights. A member that has finished leaves; the stack goes on without it.

    Parameters
    ----------
    members : sequence of Member
        All of whom can share a stack.
    is_cancelled : callable () -> bool
        Asked before each step.
    """

    def __init__(self, members: Sequence[Member], is_cancelled: Callable[[], bool]) -> None:
        super().__init__(Stack, criterion=StackedCriterion, train_split=None, verbose=0)
        self.members = sorted(members, key=lambda member: numbers_of_rows(member.job))
        self.is_cancelled = is_cancelled

    @property
    def _default_callbacks(self) -> list[Any]:
        return []

    def initialize_module(self) -> StackNet:
        """Stack the members' modules, and let these show the stack's weights from now on."""
        modules = [member.net.module_ for member in self.members]
        job = self._job
        self.module_ = stack(modules, int(torch.Size(job.input_shape).numel()))
        seeded = (e for e in self.module_.flat() if isinstance(e, SeededLayer))
        for i, layer in enumerate(seeded):
            seeds = [member.stream("dropout", i) for member in self.members]
            layer.start(seeds, job.dtype)
        self._settle()
        return self

    def initialize_criterion(self) -> StackNet:
        """Make the loss of all members."""
        self.criterion_ = StackedCriterion([member.job for member in self.members])
        return self

    def initialize_optimizer(self, triggered_directly: None = None) -> StackNet:
        """Make the optimiser of all members, with what theirs remember."""
        jobs = [member.job for member in self.members]
        rates = [
            Rates(job.scaled_lr, job.weight_decay, job.momentum, job.betas, job.decay_biases)
            for job in jobs
        ]
        pace = [member.pace for member in self.members]
        self.optimizer_ = STACKED[str(jobs[0].optimizer)](self.module_, rates, pace)
        for k, member in enumerate(self.members):
            if member.n_before:
                self.optimizer_.load(k, member.net.module_, member.net.optimizer_)
        streams = [member.stream for member in self.members]
        asked = [each.of(jobs, self.module_, streams) for each in tricks.STACKED]
        self.tricks_ = Hooks([trick for trick in asked if trick is not None], StackedTrick)
        return self

    @property
    def _job(self) -> Job:
        """Any member's job, for what all have in common."""
        return self.members[0].job

    def run(self) -> None:
        """Train all members to their end."""
        for member in self.members:
            member.begin()
        self.initialize()
        self._n_epochs = 0
        longest = max(member.job.max_epochs for member in self.members)
        with suppress(StopTraining):
            self.fit_loop(None, epochs=longest)

    def notify(self, method_name: str, **kwargs: Any) -> None:
        """Begin and end epochs in the members too."""
        if method_name == "on_epoch_begin":
            self._began = time.perf_counter()
            for member in self.members:
                member.begin_epoch()
        super().notify(method_name, **kwargs)
        if method_name == "on_epoch_end":
            self._end_epoch()

    def get_split_datasets(self, X: Any, y: Any = None, **_: Any) -> tuple[Any, Any]:
        """Return the rows to train on and those to validate on, of each member."""
        watched = self._job.valid is not None
        return self.members, self.members if watched else None

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        """Return what yields the batches of an epoch, whoever is there by then."""
        return self

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> None:
        """Run one epoch of training or validation; each member records its mean loss."""
        if iterator is None:
            return
        self._set_training(training)
        if not training:
            self._validate()
            return
        losses = self._batches.losses(self._job.dtype)
        self.criterion_.begin_epoch(self._n_epochs)
        self._settle_rates()
        epoch = self._batches.epoch(self._n_epochs)
        for begin in self.tricks_.on_epoch_begin:
            begin(self.module_, self._n_epochs)
        self._n_epochs += 1
        for part, batches in epoch:
            for i, batch in enumerate(batches):
                self._thin(part, i)
                self._draw(part, i)
                losses.add(batch, step_fn(batch)["loss"])
        for end in self.tricks_.on_epoch_end:
            end(self.module_)
        for member, loss in zip(self.members, losses.means(), strict=True):
            member.record_train_loss(loss)

    def _settle_rates(self) -> None:
        """Settle the factors of the members' rates, for the steps of an epoch."""
        courses = [member.courses for member in self.members]
        self.optimizer_.begin_epoch(
            [each.lr for each in courses], [each.weight_decay for each in courses]
        )
        n_steps = max(member.pace for member in self.members)
        self._dropout = per_step([each.dropout for each in courses], n_steps)

    def _thin(self, part: Part, step: int) -> None:
        """Set the share of their rates at which layers drop something in a step."""
        if self._dropout is not None:
            factor = self._dropout[part.start // self._job.batch_size + step, part.members]
            for layer in self._part(part.members).flat():
                if isinstance(layer, SeededLayer):
                    layer.factor = factor

    def train_step(self, batch: StackBatch, **fit_params: Any) -> dict[str, Tensor]:
        """Make one step of the members of the batch."""
        if self.is_cancelled():
            raise Cancelled
        step = self.train_step_single(batch)
        self.optimizer_.step(batch.members)
        for change in self.tricks_.on_update:
            change(self._part(batch.members), batch.members)
        return step

    def train_step_single(self, batch: StackBatch, **fit_params: Any) -> dict[str, Tensor]:
        """Compute each row's loss and the gradients."""
        for change in self.tricks_.on_batch:
            batch = change(batch)
        part = self._part(batch.members)
        outputs = part.forward(batch.x)
        loss, grad = self.criterion_.forward(outputs, batch)
        part.backward(grad)
        for change in self.tricks_.on_grads:
            change(part, batch.members)
        return {"loss": loss, "y_pred": outputs}

    def _part(self, members: slice) -> Stack:
        """Return the stack of some members only, made once."""
        span = members.start, members.stop
        if span not in self._parts:
            self._parts[span] = self.module_.of(members).train()
        return self._parts[span]

    def _draw(self, part: Part, step: int) -> None:
        """Draw the random bits of the next steps, if none are left."""
        stacked = self._part(part.members)
        seeded = [layer for layer in stacked.flat() if isinstance(layer, SeededLayer)]
        if not seeded:
            return
        most = max(layer.bytes_a_step(part.size) for layer in seeded)
        at_once = max(DRAWN_BYTES // most, 1)
        if step % at_once == 0:
            for layer in seeded:
                layer.draw(min(at_once, part.n_steps - step), part.size)

    def _validate(self) -> None:
        """Let each member record its loss and score; those of equal row numbers go together."""
        size = self._valid_batch()
        for run in runs([len(member.valid) for member in self.members]):
            stacked = self.module_.of(run).eval()
            members = self.members[run]
            outputs = []
            for start in range(0, len(members[0].valid), size):
                rows = [member.valid_rows(start, size) for member in members]
                outputs.append(
                    stacked.forward(torch.stack(rows))[..., : self._job.n_outputs].clone()
                )
            for member, each in zip(members, torch.cat(outputs, dim=1), strict=True):
                member.record_validation(each)

    def _valid_batch(self) -> int:
        """Return the rows of a validation batch; those of images hold many more numbers within."""
        of_images = any(layer.maps is not None for layer in self.module_.flat())
        return VALID_BATCH // 8 if of_images else VALID_BATCH

    def _end_epoch(self) -> None:
        share = (time.perf_counter() - self._began) / len(self.members)
        staying = []
        for k, member in enumerate(self.members):
            if member.end_epoch(share):
                self.optimizer_.save(k, member.net.module_, member.net.optimizer_)
                for trick in self.tricks_.tricks:
                    trick.save(k, member.net)
                member.end()
            else:
                staying.append(k)
        if not staying:
            raise StopTraining
        if len(staying) < len(self.members):
            self._keep(staying)

    def _keep(self, staying: list[int]) -> None:
        index = torch.tensor(staying)
        self.members = [self.members[k] for k in staying]
        self.module_.keep(index)
        self.optimizer_.keep(index)
        self.criterion_.keep(index)
        for trick in self.tricks_.tricks:
            trick.keep(index)
        self._settle()

    def _settle(self) -> None:
        """Make what depends on who is there."""
        for k, member in enumerate(self.members):
            self.module_.point(member.net.module_, k)
        self._batches = self._make_batches()
        self._parts: dict[tuple[int, int], Stack] = {}

    def _make_batches(self) -> StackBatches | DiskBatches:
        if self._job.train.on_disk:
            return DiskBatches(self.members, self._job.batch_size)
        return StackBatches(
            [member.job.train for member in self.members],
            self._job.batch_size,
            [member.orders for member in self.members],
        )
