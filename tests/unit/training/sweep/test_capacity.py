"""How many trials run side by side."""

import pytest

from polyloop.errors import TrainingError
from polyloop.training.sweep.capacity import threads_of_trial, trials_at_once


@pytest.mark.parametrize(
    ("cluster", "per_trial", "num_trials", "wanted", "expected"),
    [
        ({"CPU": 8.0}, {"CPU": 2.0}, 20, None, 4),
        ({"CPU": 8.0}, {"CPU": 2.0}, 3, None, 3),
        ({"CPU": 8.0}, {"CPU": 2.0}, 20, 2, 2),
        ({"CPU": 8.0, "GPU": 2.0}, {"CPU": 1.0, "GPU": 1.0}, 20, None, 2),
        ({"CPU": 2.0}, {"CPU": 0.5}, 20, 9, 4),
    ],
)
def test_the_scarcest_resource_decides(
    cluster: dict[str, float], per_trial: dict[str, float], num_trials: int, wanted: int | None, expected: int
) -> None:
    assert trials_at_once(cluster, per_trial, num_trials=num_trials, wanted=wanted) == expected


@pytest.mark.parametrize(
    ("cluster", "per_trial", "words"),
    [
        ({"CPU": 2.0}, {"CPU": 4.0}, "a trial needs 4 CPU, and the cluster has 2; lower `cpus_per_worker`"),
        ({"CPU": 2.0}, {"CPU": 1.0, "GPU": 1.0}, "a trial needs 1 GPU, and the cluster has 0; set `use_gpu: false`"),
    ],
)
def test_a_cluster_that_holds_no_trial_is_told_instead_of_waited_for(
    cluster: dict[str, float], per_trial: dict[str, float], words: str
) -> None:
    with pytest.raises(TrainingError) as caught:
        trials_at_once(cluster, per_trial, num_trials=5, wanted=None)
    assert words in caught.value.message


def test_trials_share_the_cores_of_their_node() -> None:
    assert threads_of_trial(0, cores=8, at_once=4, num_nodes=1) == 2
    assert threads_of_trial(0, cores=8, at_once=4, num_nodes=4) == 8
    assert threads_of_trial(0, cores=2, at_once=8, num_nodes=1) == 1
    assert threads_of_trial(3, cores=2, at_once=8, num_nodes=1) == 3
