"""Rows that are there more than once."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from sknn_tricks._row_hash import row_codes
from sknn_tricks._sklearn_private import StrOptions
from sknn_tricks.resampling._row_sampler import RowSampler
from sknn_tricks.resampling._rows import Rows, to_numpy
from sknn_tricks.resampling._targets import check_classes_kept, labels_if_any


class DropDuplicates(RowSampler):
    """Keep each row once.

    Rows are duplicates if X and y are equal, entry by entry; missing values are equal, and -0.0 is
    0.0. The first stays, with its own weight. Classes or numbers may be predicted. One pass over
    the data; those on the disk are read by blocks.

    Parameters
    ----------
    conflicts : {"keep", "drop"}, default="keep"
        Rows that are equal in X, but not in y. ``"keep"``: one row for each y. ``"drop"``: none,
        as one of the labels must be wrong.

    Attributes
    ----------
    sample_indices_ : ndarray of int, shape (N_resampled,)
        The rows that are left, ascending.
    n_features_in_ : int
        Length of the second axis of X.
    feature_names_in_ : ndarray of str
        Names of the columns, if X was a table that has them.

    See Also
    --------
    Resampled : Makes it part of an estimator.

    Notes
    -----
    Within the folds, this cannot undo that copies of a training row are in the test fold: there
    it only keeps a net from weighting rows by their copies. Duplicates that are no repeated
    observations must be dropped, or kept together by ``GroupKFold``, before the split.

    References
    ----------
    B. Barz and J. Denzler (2020). Do we train on test data? Purging CIFAR of near-duplicates.
    Journal of Imaging 6(6), 41.

    Examples
    --------
    >>> from sknn_tricks.resampling import DropDuplicates
    >>> X, y = [["a"], ["a"], ["b"], ["b"]], [0, 0, 0, 1]
    >>> DropDuplicates().fit_resample(X, y)
    ([['a'], ['b'], ['b']], [0, 0, 1])
    >>> DropDuplicates(conflicts="drop").fit_resample([*X, ["c"]], [*y, 1])
    ([['a'], ['c']], [0, 1])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "conflicts": [StrOptions({"keep", "drop"})]
    }

    def __init__(self, *, conflicts: str = "keep") -> None:
        self.conflicts = conflicts

    def _choose(self, X: Any, y: Any) -> tuple[Rows, dict[str, Any]]:
        codes = row_codes(X)
        targets = to_numpy(y)
        pairs = row_codes(np.column_stack([codes, row_codes(targets)]))
        kept = pairs == np.arange(len(pairs))
        if self.conflicts == "drop":
            kept &= np.bincount(codes[kept], minlength=len(codes))[codes] == 1
        rows = np.flatnonzero(kept)
        check_classes_kept(labels_if_any(y), rows, type(self).__name__)
        return rows, {}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
