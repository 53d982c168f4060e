"""Transforms as a list of ours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sknn_tricks._messages import message
from sknn_tricks.augment._albumentation import is_of_albumentations
from sknn_tricks.augment._transform import Transform

# What to do about something that is no transform.
HINTS = {
    "augment": "Write them as a list, such as Augment([Flip(), Shift(2)])",
    "tta": 'Write one name, such as tta="five_crop", or transforms, such as tta=[Flip(), Noise()]',
}


def as_list(transforms: Any, name: str = "augment") -> list[Transform]:
    """Return transforms as a list of ours.

    Parameters
    ----------
    transforms : transform, or list of transforms
    name : {"augment", "tta"}, default="augment"
        The parameter that they were given for.

    Raises
    ------
    TypeError
        If one is no transform.
    """
    if isinstance(transforms, Transform) or is_of_albumentations(transforms):
        return [as_transform(transforms, name)]
    if not isinstance(transforms, Iterable) or isinstance(transforms, str):
        raise TypeError(_no_transform(transforms, name))
    return [as_transform(transform, name) for transform in transforms]


def as_transform(transform: Any, name: str = "augment") -> Transform:
    """Return a transform as one of ours."""
    if isinstance(transform, Transform):
        return transform
    if is_of_albumentations(transform):
        raise TypeError(_bare(transform, name))
    raise TypeError(_no_transform(transform, name))


def _bare(transform: Any, name: str) -> str:
    return message(
        f"{name} has a bare transform of albumentations, which scikit-learn cannot clone",
        expected="an Augment that has it",
        got=repr(transform),
        todo=f"Write {name}=Augment([...])",
    )


def _no_transform(value: Any, name: str) -> str:
    got = f"the class {value.__name__}" if isinstance(value, type) else repr(value)
    return message(
        f"{name} has something that is no transform",
        expected="transforms of sknn_tricks.augment or of albumentations",
        got=got,
        todo=HINTS[name],
    )
