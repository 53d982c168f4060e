"""Nets of images: when they share a stack, and what they learn there."""

from typing import ClassVar

import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV
from torch import nn

from sknn_tricks import NetClassifier
from sknn_tricks.fused import Report, Rows, _plan, fused_training, train
from sknn_tricks.fused._costs import Costs, costs_of
from sknn_tricks.nets import MLP, ConvNet, ModuleInstance, ResNet, TorchModule

FASTER_ALONE = "its convolutions train faster alone"


@pytest.fixture
def make_image_job(make_job):
    """Return a function that makes jobs on images whose brighter half gives the class."""

    def make(shape=(8, 8), n_rows=40, **settings):
        dtype = settings.get("dtype", torch.float32)
        x = torch.randn(n_rows, *shape, generator=torch.Generator().manual_seed(0))
        half = shape[0] // 2
        target = (x[:, :half].flatten(1).sum(dim=1) > x[:, half:].flatten(1).sum(dim=1)).long()
        rows = Rows(x.to(dtype), target)
        usual = {"spec": ConvNet(channels=(8, 16), n_convs=1), "input_shape": shape}
        return make_job(**{**usual, "train": rows, "valid": rows, **settings})

    return make


def why_alone(job):
    [chunk], errors = _plan.plan([job], 1)
    assert not errors
    return chunk.alone


# --- which nets share a stack ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "channels", "batch_size", "reason"),
    [
        ((8, 8), (8, 16, 32), 64, None),
        ((8, 8), (8, 16, 32), 128, FASTER_ALONE),
        ((8, 8), (16, 32, 64), 32, None),
        ((8, 8), (16, 32, 64), 128, FASTER_ALONE),
        ((12, 12), (8, 16, 32), 32, None),
        ((16, 16), (16, 32, 64), 32, FASTER_ALONE),
        ((28, 28), (16, 32, 64), 32, FASTER_ALONE),
    ],
    ids=str,
)
def test_small_convolutions_share_a_stack(make_image_job, shape, channels, batch_size, reason):
    spec = ConvNet(channels=channels, n_convs=1)
    settings = {"spec": spec, "batch_size": batch_size, "n_rows": 130}
    assert why_alone(make_image_job(shape, **settings)) == reason


def test_few_rows_are_a_small_step_whatever_the_batch(make_image_job):
    spec = ConvNet(channels=(16, 32, 64), n_convs=1)
    assert why_alone(make_image_job(n_rows=30, spec=spec, batch_size=512)) is None


def test_one_net_goes_the_way_of_many(make_image_job):
    for spec, alone in ((ConvNet((8,)), False), (ConvNet((64, 64)), True)):
        jobs = [make_image_job(spec=spec, batch_size=64, n_rows=64, seed=k) for k in range(9)]
        ways = [_plan.plan(some, 2)[0] for some in (jobs[:1], jobs)]
        assert all((chunk.alone is not None) == alone for way in ways for chunk in way)


def test_the_report_says_why_a_net_trained_alone(make_image_job):
    report = Report()
    spec = ConvNet(channels=(8,), pool="fractional")
    jobs = [make_image_job(spec=spec, max_epochs=1), make_image_job(max_epochs=1)]
    assert all(one.error is None for one in train(jobs, report=report))
    alone = "there is no stacked FractionalMaxPool"
    assert sorted(str(batch.alone) for batch in report.batches) == ["None", alone]


def test_costs_are_those_of_every_pixel(make_image_job):
    job = make_image_job((6, 8))
    module = ConvNet(channels=(4, 5), n_convs=1).build((6, 8), 2).train()
    products = 48 * 4 * 9 + 12 * 5 * 4 * 9 + 5 * 2
    assert costs_of(module, job) == Costs(products, 48 * 4 + 12 * 5 + 2, 2)
    assert module.training
    assert not any(part._forward_hooks for part in module.modules())


def test_costs_of_dense_nets_are_their_weights(make_job):
    module = MLP(hidden=(7,)).build((3,), 2)
    assert costs_of(module, make_job()) == Costs(3 * 7 + 7 + 7 * 2 + 2, 9)


class Squeezed(nn.Module):
    """A net of the user's own that can predict two rows or more, and not one."""

    def __init__(self, n_outputs):
        super().__init__()
        self.conv = nn.Conv1d(8, n_outputs, 8)

    def forward(self, x):
        return self.conv(x).squeeze().flatten(1)


class Paired(nn.Conv1d):
    """A convolution that returns more than its output, as one with masks does."""

    def forward(self, x):
        return super().forward(x), x


class OfPaired(Squeezed):
    def __init__(self, n_outputs):
        super().__init__(n_outputs)
        self.masked = Paired(8, 8, 1)

    def forward(self, x):
        return super().forward(self.masked(x)[0])


class Once(Squeezed):
    """A net that can be tried, and nothing more."""

    n_calls = 0

    def forward(self, x):
        self.n_calls += 1
        if self.n_calls > 1:
            raise RuntimeError("once is enough")
        return super().forward(x)


@pytest.mark.parametrize("module", [Squeezed, OfPaired])
def test_costs_are_those_of_as_many_rows_as_the_module_was_tried_with(make_image_job, module):
    job = make_image_job(spec=TorchModule(module))
    built = module(2)
    before = {name: value.clone() for name, value in built.state_dict().items()}
    assert costs_of(built, job) == Costs(2 * 8 * 8, 2, 1 + (module is OfPaired))
    assert all(torch.equal(built.state_dict()[name], before[name]) for name in before)
    assert why_alone(job) == f"{module.__name__} is no Sequential"
    [trained] = train([job])
    assert trained.error is None


def test_costs_of_one_row_are_told_too(make_image_job):
    module = ConvNet(channels=(4,), n_convs=1).build((8, 8), 2)
    one, many = (costs_of(module, make_image_job(n_rows=n)) for n in (1, 40))
    assert one == many


def test_a_net_that_cannot_be_tried_again_fails_alone(make_image_job):
    specs = [MLP((4,)), TorchModule(Once), MLP((4,)), TorchModule(Squeezed)]
    jobs = [make_image_job(spec=spec, seed=k) for k, spec in enumerate(specs)]
    errors = [trained.error for trained in train(jobs)]
    assert [error is None for error in errors] == [True, False, True, True]
    assert "once is enough" in str(errors[1])


def test_a_search_goes_on_without_it():
    images, classes = load_digits(n_class=2, return_X_y=True)
    images = images.reshape(-1, 8, 8)[:60] / 16
    net = NetClassifier(max_epochs=1, random_state=0)
    grid = {"module": [MLP((4,)), TorchModule(Once), TorchModule(Squeezed)]}
    search = GridSearchCV(net, grid, cv=2, refit=False, error_score=-1.0)
    with fused_training(), pytest.warns(FitFailedWarning, match="2 fits failed"):
        search.fit(images, classes[:60])
    scores = search.cv_results_["mean_test_score"]
    assert [score == -1 for score in scores] == [False, True, False]


def test_wide_images_have_small_stacks(make_image_job):
    def size(shape):
        job = make_image_job(shape, spec=ConvNet((8,), n_convs=1))
        return _plan.stack_size(job, _plan.Specimen(job))

    assert 64 >= size((8, 8)) > size((16, 16)) > size((32, 32)) >= 1


class Counting(nn.Module):
    """A net of the user's own that notes how many threads it is given in training."""

    seen: ClassVar[list[int]] = []

    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.linear = nn.Linear(n_features, n_outputs)

    def forward(self, x):
        if self.training:
            self.seen.append(torch.get_num_threads())
        return self.linear(x)


def test_nets_that_train_alone_beside_others_keep_to_one_thread(make_job, monkeypatch):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        for n_jobs_at_once, threads in ((1, {2}), (2, {1})):
            monkeypatch.setattr(Counting, "seen", [])
            jobs = [make_job(spec=TorchModule(Counting), seed=k) for k in range(n_jobs_at_once)]
            assert all(one.error is None for one in train(jobs))
            assert set(Counting.seen) == threads
    finally:
        torch.set_num_threads(before)


# --- what they learn ------------------------------------------------------------------------

SPECS = {
    "plain": ConvNet(channels=(4, 6), n_convs=1, norm=None, activation="tanh", pool="avg"),
    "dropping": ConvNet(channels=(4, 6), conv_dropout=0.3, drop_connect=0.2, dropout=0.2),
    "dense head": ConvNet(channels=5, n_convs=1, norm="group", head="flatten", hidden=(9,)),
    "residual": ResNet(channels=(4, 8), drop_path=0.2),
}


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_stacks_learn_what_skorchs_loop_learns(make_image_job, monkeypatch, spec):
    bounds = {"l1": 1e-3, "max_norm": 1.0, "clip_norm": 0.5, "weight_decay": 0.01}
    jobs = [
        make_image_job(spec=spec, dtype=torch.float64, seed=k, max_epochs=2, **bounds)
        for k in range(3)
    ]
    report = Report()
    together = train(jobs, report=report)
    assert [batch.n_nets for batch in report.batches] == [3]
    monkeypatch.setattr(_plan, "_why_alone", lambda *_: "to compare")
    for one, other in zip(together, train(jobs), strict=True):
        losses = [[row[name] for row in one.net.history] for name in ("train_loss", "valid_loss")]
        wanted = [[row[name] for row in other.net.history] for name in ("train_loss", "valid_loss")]
        torch.testing.assert_close(torch.tensor(losses), torch.tensor(wanted))
        mine, plain = one.net.module_.state_dict(), other.net.module_.state_dict()
        torch.testing.assert_close(mine, plain, rtol=1e-6, atol=1e-8)


def test_a_search_in_a_stack_gives_the_scores_of_one_by_one():
    digits = load_digits()
    X, y = digits.images[:300], digits.target[:300]
    net = NetClassifier(ConvNet(n_convs=1), max_epochs=3, lr=0.01, batch_size=32, random_state=0)
    grid = {"module__channels": [(8,), (8, 16)], "weight_decay": [0.0, 0.01]}
    search = GridSearchCV(net, grid, cv=3)
    with fused_training() as fused:
        together = clone(search).fit(X, y)
    assert fused.report.n_nets == 13
    assert {batch.alone for batch in fused.report.batches} == {None}
    alone = clone(search).fit(X, y)
    scores = [each.cv_results_["mean_test_score"].tolist() for each in (together, alone)]
    assert scores[0] == scores[1]
    assert (together.predict_proba(X) == alone.predict_proba(X)).all()


def test_a_net_of_the_users_own_layers_shares_a_stack(make_image_job):
    module = ConvNet(channels=(4,)).build((8, 8), 2)
    user = ModuleInstance(nn.Sequential(module, nn.Identity()))
    assert why_alone(make_image_job(spec=user)) is None
