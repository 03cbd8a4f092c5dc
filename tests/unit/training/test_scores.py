"""Scores of a run, epoch by epoch."""

import pytest
from tests.support.looks import epoch_end, look

from polyloop.training.scores import best_of, elapsed_of, epoch_scores, last_looks

LOOKS = [look(), epoch_end(0, 0.9, 0.5), epoch_end(1, 0.4, 0.8), look(epoch=2), epoch_end(2, 0.6, 0.9)]


@pytest.mark.parametrize(
    ("select", "scores", "best"),
    [("loss", [-0.9, -0.4, -0.4], 2), ("accuracy", [0.5, 0.8, 0.9], 3), ("last", [-0.9, -0.4, -0.6], 3)],
)
def test_a_score_is_that_of_the_weights_that_would_be_kept(select: str, scores: list[float], best: int) -> None:
    found = epoch_scores(LOOKS, select)
    assert [one.epoch for one in found] == [1, 2, 3]
    assert [one.score for one in found] == scores
    kept = best_of(found, select)
    assert kept is not None
    assert kept.epoch == best


def test_an_epoch_that_was_done_again_counts_once() -> None:
    found = epoch_scores([epoch_end(0, 0.9), epoch_end(1, 0.5), epoch_end(1, 0.5, pid=2)], "loss")
    assert [one.epoch for one in found] == [1, 2]


def test_without_a_dev_split_there_is_no_score() -> None:
    looks = [look(epoch=0, ends_epoch=True, dev_loss=None, dev_accuracy=None)]
    assert epoch_scores(looks, "loss") == ()
    assert best_of((), "loss") is None


@pytest.mark.parametrize("pid", [1, 2])
def test_the_time_of_all_processes_counts(pid: int) -> None:
    looks = [look(elapsed_s=1.0), look(elapsed_s=4.0), look(elapsed_s=2.0, pid=pid), look(elapsed_s=3.0, pid=pid)]
    assert [one.elapsed_s for one in last_looks(looks)] == [4.0, 3.0]
    assert elapsed_of(looks) == 7.0
    assert elapsed_of([]) == 0.0
