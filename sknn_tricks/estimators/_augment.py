"""What the parameters `augment` and `cutmix` of an estimator stand for."""

from __future__ import annotations

from typing import Any

from sklearn.base import clone

from sknn_tricks.augment import Augment, as_augment
from sknn_tricks.augment._channels import channels_of, layout_of


def augment_of(
    augment: Any, input_shape: tuple[int, ...], of_bytes: bool, spec: Any = None
) -> Augment | None:
    """Return the augmentation that a parameter stands for, for rows of that shape.

    Parameters
    ----------
    augment : object
    input_shape : tuple of int
    of_bytes : bool
        Whether the rows are bytes.
    spec : spec or None, default=None
        Of the net. It may say where the channels are, which counts if `augment` does not.

    Raises
    ------
    ValueError
        If there is none of that name, a setting of it is out of range, or the rows are no images.
    TypeError
        If it is something else.
    """
    found = as_augment(augment)
    if found is None:
        return None
    layout_of(input_shape, spec, found)  # complains in the name of the parameter that decides
    if (channels := channels_of(spec, found)) != found.channels:
        found = clone(found).set_params(channels=channels)
    found.prepare(input_shape, of_bytes)
    return found


def check_cutmix(
    cutmix: float, augment: Any, input_shape: tuple[int, ...], spec: Any = None
) -> None:
    """Raise if rows are to be cut that are no images.

    Raises
    ------
    ValueError
    """
    if cutmix:
        layout_of(input_shape, spec, as_augment(augment))


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
    return with_own(params, "augment", found, Augment())


def with_own(params: dict[str, Any], name: str, found: Any, usual: Any) -> dict[str, Any]:
    """Return parameters to set, with a copy of an object to set them in.

    Parameters
    ----------
    params : dict of str to object
        Some begin with the name and ``__``.
    name : str
        The parameter that holds the object.
    found : object or None
        None has no parameters: those that are for it are left out.
    usual : object
        What knows which parameters there are.

    Raises
    ------
    ValueError
        If there is no parameter of that name.
    """
    if found is not None:
        return {**params, name: clone(found)}
    prefix = f"{name}__"
    inner = {each: value for each, value in params.items() if each.startswith(prefix)}
    for each, value in inner.items():
        usual.set_params(**{each.removeprefix(prefix).partition("__")[0]: value})
    others = {each: value for each, value in params.items() if each not in inner}
    return {**others, name: None}
