"""Remedies against overfitting as functions for a plain torch loop.

For a bound on each entry of the gradient, or on its norm, torch has
``torch.nn.utils.clip_grad_value_`` and ``torch.nn.utils.clip_grad_norm_``.
"""

from sknn_tricks.regularisation._cutmix import cutmix
from sknn_tricks.regularisation._l1 import add_l1
from sknn_tricks.regularisation._max_norm import max_norm_
from sknn_tricks.regularisation._mixup import mixup
from sknn_tricks.regularisation._noise import add_noise

__all__ = ["add_l1", "add_noise", "cutmix", "max_norm_", "mixup"]
