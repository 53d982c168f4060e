"""Studies and their samplers, made without a sound."""

from __future__ import annotations

import copy
import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import optuna
from optuna.study import StudyDirection

from sknn_tricks.model_selection import _refusals as refusals

# The name of a study in memory. Some pruners draw from the name, so it must not change.
IN_MEMORY = "sknn_tricks"
# Under which name a study keeps what it was made for.
SETTINGS = "sknn_tricks:settings"

_one_at_a_time = threading.Lock()


def open_study(
    name: str | None, storage: str | None, pruner: Any, settings: dict[str, Any], verbose: bool
) -> optuna.Study:
    """Make a study that maximizes, or go on with the one of that name.

    Parameters
    ----------
    name, storage : str or None
        As in `optuna.create_study`.
    pruner : optuna.pruners.BasePruner or None
        None for no pruning. The study has a copy: pruners keep what they have seen.
    settings : dict
        What must be the same in all fits of a study, as JSON can hold it.
    verbose : bool
        Whether Optuna may say that there is a study.

    Returns
    -------
    optuna.Study
    """
    if pruner is not None and not isinstance(pruner, optuna.pruners.BasePruner):
        raise TypeError(refusals.not_of_optuna("pruner", pruner, "pruners"))
    if storage is not None and name is None:
        raise ValueError(refusals.no_study_name(storage))
    with _quiet(verbose):
        study = optuna.create_study(
            study_name=name or IN_MEMORY,
            storage=storage,
            direction="maximize",
            load_if_exists=True,
            pruner=copy.deepcopy(pruner) if pruner else optuna.pruners.NopPruner(),
        )
    if study.directions != [StudyDirection.MAXIMIZE]:
        raise ValueError(refusals.other_direction(study.study_name, study.directions))
    before = study.user_attrs.get(SETTINGS, settings)
    if before != settings:
        raise ValueError(refusals.other_study(study.study_name, before, settings))
    study.set_user_attr(SETTINGS, settings)
    return study


def new_sampler(seed: int, n_evaluated: int) -> optuna.samplers.BaseSampler:
    """Return a sampler for the next batch.

    A batch has a seed of its own, so that a study which goes on asks for what it would have asked
    for without the break.
    """
    own = int(np.random.SeedSequence([seed, n_evaluated]).generate_state(1)[0])
    with _quiet():  # the liar, who keeps the candidates of a batch apart, was experimental once
        return optuna.samplers.TPESampler(seed=own, constant_liar=True)


def copy_of_sampler(sampler: Any, is_new: bool) -> optuna.samplers.BaseSampler:
    """Return a copy of a user's sampler; in a study that goes on, it must not begin anew."""
    if not isinstance(sampler, optuna.samplers.BaseSampler):
        raise TypeError(refusals.not_of_optuna("sampler", sampler, "samplers"))
    own = copy.deepcopy(sampler)
    if not is_new:
        own.reseed_rng()
    return own


@contextmanager
def _quiet(verbose: bool = False) -> Iterator[None]:
    """Hold back what Optuna logs, and what it warns of as experimental."""
    logger = logging.getLogger("optuna")
    # Or one thread would take another's level for the user's.
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        level = logger.level
        if not verbose:
            logger.setLevel(max(level, logging.WARNING))
        try:
            yield
        finally:
            logger.setLevel(level)
