import re

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch.nn import functional as F

from sknn_tricks.regularisation import mixup


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    alpha=st.floats(1e-3, 100.0),
    n_rows=st.integers(1, 9),
    n_classes=st.integers(2, 5),
)
def test_rows_and_targets_are_blended_alike(seed, alpha, n_rows, n_classes):
    source = torch.Generator().manual_seed(seed)
    x = torch.randn(n_rows, 3, generator=source, dtype=torch.float64)
    target = torch.randint(n_classes, (n_rows,), generator=source)
    # The rows say their own number and class, so that one can see what became of them.
    rows = torch.cat([torch.eye(n_rows).double(), F.one_hot(target, n_classes), x], dim=1)
    blended, own, other, share = mixup(rows, target, alpha, np.random.default_rng(seed))
    assert 0 <= share <= 1
    assert torch.equal(own, target)
    soft = share * F.one_hot(own, n_classes) + (1 - share) * F.one_hot(other, n_classes)
    torch.testing.assert_close(blended[:, n_rows : n_rows + n_classes], soft.double())
    torch.testing.assert_close(soft.sum(dim=1), torch.ones(n_rows, dtype=soft.dtype))
    # Each row is the partner of one row.
    ones = torch.ones(n_rows, dtype=torch.float64)
    torch.testing.assert_close(blended[:, :n_rows].sum(dim=0), ones)
    torch.testing.assert_close(blended[:, :n_rows].sum(dim=1), ones)


def test_small_alphas_leave_most_batches_nearly_as_they_are():
    generator = np.random.default_rng(0)
    x, target = torch.eye(4), torch.arange(4)
    shares = {
        alpha: np.array([mixup(x, target, alpha, generator)[3] for _ in range(500)])
        for alpha in (0.1, 1.0)
    }
    nearly = {alpha: np.mean(np.minimum(s, 1 - s) < 0.01) for alpha, s in shares.items()}
    assert nearly[0.1] > 0.5
    assert nearly[1.0] < 0.05
    # Of Beta(alpha, alpha): variance 1 / (8 alpha + 4).
    for alpha, drawn in shares.items():
        assert drawn.var() == pytest.approx(1 / (8 * alpha + 4), rel=0.1)


@pytest.mark.parametrize("alpha", [0.0, -1.0])
def test_an_alpha_that_is_none_is_refused(alpha):
    text = (
        "alpha is no parameter of a Beta distribution. Expected a number above 0; got "
        f"alpha={alpha!r}. Try alpha=0.2."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        mixup(torch.eye(2), torch.arange(2), alpha, np.random.default_rng(0))
