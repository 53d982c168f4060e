"""Train jobs: today each alone."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import numpy as np
import torch
from torch import nn

from sknn_tricks._messages import message
from sknn_tricks.fused._cpu import is_small, no_denormals, one_thread
from sknn_tricks.fused._job import Job, Trained
from sknn_tricks.fused._net import ClassifierNet, Net
from sknn_tricks.fused._random import borrowed_global_state, stream_seed
from sknn_tricks.fused._stopping import BestWeights, check_finite_weights, warn_if_astray
from sknn_tricks.init import initialize
from sknn_tricks.nets import Dropout
from sknn_tricks.optim import make_optimizer, set_rates


def train(jobs: Iterable[Job]) -> list[Trained]:
    """Train one net for each job.

    Parameters
    ----------
    jobs : iterable of Job

    Returns
    -------
    list of Trained
        In the order of the jobs.

    Raises
    ------
    DivergenceError
        If a loss is no finite number.
    ValueError
        If a module cannot be built or does not fit the data.
    """
    return [_train_alone(job) for job in jobs]


def _train_alone(job: Job) -> Trained:
    net = job.start.twin() if job.start is not None else _make_net(job)
    n_before = len(net.history)
    best = BestWeights(job.stopping) if job.stopping is not None else None
    small = not job.spec.foreign and is_small(net.module_, job.batch_size)
    threads = one_thread() if small else nullcontext()
    with _random_state_of_module(job, n_before), threads, no_denormals():
        _set_up(net, job, best)
        net.run(job.train, job.valid, job.max_epochs, job.epochs)
        check_finite_weights(net)
        if best is not None:
            net.callbacks_.remove(("best_weights", best))
        warn_if_astray(net, job.task.constant_loss)
    net.kept_epoch_ = best.best_epoch_ if best is not None else len(net.history)
    return Trained(net, best_epoch=net.kept_epoch_)


def _set_up(net: Net, job: Job, best: BestWeights | None) -> None:
    """Give a new net, or one to continue, the settings and random streams of this training."""
    _check_batch_norm(net.module_, job)
    net.max_epochs, net.batch_size, net.lr, net.l1 = job.max_epochs, job.batch_size, job.lr, job.l1
    set_rates(net.optimizer_, lr=job.lr, weight_decay=job.weight_decay)
    for i, layer in enumerate(part for part in net.module_.modules() if isinstance(part, Dropout)):
        layer.seed_(stream_seed(job.seed, "dropout", i, len(net.history)), job.device)
    if best is not None:
        # First, so that it has seen an epoch that another callback stops after.
        net.callbacks_.insert(0, ("best_weights", best))


def _random_state_of_module(job: Job, n_epochs_before: int) -> AbstractContextManager[None]:
    """Give a user's own module, which may draw from torch's global state, a stream of its own."""
    if not job.spec.foreign:
        return nullcontext()
    return borrowed_global_state(stream_seed(job.seed, "module", n_epochs_before), job.device)


def _make_net(job: Job) -> Net:
    module = _make_module(job)
    net_class = Net if job.task.n_classes is None else ClassifierNet
    net = net_class(
        module,
        criterion=job.task.loss,
        optimizer=partial(make_optimizer, job.optimizer, weight_decay=job.weight_decay),
        lr=job.lr,
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


def _make_module(job: Job) -> nn.Module:
    with borrowed_global_state(stream_seed(job.seed, "build"), job.device):
        module = job.spec.build(job.input_shape, job.n_outputs).to(job.device, job.dtype)
        _check_output(module, job)
    if not (job.init == "auto" and job.spec.foreign):
        generator = torch.Generator(job.device).manual_seed(stream_seed(job.seed, "init"))
        initialize(module, job.init, generator)
    return module


def _check_output(module: nn.Module, job: Job) -> None:
    """Raise if the module cannot take the data or returns something else than outputs."""
    x = job.train.x[:2]
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


def _check_batch_norm(module: nn.Module, job: Job) -> None:
    """Raise if BatchNorm would see batches of one row."""
    normed = any(isinstance(part, nn.BatchNorm1d) for part in module.modules())
    if normed and min(len(job.train), job.batch_size) == 1:
        raise ValueError(
            message(
                "BatchNorm cannot train on 1 sample at a time",
                expected="batches of 2 samples or more",
                got=f"n_samples={len(job.train)}, batch_size={job.batch_size}",
                todo="Give more rows, a larger batch_size, or batch_norm=False",
            )
        )


def _try_forward(module: nn.Module, x: torch.Tensor) -> object:
    try:
        with torch.no_grad():
            return module.eval()(x.clone())  # it may work in place
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            message(
                "The module cannot take the data",
                expected=f"a forward that takes one tensor such as {tuple(x.shape)}",
                got=f"{type(error).__name__} from {type(module).__name__}: {error}",
                todo="Build the module for this many features, or flatten its input",
            )
        ) from error
