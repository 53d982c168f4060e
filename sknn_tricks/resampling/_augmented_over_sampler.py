"""More rows of the small classes: rows drawn again and changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_sampling_strategy
from sklearn.utils import check_random_state

from sknn_tricks._messages import message
from sknn_tricks.on_disk import OnDisk
from sknn_tricks.resampling._draw import over_sampled
from sknn_tricks.resampling._row_sampler import RowSampler
from sknn_tricks.resampling._rows import Rows, is_table, listed, stack, take
from sknn_tricks.resampling._targets import class_labels


class AugmentedOverSampler(RowSampler, BaseOverSampler):
    """Repeat rows of the small classes, and change what is added.

    For images, above all: they are flipped, shifted or turned, where `AutoSMOTE` would lay
    one over the other. The rows there were stay as they are.

    Parameters
    ----------
    augment : Augment, or callable (X_rows, random_state) -> X_new
        `sknn_tricks.augment.Augment`, for images: its parameters are searchable as
        ``augment__strength``... Or a function that gets the rows that are drawn again, a copy in
        the container of X (the rows of OnDisk as an array), and a `numpy.random.Generator`, and
        returns as many of the same shape; for a list, an array of them will do. Called once for all
        classes.
    sampling_strategy : str, float, dict or callable, default="auto"
        Which classes get rows, and how many; as in `RandomOverSampler`.
    random_state : int, RandomState or None, default=None
        Which rows are drawn, and the generator of `augment`.

    Attributes
    ----------
    sample_indices_ : ndarray of int, shape (N_resampled,)
        The row that each one is or was made from: all in their order, then those drawn again.
        Weights go along with them.
    sampling_strategy_ : dict
        Number of rows added, by label.
    n_features_in_ : int
        Length of the second axis of X.
    feature_names_in_ : ndarray of str
        Names of the columns, if X was a table that has them.

    Notes
    -----
    Rows on the disk, OnDisk or ImageFolder, come back as an array in memory, all of them: what was
    changed is in no file. To change images of any number as they are read, take `augment` of a net.

    See Also
    --------
    RandomOverSampler : Adds the rows unchanged.
    sknn_tricks.augment.Augment : As `augment` of a net, it changes the rows of all classes, anew in
        each epoch.
    Resampled : Makes it part of an estimator.

    References
    ----------
    S. C. Wong, A. Gatt, V. Stamatescu and M. D. McDonnell (2016). Understanding data augmentation
    for classification: when to warp? DICTA.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn_tricks.resampling import AugmentedOverSampler
    >>> def flip(images, random_state):
    ...     flipped = random_state.random(len(images)) < 0.5
    ...     images[flipped] = images[flipped][..., ::-1]
    ...     return images
    >>> images, y = np.arange(5 * 4).reshape(5, 2, 2), [0, 0, 0, 0, 1]
    >>> more, labels = AugmentedOverSampler(flip, random_state=0).fit_resample(images, y)
    >>> more[5:].tolist(), labels[5:]
    ([[[17, 16], [19, 18]], [[16, 17], [18, 19]], [[17, 16], [19, 18]]], [1, 1, 1])

    >>> from sknn_tricks.augment import Augment, Flip
    >>> sampler = AugmentedOverSampler(Augment(Flip()), random_state=0)
    >>> sampler.fit_resample(images, y)[0][5:].tolist()
    [[[17, 16], [19, 18]], [[16, 17], [18, 19]], [[17, 16], [19, 18]]]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseOverSampler._parameter_constraints,
        "augment": [callable],
    }

    def __init__(
        self,
        augment: Callable[[Any, np.random.Generator], Any],
        *,
        sampling_strategy: Any = "auto",
        random_state: Any = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.augment = augment
        self.random_state = random_state

    def _choose(self, X: Any, y: Any) -> tuple[Rows, dict[str, Any]]:
        labels = class_labels(y, type(self).__name__)
        n_new = check_sampling_strategy(self.sampling_strategy, labels, self._sampling_type)
        rows = over_sampled(labels, n_new, check_random_state(self.random_state))
        return rows, {"sampling_strategy_": n_new}

    def _take(self, X: Any, rows: Rows) -> Any:
        n_rows = np.shape(X)[0]
        if len(rows) == n_rows:
            return _in_memory(take(X, rows))
        drawn = _in_memory(take(X, rows[n_rows:]))
        like, shape = take(drawn, np.arange(1)), np.shape(drawn)
        # Seeded with a draw, so that a RandomState gives another generator at each call.
        seed = check_random_state(self.random_state).randint(2**32, size=4, dtype=np.uint32)
        new = self.augment(drawn, np.random.default_rng(seed))
        return stack(X, _checked(new, like, shape))


def _in_memory(rows: Any) -> Any:
    """Return rows as they are, but those on the disk as an array."""
    return np.asarray(rows) if isinstance(rows, OnDisk) else rows


def _checked(new: Any, like: Any, shape: tuple[int, ...]) -> Any:
    """Return rows that `augment` made, in the container and dtype of others."""
    if isinstance(like, list) and isinstance(new, np.ndarray):
        return listed(_checked(new, np.asarray(like), shape), like)
    if isinstance(like, np.ndarray):
        new = np.asarray(new)
    if type(new) is not type(like):
        raise ValueError(_wrong("type", type(like).__name__, type(new).__name__))
    if np.shape(new) != shape:
        raise ValueError(_wrong("shape", str(shape), str(np.shape(new))))
    if is_table(like):
        if not new.dtypes.equals(like.dtypes):
            raise ValueError(_wrong("columns", _columns(like), _columns(new)))
        return new
    if not hasattr(like, "dtype"):
        return new
    can_cast = torch.can_cast if isinstance(like, torch.Tensor) else _can_cast
    if not can_cast(new.dtype, like.dtype):
        raise ValueError(_wrong("dtype", str(like.dtype), str(new.dtype)))
    if isinstance(like, torch.Tensor):
        return new.to(like.device, like.dtype)
    return new.astype(like.dtype, copy=False)


def _can_cast(dtype: Any, to: Any) -> bool:
    return np.can_cast(dtype, to, casting="same_kind")


def _columns(table: Any) -> str:
    return ", ".join(f"{name} {dtype}" for name, dtype in table.dtypes.items())


def _wrong(what: str, expected: str, got: str) -> str:
    return message(
        f"augment returned rows of another {what}".replace("another columns", "other columns"),
        expected=expected,
        got=got,
        todo="Let it return as many rows as it gets, of the same kind",
    )
