"""A search in a process of its own: ``search.py uri folder name what-happens``."""

import json
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV

from sknn_tricks.tracking import MLflowCallback
from sknn_tricks.tracking.stores import _patient


class Net(ClassifierMixin, BaseEstimator):
    def __init__(self, lr=0.1, happen=None):
        self.lr = lr
        self.happen = happen

    def fit(self, X, y):
        if self.happen is not None and self.lr == 0.3:
            self.happen()
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


class Wait:
    """Tell that the second candidate is logged, and wait for a word to go on."""

    def __init__(self, folder, name):
        self.ready, self.go_on = Path(folder, f"{name}.ready"), Path(folder, f"{name}.go")

    def __call__(self):
        self.ready.touch()
        while not self.go_on.exists():
            time.sleep(0.02)


class Fork:
    """Have a child that leaves through all of the parent's frames."""

    def __call__(self):
        if (child := os.fork()) == 0:
            sys.exit(3)
        assert os.waitpid(child, 0)[1] == 3 << 8


class FullDisk:
    """Let no file grow, as on a disk that is full."""

    def __call__(self):
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def main():
    uri, folder, name, what = sys.argv[1:]
    happens = {"wait": lambda: Wait(folder, name), "fork": Fork, "full": FullDisk}
    _patient._LAST_WAIT_FOR_A_FILE = 0.5
    happen = happens[what]()
    search = GridSearchCV(Net(happen=happen), {"lr": [0.1, 0.2, 0.3, 0.4]}, cv=2, refit=False)
    callback = MLflowCallback("demo", tracking_uri=uri, run_name=name, print_link=False)
    search.set_callbacks(callback).fit(np.zeros((8, 1)), np.arange(8) % 2)
    print(json.dumps(search.cv_results_["mean_test_score"].tolist()))


if __name__ == "__main__":
    main()
