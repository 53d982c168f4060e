"""How many threads compute a prediction."""

import numpy as np
import pytest
import torch

from sknn_tricks import NetClassifier
from sknn_tricks._image_layout import image_layout
from sknn_tricks.averaging import snapshots
from sknn_tricks.nets import ConvNet, ImageInput

X = np.random.default_rng(0).random((40, 8, 8), dtype=np.float32)
Y = np.arange(40) % 2


@pytest.fixture(autouse=True)
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def own_net():
    return torch.nn.Sequential(
        ImageInput(image_layout((8, 8))),
        torch.nn.Conv2d(1, 4, 3, padding="same"),
        torch.nn.Flatten(),
        torch.nn.Linear(256, 2),
    )


@pytest.mark.parametrize("tta", [None, "flip", "five_crop"])
@pytest.mark.parametrize("averaging", [None, snapshots(2)], ids=str)
@pytest.mark.parametrize("module", [lambda: ConvNet((4,), n_convs=1), own_net], ids=["ours", "own"])
def test_views_of_a_small_net_are_on_one_thread_as_the_image_is(module, averaging, tta):
    settings = {"max_epochs": 4, "batch_size": 20, "random_state": 0, "averaging": averaging}
    net = NetClassifier(module(), tta=tta, **settings).fit(X, Y)
    seen = []
    for part in net.net_.module_.modules():
        if isinstance(part, torch.nn.Conv2d):
            part.register_forward_hook(lambda *_: seen.append(torch.get_num_threads()))
    net.predict(X)
    assert set(seen) == {1}
    assert len(seen) >= {None: 1, "flip": 2, "five_crop": 5}[tta]
    assert torch.get_num_threads() == 2
