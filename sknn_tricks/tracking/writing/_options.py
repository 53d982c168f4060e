"""What a user asked the callback for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Options:
    """The parameters of `MLflowCallback` but for the store and the experiment.

    Attributes
    ----------
    run_name : str or None
    tags : mapping of str to str
    fold_runs : bool
    report : bool
    out_of_fold : bool or None
    log_model : bool
    registered_model_name : str or None
    print_link : bool
    """

    run_name: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    fold_runs: bool = False
    report: bool = True
    out_of_fold: bool | None = None
    log_model: bool = True
    registered_model_name: str | None = None
    print_link: bool = True
