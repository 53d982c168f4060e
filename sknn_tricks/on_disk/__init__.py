"""Rows that are not in memory: memmaps, files of arrays, files of images."""

from sknn_tricks.on_disk._image_folder import ImageFolder
from sknn_tricks.on_disk._on_disk import OnDisk

__all__ = ["ImageFolder", "OnDisk"]
