"""The optimisers of K members as one: neighbours of equal settings are updated in one call."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from sknn_tricks.fused._courses import Factors, at
from sknn_tricks.fused.stacks import _torch_private as steps
from sknn_tricks.fused.stacks._stack import Stack, plain_layers


@dataclass(frozen=True)
class Rates:
    """An optimiser's settings of one member."""

    lr: float
    weight_decay: float
    momentum: float
    betas: tuple[float, float]
    decay_biases: bool = False


class Group:
    """Tensors that are updated alike: values, gradients, and by name the optimiser's memory."""

    def __init__(self, decays: bool, names: Sequence[str]) -> None:
        self.decays = decays
        self.values: list[Tensor] = []
        self.grads: list[Tensor] = []
        self.memory: dict[str, list[Tensor]] = {name: [] for name in names}


class StackOptimizer(ABC):
    """An optimiser with settings of each member.

    Parameters
    ----------
    stack : Stack
    rates : sequence of Rates
        Of each member.
    pace : sequence of int
        Steps of each member in an epoch.
    """

    # The names that torch's optimiser has for its memory of a parameter.
    names: ClassVar[tuple[str, ...]] = ()
    counts: ClassVar[bool] = True

    def __init__(self, stack: Stack, rates: Sequence[Rates], pace: Sequence[int]) -> None:
        self.stack = stack
        self.rates = list(rates)
        self.pace = list(pace)
        self.n_steps = [0] * len(self.rates)
        self.memory = [
            {
                name: {known: torch.zeros_like(grad) for known in self.names}
                for name, grad in layer.grads.items()
            }
            for layer in stack.flat()
        ]
        self._factors: list[tuple[Factors, Factors]] = [(None, None)] * len(self.rates)
        self._n_taken = [0] * len(self.rates)
        self._runs: dict[tuple[int, int], list[tuple[slice, list[Group]]]] = {}
        self._groups: dict[tuple[int, int], list[Group]] = {}

    @abstractmethod
    def update(self, group: Group, rates: Rates, weight_decay: float, n_steps: int) -> None:
        """Update the tensors of a group, for the `n_steps`-th time."""

    def begin_epoch(self, lr: Sequence[Factors], weight_decay: Sequence[Factors]) -> None:
        """Settle each member's factors of its rates, for the steps of an epoch."""
        factors = list(zip(lr, weight_decay, strict=True))
        if factors != self._factors:
            self._factors = factors
            self._runs.clear()
        self._n_taken = [0] * len(factors)

    def step(self, members: slice) -> None:
        """Update the members by their gradients."""
        for run, groups in self._runs_of(members):
            rates = self._rates_now(run)
            n_steps = self.n_steps[run.start] + 1
            self.n_steps[run] = [n_steps] * (run.stop - run.start)
            for group in groups:
                decay = rates.weight_decay if group.decays else 0.0
                self.update(group, rates, decay, n_steps)

    def _rates_now(self, run: slice) -> Rates:
        """Return the settings of the next step of members that are updated alike."""
        k, i = run.start, self._n_taken[run.start]
        self._n_taken[run] = [i + 1] * (run.stop - k)
        rates, (lr, decay) = self.rates[k], self._factors[k]
        if lr is None and decay is None:
            return rates
        scaled = rates.lr * at(lr, i), rates.weight_decay * at(decay, i)
        return replace(rates, lr=scaled[0], weight_decay=scaled[1])

    def _runs_of(self, members: slice) -> list[tuple[slice, list[Group]]]:
        """Return the neighbours that are updated alike, with their tensors."""
        key = (members.start, members.stop)
        if key not in self._runs:
            paths = zip(self.rates, self.n_steps, self.pace, self._factors, strict=True)
            alike = runs(list(paths)[members])
            shifted = [slice(run.start + key[0], run.stop + key[0]) for run in alike]
            self._runs[key] = [(run, self._groups_of(run)) for run in shifted]
        return self._runs[key]

    def _groups_of(self, run: slice) -> list[Group]:
        """Return the tensors of members that are updated alike, made once."""
        key = run.start, run.stop
        if key not in self._groups:
            self._groups[key] = self._make_groups(run)
        return self._groups[key]

    def _make_groups(self, run: slice) -> list[Group]:
        """Return the run's tensors in one group, or in two if only some of them decay."""
        decay = self.rates[run.start].weight_decay > 0
        everything = self.rates[run.start].decay_biases
        with_decay, without = Group(True, self.names), Group(False, self.names)
        for layer, memory in zip(self.stack.flat(), self.memory, strict=True):
            for name, grad in layer.grads.items():
                group = with_decay if decay and (everything or name in layer.decays) else without
                group.values.append(layer.tensors[name][run])
                group.grads.append(grad[run])
                for known, each in memory[name].items():
                    group.memory[known].append(each[run])
        return [group for group in (with_decay, without) if group.values]

    def keep(self, index: Tensor) -> None:
        """Forget all members but those of that index; the stack has done so before."""
        kept = index.tolist()
        self.rates = [self.rates[k] for k in kept]
        self.pace = [self.pace[k] for k in kept]
        self.n_steps = [self.n_steps[k] for k in kept]
        self._factors = [self._factors[k] for k in kept]
        self._n_taken = [self._n_taken[k] for k in kept]
        self.memory = [
            {
                name: {known: each[index] for known, each in held.items()}
                for name, held in memory.items()
            }
            for memory in self.memory
        ]
        self._runs.clear()
        self._groups.clear()

    def load(self, k: int, module: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Take over the memory that torch's optimiser has of member k's plain module."""
        for layer, memory, plain in self._with_plain(module):
            for name, held in memory.items():
                state = optimizer.state.get(getattr(plain, name), {})
                for known, each in held.items():
                    if state.get(known) is not None:
                        each[k] = layer.pack(name, state[known])
                if self.counts and "step" in state:
                    self.n_steps[k] = int(state["step"])

    def save(self, k: int, module: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Give the memory to torch's optimiser of member k's plain module."""
        for layer, memory, plain in self._with_plain(module):
            for name, held in memory.items():
                parameter = getattr(plain, name)
                state: dict[str, Any] = {
                    known: layer.unpack(name, each[k], parameter).clone(
                        memory_format=torch.contiguous_format
                    )
                    for known, each in held.items()
                }
                if self.counts:
                    state["step"] = torch.tensor(float(self.n_steps[k]))
                optimizer.state[parameter] = state

    def _with_plain(self, module: nn.Module) -> Any:
        plain = (part for part in plain_layers(module, blocks=False))
        return zip(self.stack.flat(), self.memory, plain, strict=True)


class Adam(StackOptimizer):
    """Adam (Kingma and Ba, 2015), with the L2 penalty in the gradient."""

    names = ("exp_avg", "exp_avg_sq")
    kernel = staticmethod(steps.fused_adam)

    def update(self, group: Group, rates: Rates, weight_decay: float, n_steps: int) -> None:
        """Update the tensors of a group."""
        count = torch.tensor(float(n_steps))
        self.kernel(
            group.values,
            group.grads,
            group.memory["exp_avg"],
            group.memory["exp_avg_sq"],
            [],
            [count] * len(group.values),
            lr=rates.lr,  # type: ignore[arg-type]
            beta1=rates.betas[0],
            beta2=rates.betas[1],
            weight_decay=weight_decay,
            eps=1e-8,
            amsgrad=False,
            maximize=False,
        )


class AdamW(Adam):
    """Adam with the weight decay apart from the gradient (Loshchilov and Hutter, 2019)."""

    kernel = staticmethod(steps.fused_adamw)


class Adagrad(StackOptimizer):
    """AdaGrad (Duchi et al., 2011)."""

    names = ("sum",)

    def update(self, group: Group, rates: Rates, weight_decay: float, n_steps: int) -> None:
        """Update the tensors of a group."""
        count = torch.tensor(float(n_steps))
        steps.fused_adagrad(
            group.values,
            group.grads,
            group.memory["sum"],
            [count] * len(group.values),
            lr=rates.lr,
            lr_decay=0.0,
            weight_decay=weight_decay,
            eps=1e-10,
            maximize=False,
        )


class RMSprop(StackOptimizer):
    """RMSprop (Tieleman and Hinton, 2012)."""

    names = ("square_avg",)

    def update(self, group: Group, rates: Rates, weight_decay: float, n_steps: int) -> None:
        """Update the tensors of a group."""
        squares = group.memory["square_avg"]
        for value, grad, square in zip(group.values, group.grads, squares, strict=True):
            if weight_decay:
                grad = grad.add_(value, alpha=weight_decay)
            square.mul_(0.99).addcmul_(grad, grad, value=0.01)
            value.addcdiv_(grad, square.sqrt().add_(1e-8), value=-rates.lr)


class SGD(StackOptimizer):
    """Gradient descent."""

    counts = False

    def update(self, group: Group, rates: Rates, weight_decay: float, n_steps: int) -> None:
        """Update the tensors of a group."""
        self._descend(group, rates.lr, weight_decay, [], 0.0)

    @staticmethod
    def _descend(
        group: Group,
        lr: float,
        weight_decay: float,
        buffers: list[Tensor],
        momentum: float,
        nesterov: bool = False,
    ) -> None:
        steps.fused_sgd(
            group.values,
            group.grads,
            buffers,
            weight_decay=weight_decay,
            momentum=momentum,
            lr=lr,
            dampening=0.0,
            nesterov=nesterov,
            maximize=False,
            is_first_step=False,  # the buffers start at 0, which comes to the same
        )


class Momentum(SGD):
    """Gradient descent with momentum (Polyak, 1964)."""

    names = ("momentum_buffer",)
    nesterov = False

    def update(self, group: Group, rates: Rates, weight_decay: float, n_steps: int) -> None:
        """Update the tensors of a group."""
        if rates.momentum == 0:
            super().update(group, rates, weight_decay, n_steps)
            return
        buffers = group.memory["momentum_buffer"]
        self._descend(group, rates.lr, weight_decay, buffers, rates.momentum, self.nesterov)


class Nesterov(Momentum):
    """Gradient descent with Nesterov's momentum (Sutskever et al., 2013)."""

    nesterov = True


STACKED: dict[str, type[StackOptimizer]] = {
    "adagrad": Adagrad,
    "adam": Adam,
    "adamw": AdamW,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "rmsprop": RMSprop,
    "sgd": SGD,
}


def runs(values: Sequence[Any]) -> list[slice]:
    """Return the neighbours of equal value.

    Examples
    --------
    >>> runs("aab")
    [slice(0, 2, None), slice(2, 3, None)]
    """
    changes = [k for k in range(1, len(values)) if values[k] != values[k - 1]]
    bounds = [0, *changes, len(values)]
    return [slice(*bound) for bound in pairwise(bounds)]
