"""Where fits meet: a joblib backend whose tasks take turns until all wait for their training."""

from sknn_tricks.fused.rendezvous._backend import FusedBackend, Fusion
from sknn_tricks.fused.rendezvous._fused_training import fit_many, fused_training, train_together

__all__ = ["FusedBackend", "Fusion", "fit_many", "fused_training", "train_together"]
