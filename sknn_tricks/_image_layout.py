"""Which axis of an image is what: rows of images as torch's convolutions want them, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sknn_tricks._messages import message

if TYPE_CHECKING:  # scalers, which import this, work without it
    from torch import Tensor

CHANNELS = ("auto", "first", "last")
# More channels than these are taken for a height or width, if one has to guess.
MOST_CHANNELS = 4


@dataclass(frozen=True)
class ImageLayout:
    """Shape of one image, and where its channels are.

    Parameters
    ----------
    channels : {"first", "last", None}
        Which axis; None for grey images of shape (H, W).
    n_channels, height, width : int
    """

    channels: str | None
    n_channels: int
    height: int
    width: int

    def to_nchw(self, x: Tensor) -> Tensor:
        """Return rows (N, ...) of this layout as a view of shape (N, C, H, W).

        Of channels that come last it is in torch's memory format ``channels_last``.
        """
        if self.channels is None:
            return x[:, None]
        return x.permute(0, 3, 1, 2) if self.channels == "last" else x

    def from_nchw(self, x: Tensor) -> Tensor:
        """Return images (N, C, H, W) as a view with the axes of this layout."""
        if self.channels is None:
            return x[:, 0]
        return x.permute(0, 2, 3, 1) if self.channels == "last" else x


def image_layout(
    input_shape: tuple[int, ...], channels: str = "auto", name: str = "channels"
) -> ImageLayout:
    """Return the layout of images of that shape.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one row: (H, W), (H, W, C) or (C, H, W).
    channels : {"auto", "first", "last"}, default="auto"
        Where the channels are. "auto" takes the axis, last or first, that is 4 or less.
    name : str, default="channels"
        The parameter by which the user says it, for the errors.

    Returns
    -------
    ImageLayout

    Raises
    ------
    ValueError
        If that is no shape of an image, or one cannot tell where its channels are.

    Examples
    --------
    >>> image_layout((28, 28))
    ImageLayout(channels=None, n_channels=1, height=28, width=28)
    >>> image_layout((3, 32, 40))
    ImageLayout(channels='first', n_channels=3, height=32, width=40)
    >>> image_layout((32, 40, 12), channels="last")
    ImageLayout(channels='last', n_channels=12, height=32, width=40)
    """
    if channels not in CHANNELS:
        raise ValueError(
            message(
                f"{name} is no axis of images",
                expected="'auto', 'first' or 'last'",
                got=f"{name}={channels!r}",
                todo="'last' is for images of shape (H, W, C), 'first' for (C, H, W)",
            )
        )
    if len(input_shape) == 2:
        return ImageLayout(None, 1, *input_shape)
    if len(input_shape) != 3:
        raise ValueError(
            message(
                "These rows are no images",
                expected="rows of shape (H, W), (H, W, C) or (C, H, W)",
                got=f"rows of shape {input_shape}",
                todo="Give X the shape of its images, such as X.reshape(-1, 28, 28)",
            )
        )
    if (channels := _axis(input_shape, name) if channels == "auto" else channels) == "last":
        return ImageLayout("last", input_shape[2], *input_shape[:2])
    return ImageLayout("first", *input_shape)


def _axis(input_shape: tuple[int, ...], name: str) -> str:
    first, last = (input_shape[axis] <= MOST_CHANNELS for axis in (0, 2))
    if first == last:
        raise ValueError(
            message(
                "It is not clear which axis of the images has their channels",
                expected=f"one axis, the first or the last, of length {MOST_CHANNELS} or less",
                got=f"rows of shape {input_shape}",
                todo=f'Say it with {name}="first" or {name}="last"',
            )
        )
    return "first" if first else "last"
