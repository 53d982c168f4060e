"""Normalisation layers: what they are, before their width is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.base import BaseEstimator
from torch import nn

from sknn_tricks._messages import lookup, message
from sknn_tricks._read_once import ReadOnce

# "auto" makes as many groups as a width can be parted into, up to so many.
MOST_GROUPS = 8


class BatchNorm(ReadOnce, BaseEstimator):
    """Normalise each feature over the rows of a batch; in prediction by running averages.

    In nets for images a feature is a channel.

    Parameters
    ----------
    momentum : float, default=0.1
        How far a step moves the running averages towards those of its batch, in (0, 1].
    eps : float, default=1e-5
        Added to the variance.
    affine : bool, default=True
        Whether a scale and a shift are learnt for each feature.

    References
    ----------
    .. [1] S. Ioffe, C. Szegedy, "Batch normalization: accelerating deep network training by
       reducing internal covariate shift", ICML 2015.

    Examples
    --------
    >>> BatchNorm(momentum=0.01)(8)
    BatchNorm1d(8, eps=1e-05, momentum=0.01, affine=True, bias=True, track_running_stats=True)
    """

    def __init__(self, momentum: float = 0.1, eps: float = 1e-5, affine: bool = True) -> None:
        self.momentum = momentum
        self.eps = eps
        self.affine = affine

    def __call__(self, width: int) -> nn.BatchNorm1d:
        """Make the layer for (N, D), D being `width`."""
        self._check()
        return nn.BatchNorm1d(width, self.eps, self.momentum, self.affine)

    def of_images(self, n_channels: int) -> nn.BatchNorm2d:
        """Make the layer for (N, C, H, W): each channel over the batch and all pixels."""
        self._check()
        return nn.BatchNorm2d(n_channels, self.eps, self.momentum, self.affine)

    def _check(self) -> None:
        check_eps(self.eps)
        if not 0 < self.momentum <= 1:
            raise ValueError(
                message(
                    "momentum is no share of a step",
                    expected="a number in (0, 1]",
                    got=f"momentum={self.momentum!r}",
                    todo="It is the share that a batch has in the running averages, such as 0.1",
                )
            )


class LayerNorm(ReadOnce, BaseEstimator):
    """Normalise each row over its features; an image over all its channels and pixels.

    Parameters
    ----------
    eps : float, default=1e-5
        Added to the variance.
    affine : bool, default=True
        Whether a scale and a shift are learnt for each feature.

    References
    ----------
    .. [1] J. Ba, J. Kiros, G. Hinton, "Layer normalization", 2016.

    Examples
    --------
    >>> LayerNorm()(8)
    LayerNorm((8,), eps=1e-05, elementwise_affine=True, bias=True)
    """

    def __init__(self, eps: float = 1e-5, affine: bool = True) -> None:
        self.eps = eps
        self.affine = affine

    def __call__(self, width: int) -> nn.LayerNorm:
        """Make the layer for (N, D), D being `width`."""
        check_eps(self.eps)
        check_group(width, 1, "layer")
        return nn.LayerNorm(width, self.eps, self.affine)

    def of_images(self, n_channels: int) -> nn.GroupNorm:
        """Make the layer for (N, C, H, W): each image over its channels and pixels."""
        check_eps(self.eps)
        return nn.GroupNorm(1, n_channels, self.eps, self.affine)


class GroupNorm(ReadOnce, BaseEstimator):
    """Normalise each row over groups of neighbouring features; an image over groups of channels.

    Parameters
    ----------
    groups : int or "auto", default="auto"
        How many; each has as many features, and 2 of them or more. "auto" takes the largest
        number up to 8 for which that holds.
    eps : float, default=1e-5
        Added to the variance.
    affine : bool, default=True
        Whether a scale and a shift are learnt for each feature.

    References
    ----------
    .. [1] Y. Wu, K. He, "Group normalization", ECCV 2018.

    Examples
    --------
    >>> GroupNorm(groups=4)(8)
    GroupNorm(4, 8, eps=1e-05, affine=True, bias=True)
    >>> GroupNorm()(100).num_groups
    5
    """

    def __init__(self, groups: int | str = "auto", eps: float = 1e-5, affine: bool = True) -> None:
        self.groups = groups
        self.eps = eps
        self.affine = affine

    def __call__(self, width: int) -> nn.GroupNorm:
        """Make the layer for (N, D), D being `width`."""
        return self._make(width, 2)

    def of_images(self, n_channels: int) -> nn.GroupNorm:
        """Make the layer for (N, C, H, W): each image over groups of channels and all pixels.

        A group may be one channel, which has pixels enough.
        """
        return self._make(n_channels, 1)

    def _make(self, width: int, least: int) -> nn.GroupNorm:
        """Make the layer of groups of `least` features or more."""
        check_eps(self.eps)
        n_groups: Any = self.groups
        if n_groups == "auto":
            fitting = (n for n in range(MOST_GROUPS, 1, -1) if width % n == 0 and width > n)
            n_groups = next(fitting, 1)
        check_group(width, n_groups, "group", least)
        return nn.GroupNorm(int(n_groups), width, self.eps, self.affine)


NORMS: dict[str, BatchNorm | GroupNorm | LayerNorm] = {
    "batch": BatchNorm(),
    "group": GroupNorm(),
    "layer": LayerNorm(),
}

# What torch's own classes are called here, where each suits tables and images.
TORCHS: dict[type[nn.Module], str] = {
    nn.BatchNorm1d: "batch",
    nn.BatchNorm2d: "batch",
    nn.GroupNorm: "group",
    nn.LayerNorm: "layer",
}


def as_norm(norm: Any, of_images: bool = False) -> Callable[[int], nn.Module] | None:
    """Return what makes the normalisation layer of a width.

    Parameters
    ----------
    norm : None, str or callable
        None, "batch", "group", "layer", a `BatchNorm`, `GroupNorm` or `LayerNorm`, a class of torch
        that is one of these, or another callable (or ``torch.nn.Module`` class) that makes a
        module from the width.
    of_images : bool, default=False
        Whether the layers are for (N, C, H, W), the width being C, and not for (N, D). A callable
        of the user's makes what it makes.

    Returns
    -------
    callable (width) -> torch.nn.Module, or None

    Raises
    ------
    ValueError
        If the name is not known.

    Examples
    --------
    >>> as_norm("layer")
    LayerNorm()
    >>> as_norm("layer", of_images=True)(8)
    GroupNorm(1, 8, eps=1e-05, affine=True, bias=True)
    """
    if isinstance(norm, type) and issubclass(norm, BaseEstimator):
        norm = norm()
    if norm is None:
        return None
    if isinstance(norm, type):
        norm = TORCHS.get(norm, norm)
    if not callable(norm) or isinstance(norm, nn.Module):
        norm = lookup(norm, NORMS, "norm")
    return getattr(norm, "of_images", norm) if of_images else norm


def check_eps(eps: float) -> None:
    """Raise if `eps` is nothing to add to a variance."""
    if not eps > 0:
        raise ValueError(
            message(
                "eps is nothing to add to a variance",
                expected="a number above 0",
                got=f"eps={eps!r}",
                todo="The usual one is eps=1e-5",
            )
        )


def check_group(width: int, n_groups: Any, name: str, least: int = 2) -> None:
    """Raise if a layer of that width cannot be normalised in so many groups."""
    fits = not isinstance(n_groups, bool | str) and n_groups >= 1 and n_groups == int(n_groups)
    if not fits or width % n_groups or width // n_groups < least:
        groups = f" in groups={n_groups!r}" if name == "group" else ""
        raise ValueError(
            message(
                f"norm={name!r} does not fit a layer of {width} features",
                expected=f"groups of equal size, of {least} features or more",
                got=f"{width} features{groups}",
                todo="Choose another width, another number of groups, or norm='batch'",
            )
        )
