"""The skorch net that trains K members as one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, cast

import torch
from skorch import NeuralNet
from torch import Tensor, nn

from sknn_tricks._padding import padded
from sknn_tricks.fused._job import Cancelled, Job
from sknn_tricks.fused._member import Member
from sknn_tricks.fused._net import StopTraining
from sknn_tricks.fused._plan import numbers_of_rows
from sknn_tricks.fused.stacks._balance import class_factors
from sknn_tricks.fused.stacks._batches import Part, StackBatch, StackBatches
from sknn_tricks.fused.stacks._from_disk import DiskBatches
from sknn_tricks.fused.stacks._losses import StackedLoss, Terms, per_member, stacked_loss, terms_of
from sknn_tricks.fused.stacks._masks import StackedDropout
from sknn_tricks.fused.stacks._optimizers import STACKED, Rates, runs
from sknn_tricks.fused.stacks._stack import Stack, stack

# Rows of a validation batch.
VALID_BATCH = 512
# Random bits for dropout are drawn for as many steps as need about these bytes.
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
        self._memory: dict[torch.Size, Tensor] = {}

    def forward(self, outputs: Tensor, batch: StackBatch) -> tuple[Tensor, Tensor]:
        """Return the loss of each row (K, N), and the gradient of the members' means."""
        memory = self._memory.get(outputs.shape)
        if memory is None:
            memory = self._memory[outputs.shape] = torch.empty_like(outputs)
        terms, weight = self._terms_of(batch.members), self._weight(batch)
        loss, grad = self.loss(outputs, batch.target, self.n_outputs, terms, memory)
        if weight is not None:
            loss, grad = loss * weight, grad.mul_(weight[..., None])
        return loss, grad.div_(loss.shape[1])

    def _terms_of(self, members: slice) -> Terms:
        """Return the terms of some members, made once."""
        span = members.start, members.stop
        if span not in self._terms:
            self._terms[span] = self.terms.of(members)
        return self._terms[span]

    def _weight(self, batch: StackBatch) -> Tensor | None:
        """Return the weights of the rows (K, N), by themselves and by their classes."""
        if self.factors is None:
            return batch.weight
        factor = self.factors.now[batch.members].gather(1, batch.target)
        return factor if batch.weight is None else factor.mul_(batch.weight)

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
        dropouts = (e for e in self.module_.flat() if isinstance(e, StackedDropout))
        for i, layer in enumerate(dropouts):
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
        rates = [Rates(job.lr, job.weight_decay, job.momentum, job.betas) for job in jobs]
        pace = [member.pace for member in self.members]
        self.optimizer_ = STACKED[str(jobs[0].optimizer)](self.module_, rates, pace)
        for k, member in enumerate(self.members):
            if member.n_before:
                self.optimizer_.load(k, member.net.module_, member.net.optimizer_)
        dtype = self._job.dtype
        self._l1 = per_member([job.l1 for job in jobs], dtype)
        bounds = [torch.inf if job.clip_norm is None else job.clip_norm for job in jobs]
        self._clip_norm = per_member(bounds, dtype, nothing=torch.inf)
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
        epoch = self._batches.epoch(self._n_epochs)
        self._n_epochs += 1
        for part, batches in epoch:
            for i, batch in enumerate(batches):
                self._draw(part, i)
                losses.add(batch, step_fn(batch)["loss"])
        for member, loss in zip(self.members, losses.means(), strict=True):
            member.record_train_loss(loss)

    def train_step(self, batch: StackBatch, **fit_params: Any) -> dict[str, Tensor]:
        """Make one step of the members of the batch."""
        if self.is_cancelled():
            raise Cancelled
        step = self.train_step_single(batch)
        if self._l1 is not None:
            self._add_l1(batch.members)
        if self._clip_norm is not None:
            self._clip(batch.members)
        self.optimizer_.step(batch.members)
        return step

    def train_step_single(self, batch: StackBatch, **fit_params: Any) -> dict[str, Tensor]:
        """Compute each row's loss and the gradients."""
        part = self._part(batch.members)
        outputs = part.forward(batch.x)
        loss, grad = self.criterion_.forward(outputs, batch)
        part.backward(grad)
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
        dropouts = [layer for layer in stacked.flat() if isinstance(layer, StackedDropout)]
        if not dropouts:
            return
        widest = max(padded(layer.width) for layer in dropouts)
        n_members = part.members.stop - part.members.start
        at_once = max(DRAWN_BYTES // (2 * n_members * part.size * widest), 1)
        if step % at_once == 0:
            for layer in dropouts:
                layer.draw(min(at_once, part.n_steps - step), part.size)

    def _add_l1(self, members: slice) -> None:
        """Add the gradient of the L1 penalty on the weights of layers."""
        assert self._l1 is not None
        for layer in self._part(members).flat():
            for name in layer.decays:
                layer.grads[name].add_(layer.tensors[name].sign().mul_(self._l1[members]))

    def _clip(self, members: slice) -> None:
        """Bound the norm of each member's gradient (Pascanu et al., 2013)."""
        assert self._clip_norm is not None
        grads = [grad for layer in self._part(members).flat() for grad in layer.grads.values()]
        norms = [torch.linalg.vector_norm(grad.flatten(1), dim=1) for grad in grads]
        square = norms[0].square()
        for norm in norms[1:]:
            square += norm.square()
        scale = self._clip_norm[members, 0, 0].div(square.sqrt_().add_(1e-6)).clamp_(max=1.0)
        for grad in grads:
            grad.mul_(scale[:, None, None])

    def _validate(self) -> None:
        """Let each member record its loss and score; those of equal row numbers go together."""
        for run in runs([len(member.valid) for member in self.members]):
            stacked = self.module_.of(run).eval()
            members = self.members[run]
            outputs = []
            for start in range(0, len(members[0].valid), VALID_BATCH):
                rows = [member.valid_rows(start, VALID_BATCH) for member in members]
                outputs.append(
                    stacked.forward(torch.stack(rows))[..., : self._job.n_outputs].clone()
                )
            for member, each in zip(members, torch.cat(outputs, dim=1), strict=True):
                member.record_validation(each)

    def _end_epoch(self) -> None:
        share = (time.perf_counter() - self._began) / len(self.members)
        staying = []
        for k, member in enumerate(self.members):
            if member.end_epoch(share):
                self.optimizer_.save(k, member.net.module_, member.net.optimizer_)
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
        self._l1 = None if self._l1 is None else self._l1[index]
        self._clip_norm = None if self._clip_norm is None else self._clip_norm[index]
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
