"""Random changes of images in training: what a net shall not look at."""

from sknn_tricks.augment._albumentation import Albumentation
from sknn_tricks.augment._augment import Augment
from sknn_tricks.augment._by_name import RECIPES, as_augment
from sknn_tricks.augment._color_jitter import ColorJitter
from sknn_tricks.augment._color_noise import ColorNoise
from sknn_tricks.augment._crop import Crop
from sknn_tricks.augment._cutout import Cutout
from sknn_tricks.augment._flip import Flip
from sknn_tricks.augment._noise import Noise
from sknn_tricks.augment._random_erasing import RandomErasing
from sknn_tricks.augment._random_resized_crop import RandomResizedCrop
from sknn_tricks.augment._rotate import Rotate
from sknn_tricks.augment._scale import Scale
from sknn_tricks.augment._shear import Shear
from sknn_tricks.augment._shift import Shift
from sknn_tricks.augment._stretch import Stretch
from sknn_tricks.augment._transform import Transform

__all__ = [
    "RECIPES",
    "Albumentation",
    "Augment",
    "ColorJitter",
    "ColorNoise",
    "Crop",
    "Cutout",
    "Flip",
    "Noise",
    "RandomErasing",
    "RandomResizedCrop",
    "Rotate",
    "Scale",
    "Shear",
    "Shift",
    "Stretch",
    "Transform",
    "as_augment",
]
