"""Figures of the train benchmark: the fastest turn counts, and checkpoints are counted by the loop's own rule."""

from typing import Any

import pytest

from polyloop.bench.train.figures import (
    checkpoint_figure,
    checkpoints_in,
    gpu_figure,
    loop_figure,
    start_figure,
    trainer_figure,
    workers_figure,
)


def turns(*rates: float, name: str = "part") -> list[dict[str, Any]]:
    return [{"name": name, "tokens_per_s": rate} for rate in rates]


def test_of_several_turns_the_fastest_counts_on_both_sides():
    figure = loop_figure("translate", turns(90, 96), turns(100, 80, name="bare"), bar=0.97)

    assert (figure.value, figure.peer, figure.peer_value) == (96, "bare", 100)
    assert not figure.ok
    assert loop_figure("translate", turns(97), turns(100), bar=0.97).ok
    assert figure.details["ours"] == turns(90, 96)


def test_trainer_and_workers_have_bars_of_their_own():
    assert not trainer_figure("classify", turns(114), turns(100), bar=1.15).ok
    assert workers_figure(turns(100), turns(100)).ok
    assert not workers_figure(turns(99), turns(100)).ok


@pytest.mark.parametrize(
    ("epoch_s", "expected"),
    [
        (1_000, 10),  # one a minute
        (100, 12),  # at 60, 100, 160, 200 ...
        (45, 13),  # at the end of each epoch
        (2, 100),  # an epoch's end within 5 s of the last one is passed over
    ],
)
def test_checkpoints_come_by_the_clock_and_at_ends_of_epochs(epoch_s: float, expected: int):
    assert checkpoints_in(600, interval_s=60, least_interval_s=5, epoch_s=epoch_s) == expected


def test_the_cost_of_checkpoints_is_a_part_of_the_run():
    figure = checkpoint_figure({"saves_s": [1.0, 3.0]}, interval_s=60, least_interval_s=5, epoch_s=1_000)

    assert figure.value == pytest.approx(100 * 10 * 2.0 / 600)
    assert not figure.ok
    assert checkpoint_figure({"saves_s": [0.5]}, interval_s=60, least_interval_s=5, epoch_s=1_000).ok


def test_the_start_of_ray_train_is_told_without_a_bar():
    figure = start_figure({"ray_s": 6.0, "first_step_s": 11.0, "whole_s": 15.0})

    assert (figure.value, figure.bar) == (11.0, None)
    assert "6.0 s" in figure.name


def test_a_gpu_of_unknown_peak_has_no_figure():
    part = {"mfu": 0.46, "device": "NVIDIA H100"}
    figure = gpu_figure("decoder-350m", part)

    assert figure is not None
    assert (figure.value, figure.ok) == (46.0, True)
    assert gpu_figure("decoder-350m", part | {"mfu": None}) is None
