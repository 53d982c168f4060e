"""What a training does in each step beside the step: to its rows, gradients and weights.

Each trick has one file, with its form for one net of any kind and its form for K members.
"""

from sknn_tricks.fused._hooks import StackedTrick, Stream, Trick
from sknn_tricks.fused.tricks._augment import Augmentation, StackedAugmentation
from sknn_tricks.fused.tricks._clip import Clip, StackedClip
from sknn_tricks.fused.tricks._clip_value import ClipValue, StackedClipValue
from sknn_tricks.fused.tricks._cutmix import CutMix, StackedCutMix
from sknn_tricks.fused.tricks._ema import Ema, StackedEma
from sknn_tricks.fused.tricks._input_noise import InputNoise, StackedInputNoise
from sknn_tricks.fused.tricks._l1 import L1, StackedL1
from sknn_tricks.fused.tricks._max_norm import MaxNorm, StackedMaxNorm
from sknn_tricks.fused.tricks._mixup import Mixup, StackedMixup
from sknn_tricks.fused.tricks._snapshots import Snapshots, StackedSnapshots
from sknn_tricks.fused.tricks._swa import StackedSwa, Swa
from sknn_tricks.fused.tricks._thaw import Thaw

# In the order in which they are done.
TRICKS: tuple[type[Trick], ...] = (
    Thaw,
    Augmentation,
    CutMix,
    Mixup,
    InputNoise,
    L1,
    ClipValue,
    Clip,
    MaxNorm,
    Ema,
    Swa,
    Snapshots,
)
STACKED: tuple[type[StackedTrick], ...] = (
    StackedAugmentation,
    StackedCutMix,
    StackedMixup,
    StackedInputNoise,
    StackedL1,
    StackedClipValue,
    StackedClip,
    StackedMaxNorm,
    StackedEma,
    StackedSwa,
    StackedSnapshots,
)

__all__ = ["STACKED", "TRICKS", "StackedTrick", "Stream", "Trick"]
