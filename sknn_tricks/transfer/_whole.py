"""A pretrained body and a new head as one module."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sknn_tricks.fused import Trained
from sknn_tricks.fused._net import Net
from sknn_tricks.fused._random import borrowed_global_state, stream_seed
from sknn_tricks.init import initialize
from sknn_tricks.nets import Layered, as_spec
from sknn_tricks.transfer._layers import Layers, joined

CPU = torch.device("cpu")
# Rows whose features are looked at at once.
AT_ONCE = 2**12
# Added to a variance: torch wants a number above 0.
EPS = 1e-12


def new_head(
    head: Any,
    n_features: int,
    n_outputs: int,
    seed: int,
    init: Any = "auto",
    features: Tensor | None = None,
) -> nn.Module:
    """Return a new head, drawn from a seed.

    Parameters
    ----------
    head : spec
    n_features, n_outputs : int
    seed : int
    init : str or callable, default="auto"
        How its weights are drawn.
    features : Tensor of shape (N, n_features), default=None
        For an `init` that looks at data.
    """
    with borrowed_global_state(stream_seed(seed, "build"), CPU):
        built = as_spec(head).build((n_features,), n_outputs)
    if not as_spec(head).foreign:
        generator = torch.Generator().manual_seed(stream_seed(seed, "init"))
        initialize(built, init, generator, batch=features)
    return built


def at_zero(head: nn.Module) -> nn.Module:
    """Return a head whose outputs are 0 at first.

    The first gradients are then of its own weights only (Kolesnikov et al., 2020).
    """
    for layer in [part for part in head.modules() if isinstance(part, nn.Linear)][-1:]:
        nn.init.zeros_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return head


def scale_of(features: NDArray[Any]) -> nn.BatchNorm1d:
    """Return the layer that standardises features as these are, whatever it is given.

    A BatchNorm in evaluation mode, so that everybody's tools know it.

    Parameters
    ----------
    features : ndarray or memmap of shape (N, D)

    Examples
    --------
    >>> x = np.array([[1.0, 5.0], [3.0, 5.0]])
    >>> scale_of(x)(torch.from_numpy(x)).round().tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """
    mean = features.mean(axis=0, dtype=np.float64)
    parts = (features[i : i + AT_ONCE] for i in range(0, len(features), AT_ONCE))
    variance = sum(np.square(part - mean).sum(axis=0) for part in parts) / len(features)
    # What hardly varies is hardly a feature: its scale stays.
    varies = variance > 1e-6 * max(variance.mean(), 1e-30)
    layer = nn.BatchNorm1d(len(mean), affine=False, eps=EPS)
    layer.running_mean = torch.from_numpy(mean)
    layer.running_var = torch.from_numpy(np.where(varies, variance, 1.0))
    return layer.to(torch.from_numpy(features[:0]).dtype).eval()


def layered(
    layers: Layers,
    n: int,
    flat: Mapping[str, nn.Module],
    head: nn.Module,
    lr_decay: float,
    unfreeze_every: float,
) -> Layered:
    """Return the first n layers, what makes them flat and scales them, and a head.

    Parameters
    ----------
    layers : Layers
    n : int
    flat : mapping of str to torch.nn.Module
        Learn nothing.
    head : torch.nn.Module
    lr_decay : float
        Factor of the learning rate from a layer to the one in front of it.
    unfreeze_every : float
        Epochs from which on another layer learns; 0 for all at once, infinite for none.
    """
    depths = layers.depths(n)
    factors = [*(lr_decay**depth for depth in depths), *(1.0 for _ in flat), 1.0]
    learns = [unfreeze_every * depth if unfreeze_every else 0 for depth in depths]
    first_epochs = [*learns, *(math.inf for _ in flat), 0]
    return Layered(joined(layers.first(n), flat, {"head": head}), factors, first_epochs)


def sequential(*groups: Mapping[str, nn.Module]) -> nn.Sequential:
    """Return layers in a row."""
    return nn.Sequential(OrderedDict(joined(*groups)))


def with_body(net: Net, body: nn.Sequential) -> Net:
    """Return a trained head's net with the body that its features are of."""
    whole = net.twin()
    head = whole.module_
    whole.module = whole.module_ = nn.Sequential(OrderedDict(body=body, head=head))
    of_body = {f"body.{name}": tensor for name, tensor in body.state_dict().items()}
    whole.snapshots_ = tuple(of_body | _of_head(weights) for weights in net.snapshots_)
    whole.last_ = None if net.last_ is None else of_body | _of_head(net.last_)
    return whole


def take_over(learner: Any, head: Any, members: list[Any], body: nn.Sequential) -> None:
    """Give an estimator, which has learnt of the rows, the nets of one of their features.

    Parameters
    ----------
    learner : NetClassifier or NetRegressor
    head : NetClassifier or NetRegressor
        Trained on features.
    members : list of NetClassifier or NetRegressor
        The single nets of the learner.
    body : torch.nn.Sequential
        From rows to features.
    """
    for member, trained in zip(members, getattr(head, "members_", [head]), strict=True):
        net = with_body(trained.net_, body)
        member._take_over(Trained(net, trained.best_epoch_), [])
    if members != [learner]:
        learner._take_over_members(members)


def _of_head(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"head.{name}": tensor for name, tensor in weights.items()}
