"""The packages that a logged model needs, without MLflow's inference, which takes seconds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

# What loads the model, and what it needs itself.
_ALWAYS = ("cloudpickle", "mlflow", "numpy", "scikit-learn", "sknn-tricks", "skorch", "torch")
# Packages whose modules have another name.
_PACKAGES = {
    "imblearn": "imbalanced-learn",
    "sklearn": "scikit-learn",
    "sknn_tricks": "sknn-tricks",
}


def requirements_of(estimator: Any) -> list[str]:
    """Return the packages of an estimator and its steps, at their installed versions.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    list of str
        Sorted, as pip reads them. Modules that belong to no installed package are left out.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> [line.partition("==")[0] for line in requirements_of(Ridge())]
    ['cloudpickle', 'mlflow', 'numpy', 'scikit-learn', 'sknn-tricks', 'skorch', 'torch']
    """
    modules = {module.partition(".")[0] for module in _modules(estimator)}
    packages = {*_ALWAYS, *(_PACKAGES.get(module, module) for module in modules)}
    pins = (_pin(package) for package in sorted(packages))
    return [pin for pin in pins if pin is not None]


def installed(package: str) -> str | None:
    """Return the version of a package, None if there is none of that name."""
    try:
        return _version(package)
    except PackageNotFoundError:
        return None


@cache
def _version(package: str) -> str:
    return version(package)


def _pin(package: str) -> str | None:
    known = installed(package)
    # no index has builds such as 2.13.0+cpu under that name
    return None if known is None else f"{package}=={known.partition('+')[0]}"


def _modules(estimator: Any) -> Iterator[str]:
    yield type(estimator).__module__
    for value in estimator.get_params(deep=True).values():
        for each in value if isinstance(value, list | tuple) else [value]:
            yield getattr(each, "__module__", None) or type(each).__module__
