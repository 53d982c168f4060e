"""Transforms of albumentations, which change one image at a time."""

from __future__ import annotations

import copy
import difflib
import inspect
from typing import Any, Self

from sknn_tricks._image_layout import ImageLayout
from sknn_tricks._messages import lookup, message
from sknn_tricks.augment._import import albumentations
from sknn_tricks.augment._one_by_one import OneByOne
from sknn_tricks.augment._transform import Transform

CLASS = "__class_fullname__"


class Albumentation(Transform):
    """A transform of albumentations, by the name of its class.

    `Augment` takes objects of albumentations as well. By name, an argument that does not exist is
    an error, of which albumentations only warns; the arguments are searchable and can be saved.

    Each image has random numbers of its own, as with our transforms. Images that were given as
    bytes go in as bytes, rounded; others must be in [0, 1].

    Parameters
    ----------
    transform : str, dict or transform of albumentations
        The name of its class, or the object itself, which is kept as a name and arguments, or, if
        it consists of others, as what ``albumentations.to_dict`` writes of it.
    **params : dict
        Arguments of the class, if it is given by name; others have theirs in them.

    Raises
    ------
    ValueError
        If there are arguments for a transform that is not given by name.
    TypeError
        If it is no transform.

    Notes
    -----
    albumentations 2.0.8 is the last version of it that is free for all uses. It is slower than our
    transforms, by 2 to 20 times for small images: each image costs some calls of Python. See
    ``n_workers`` of `Augment`.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn_tricks.augment import Augment
    >>> augment = Augment([Albumentation("HorizontalFlip", p=1.0)])
    >>> augment(np.arange(6, dtype=np.uint8).reshape(1, 2, 3), random_state=0)
    array([[[2, 1, 0],
            [5, 4, 3]]], dtype=uint8)
    """

    unit_range = True

    def __init__(self, transform: Any, **params: Any) -> None:
        self.transform, self._params = _written(transform, params)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the transform and its arguments."""
        return {"transform": self.transform, **self._params}

    def set_params(self, **params: Any) -> Self:
        """Set arguments of the class, or `transform` itself, and return self.

        Raises
        ------
        ValueError
            If the class has no such argument, or the transform is not given by name.
        """
        transform = params.pop("transform", self.transform)
        if isinstance(transform, str):
            _check_names(_class_of(transform), params)
            params = {**self._params, **params}
        self.transform, self._params = _written(transform, params)
        return self

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        arguments = [f"{name}={value!r}" for name, value in self._params.items()]
        return f"Albumentation({', '.join([repr(self.transform), *arguments])})"[:N_CHAR_MAX]

    @property
    def name(self) -> str:
        """The name of the class."""
        if isinstance(self.transform, str):
            return self.transform
        return self.transform["transform"][CLASS]

    def make(self) -> Any:
        """Make the object of albumentations.

        Raises
        ------
        ValueError
            If there is no such class or argument, or an argument is out of range.
        """
        if isinstance(self.transform, str):
            cls = _class_of(self.transform)
            _check_names(cls, self._params)
            return _made(self.transform, lambda: cls(**self._params))
        config = copy.deepcopy(self.transform)  # it is changed on the way
        return _made(self.name, lambda: albumentations().from_dict(config))

    def check(self, layout: ImageLayout) -> None:
        """Raise if it cannot be made."""
        self.make()

    def ready(self, layout: ImageLayout, of_bytes: bool) -> Transform:
        """Return what changes the images, after it was tried on one."""
        found = OneByOne(self, of_bytes)
        found.check(layout)
        return found


def is_of_albumentations(value: Any) -> bool:
    """Whether a value is a transform of albumentations, which need not be installed."""
    names = {cls.__module__.split(".")[0] for cls in type(value).__mro__}
    return "albumentations" in names and callable(value)


def _written(transform: Any, params: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return a transform as a name and arguments, or as a dict and none."""
    if isinstance(transform, str):
        return transform, params
    if params:
        raise ValueError(_has_its_own(transform, params))
    if is_of_albumentations(transform):
        return _in_words(transform)
    config = transform.get("transform") if isinstance(transform, dict) else None
    if isinstance(config, dict) and CLASS in config:
        return transform, {}
    raise TypeError(_no_transform(transform))


def _in_words(transform: Any) -> tuple[Any, dict[str, Any]]:
    """Return an object of albumentations as a name and arguments, or as a dict and none."""
    try:
        config = albumentations().to_dict(transform)
    except Exception as error:  # a function of the user's own needs a name
        raise ValueError(_cannot(transform, "be written down", error)) from error
    name = config["transform"][CLASS]
    if "__name__" in config["transform"]:  # albumentations' Lambda: its functions are not in there
        raise ValueError(_cannot(transform, "be written down", TypeError("it has functions")))
    if "transforms" in config["transform"] or not hasattr(albumentations(), name):
        return config, {}
    return name, {key: value for key, value in config["transform"].items() if key != CLASS}


def _class_of(name: str) -> Any:
    library = albumentations()
    base = library.BasicTransform
    known = {
        each: cls
        for each, cls in vars(library).items()
        if isinstance(cls, type) and issubclass(cls, base) and not inspect.isabstract(cls)
    }
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    raise ValueError(
        message(
            "There is no such transform in albumentations",
            expected="the name of a class of albumentations",
            got=f"{name!r}",
            todo=f"Did you mean one of {close}" if close else "See albumentations' list of them",
        )
    )


def _check_names(cls: Any, params: dict[str, Any]) -> None:
    known = dict.fromkeys(list(inspect.signature(cls.__init__).parameters)[1:])
    for name in params:
        lookup(name, known, f"argument of {cls.__name__}")


def _made(what: Any, make: Any) -> Any:
    try:
        return make()
    except Exception as error:
        raise ValueError(_cannot(what, "be made", error)) from error


def _has_its_own(transform: Any, params: dict[str, Any]) -> str:
    name, value = next(iter(params.items()))
    kind = "a dict" if isinstance(transform, dict) else type(transform).__name__
    return message(
        "Arguments are for a transform of albumentations that is given by name",
        expected='a name, such as Albumentation("Rotate", limit=10), or no arguments',
        got=f"{name}={value!r} for {kind}",
        todo="Give the transform by its name, or make it anew with other arguments",
    )


def _no_transform(value: Any) -> str:
    return message(
        "Albumentation has something that is no transform of albumentations",
        expected="the name of a class, an object of it, or what albumentations.to_dict writes",
        got=repr(value),
        todo='Write its name, such as Albumentation("HorizontalFlip", p=1.0)',
    )


def _cannot(what: Any, do: str, error: Exception) -> str:
    return message(
        f"A transform of albumentations cannot {do}",
        expected="a transform with arguments that albumentations takes",
        got=f"{what!r}: {' '.join(str(error).split())}",
        todo="See albumentations' documentation of it",
    )
