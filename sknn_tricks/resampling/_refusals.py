"""Why `Resampled` refuses what it was given: the texts of its errors."""

from __future__ import annotations

from typing import Any

from sknn_tricks._messages import message


def no_sampler(sampler: Any) -> str:
    """Say that the sampler is none."""
    return message(
        "sampler cannot resample",
        expected="a sampler, which has fit_resample, or None",
        got=_named(sampler),
        todo="Put transformers into a Pipeline, as or before the estimator"
        if hasattr(sampler, "transform")
        else "Choose one of sknn_tricks.resampling or of imbalanced-learn",
    )


def no_estimator(estimator: Any) -> str:
    """Say that the estimator is none."""
    return message(
        "estimator cannot be trained",
        expected="an estimator, which has fit",
        got=_named(estimator),
        todo="Call Resampled(sampler, estimator)",
    )


def no_weights(estimator: Any) -> str:
    """Say that the estimator takes no weights."""
    return message(
        f"{type(estimator).__name__} takes no sample_weight",
        expected="an estimator whose fit takes it",
        got="weights",
        todo="Leave them out; for a step of a pipeline, pass step__sample_weight to a pipeline "
        "whose last step is Resampled",
    )


def no_indices(sampler: Any) -> str:
    """Say that nobody knows which weights belong to resampled rows."""
    return message(
        f"{type(sampler).__name__} does not tell which rows it chose",
        expected="a sampler with sample_indices_, by which weights can be taken along",
        got="sample_weight",
        todo="Leave the weights out, or use a sampler that chooses rows",
    )


def no_classifier(estimator: Any) -> str:
    """Say that there are no probabilities to correct."""
    return message(
        "prior_correction is of no meaning here",
        expected="a classifier, whose probabilities are corrected",
        got=type(estimator).__name__,
        todo="Set prior_correction=False",
    )


def many_labels() -> str:
    """Say that rows have several labels, so that these have no shares that sum to 1."""
    return message(
        "prior_correction needs classes that exclude each other",
        expected="one label for each row",
        got="several columns of targets",
        todo="Set prior_correction=False, or train one classifier for each label",
    )


def held_out_copies(sampler: Any) -> str:
    """Say that early stopping watches rows that are trained on."""
    return message(
        "Early stopping holds out rows of which copies are trained on, and stops too late",
        expected="held-out rows that are not trained on",
        got=f"early_stopping=True after {type(sampler).__name__}",
        todo="Pass validation_data to fit, set early_stopping=False, or use class weights",
    )


def _named(what: Any) -> str:
    return f"the class {what.__name__}" if isinstance(what, type) else type(what).__name__
