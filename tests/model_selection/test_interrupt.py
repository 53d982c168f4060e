"""Ctrl-C in the middle of a search."""

import signal
import subprocess
import sys
import time

import pytest

SCRIPT = """
import threading
from sklearn.datasets import load_iris
from sknn_tricks import NetClassifier
from sknn_tricks.model_selection import FusedGridSearchCV

net = NetClassifier(max_epochs=100_000, random_state=0, verbose=0)
search = FusedGridSearchCV(net, {"lr": [0.001, 0.002]}, cv=2)
X, y = load_iris(return_X_y=True)
print("begins", flush=True)
try:
    search.fit(X, y)
except KeyboardInterrupt:
    print("interrupted", flush=True)
for thread in threading.enumerate():
    if thread.name.startswith("sknn_tricks"):
        thread.join(5)
print([t.name for t in threading.enumerate() if t.name.startswith("sknn_tricks")])
print(search.set_params(estimator__max_epochs=1).fit(X, y).report_.n_nets)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there, one process cannot press Ctrl-C alone")
def test_ctrl_c_ends_the_training():
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begins\n"
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert output == "interrupted\n[]\n5\n"
