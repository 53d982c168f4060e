"""What goes into training, and what comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from skorch import NeuralNet
from torch import Tensor

from sknn_tricks.fused._balance import NO_BALANCE, Balance
from sknn_tricks.fused._rows import Rows
from sknn_tricks.init._schemes import Scheme
from sknn_tricks.nets._spec import Spec
from sknn_tricks.optim._optimizers import MakeOptimizer

Loss = Callable[..., Tensor]

# Rows of a batch that a learning rate is for, where it is to grow with the batch.
USUAL_BATCH = 128


@dataclass(frozen=True)
class Stopping:
    """When to stop early; the weights of the best epoch are the ones that are kept.

    Parameters
    ----------
    patience : int
        Epochs without a better validation loss, or score, until training stops.
    tol : float
        How much better one must be to count.
    monitor : callable (net) -> float, or None
        Gives a score, higher for better, that is watched in place of the loss.
    """

    patience: int
    tol: float
    monitor: Callable[[Any], float] | None = None


@dataclass(frozen=True)
class Task:
    """What the outputs mean.

    Parameters
    ----------
    loss : callable (outputs, target, weight[, label_smoothing]) -> scalar Tensor
    score : callable (outputs, target, weight) -> float
        Higher is better.
    to_prediction : callable (outputs) -> Tensor
        What the net's ``predict_proba`` gives: probabilities, or the outputs as they are.
    constant_loss : float
        Loss of the best constant prediction, roughly: what a net that learnt nothing reaches.
    n_classes : int or None
        Number of classes, where the most likely one is the prediction.
    """

    loss: Loss
    score: Callable[[Tensor, Any, Tensor | None], float]
    to_prediction: Callable[[Tensor], Tensor]
    constant_loss: float
    n_classes: int | None = None


class Epochs(Protocol):
    """Wants to know of epochs."""

    def begin(self) -> None:
        """Be told that an epoch begins."""

    def end(self, net: Any) -> bool:
        """Be told that it has ended; True stops the training."""


@dataclass(frozen=True)
class Job:
    """Everything that training one net needs: data, settings, and whom to tell of epochs.

    Parameters
    ----------
    spec : spec
        Builds the module.
    input_shape : tuple of int
        Shape of one row.
    n_outputs : int
        Width of the output, O.
    train : Rows
    valid : Rows or None
        Watched after each epoch, never trained on.
    task : Task
    init : str or callable
        How weights are drawn; "auto" leaves a module that brings its own weights alone.
    optimizer : str or callable
    lr, weight_decay, l1 : float
    batch_size, max_epochs : int
    stopping : Stopping or None
    seed : int
        Where all the random streams of this net start.
    device : torch.device
    dtype : torch.dtype
    callbacks : sequence of skorch callbacks
    epochs : Epochs or None
        Told when an epoch begins and ends.
    verbose : int
        Above 0, each epoch is printed.
    start : Net or None
        A trained net to go on from; it stays as it is.
    momentum : float
        Of "momentum" and "nesterov".
    betas : pair of float
        Of "adam" and "adamw".
    label_smoothing : float
        Share of each target that is spread over all classes, in training.
    clip_norm : float or None
        Bound on the norm of a step's gradient.
    balance : Balance
        What is done about classes of different sizes, in training.
    augment : Augment or None
    bias_init, warmup, input_noise, mixup, cutmix : float
    lr_schedule, weight_decay_schedule, dropout_schedule : str or schedule
    lr_scaling : {"linear", "sqrt"} or None
    decay_biases : bool
    clip_value, max_norm : float or None
    averaging : str, averaging or None
        For all of these, see the parameters of the estimators.
    """

    spec: Spec
    input_shape: tuple[int, ...]
    n_outputs: int
    train: Rows
    valid: Rows | None
    task: Task
    init: str | Scheme
    optimizer: str | MakeOptimizer
    lr: float
    weight_decay: float
    l1: float
    batch_size: int
    max_epochs: int
    stopping: Stopping | None
    seed: int
    device: torch.device
    dtype: torch.dtype
    callbacks: Sequence[Any] = ()
    epochs: Epochs | None = None
    verbose: int = 0
    start: NeuralNet | None = None
    momentum: float = 0.9
    betas: tuple[float, float] = (0.9, 0.999)
    label_smoothing: float = 0.0
    clip_norm: float | None = None
    balance: Balance = NO_BALANCE
    bias_init: float = 0.0
    lr_schedule: Any = "constant"
    warmup: float = 0.0
    lr_scaling: str | None = None
    weight_decay_schedule: Any = "constant"
    decay_biases: bool = False
    clip_value: float | None = None
    max_norm: float | None = None
    dropout_schedule: Any = "constant"
    input_noise: float = 0.0
    mixup: float = 0.0
    augment: Any = None
    cutmix: float = 0.0
    averaging: Any = None

    @property
    def scaled_lr(self) -> float:
        """The learning rate for batches of this size."""
        share = min(self.batch_size, len(self.train)) / USUAL_BATCH
        return self.lr * {None: 1.0, "linear": share, "sqrt": share**0.5}[self.lr_scaling]


@dataclass(frozen=True)
class Trained:
    """A trained net and how it went, or why there is none.

    Parameters
    ----------
    net : Net or None
        A skorch net around the module; None where training failed.
    best_epoch : int
        The epoch, from 1, whose weights these are.
    seconds : float
        The member's share of the time that its stack took.
    warnings : tuple of Warning
        For the fit to issue: training itself, which may run in any thread, issues none.
    error : BaseException or None
        For the fit to raise.
    """

    net: Any
    best_epoch: int = 0
    seconds: float = 0.0
    warnings: tuple[Warning, ...] = ()
    error: BaseException | None = None


class Cancelled(BaseException):
    """Nobody waits for this fit any more.

    No Exception: nobody shall take it for a fit that failed.
    """
