"""Why something cannot be written, or is not read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sknn_tricks._messages import message


class Refused(ValueError):
    """A file holds what is not to be read, or an estimator what cannot be written."""


class Damaged(Exception):
    """What was read is not what `save` writes; a reason, for the reader of the error."""


def no_estimator(value: Any) -> str:
    """Say that only estimators are saved."""
    return message(
        "This is no estimator",
        expected="a fitted estimator, such as NetClassifier, a Pipeline or a search",
        got=f"a value of type {type(value).__name__}",
        todo="Give the estimator itself",
    )


def own_function(what: str, value: Any) -> str:
    """Say that code is not written."""
    return message(
        f"{what} is a function of your own, and a file holds no code",
        expected="a name, or one of the library's",
        got=repr(value),
        todo="Choose one by name, or keep the estimator with joblib",
    )


def no_form(what: str, value: Any) -> str:
    """Say that there is no form for a value."""
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    return message(
        f"{what} holds what has no place in a file",
        expected="numbers, texts, arrays, modules, or estimators of sknn_tricks and scikit-learn",
        got=f"a {kind}",
        todo="Leave it out before saving; of a search that is often enough: "
        "save(search.best_estimator_, path)",
    )


def around_a_net(what: str, value: Any) -> str:
    """Say that an estimator of another kind has a net inside."""
    return message(
        f"{what} is an estimator that is written without knowing what is inside, but has a net",
        expected="a Pipeline, a search or another estimator of scikit-learn around the net",
        got=f"a {type(value).__module__}.{type(value).__qualname__}",
        todo="Save the net inside of it, such as search.best_estimator_",
    )


def no_array(what: str, dtype: Any) -> str:
    """Say that numbers of a kind are not written."""
    return message(
        f"{what} is an array of numbers that no file holds",
        expected="booleans, whole numbers, floats of at most 64 bits, texts, dates or objects",
        got=f"dtype={dtype}",
        todo="Convert it before the fit",
    )


def around_itself(what: str) -> str:
    """Say that something holds itself."""
    return message(
        f"{what} holds itself",
        expected="parts that do not lead back to the whole",
        got="a circle",
        todo="Leave it out before saving",
    )


def hooked(what: str, hooks: str) -> str:
    """Say that a module has functions attached."""
    return message(
        f"{what} is a module with functions attached, and a file holds no code",
        expected="a module without hooks",
        got=f"entries in {hooks}",
        todo="Remove the hooks before saving",
    )


def same_name(name: str) -> str:
    """Say that two classes of the user's could not be told apart."""
    return message(
        f"Two classes of modules are called {name!r}",
        expected="one class of a name, as load(path, modules={name: class}) finds it by that",
        got=f"two called {name!r}",
        todo="Rename one of them",
    )


def no_module(name: str, given: Sequence[str]) -> str:
    """Say that a class of the user's is needed."""
    return message(
        f"The net is made of a class of your own, {name!r}, which no file holds",
        expected=f"modules={{{name!r}: {name}}}",
        got=f"classes called {', '.join(map(repr, given))}" if given else "no modules",
        todo="Give the class that it was trained with",
    )


def no_class(name: str, value: Any) -> str:
    """Say that what was given for a module is none."""
    return message(
        f"modules[{name!r}] is no class of modules",
        expected="a subclass of torch.nn.Module",
        got=repr(value),
        todo="Give the class itself, not its name or an instance",
    )


def untrusted(types: Sequence[str]) -> str:
    """Say that types are nobody's whom we know."""
    return message(
        "The file holds types whose loading may run code of theirs, or crash on a crafted file",
        expected=f"trusted={list(types)!r}",
        got="no such trust",
        todo="Give this if you trust the file and know the types",
    )


def never_trusted(types: Sequence[str]) -> str:
    """Say that nets are not read in that way."""
    return message(
        "The file holds a net where none belongs: loading it could run code",
        expected="nets as `sknn_tricks.save` writes them",
        got=", ".join(types),
        todo="Do not trust this file",
    )


def no_file_of_ours(path: Any) -> str:
    """Say that a file is of another kind."""
    return message(
        f"{path} is no file that sknn_tricks.save wrote",
        expected="a zip with a config.json that says so",
        got="another kind of file",
        todo="Load it with what wrote it",
    )


def damaged(path: Any, why: object) -> str:
    """Say that a file cannot be read."""
    return message(
        f"{path} is damaged, or was tampered with",
        expected="what sknn_tricks.save wrote",
        got=str(why).rstrip("."),
        todo="Take another copy, or save the estimator again",
    )


def too_new(path: Any, version: Any, known: int) -> str:
    """Say that a later version of the library wrote a file."""
    return message(
        f"{path} was written by a later version of sknn_tricks",
        expected=f"format version {known} or lower",
        got=f"{version}",
        todo="Update sknn_tricks",
    )


def no_folder(folder: Any) -> str:
    """Say that there is no place for a file."""
    return message(
        f"There is no folder {folder}",
        expected="a path in a folder that is there",
        got="none of that name",
        todo="Make it with Path.mkdir",
    )
