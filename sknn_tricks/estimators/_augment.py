"""What the parameters `augment` and `cutmix` of an estimator stand for."""

from __future__ import annotations

from typing import Any

from sklearn.base import clone

from sknn_tricks._image_layout import image_layout
from sknn_tricks.augment import Augment, as_augment

PREFIX = "augment__"


def augment_of(augment: Any, input_shape: tuple[int, ...], of_bytes: bool) -> Augment | None:
    """Return the augmentation that a parameter stands for, for rows of that shape.

    Parameters
    ----------
    augment : object
    input_shape : tuple of int
    of_bytes : bool
        Whether the rows are bytes.

    Raises
    ------
    ValueError
        If there is none of that name, a setting of it is out of range, or the rows are no images.
    TypeError
        If it is something else.
    """
    found = as_augment(augment)
    if found is not None:
        found.prepare(input_shape, of_bytes)
    return found


def cutmix_of(cutmix: float, augment: Any, input_shape: tuple[int, ...]) -> float:
    """Return the parameter of CutMix.

    Raises
    ------
    ValueError
        If the rows are no images to cut.
    """
    if cutmix:
        found = as_augment(augment)
        image_layout(input_shape, "auto" if found is None else found.channels)
    return cutmix


def with_own_augment(params: dict[str, Any], augment: Any) -> dict[str, Any]:
    """Return parameters to set, with an augmentation of the estimator's own to set them in.

    Without augmentation, settings of it mean nothing and are left out: so that a search may have
    None beside others, and a strength.

    Parameters
    ----------
    params : dict of str to object
        Some begin with ``augment__``.
    augment : object
        The one that the estimator has, if `params` has no other.

    Raises
    ------
    ValueError
        If augmentations have no parameter of that name.

    Examples
    --------
    >>> with_own_augment({"augment": "shift", "augment__strength": 0.5}, None)
    {'augment': Augment(transforms=[Shift()]), 'augment__strength': 0.5}
    >>> with_own_augment({"augment__strength": 0.5}, None)
    {'augment': None}
    """
    found = as_augment(params.get("augment", augment))
    if found is not None:
        return {**params, "augment": clone(found)}
    inner = {name: value for name, value in params.items() if name.startswith(PREFIX)}
    Augment().set_params(**{name.removeprefix(PREFIX): value for name, value in inner.items()})
    others = {name: value for name, value in params.items() if name not in inner}
    return {**others, "augment": None}
