import gzip
import runpy
import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "whitening_pictures.py"


@pytest.fixture
def example(tmp_path, monkeypatch, capsys):
    """Run the example, and return what it printed and the figure."""

    def run(*options):
        out = tmp_path / "figure.png"
        monkeypatch.setattr(sys, "argv", [str(EXAMPLE), "--out", str(out), *options])
        with mpl.rc_context({"backend": "agg"}):
            runpy.run_path(str(EXAMPLE), run_name="__main__")
            figure = plt.imread(out)
            plt.close("all")
        return capsys.readouterr().out, figure

    return run


def errors(printed):
    rows = [line.rsplit(maxsplit=1) for line in printed.splitlines()[1:6]]
    return {title: float(error) for title, error in rows}


def test_the_example_whitens_digits_and_draws_them(example):
    printed, figure = example()
    found = errors(printed)
    assert found["PCA whitening"] < 1e-9
    assert found["ZCA whitening"] < 1e-9
    assert found["Input"] > 1
    assert figure.shape[1] > 1000
    assert 0.1 < figure.mean() < 0.95


def test_the_example_reads_the_files_of_mnist(example, tmp_path):
    pictures = np.random.default_rng(0).integers(256, size=(200, 6, 5), dtype=np.uint8)
    header = np.array([0x803, 200, 6, 5], ">i4").tobytes()
    with gzip.open(tmp_path / "train-images-idx3-ubyte.gz", "wb") as file:
        file.write(header + pictures.tobytes())
    printed, _ = example("--data", str(tmp_path))
    assert errors(printed)["ZCA whitening"] < 1e-5
