"""Weight initialisation by name, for any torch module."""

from sknn_tricks.init._data_driven import lsuv, unit_variance
from sknn_tricks.init._gains import GAINS, gain_of
from sknn_tricks.init._initialize import initialize, needs_batch
from sknn_tricks.init._names import SCHEMES, make_scheme, portable, register
from sknn_tricks.init._schemes import (
    constant,
    normal,
    sparse,
    truncated_normal,
    variance_scaling,
)

__all__ = [
    "GAINS",
    "SCHEMES",
    "constant",
    "gain_of",
    "initialize",
    "lsuv",
    "make_scheme",
    "needs_batch",
    "normal",
    "portable",
    "register",
    "sparse",
    "truncated_normal",
    "unit_variance",
    "variance_scaling",
]
