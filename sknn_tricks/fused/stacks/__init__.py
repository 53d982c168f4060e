"""K nets as one: stacked layers, losses, optimisers, and the skorch net that trains them."""

from sknn_tricks.fused.stacks._layers import Layer, register
from sknn_tricks.fused.stacks._stack import Stack, refuses, stack

__all__ = ["Layer", "Stack", "refuses", "register", "stack"]
