import re

import pytest
import torch

from sknn_tricks.regularisation import add_noise


def test_noise_is_normal_with_that_deviation():
    x = torch.zeros(200, 300)
    noise = add_noise(x, 0.5, torch.Generator().manual_seed(0))
    assert not x.any()
    assert abs(noise.mean().item()) < 0.01
    assert noise.std().item() == pytest.approx(0.5, rel=0.02)
    shares = [(noise.abs() < k * 0.5).double().mean().item() for k in (1, 2)]
    assert shares == pytest.approx([0.6827, 0.9545], abs=0.005)


def test_the_generator_decides_and_the_global_one_stays():
    state = torch.get_rng_state()
    draws = [add_noise(torch.zeros(9), 1.0, torch.Generator().manual_seed(s)) for s in (0, 0, 1)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert torch.equal(state, torch.get_rng_state())


def test_a_negative_deviation_is_refused():
    text = (
        "std is negative. Expected a number of 0 or more; got std=-0.1. Try std=0.1 for "
        "standardised features."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        add_noise(torch.zeros(2), -0.1)
