"""The averages by name."""

from __future__ import annotations

from sknn_tricks._messages import lookup, message
from sknn_tricks.averaging._ema import ema
from sknn_tricks.averaging._snapshots import snapshots
from sknn_tricks.averaging._swa import swa

Averaging = ema | swa | snapshots
AVERAGES: dict[str, Averaging] = {"ema": ema(), "snapshots": snapshots(), "swa": swa()}


def make_averaging(averaging: str | Averaging | None) -> Averaging | None:
    """Return the averaging of a name.

    Parameters
    ----------
    averaging : str, averaging or None
        One of `AVERAGES`, or an `ema`, `swa` or `snapshots` itself.

    Returns
    -------
    ema, swa, snapshots or None

    Raises
    ------
    ValueError
        If there is none of that name, or it is something else.

    Examples
    --------
    >>> make_averaging("ema")
    ema(decay=0.999, eta=8.0)
    """
    if averaging is None or isinstance(averaging, Averaging):
        return averaging
    if isinstance(averaging, str):
        return lookup(averaging, AVERAGES, "averaging")
    got = averaging.__name__ if isinstance(averaging, type) else repr(averaging)
    raise ValueError(
        message(
            "averaging is no average",
            expected='"ema", "snapshots", "swa", None, or one such as ema(decay=0.99)',
            got=f"averaging={got}",
            todo="See sknn_tricks.averaging",
        )
    )
