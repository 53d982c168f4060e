import threading

import pytest
import torch
from sklearn.datasets import load_iris
from torch import nn

from sknn_tricks import NetClassifier
from sknn_tricks.fused import train
from sknn_tricks.fused._cpu import is_small, no_denormals, one_thread
from sknn_tricks.nets import MLP, ConvNet


@pytest.fixture(autouse=True)
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_the_setting_is_one_inside_and_comes_back():
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


def test_the_setting_comes_back_after_an_error():
    with pytest.raises(ZeroDivisionError), one_thread():
        1 / 0  # noqa: B018
    assert torch.get_num_threads() == 2


def test_a_block_within_a_block_leaves_it_as_it_is():
    with one_thread():
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


def test_concurrent_blocks_leave_the_setting_of_before():
    inside, leave = threading.Event(), threading.Event()

    def other():
        with one_thread():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with one_thread():
        thread.start()
        assert inside.wait(10)
    leave.set()
    thread.join()
    with one_thread():
        pass
    # What a thread that torch has not seen yet is given is the process's setting.
    seen = []
    newcomer = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    newcomer.start()
    newcomer.join()
    assert seen == [2]


def test_size_is_what_a_batch_costs():
    net = nn.Linear(100, 100)
    assert is_small(net, batch_size=100)
    assert not is_small(net, batch_size=1000)


def test_a_convolution_costs_its_weights_at_each_pixel():
    spec = ConvNet((10, 10), n_convs=1, pool=None)
    assert is_small(spec.build((10, 10), 2), batch_size=60)
    assert not is_small(spec.build((10, 10), 2), batch_size=70)
    assert not is_small(spec.build((10, 20), 2), batch_size=60)


def test_convolutions_of_the_users_own_are_never_small():
    assert not is_small(nn.Conv2d(1, 1, 3), batch_size=1)


def test_a_small_net_has_the_same_bits_whatever_the_number_of_threads():
    X, y = load_iris(return_X_y=True)
    net = NetClassifier(MLP((64, 64)), max_epochs=3, random_state=0)
    on_two = net.fit(X, y).net_.module_.state_dict()
    torch.set_num_threads(1)
    on_one = net.fit(X, y).net_.module_.state_dict()
    assert all(torch.equal(on_two[name], on_one[name]) for name in on_one)


def half_of_a_tiny_number():
    return torch.full((1,), 1e-39).mul(0.5).item()


def test_tiny_numbers_are_0_inside_and_come_back():
    assert half_of_a_tiny_number() > 0
    with no_denormals():
        assert half_of_a_tiny_number() == 0
    assert half_of_a_tiny_number() > 0


def test_tiny_numbers_come_back_after_an_error():
    with pytest.raises(ZeroDivisionError), no_denormals():
        1 / 0  # noqa: B018
    assert half_of_a_tiny_number() > 0


def test_a_setting_of_the_users_is_kept():
    torch.set_flush_denormal(True)
    try:
        with no_denormals():
            pass
        assert half_of_a_tiny_number() == 0
    finally:
        torch.set_flush_denormal(False)


def test_training_knows_no_tiny_numbers(make_job):
    seen = []
    train([make_job(after_epoch=lambda net: seen.append(half_of_a_tiny_number()))])
    assert seen == [0, 0, 0]
    assert half_of_a_tiny_number() > 0
