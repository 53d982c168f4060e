"""Deep ensembles: nets of the same settings whose predictions are averaged.

Lakshminarayanan, Pritzel and Blundell, 2017: nets that differ in their random streams alone,
weights, order of rows, dropout, err differently.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from sknn_tricks._unchanged import OF_CALLBACKS
from sknn_tricks.estimators import _refusals as refusals
from sknn_tricks.fused._random import draw_seed, stream_seed


def members_to_train(net: Any, resume: bool) -> list[Any]:
    """Return the single nets to train: the estimator itself, or those of its ensemble.

    Parameters
    ----------
    net : NetClassifier or NetRegressor
        It has learnt of its data.
    resume : bool
        Training goes on from what was fitted before.

    Raises
    ------
    ValueError
        If the ensemble had another size before.
    """
    before = getattr(net, "members_", [net])
    if resume and net.n_members != len(before):
        raise ValueError(refusals.other_n_members(net.n_members, len(before)))
    if net.n_members == 1:
        return [net]
    if not resume:
        return [as_member(net, state) for state in member_states(net.random_state, net.n_members)]
    members = [as_member(net, member.random_state) for member in before]
    for member, earlier in zip(members, before, strict=True):
        for name in ("net_", "history_", "n_iter_"):
            setattr(member, name, getattr(earlier, name))
    return members


def member_states(random_state: Any, n_members: int) -> list[Any]:
    """Return the ``random_state`` of each member.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        The ensemble's.
    n_members : int

    Returns
    -------
    list
        A net with one of them is the member, to the bit. A single net has the ensemble's own.
    """
    if n_members == 1:
        return [random_state]
    seed = draw_seed(random_state)
    return [stream_seed(seed, "member", i) for i in range(n_members)]


def bootstrap(n_rows: int, seed: int) -> NDArray[np.int64]:
    """Return as many row numbers, drawn with replacement (Breiman, 1996)."""
    generator = np.random.default_rng(stream_seed(seed, "bagging"))
    return generator.integers(n_rows, size=n_rows)


def as_member(ensemble: Any, state: Any) -> Any:
    """Return a single net with what an ensemble has learnt of its data, without a trained net."""
    member = object.__new__(type(ensemble))
    left_out = {"members_", "_skl_callbacks", *OF_CALLBACKS}
    known = {name: value for name, value in vars(ensemble).items() if name not in left_out}
    module = clone(ensemble.module, safe=False)
    member.__dict__ = known | {"module": module, "n_members": 1, "random_state": state}
    return member
