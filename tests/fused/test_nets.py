"""What nets are made of, in a training: in a stack and in skorch's loop, and how it begins."""

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch import nn

from sknn_tricks import OnDisk
from sknn_tricks.fused import Report, Rows, train
from sknn_tricks.fused._make import make_net
from sknn_tricks.fused._sources import Source
from sknn_tricks.init import normal
from sknn_tricks.nets import MLP, BatchNorm, GroupNorm, LayerNorm, ModuleInstance, ResMLP, RReLU

NETS = {
    "prelu": MLP(hidden=(8, 5), activation="prelu"),
    "prelu per feature": MLP(hidden=(8, 5), activation="prelu_per_feature"),
    "rrelu": MLP(hidden=(8, 5), activation="rrelu", batch_norm=True, dropout=0.2),
    "rrelu with bounds": MLP(hidden=(8, 5), activation=RReLU(-0.5, 0.5)),
    "batch norm with settings": MLP(hidden=(8, 5), norm=BatchNorm(0.5, 0.1, affine=False)),
    "layer norm": MLP(hidden=(8, 5), norm="layer", norm_after_activation=True),
    "layer norm with settings": MLP(hidden=(8, 5), norm=LayerNorm(0.1, affine=False)),
    "group norm": MLP(hidden=(8, 6), norm=GroupNorm(2)),
    "drop connect": MLP(hidden=(8, 5), drop_connect=(0.2, 0.4), input_dropout=0.3),
    "residual": ResMLP(8, 2, dropout=0.2, drop_path=0.4),
    "residual, dropped at once": ResMLP(8, 3, drop_path=(0.1, 0.0, 0.5), drop_path_mode="batch"),
}


def train_one(job, alone=False):
    report = Report()
    [trained] = train([job], report=report)
    assert trained.error is None, trained.error
    assert [batch.alone is not None for batch in report.batches] == [alone]
    return trained.net


@pytest.mark.parametrize("settings", [{}, {"batch_size": 13, "bias_init": 0.1}], ids=str)
@pytest.mark.parametrize("spec", NETS.values(), ids=NETS)
def test_a_stack_and_skorchs_loop_train_alike(make_job, make_rows, spec, settings):
    valid = make_rows(9, seed=1, dtype=torch.float64)
    job = make_job(spec=spec, dtype=torch.float64, valid=valid, **settings)
    stacked = train_one(job)
    plain = train_one(make_job(**{**vars(job), "callbacks": [Callback()]}), alone=True)
    for name, tensor in stacked.module_.state_dict().items():
        torch.testing.assert_close(tensor, plain.module_.state_dict()[name], rtol=1e-7, atol=1e-8)
    for key in ("train_loss", "valid_loss"):
        assert stacked.history[:, key] == pytest.approx(plain.history[:, key], rel=1e-7)


@pytest.mark.parametrize("spec", [NETS["rrelu"], NETS["drop connect"], NETS["residual"]])
@pytest.mark.parametrize("callbacks", [[], [Callback()]], ids=["stack", "loop"])
def test_another_seed_draws_other_numbers(make_job, same, spec, callbacks):
    def net(seed):
        start = train_one(make_job(spec=spec, max_epochs=1))
        job = make_job(spec=spec, start=start, seed=seed, lr=0.01, callbacks=callbacks)
        return train_one(job, alone=bool(callbacks))

    assert same(net(1), net(1))
    assert not same(net(1), net(2))


# --- how it begins --------------------------------------------------------------------------


def test_biases_start_where_they_are_told_to(make_job):
    module = make_net(make_job(bias_init=0.3)).module_
    assert module.linear_0.bias.eq(0.3).all()
    assert module.output.bias.eq(0.3).all()


@pytest.mark.parametrize(("init", "axes"), [("lsuv", (0, 1)), ("unit_variance", 0)])
def test_an_init_looks_at_rows_of_the_training(make_job, make_rows, init, axes):
    rows = make_rows(400)
    rows = Rows(5 + 100 * rows.x, rows.target)
    module = make_net(make_job(init=init, train=rows)).module_
    with torch.no_grad():
        spread = module.linear_0(rows.x).std(dim=axes, correction=0)
    torch.testing.assert_close(spread, torch.ones_like(spread), atol=1e-3, rtol=0)


def test_it_looks_at_512_rows_at_random(make_job):
    seen = []

    class Watching:
        def __call__(self, weight, gain, generator):
            nn.init.ones_(weight)

        def rescale(self, module, batch):
            seen.append(batch[:, 0].tolist())

    x = torch.arange(3000.0)[:, None].expand(-1, 3)
    rows = Rows(x, torch.zeros(3000, dtype=torch.int64))
    for seed in (0, 0, 1):
        make_net(make_job(init=Watching(), train=rows, seed=seed))
    assert [len(set(each)) for each in seen] == [512] * 3
    assert seen[0] == seen[1] != seen[2]
    assert min(seen[0]) < 300
    assert max(seen[0]) > 2700


def test_it_looks_at_rows_on_the_disk(make_job, make_rows, tmp_path):
    rows = make_rows(300)
    np.save(tmp_path / "x.npy", 100 * rows.x.numpy())
    on_disk = OnDisk(np.load(tmp_path / "x.npy", mmap_mode="r"))
    job = make_job(init="lsuv", train=Rows(Source(on_disk, torch.float32), rows.target))
    with torch.no_grad():
        output = make_net(job).module_.linear_0(100 * rows.x)
    assert output.std(correction=0).item() == pytest.approx(1, abs=1e-3)


class Noisy(nn.Module):
    """A user's own module, which draws from torch's global random state even in prediction."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 2)

    def forward(self, x):
        return self.linear(x + torch.randn_like(x))


def test_a_module_of_ones_own_may_be_random_meanwhile(make_job, same):
    spec = ModuleInstance(Noisy())
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first, second = (make_net(make_job(spec=spec, init="lsuv")) for _ in range(2))
    assert same(first, second)
    assert torch.equal(torch.get_rng_state(), before)


def test_inits_that_look_at_data_are_those_of_any_dtype(make_job, make_rows):
    job = make_job(init="lsuv", dtype=torch.float64)
    assert make_net(job).module_.linear_0.weight.dtype == torch.float64


def test_training_that_goes_on_does_not_draw_anew(make_job):
    start = train_one(make_job(init="lsuv"))
    job = make_job(init=normal(100.0), start=start, lr=1e-6, max_epochs=1)
    after = train_one(job).module_.linear_0.weight
    torch.testing.assert_close(after, start.module_.linear_0.weight, atol=1e-4, rtol=0)
