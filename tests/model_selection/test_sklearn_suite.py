"""scikit-learn's own tests of its searches, passed by ours."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import sklearn.model_selection

SUITE = Path(sklearn.model_selection.__file__).parent / "tests" / "test_search.py"

PLUGIN = """
import sklearn.model_selection as stock
import sknn_tricks.model_selection as ours

for name in ours.__all__:
    if name.startswith("Fused"):
        setattr(stock, name.removeprefix("Fused"), getattr(ours, name))
"""


# These look at the names on the call stack, and for an attribute of ours on a class of theirs.
OTHER_REASONS = ("test_multi_metric_search_forwards_metadata", "test_custom_run_search")


@pytest.mark.slow
def test_all_tests_pass_that_pass_with_the_stock_classes(tmp_path):
    (tmp_path / "fused_plugin.py").write_text(PLUGIN)
    stock, fused = start(tmp_path), start(tmp_path, "-p", "fused_plugin")
    passed_with_stock, _ = names_of_passed(stock)
    passed, output = names_of_passed(fused)
    assert len(passed_with_stock) > 100
    failed = {name for name in passed_with_stock - passed if not name.startswith(OTHER_REASONS)}
    assert not failed, output


def start(folder, *options):
    command = [sys.executable, "-m", "pytest", str(SUITE), "-rA", "-q", "--tb=short", *options]
    command += ["-p", "no:cacheprovider", f"--rootdir={folder}", "-c", os.devnull]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=folder)


def names_of_passed(process):
    output, _ = process.communicate(timeout=300)
    names = re.findall(r"^PASSED \S*?::(.*)$", output, re.MULTILINE)
    return {name.replace("Fused", "") for name in names}, output
