"""Activations of K members as one, beside the ReLU."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from sknn_tricks.fused.stacks._layers import Layer, register, threshold_backward
from sknn_tricks.fused.stacks._maps import Features

aten = torch.ops.aten
# SELU's (Klambauer et al., 2017).
ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805


class Kernels(NamedTuple):
    """What computes an activation and its gradient, both into memory of ours.

    Parameters
    ----------
    forward : callable (module, x, out)
    backward : callable (module, grad, kept, out)
        `kept` is the output or the input.
    keeps_output : bool
        Which of the two.
    lifts_zero : bool
        What is 0 does not stay 0.
    """

    forward: Callable[[Any, Tensor, Tensor], Tensor]
    backward: Callable[[Any, Tensor, Tensor, Tensor], Tensor]
    keeps_output: bool = False
    lifts_zero: bool = False


KERNELS: dict[type[nn.Module], Kernels] = {
    nn.ELU: Kernels(
        lambda m, x, out: aten.elu.out(x, m.alpha, 1.0, 1.0, out=out),
        lambda m, g, x, out: aten.elu_backward.grad_input(
            g, m.alpha, 1.0, 1.0, False, x, grad_input=out
        ),
    ),
    nn.GELU: Kernels(
        lambda m, x, out: aten.gelu.out(x, approximate=m.approximate, out=out),
        lambda m, g, x, out: aten.gelu_backward.grad_input(
            g, x, approximate=m.approximate, grad_input=out
        ),
    ),
    nn.LeakyReLU: Kernels(
        lambda m, x, out: aten.leaky_relu.out(x, m.negative_slope, out=out),
        lambda m, g, x, out: aten.leaky_relu_backward.grad_input(
            g, x, m.negative_slope, False, grad_input=out
        ),
    ),
    nn.SELU: Kernels(
        lambda m, x, out: aten.elu.out(x, ALPHA, SCALE, 1.0, out=out),
        lambda m, g, x, out: aten.elu_backward.grad_input(
            g, ALPHA, SCALE, 1.0, False, x, grad_input=out
        ),
    ),
    nn.SiLU: Kernels(
        lambda m, x, out: aten.silu.out(x, out=out),
        lambda m, g, x, out: aten.silu_backward.grad_input(g, x, grad_input=out),
    ),
    nn.Sigmoid: Kernels(
        lambda m, x, out: torch.sigmoid(x, out=out),
        lambda m, g, y, out: aten.sigmoid_backward.grad_input(g, y, grad_input=out),
        keeps_output=True,
        lifts_zero=True,
    ),
    nn.Softplus: Kernels(
        lambda m, x, out: aten.softplus.out(x, m.beta, m.threshold, out=out),
        lambda m, g, x, out: aten.softplus_backward.grad_input(
            g, x, m.beta, m.threshold, grad_input=out
        ),
        lifts_zero=True,
    ),
    nn.Tanh: Kernels(
        lambda m, x, out: torch.tanh(x, out=out),
        lambda m, g, y, out: aten.tanh_backward.grad_input(g, y, grad_input=out),
        keeps_output=True,
    ),
}


@register
class Common(Layer):
    """Those whose kernels torch offers with memory for the result: half the time of autograd."""

    stands_for = tuple(KERNELS)
    takes_images = True

    def __init__(self, modules: Sequence[nn.Module], width: Features) -> None:
        super().__init__(modules, width)
        self._module = modules[0]
        self._kernels = KERNELS[type(modules[0])]
        self.reads_output = self._kernels.keeps_output

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Map (K, N, D) to (K, N, D)."""
        output = self._kernels.forward(self._module, x, self.own("output", x, x.shape[2]))
        if self._kernels.lifts_zero:
            self.blank_(output)
        self._kept = output if self._kernels.keeps_output else x
        return output

    def backward(self, grad: Tensor) -> Tensor:
        """Map (K, N, D) to (K, N, D)."""
        return self._kernels.backward(self._module, grad, self._kept, grad)


@register
class Mish(Layer):
    """``x * tanh(softplus(x))``, by one exponential where torch takes four functions."""

    stands_for = (nn.Mish,)
    takes_images = True

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Map (K, N, D) to (K, N, D)."""
        # With e = exp(x) and n = e^2 + 2 e, tanh(softplus(x)) is n / (n + 2), of the slope
        # 4 (e^2 + e) / (n + 2)^2. Beyond the bounds it is 0 or 1 but for rounding.
        e = torch.clamp(x, -80.0, 20.0, out=self.own("e", x, x.shape[2])).exp_()
        n = torch.addcmul(e, e, e, out=self.own("slope", x, x.shape[2]))
        output = torch.add(n, e, out=self.own("output", x, x.shape[2]))
        inverse = torch.add(output, 2.0, out=self.lent(x)).reciprocal_()
        output.mul_(inverse)
        if training:
            self._slope = n.mul_(inverse).mul_(inverse).mul_(4.0).mul_(x).add_(output)
        return output.mul_(x)

    def backward(self, grad: Tensor) -> Tensor:
        """Map (K, N, D) to (K, N, D)."""
        return grad.mul_(self._slope)


@register
class Elementwise(Layer):
    """Any other activation without parameters; autograd knows its gradient."""

    reads_output = True
    takes_images = True
    stands_for = (
        nn.CELU,
        nn.Hardshrink,
        nn.Hardsigmoid,
        nn.Hardswish,
        nn.Hardtanh,
        nn.Identity,
        nn.LogSigmoid,
        nn.ReLU6,
        nn.Softshrink,
        nn.Softsign,
        nn.Tanhshrink,
    )

    def __init__(self, modules: Sequence[Any], width: Features) -> None:
        super().__init__(modules, width)
        self._function = copy.deepcopy(modules[0])
        if getattr(self._function, "inplace", False):
            self._function.inplace = False
        self._lifts_zero = bool(self._function(torch.zeros(1)) != 0)

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Map (K, N, D) to (K, N, D)."""
        with torch.set_grad_enabled(training):
            self._x = x.detach().requires_grad_(training)
            self._output = self._function(self._x)
        output = self._output.detach()
        return self.blank_(output.clone()) if self._lifts_zero else output

    def backward(self, grad: Tensor) -> Tensor:
        """Map (K, N, D) to (K, N, D)."""
        [result] = torch.autograd.grad(self._output, self._x, grad)
        del self._x, self._output
        return result


@register
class PRelu(Layer):
    """``max(x, 0) + weight * min(x, 0)`` with one weight, or one a feature (He et al., 2015)."""

    stands_for = (nn.PReLU,)
    takes_images = True
    trained = ("weight",)

    def __init__(self, modules: Sequence[Any], width: Features) -> None:
        super().__init__(modules, width)
        self._is_shared = modules[0].num_parameters == 1

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Map (K, N, D) to (K, N, D)."""
        self._x = x
        below = self._below = torch.clamp(x, max=0, out=self.own("below", x, x.shape[2]))
        above = torch.clamp(x, min=0, out=self.own("output", x, x.shape[2]))
        return above.addcmul_(self._slope(), below)

    def backward(self, grad: Tensor) -> Tensor:
        """Map (K, N, D) to (K, N, D)."""
        by_feature = self.sum_rows(self._below.mul_(grad))
        if self._is_shared:
            total = torch.bmm(by_feature, by_feature.new_ones(len(grad), by_feature.shape[2], 1))
            self.grads["weight"].zero_()
            self.grads["weight"][..., :1] = total
        else:
            self.grads["weight"].copy_(by_feature)
        return through_slopes(grad, self._x, self._slope(), self._below)

    def _slope(self) -> Tensor:
        weight = self.tensors["weight"]
        return weight[..., :1] if self._is_shared else self.tile(weight)


def through_slopes(grad: Tensor, x: Tensor, slope: Tensor, memory: Tensor) -> Tensor:
    """Return the gradient times 1 where x is above 0, and times the slope elsewhere."""
    above = threshold_backward(grad, x, 0, grad_input=memory)
    return above.addcmul_(slope, grad.sub_(above))
