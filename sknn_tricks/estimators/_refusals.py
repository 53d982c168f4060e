"""Why an estimator refuses what it was given: the texts of its errors."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from sknn_tricks._messages import message


def no_params(spec: Any, params: dict[str, Any]) -> str:
    """Say that parameters were set on a module that is already made."""
    name = next(name for name in params if name.startswith("module__"))
    return message(
        "A module that is already made has no parameters to set",
        expected="module=TorchModule(cls, **params), whose parameters can be set",
        got=f"{name}={params[name]!r} for {type(spec.module).__name__}",
        todo="Give its class as TorchModule(cls) instead of an instance",
    )


def no_pair(validation_data: Any) -> str:
    """Say that `validation_data` is something else than X and y."""
    return message(
        "validation_data is no pair",
        expected="validation_data=(X, y)",
        got=type(validation_data).__name__,
        todo="Give the rows and their targets",
    )


def no_weight_left(class_weight: Any) -> str:
    """Say that all rows have weight 0."""
    return message(
        "class_weight leaves nothing to train on",
        expected="a class of the rows with a weight above 0",
        got=f"class_weight={class_weight!r}",
        todo="Correct the weights",
    )


def other_dtype(dtype: str, trained_in: str) -> str:
    """Say that the dtype changed between two fits of one net."""
    return message(
        "dtype cannot change while training goes on",
        expected=f"dtype={trained_in!r}",
        got=f"dtype={dtype!r}",
        todo="Set it back, or fit anew with warm_start=False",
    )


def other_n_members(n_members: int, trained: int) -> str:
    """Say that the size of the ensemble changed between two fits of one net."""
    return message(
        "n_members cannot change while training goes on",
        expected=f"n_members={trained}",
        got=f"n_members={n_members}",
        todo="Set it back, or fit anew with warm_start=False",
    )


def other_shape(shape: tuple[int, ...], fitted: tuple[int, ...]) -> str:
    """Say that the rows have another shape than in fit."""
    return message(
        "X has rows of another shape than in fit",
        expected=f"rows of shape {fitted}",
        got=f"{shape}",
        todo="Give the same features as in fit",
    )


def one_class(label: Any) -> str:
    """Say that there is nothing to tell apart."""
    return message(
        "There is only 1 class to learn",
        expected="targets of 2 classes or more (rows of weight 0 do not count)",
        got=f"only {label!r}",
        todo="Give rows of another class",
    )


def no_classes() -> str:
    """Say that a first `partial_fit` does not know its classes."""
    return message(
        "The first call of partial_fit does not say which classes there are",
        expected="classes=<all labels that will ever come>",
        got="classes=None",
        todo="Pass classes at the first call, such as classes=np.unique(y_all)",
    )


def several_columns(shape: tuple[int, ...]) -> str:
    """Say that y has several columns of classes."""
    return message(
        "y has several columns of classes (multiclass-multioutput)",
        expected="one column of labels, or an indicator matrix of 0 and 1",
        got=f"shape {shape}",
        todo="Fit one net per column, for example with MultiOutputClassifier",
    )


def unknown_classes(classes: NDArray[Any], strange: NDArray[Any]) -> str:
    """Say that targets have classes that were not there before."""
    return message(
        "The targets have classes that the net does not know",
        expected=f"classes {classes.tolist()}",
        got=f"{strange.tolist()}",
        todo="Fit anew with warm_start=False, or name all classes at the first call",
    )


def other_kind(shape: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """Say that targets have another shape than in fit."""
    return message(
        "The targets are of another kind than in fit",
        expected=f"shape {wanted}",
        got=f"{shape}",
        todo="Give the same kind of targets, or fit anew with warm_start=False",
    )


def not_exclusive(name: str, value: Any) -> str:
    """Say that a parameter is for classes that exclude each other."""
    return message(
        f"{name} is for targets of one class a row",
        expected=f"{name} left out for an indicator matrix of labels",
        got=f"{name}={value!r}",
        todo="Use class_weight, or loss='logit_adjusted' or 'focal'",
    )


def no_balance_on_disk() -> str:
    """Say that rows on the disk are read in their own order."""
    return message(
        "balanced_batches needs rows in memory",
        expected="an array, or balanced_batches=False",
        got="rows on the disk, which are read in blocks",
        todo="Use class_weight='balanced' or loss='logit_adjusted'",
    )


def no_way_back(classes: NDArray[Any]) -> str:
    """Say that probabilities of classes that had no weight cannot be known."""
    return message(
        "prior_correction cannot make up for a class weight of 0",
        expected="class weights above 0",
        got=f"0 for {classes.tolist()}",
        todo="Give these classes a weight, or set prior_correction=False",
    )


def no_shares(prior: dict[Any, float], classes: list[Any]) -> str:
    """Say that a prior does not name the share of each class."""
    return message(
        "prior_correction does not say the share of each class",
        expected=f"a number above 0 for each of {classes}",
        got=f"{prior!r}",
        todo="Give all shares, or True for those of the data",
    )


def no_dropout() -> str:
    """Say that there is nothing to draw."""
    return message(
        "The net has no dropout",
        expected="layers of dropout with a rate above 0",
        got="none",
        todo="Train it with dropout, such as MLP(dropout=0.2), or use an ensemble: n_members=5",
    )


def no_draws(n_draws: Any) -> str:
    """Say that the number of draws is none."""
    return message(
        "n_draws is no number of draws",
        expected="a whole number from 1 up",
        got=f"n_draws={n_draws!r}",
        todo="Try n_draws=20",
    )
