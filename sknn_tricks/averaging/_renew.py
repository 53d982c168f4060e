"""BatchNorm's running statistics, computed anew."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


@torch.no_grad()
def renew_statistics(module: nn.Module, batches: Iterable[Tensor]) -> None:
    """Compute the running statistics of BatchNorm layers anew, in place.

    An average of weights has had no batch yet. Each batch counts alike. All other layers work as
    in prediction: nothing is dropped, so the statistics are those that predictions will have.

    Parameters
    ----------
    module : torch.nn.Module
        Is in evaluation mode afterwards. Without BatchNorm nothing is done.
    batches : iterable of Tensor of shape (N, ...)
        Rows, such as those of the training.

    References
    ----------
    P. Izmailov, D. Podoprikhin, T. Garipov, D. Vetrov and A. G. Wilson (2018). Averaging weights
    leads to wider optima and better generalization. UAI. (Section 3.2.)

    Examples
    --------
    >>> import torch
    >>> norm = torch.nn.BatchNorm1d(1)
    >>> renew_statistics(norm, [torch.tensor([[1.0], [3.0]]), torch.tensor([[4.0], [8.0]])])
    >>> norm.running_mean, norm.running_var
    (tensor([4.]), tensor([5.]))
    """
    norms: list[Any] = [norm for norm in module.modules() if isinstance(norm, _BatchNorm)]
    norms = [norm for norm in norms if norm.track_running_stats]
    module.eval()
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.train().momentum = None  # a mean over all batches
    for batch in batches:
        module(batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    module.eval()
