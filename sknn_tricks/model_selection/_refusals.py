"""Why a search with Optuna refuses what it was given: the texts of its errors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sknn_tricks._messages import message


def no_optuna() -> str:
    """Say that Optuna is missing."""
    return message(
        "FusedOptunaSearchCV needs Optuna",
        expected="the package optuna",
        got="none",
        todo='Install it with pip install "sknn-tricks[optuna]"',
    )


def nothing_to_search() -> str:
    """Say that there is no parameter to search."""
    return message(
        "param_distributions is empty",
        expected="parameters and what to draw them from",
        got="{}",
        todo="Name a parameter, such as {'lr': FloatDistribution(1e-4, 1e-1, log=True)}",
    )


def no_distribution(name: str, given: Any) -> str:
    """Say that nothing can be drawn from what a parameter was given."""
    what = "a distribution of scipy" if hasattr(given, "rvs") else repr(given)
    return message(
        f"param_distributions[{name!r}] is nothing that Optuna can draw from",
        expected="a list of values or a distribution of optuna.distributions",
        got=what,
        todo="Write loguniform(1e-4, 1e-1) as FloatDistribution(1e-4, 1e-1, log=True), and "
        "randint(1, 9) as IntDistribution(1, 8)",
    )


def other_distribution(name: str, before: Any, now: Any) -> str:
    """Say that the study has drawn a parameter from something else before."""
    return message(
        f"The study has drawn {name} from something else before",
        expected=f"{before}",
        got=f"{now}",
        todo="Give the new search a study_name of its own",
    )


def other_study(name: str, before: Any, now: Any) -> str:
    """Say that the study was made for a search with other scores."""
    return message(
        f"The study {name!r} was made for another search",
        expected=f"{before}",
        got=f"{now}",
        todo="Give the new search a study_name of its own",
    )


def other_direction(name: str, directions: Iterable[Any]) -> str:
    """Say that the study does not look for one large score."""
    got = ", ".join(direction.name.lower() for direction in directions)
    return message(
        f"The study {name!r} was made for something else",
        expected="a study that maximizes one score",
        got=f"one with the directions {got}",
        todo="Give the search a study_name of its own",
    )


def no_study_name(storage: str) -> str:
    """Say that a study in a storage needs a name."""
    return message(
        "A study in a storage needs a name to be found again by",
        expected="study_name='...'",
        got=f"study_name=None with storage={storage!r}",
        todo="Give it a name",
    )


def not_of_optuna(name: str, given: Any, kind: str) -> str:
    """Say that a sampler or pruner is none."""
    return message(
        f"{name} is nothing that Optuna can use",
        expected=f"an instance of a class of optuna.{kind}, or None",
        got=repr(given),
        todo=f"Make one, or leave {name} out",
    )


def no_metric(refit: Any, metrics: Iterable[str]) -> str:
    """Say that it is open which of several metrics is the one to optimise."""
    names = ", ".join(repr(name) for name in sorted(metrics))
    return message(
        "Of several metrics, refit names the one that is optimised",
        expected=f"one of {names}",
        got=f"refit={refit!r}",
        todo="Set refit to the metric that counts",
    )


def other_splits_each_time(cv: Any) -> str:
    """Say that batches of candidates would be scored on different folds."""
    return message(
        "cv gives other folds each time it is asked, and batches could not be compared",
        expected="a cv that does not shuffle, or whose random_state is an int",
        got=f"{cv}",
        todo="Set its random_state to an int",
    )
