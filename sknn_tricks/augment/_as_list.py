"""Transforms as a list of ours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sknn_tricks._messages import message
from sknn_tricks.augment._albumentation import is_of_albumentations
from sknn_tricks.augment._transform import Transform


def as_list(transforms: Any) -> list[Transform]:
    """Return transforms as a list of ours.

    Raises
    ------
    TypeError
        If one is no transform.
    """
    if isinstance(transforms, Transform) or is_of_albumentations(transforms):
        return [as_transform(transforms)]
    if not isinstance(transforms, Iterable) or isinstance(transforms, str):
        raise TypeError(_no_transform(transforms))
    return [as_transform(transform) for transform in transforms]


def as_transform(transform: Any) -> Transform:
    """Return a transform as one of ours."""
    if isinstance(transform, Transform):
        return transform
    if is_of_albumentations(transform):
        raise TypeError(_bare(transform))
    raise TypeError(_no_transform(transform))


def _bare(transform: Any) -> str:
    return message(
        "augment has a bare transform of albumentations, which scikit-learn cannot clone",
        expected="an Augment that has it",
        got=repr(transform),
        todo="Write augment=Augment([...])",
    )


def _no_transform(value: Any) -> str:
    got = f"the class {value.__name__}" if isinstance(value, type) else repr(value)
    return message(
        "augment has something that is no transform",
        expected="transforms of sknn_tricks.augment or of albumentations",
        got=got,
        todo="Write them as a list, such as Augment([Flip(), Shift(2)])",
    )
