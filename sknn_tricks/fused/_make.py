"""Make the net that a job asks for."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from sknn_tricks._messages import message
from sknn_tricks.fused._balance import NO_BALANCE, Orders
from sknn_tricks.fused._job import Job
from sknn_tricks.fused._net import ClassifierNet, Net
from sknn_tricks.fused._random import borrowed_global_state, stream_seed
from sknn_tricks.fused._rows import ShuffledBatches
from sknn_tricks.init import initialize, needs_batch
from sknn_tricks.optim import make_optimizer, set_rates

# Rows that an init looks at.
INIT_ROWS = 512


def make_net(job: Job) -> Net:
    """Make the net, ready to train; `build` has tried a module of the same spec."""
    module = _module(job)
    if not (job.init == "auto" and job.spec.foreign):
        _initialize(module, job)
    return net_around(module, job)


def _initialize(module: nn.Module, job: Job) -> None:
    """Draw the weights; an init that looks at data is shown rows of the training."""
    generator = torch.Generator(job.device).manual_seed(stream_seed(job.seed, "init"))
    if not needs_batch(job.init):
        initialize(module, job.init, generator, bias=job.bias_init)
        return
    with borrowed_global_state(stream_seed(job.seed, "init", 1), job.device):
        rows = _some_rows(job)
        initialize(module, job.init, generator, bias=job.bias_init, batch=rows)


def _some_rows(job: Job) -> torch.Tensor:
    """Return rows of the training, at random."""
    generator = torch.Generator().manual_seed(stream_seed(job.seed, "init", 0))
    orders = Orders(job.train, NO_BALANCE, generator)
    x, _ = next(iter(ShuffledBatches(job.train, INIT_ROWS, orders)))
    return x


def blank_net(job: Job) -> Net:
    """Make the net with whatever weights, to be given others."""
    net = net_around(_module(job), job)
    give_settings(net, job)
    return net


def give_settings(net: Net, job: Job) -> None:
    """Give a new net, or one to go on from, the settings of this training."""
    for name in ("max_epochs", "batch_size", "label_smoothing", "balance"):
        setattr(net, name, getattr(job, name))
    net.of_bytes_ |= job.train.of_bytes
    net.lr = job.scaled_lr
    net.criterion = net.criterion_.loss = job.task.loss
    others: dict[str, Any] = {}
    if job.optimizer in ("momentum", "nesterov"):
        others["momentum"] = job.momentum
    if job.optimizer in ("adam", "adamw"):
        others["betas"] = job.betas
    set_rates(
        net.optimizer_,
        lr=job.scaled_lr,
        weight_decay=job.weight_decay,
        decay_biases=job.decay_biases,
        **others,
    )


def net_around(module: nn.Module, job: Job) -> Net:
    """Make the net of a module."""
    net_class = Net if job.task.n_classes is None else ClassifierNet
    net = net_class(
        module,
        criterion=job.task.loss,
        optimizer=partial(
            make_optimizer,
            job.optimizer,
            weight_decay=job.weight_decay,
            momentum=job.momentum,
            betas=job.betas,
            decay_biases=job.decay_biases,
        ),
        lr=job.scaled_lr,
        callbacks=list(job.callbacks),
        predict_nonlinearity=job.task.to_prediction,
        score=job.task.score,
        seed=job.seed,
        device=str(job.device),
        verbose=job.verbose,
        train_split=None,
    )
    if job.task.n_classes is not None:
        net.classes_ = np.arange(job.task.n_classes)
    return net.initialize()


def build(job: Job) -> nn.Module:
    """Build the module and try it.

    Raises
    ------
    ValueError
        If it cannot be built or does not fit the data.
    """
    module = _module(job)
    with borrowed_global_state(stream_seed(job.seed, "build"), job.device):
        _check_output(module, job)
    return module


def _module(job: Job) -> nn.Module:
    """Build the module in a random state of its own, which torch's constructors need."""
    with borrowed_global_state(stream_seed(job.seed, "build"), job.device):
        return job.spec.build(job.input_shape, job.n_outputs).to(job.device, job.dtype)


def _check_output(module: nn.Module, job: Job) -> None:
    """Raise if the module cannot take the data or returns something else than outputs."""
    x, _ = job.train.take(slice(0, 2))
    wanted = (len(x), job.n_outputs)
    outputs = _try_forward(module, x)
    if not isinstance(outputs, torch.Tensor) or tuple(outputs.shape) != wanted:
        got = tuple(outputs.shape) if isinstance(outputs, torch.Tensor) else type(outputs).__name__
        raise ValueError(
            message(
                "The module's output has the wrong shape",
                expected=f"(N, O) = {wanted} for {len(x)} rows",
                got=f"{got} from {type(module).__name__}",
                todo="Let forward return one logit per class (classification) or one value "
                "per target (regression)",
            )
        )


def _try_forward(module: nn.Module, x: torch.Tensor) -> object:
    try:
        with torch.no_grad():
            return module.eval()(x.clone())  # it may work in place
    except (IndexError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(
            message(
                "The module cannot take the data",
                expected=f"a forward that takes one tensor such as {tuple(x.shape)}",
                got=f"{type(error).__name__} from {type(module).__name__}: {error}",
                todo="Build the module for this many features, or flatten its input",
            )
        ) from error


def check_batch_norm(module: nn.Module, job: Job) -> None:
    """Raise if BatchNorm would see batches of one row."""
    # A user's own net may well have pixels enough for BatchNorm2d with one image.
    kinds = (nn.BatchNorm1d,) if job.spec.foreign else (nn.BatchNorm1d, nn.BatchNorm2d)
    normed = any(isinstance(part, kinds) for part in module.modules())
    if normed and min(len(job.train), job.batch_size) == 1:
        raise ValueError(
            message(
                "BatchNorm cannot train on 1 sample at a time",
                expected="batches of 2 samples or more",
                got=f"n_samples={len(job.train)}, batch_size={job.batch_size}",
                todo="Give more rows, a larger batch_size, or a net without BatchNorm",
            )
        )
