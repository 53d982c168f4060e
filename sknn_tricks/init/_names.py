"""Schemes by name."""

from __future__ import annotations

from sknn_tricks._messages import lookup, message
from sknn_tricks.init import _schemes as schemes
from sknn_tricks.init._data_driven import lsuv, unit_variance
from sknn_tricks.init._schemes import Scheme, constant, normal, variance_scaling

SCHEMES: dict[str, Scheme] = {
    "constant": constant(),
    "identity": schemes.identity,
    "kaiming_normal": schemes.kaiming_normal,
    "kaiming_out_normal": variance_scaling("out"),
    "kaiming_out_uniform": variance_scaling("out", "uniform"),
    "kaiming_uniform": schemes.kaiming_uniform,
    "large_normal": normal(0.05),
    "lecun_normal": schemes.lecun_normal,
    "lecun_uniform": schemes.lecun_uniform,
    "lsuv": lsuv(),
    "normal": normal(),
    "orthogonal": schemes.orthogonal,
    "small_normal": normal(0.01),
    "sparse": schemes.sparse(),
    "truncated_normal": schemes.truncated_normal(),
    "unit_variance": unit_variance(),
    "xavier_in_normal": variance_scaling("in", with_gain=False),
    "xavier_in_uniform": variance_scaling("in", "uniform", with_gain=False),
    "xavier_normal": schemes.xavier_normal,
    "xavier_uniform": schemes.xavier_uniform,
    "zeros": constant(0.0),
}
OURS = frozenset({*SCHEMES, "auto"})


def make_scheme(init: str | Scheme) -> Scheme | None:
    """Return the scheme of that name; None for "auto", which looks at each layer.

    Parameters
    ----------
    init : str or callable
        A name in ``SCHEMES``, "auto", or a callable ``scheme(weight, gain, generator)``.

    Returns
    -------
    callable or None

    Raises
    ------
    ValueError
        If the name is not known.

    Examples
    --------
    >>> make_scheme("zeros")
    constant(value=0.0)
    """
    if callable(init):
        return init
    return lookup(init, {**SCHEMES, "auto": None}, "init")


def register(name: str, scheme: Scheme) -> Scheme:
    """Give a scheme of your own a name, by which ``init`` knows it from now on.

    In this process: what joblib starts in others has to register it too, or be given the scheme
    itself.

    Parameters
    ----------
    name : str
    scheme : callable
        ``scheme(weight, gain, generator)``, which fills the weight of one layer in place.

    Returns
    -------
    callable
        The scheme.

    Raises
    ------
    ValueError
        If the name is one of the library's own.
    TypeError
        If the scheme cannot be called.

    Examples
    --------
    >>> _ = register("tiny", normal(1e-4))
    >>> make_scheme("tiny")
    normal(std=0.0001)
    """
    if name in OURS:
        raise ValueError(
            message(
                f"{name!r} is the name of a scheme of the library",
                expected="another name",
                got=f"name={name!r}",
                todo="Choose a name of your own",
            )
        )
    if not callable(scheme):
        raise TypeError(
            message(
                "The scheme cannot be called",
                expected="a callable scheme(weight, gain, generator)",
                got=repr(scheme),
                todo="Give a function that fills the weight in place",
            )
        )
    SCHEMES[name] = scheme
    return scheme


def portable(init: str | Scheme) -> str | Scheme:
    """Return what means the same in another process: not the name of a registered scheme."""
    return init if callable(init) or init in OURS else SCHEMES.get(init, init)
