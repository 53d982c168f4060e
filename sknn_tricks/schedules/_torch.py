"""Schedules for a loop of one's own."""

from __future__ import annotations

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from sknn_tricks._messages import message
from sknn_tricks.schedules._by_name import make_schedule
from sknn_tricks.schedules._course import factor_at
from sknn_tricks.schedules._moment import Schedule


def as_torch(
    schedule: str | Schedule,
    optimizer: Optimizer,
    n_steps: int,
    pace: int = 1,
    warmup: float = 0.0,
) -> LambdaLR:
    """Return torch's scheduler of a schedule, to be stepped after each step of the optimiser.

    Parameters
    ----------
    schedule : str or callable (Moment) -> float
        A name in `SCHEDULES`, or a schedule itself.
    optimizer : torch.optim.Optimizer
        Its rates are what the factors are for.
    n_steps : int
        Steps of the training; afterwards the rate remains what it is.
    pace : int, default=1
        Steps of an epoch.
    warmup : float, default=0.0
        Share of the steps in which the rates rise from 0, before the schedule begins.

    Returns
    -------
    torch.optim.lr_scheduler.LambdaLR

    Raises
    ------
    ValueError
        If the schedule wants to hear of losses: torch has ``ReduceLROnPlateau`` for that.

    Examples
    --------
    >>> import torch
    >>> net = torch.nn.Linear(3, 2)
    >>> optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
    >>> scheduler = as_torch("linear", optimizer, n_steps=4)
    >>> for _ in range(4):
    ...     print(scheduler.get_last_lr())
    ...     optimizer.step()
    ...     scheduler.step()
    [1.0]
    [0.75]
    [0.5]
    [0.25]
    """
    made = make_schedule(schedule)
    if hasattr(made, "begin"):
        raise ValueError(
            message(
                "The schedule wants to hear of losses",
                expected="a schedule that depends on the step only",
                got=repr(made),
                todo="Use torch.optim.lr_scheduler.ReduceLROnPlateau",
            )
        )
    last = n_steps - 1
    return LambdaLR(optimizer, lambda at: factor_at(made, min(at, last), n_steps, pace, warmup))
