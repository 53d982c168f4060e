"""What a file consists of."""

from __future__ import annotations

import re

from sknn_tricks.saving._arrays import Array, DType, Items, Masked, RandomState, Scalar, Times
from sknn_tricks.saving._form import Form
from sknn_tricks.saving._objects import Name, NetEstimator, Object
from sknn_tricks.saving._plain import (
    Dict,
    Distribution,
    FilePath,
    NotFinite,
    Partial,
    Range,
    Set,
    Time,
    TimeZone,
    Tuple,
)
from sknn_tricks.saving._skops import Part
from sknn_tricks.saving._torch import Device, ModuleForm, OwnClass, TensorForm

FORMAT = "sknn_tricks estimator"
# To be raised whenever older versions of the library could not read a file.
VERSION = 1
CONFIG, WEIGHTS = "config.json", "weights.safetensors"
FILES = re.compile(r"config\.json|weights\.safetensors|skops/\d+\.skops")
# In the order in which they are tried: what skops writes is what no other form fits.
FORMS: tuple[Form, ...] = (
    *(NotFinite(), Tuple(), Dict(), Set(), Range(), Scalar()),
    *(Array(), Times(), Items(), Masked(), DType(), RandomState()),
    *(TensorForm(), Device(), ModuleForm(), OwnClass(), Name()),
    *(Partial(), FilePath(), Distribution(), TimeZone(), Time()),
    *(NetEstimator(), Object(), Part()),
)
KINDS: dict[str, Form] = {form.kind: form for form in FORMS}


def part_name(number: int) -> str:
    """Return the name of the file of a part of skops'."""
    return f"skops/{number}.skops"
