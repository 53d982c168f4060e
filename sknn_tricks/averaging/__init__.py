"""Averages along one training: of weights (EMA, SWA), or of predictions (snapshots)."""

from sknn_tricks.averaging._average import Average
from sknn_tricks.averaging._by_name import AVERAGES, make_averaging
from sknn_tricks.averaging._ema import ema
from sknn_tricks.averaging._renew import renew_statistics
from sknn_tricks.averaging._snapshots import snapshots
from sknn_tricks.averaging._swa import swa

__all__ = ["AVERAGES", "Average", "ema", "make_averaging", "renew_statistics", "snapshots", "swa"]
