"""Images that are augmented, cut and blended: alone and together the same, bit by bit."""

import pytest
import torch

from sknn_tricks.augment import Augment, ColorNoise, Crop, Cutout, Flip, Noise, Rotate, Scale
from sknn_tricks.fused import Rows
from sknn_tricks.nets import MLP

SOME = Augment([Flip(), Crop(1), Rotate(20), Scale(p=0.5), ColorNoise(), Noise(), Cutout(2)])
AUGMENTS = [SOME, None, Augment([Flip()]), Augment(SOME.transforms, strength=0.5), SOME]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (3, 5, 7)], ids=str)
@pytest.mark.parametrize("others", [{}, {"input_noise": [0.0, 0.1], "mixup": [0.0, 0.5, 0.5]}])
def test_augment_and_cutmix(make_job, assert_alone_is_together, shape, dtype, others):
    jobs = []
    for k in range(7):
        source = torch.Generator().manual_seed(k % 2)
        n = [100, 97, 127][k % 3]
        x = torch.rand(n, *shape, generator=source)
        rows = Rows(x.to(dtype), (x.flatten(1)[:, 0] > 0.5).long())
        settings = {name: values[k % len(values)] for name, values in others.items()}
        jobs.append(
            make_job(
                spec=MLP(hidden=(33,), batch_norm=True, dropout=0.1),
                input_shape=shape,
                train=rows,
                valid=rows,
                batch_size=32,
                seed=k // 2,
                dtype=dtype,
                max_epochs=[3, 2][k % 2],
                augment=AUGMENTS[k % 5],
                cutmix=[0.0, 1.0, 0.3, 1.0][k % 4],
                **settings,
            )
        )
    assert_alone_is_together(jobs)
