"""What may be given as augmentation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sknn_tricks._messages import lookup
from sknn_tricks.augment._as_list import as_list
from sknn_tricks.augment._augment import Augment
from sknn_tricks.augment._cutout import Cutout
from sknn_tricks.augment._flip import Flip
from sknn_tricks.augment._shift import Shift
from sknn_tricks.augment._transform import Transform

RECIPES: dict[str, Callable[[], list[Transform]]] = {
    "shift": lambda: [Shift()],
    "flip_shift": lambda: [Flip(), Shift()],
    "flip_shift_cutout": lambda: [Flip(), Shift(), Cutout()],
}


def as_augment(augment: Any, name: str = "augment") -> Augment | None:
    """Return the augmentation that a parameter stands for.

    Parameters
    ----------
    augment : None, Augment, transform, list of transforms or str
        A str is one of `RECIPES`.
    name : {"augment", "tta"}, default="augment"
        The parameter that it was given for.

    Returns
    -------
    Augment or None

    Raises
    ------
    ValueError
        If there is none of that name.
    TypeError
        If it is something else.

    Examples
    --------
    >>> as_augment("flip_shift")
    Augment(transforms=[Flip(), Shift()])
    """
    if augment is None or isinstance(augment, Augment):
        return augment
    if isinstance(augment, str):
        return Augment(lookup(augment, RECIPES, name)())
    return Augment(as_list(augment, name))
