"""Trained nets on disk, found again by what they were trained from."""

from sknn_tricks.fused.cache._cache import Cache, as_cache

__all__ = ["Cache", "as_cache"]
