"""Class weights by the effective number of rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sknn_tricks._messages import message


@dataclass(frozen=True)
class effective_number:
    """Class weights ``(1 - beta) / (1 - beta^n)`` for classes of n rows.

    Each further row of a class says less that is new: beta = 0 makes all weights equal, beta
    towards 1 makes them those of ``"balanced"``.

    Parameters
    ----------
    beta : float, default=0.999
        In [0, 1). A class has at most about ``1 / (1 - beta)`` effective rows.

    References
    ----------
    Y. Cui, M. Jia, T.-Y. Lin, Y. Song and S. Belongie (2019). Class-balanced loss based on
    effective number of samples. CVPR.

    Examples
    --------
    >>> weights = effective_number(beta=0.99)([1000, 100, 10])
    >>> (weights / weights[0]).round(2)
    array([ 1.  ,  1.58, 10.46])
    """

    beta: float = 0.999

    def __post_init__(self) -> None:
        if not 0 <= self.beta < 1:
            raise ValueError(
                message(
                    "beta is out of its range",
                    expected="a number in [0, 1)",
                    got=f"beta={self.beta!r}",
                    todo="Try beta=0.999",
                )
            )

    def __call__(self, counts: ArrayLike) -> NDArray[np.float64]:
        """Return the weight of each class.

        Parameters
        ----------
        counts : array-like of shape (O,)
            Rows of each class, above 0.

        Returns
        -------
        ndarray of float64, shape (O,)
        """
        return (1 - self.beta) / (1 - self.beta ** np.asarray(counts, dtype=np.float64))
