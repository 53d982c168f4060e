"""Saved views of MLflow's page: a leaderboard, a dashboard, the effect of each factor."""

from sknn_tricks.tracking.views._shape import SearchShape
from sknn_tricks.tracking.views._write import write_views

__all__ = ["SearchShape", "write_views"]
