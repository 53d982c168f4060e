"""What is done to the features before the net sees them."""

from sknn_tricks.preprocessing._whitener import Whitener

__all__ = ["Whitener"]
