"""Importing the package is cheap."""

import subprocess
import sys

HEAVY = ("mlflow", "albumentations", "matplotlib", "imblearn", "optuna")


def test_heavy_libraries_are_loaded_only_when_used():
    names = ("model_selection", "nets", "preprocessing", "tracking")
    modules = ", ".join(f"sknn_tricks.{name}" for name in names)
    code = f"import {modules}, sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
