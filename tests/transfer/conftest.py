"""A net that was trained on some digits, and other digits."""

import pytest
from sklearn.datasets import load_digits

from sknn_tricks import NetClassifier
from sknn_tricks.nets import ConvNet
from sknn_tricks.transfer import FineTuner

DIGITS = load_digits()
IMAGES, LABELS = DIGITS.images / 16, DIGITS.target


@pytest.fixture(scope="session")
def old():
    """Return images (N, 8, 8) of the digits 0 to 4, and which they are."""
    return IMAGES[LABELS < 5], LABELS[LABELS < 5]


@pytest.fixture(scope="session")
def new():
    """Return 200 images of the digits 5 to 9, and which they are."""
    return IMAGES[LABELS > 4][:200], LABELS[LABELS > 4][:200]


@pytest.fixture(scope="session")
def unseen():
    """Return other images of the digits 5 to 9, and which they are."""
    return IMAGES[LABELS > 4][200:], LABELS[LABELS > 4][200:]


@pytest.fixture(scope="session")
def backbone(old):
    """Return a ConvNet fitted on the digits 0 to 4; nobody changes it."""
    spec = ConvNet(channels=(8, 16), n_convs=1)
    return NetClassifier(spec, max_epochs=4, lr=0.01, random_state=0).fit(*old)


@pytest.fixture
def tuner(backbone):
    """Return a maker of estimators that train for a moment."""

    def make(strategy="auto", given=backbone, tuned=None, **settings):
        net = {"max_epochs": 4, "lr": 0.01, "batch_size": 32, "random_state": 0, **settings}
        return FineTuner(given, NetClassifier(**net), strategy=strategy, **(tuned or {}))

    return make
