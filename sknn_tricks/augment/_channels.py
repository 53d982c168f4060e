"""Which axis of a net's images has the channels, said once for all that looks at them."""

from __future__ import annotations

from typing import Any

from sknn_tricks._image_layout import ImageLayout, image_layout
from sknn_tricks.augment._augment import Augment

# The parameter of a spec that says it.
OF_SPEC = "channels_axis"


def channels_of(spec: Any, augment: Any) -> str:
    """Return which axis has the channels: as the augmentation says, or else the net's spec.

    Parameters
    ----------
    spec : spec
        One that says nothing of it stands for "auto".
    augment : Augment or None

    Returns
    -------
    {"auto", "first", "last"}

    Examples
    --------
    >>> from sknn_tricks.nets import ConvNet
    >>> net = ConvNet(channels_axis="last")
    >>> channels_of(net, None), channels_of(net, Augment()), channels_of(None, None)
    ('last', 'last', 'auto')
    >>> channels_of(net, Augment(channels="first"))
    'first'
    """
    if isinstance(augment, Augment) and augment.channels != "auto":
        return augment.channels
    return getattr(spec, OF_SPEC, "auto")


def layout_of(input_shape: tuple[int, ...], spec: Any, augment: Any) -> ImageLayout:
    """Return the layout of the images of a net.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one row.
    spec : spec
    augment : Augment or None

    Raises
    ------
    ValueError
        If rows are no images, or one cannot tell where their channels are. It names the parameter
        by which that is said.
    """
    channels = channels_of(spec, augment)
    by_spec = channels == getattr(spec, OF_SPEC, None)
    return image_layout(input_shape, channels, OF_SPEC if by_spec else "channels")
