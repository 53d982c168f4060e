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


def test_the_command_line_does_not_wait_for_torch():
    heavy = ("torch", "sklearn")
    code = f"import sknn_tricks.__main__, sys; print([m for m in {heavy} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_public_names_are_found_when_they_are_used():
    code = (
        "import sknn_tricks as s; "
        "print({*s.__all__} <= {*dir(s)}, s.NetClassifier.__name__, s.nets.MLP.__name__)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "True NetClassifier MLP"
