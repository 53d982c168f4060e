"""Jobs on their way to other processes."""

import numpy as np

from sknn_tricks.fused import _freight


def test_each_array_is_one_argument_whoever_uses_it(make_job, make_rows):
    loader, rows = _freight.Loader(), make_rows(30)
    jobs = [make_job(train=rows, valid=make_rows(5), seed=seed) for seed in range(3)]
    one, other = loader.load(jobs[:2]), loader.load(jobs[2:])
    assert [array is one.arrays[0] for array in other.arrays].count(True) == 1
    again = _freight.unload(one.jobs, one.train, one.valid, one.arrays)
    assert again[0].train is again[1].train
    assert again[0].valid is not again[1].valid
    for job, back in zip(jobs, again, strict=False):
        np.testing.assert_array_equal(job.train.x, back.train.x)
        np.testing.assert_array_equal(job.valid.target, back.valid.target)
        assert back.seed == job.seed
