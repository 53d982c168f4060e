"""What a net *is*: small parameter holders that build plain torch modules, and layers of ours."""

from sknn_tricks.nets._activations import ACTIVATIONS, make_activation
from sknn_tricks.nets._channel_dropout import ChannelDropout
from sknn_tricks.nets._conv_net import ConvNet
from sknn_tricks.nets._drop_connect import DropConnect, DropConnect2d
from sknn_tricks.nets._drop_path import DropPath
from sknn_tricks.nets._dropout import Dropout
from sknn_tricks.nets._fractional_pool import FractionalMaxPool
from sknn_tricks.nets._image_input import ImageInput
from sknn_tricks.nets._layered import Layered
from sknn_tricks.nets._mlp import MLP
from sknn_tricks.nets._norms import NORMS, BatchNorm, GroupNorm, LayerNorm
from sknn_tricks.nets._res_mlp import ResMLP
from sknn_tricks.nets._res_net import ResNet
from sknn_tricks.nets._residual import ProjectedResidual, Residual
from sknn_tricks.nets._rrelu import RReLU
from sknn_tricks.nets._spec import as_spec
from sknn_tricks.nets._torch_module import ModuleInstance, TorchModule

__all__ = [
    "ACTIVATIONS",
    "MLP",
    "NORMS",
    "BatchNorm",
    "ChannelDropout",
    "ConvNet",
    "DropConnect",
    "DropConnect2d",
    "DropPath",
    "Dropout",
    "FractionalMaxPool",
    "GroupNorm",
    "ImageInput",
    "LayerNorm",
    "Layered",
    "ModuleInstance",
    "ProjectedResidual",
    "RReLU",
    "ResMLP",
    "ResNet",
    "Residual",
    "TorchModule",
    "as_spec",
    "make_activation",
]
