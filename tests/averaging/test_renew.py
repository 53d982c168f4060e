import copy

import torch
from torch import nn
from torch.optim.swa_utils import update_bn

from sknn_tricks.averaging import renew_statistics


def make_net(**settings):
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(5, momentum=0.3, **settings)
    return nn.Sequential(nn.Linear(4, 5), norm, nn.ReLU(), nn.Linear(5, 2))


def test_as_torch_does_it():
    net, batches = make_net(), torch.randn(60, 4).split(20)
    theirs = copy.deepcopy(net).train()
    update_bn(batches, theirs)
    renew_statistics(net, batches)
    for name, tensor in net.state_dict().items():
        torch.testing.assert_close(tensor, theirs.state_dict()[name])


def test_the_net_is_as_before_otherwise():
    net = make_net()
    weights = net[0].weight.detach().clone()
    renew_statistics(net, torch.randn(60, 4).split(20))
    assert net[1].momentum == 0.3
    assert not any(part.training for part in net.modules())
    assert net[0].weight.equal(weights)
    assert net[0].weight.grad is None


def test_nothing_is_dropped():
    net = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(1))
    renew_statistics(net, [torch.ones(10, 1) * 3])
    assert net[1].running_mean.item() == 3
    assert net[1].running_var.item() == 0


def test_without_running_statistics_no_batch_is_asked_for():
    renew_statistics(make_net(track_running_stats=False), iter(lambda: 1 / 0, None))
    renew_statistics(nn.Linear(1, 1), iter(lambda: 1 / 0, None))
