"""Whitening: features without correlation, each of variance one."""

from sknn_tricks.preprocessing.whitening._whitener import Whitener

__all__ = ["Whitener"]
