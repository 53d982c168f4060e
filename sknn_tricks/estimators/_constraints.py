"""What the parameters of both estimators may be, as scikit-learn checks it."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import torch

from sknn_tricks._sklearn_private import Interval, StrOptions

CONSTRAINTS: dict[str, Any] = {
    "module": "no_validation",
    "init": [str, callable],
    "optimizer": [str, callable],
    "bias_init": [Interval(Real, None, None, closed="neither")],
    "lr": [Interval(Real, 0, None, closed="neither")],
    "lr_schedule": [str, callable],
    "warmup": [Interval(Real, 0, 1, closed="left")],
    "lr_scaling": [StrOptions({"linear", "sqrt"}), None],
    "weight_decay": [Interval(Real, 0, None, closed="left")],
    "weight_decay_schedule": [str, callable],
    "decay_biases": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="left")],
    "betas": [tuple, list],
    "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
    "clip_value": [Interval(Real, 0, None, closed="neither"), None],
    "max_norm": [Interval(Real, 0, None, closed="neither"), None],
    "l1": [Interval(Real, 0, None, closed="left")],
    "dropout_schedule": [str, callable],
    "input_noise": [Interval(Real, 0, None, closed="left")],
    "mixup": [Interval(Real, 0, None, closed="left")],
    "augment": "no_validation",
    "cutmix": [Interval(Real, 0, None, closed="left")],
    "tta": "no_validation",
    "averaging": "no_validation",
    "batch_size": [Interval(Integral, 1, None, closed="left")],
    "max_epochs": [Interval(Integral, 1, None, closed="left")],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "patience": [Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="left")],
    "monitor": [str, callable],
    "callbacks": [list, tuple, None],
    "warm_start": ["boolean"],
    "n_members": [Interval(Integral, 1, None, closed="left")],
    "bagging": ["boolean"],
    "dtype": [StrOptions({"float32", "float64"})],
    "device": [str, torch.device],
    "verbose": ["verbose"],
    "random_state": ["random_state"],
}
