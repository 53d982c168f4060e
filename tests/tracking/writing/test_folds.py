from sknn_tricks.tracking.writing._folds import Folds


def _place(path, task):
    return {"part": "fold", "round": list(path), "task": task}


def test_folds_of_several_rounds_find_their_candidates():
    folds = Folds()
    folds.expect(1)  # a row that was there before
    folds.begin_round((0, 0), n_fits=6, n_splits=3)
    folds.begin_round((0, 1), n_fits=3, n_splits=3)
    assert [candidate.row for candidate in folds.candidates] == [0, 1, 2, 3]
    found = folds.find(_place((0, 0), 5))
    assert (found.candidate.row, found.split, found.n_splits) == (2, 2, 3)
    assert folds.find(_place((0, 1), 1)).candidate.row == 3
    assert folds.find(_place((9,), 0)) is None


def test_a_record_is_made_once():
    folds = Folds()
    folds.begin_round((0,), n_fits=2, n_splits=2)
    folds.find(_place((0,), 1)).record.ended = 3.0
    assert folds.find(_place((0,), 1)).record.ended == 3.0
    assert list(folds.candidates[0].folds) == [1]
