"""Weight initialisation by name, for any torch module."""

from sknn_tricks.init._initialize import initialize
from sknn_tricks.init._schemes import SCHEMES, constant, make_scheme, normal

__all__ = ["SCHEMES", "constant", "initialize", "make_scheme", "normal"]
