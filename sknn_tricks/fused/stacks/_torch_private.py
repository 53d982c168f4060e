"""What we use of torch's private API, in one place: the update steps behind ``fused=True``.

torch's optimisers take one learning rate for a parameter; members of a stack have one each, on
slices of a parameter. The version is bound in pyproject.toml for it.
"""

from torch import _fused_adagrad_ as fused_adagrad
from torch import _fused_adam_ as fused_adam
from torch import _fused_adamw_ as fused_adamw
from torch import _fused_sgd_ as fused_sgd

__all__ = ["fused_adagrad", "fused_adam", "fused_adamw", "fused_sgd"]
