"""Importing the package is cheap."""

import subprocess
import sys

HEAVY = ("mlflow", "albumentations", "matplotlib", "imblearn")


def test_heavy_libraries_are_loaded_only_when_used():
    modules = "sknn_tricks, sknn_tricks.nets, sknn_tricks.preprocessing, sknn_tricks.tracking"
    code = f"import {modules}, sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
