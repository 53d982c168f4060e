"""What the parameters of an estimator stand for in a Job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from sklearn.base import clone
from skorch.callbacks import Callback

from sknn_tricks._messages import message
from sknn_tricks.averaging import make_averaging, snapshots
from sknn_tricks.estimators._augment import augment_of, check_cutmix
from sknn_tricks.init import portable
from sknn_tricks.nets import as_spec


def settings_of(net: Any) -> dict[str, Any]:
    """Return the part of a Job that the parameters say.

    Parameters
    ----------
    net : NetClassifier or NetRegressor
        It has learnt of its data.
    """
    averaging, schedule = make_averaging(net.averaging), net.lr_schedule
    spec, shape = as_spec(net.module), net.input_shape_
    check_cutmix(net.cutmix, net.augment, shape, spec)
    if isinstance(averaging, snapshots):
        averaging.check(net.max_epochs, net.early_stopping)
        schedule = averaging.over(schedule)
    return {
        "spec": spec,
        "input_shape": shape,
        "n_outputs": net._n_outputs,
        "task": net._task(),
        "init": portable(net.init),
        "bias_init": net.bias_init,
        "optimizer": net.optimizer,
        "lr": net.lr,
        "lr_schedule": schedule,
        "warmup": net.warmup,
        "lr_scaling": net.lr_scaling,
        "weight_decay": net.weight_decay,
        "weight_decay_schedule": net.weight_decay_schedule,
        "decay_biases": net.decay_biases,
        "momentum": net.momentum,
        "betas": check_betas(net.betas),
        "clip_norm": net.clip_norm,
        "clip_value": net.clip_value,
        "max_norm": net.max_norm,
        "l1": net.l1,
        "dropout_schedule": net.dropout_schedule,
        "input_noise": net.input_noise,
        "mixup": net.mixup,
        "augment": augment_of(net.augment, shape, net._of_bytes, spec),
        "cutmix": net.cutmix,
        "averaging": averaging,
        "batch_size": net.batch_size,
        "device": net._device,
        "dtype": getattr(torch, net.dtype),
        "callbacks": copies_of_callbacks(net.callbacks),
        "verbose": int(net.verbose),
    }


def find_device(device: str | torch.device) -> torch.device:
    """Return the device; for "auto" a CUDA device where there is one, else the CPU.

    Raises
    ------
    ValueError
        If there is no such device here.

    Examples
    --------
    >>> find_device("cpu")
    device(type='cpu')
    """
    has_cuda = torch.cuda.is_available()
    if device == "auto":
        return torch.device("cuda" if has_cuda else "cpu")
    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise ValueError(_no_such_device(device)) from error
    if found.type == "cuda" and not has_cuda:
        raise ValueError(_no_such_device(device))
    return found


def check_betas(betas: Sequence[Any]) -> tuple[float, float]:
    """Return Adam's two rates.

    Raises
    ------
    ValueError
        If they are not two numbers in [0, 1).

    Examples
    --------
    >>> check_betas([0.9, 0.99])
    (0.9, 0.99)
    """
    if len(betas) == 2 and all(isinstance(beta, float | int) and 0 <= beta < 1 for beta in betas):
        return float(betas[0]), float(betas[1])
    raise ValueError(
        message(
            "betas are no rates of decay",
            expected="two numbers in [0, 1), such as (0.9, 0.999)",
            got=f"betas={betas!r}",
            todo="Give one for the mean of the gradients and one for that of their squares",
        )
    )


def copies_of_callbacks(callbacks: Sequence[Any] | None) -> list[Any]:
    """Return copies of skorch's callbacks, as a fit changes them.

    Raises
    ------
    TypeError
        If one is no callback of skorch.
    """
    for entry in callbacks or ():
        callback = entry[1] if isinstance(entry, tuple) and len(entry) == 2 else entry
        is_class = isinstance(callback, type) and issubclass(callback, Callback)
        if not (is_class or isinstance(callback, Callback)):
            raise TypeError(_no_skorch_callback(entry))
    return clone(list(callbacks or ()), safe=False)


def _no_skorch_callback(entry: Any) -> str:
    return message(
        "callbacks has an entry that is no callback of skorch",
        expected="instances of skorch.callbacks.Callback, or pairs (name, callback)",
        got=repr(entry),
        todo="Set callbacks of scikit-learn, such as MLflowCallback, with estimator.set_callbacks",
    )


def _no_such_device(device: Any) -> str:
    return message(
        "There is no such device here",
        expected="'auto', 'cpu', or 'cuda' where torch finds a CUDA device",
        got=f"device={device!r}",
        todo="Leave it at 'auto' to take what there is",
    )
