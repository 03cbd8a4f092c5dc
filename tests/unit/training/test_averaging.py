"""Tests of averages of weights."""

import pytest
import torch
from torch import nn

from polyloop.training.averaging import LastEpochs, MovingAverage, NoAverage, make_average


def model_of(value: float) -> nn.Linear:
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, value)
    return model


def test_a_moving_average_forgets_the_beginning_and_keeps_the_decay() -> None:
    average = MovingAverage(0.9)
    average.end_step(model_of(8.0).state_dict, 0)
    average.end_step(model_of(2.0).state_dict, 1)
    weights = average.weights()
    assert weights is not None
    assert weights["weight"].item() == pytest.approx(8 + (2 - 8) * (1 - 2 / 11))
    average.end_step(model_of(0.0).state_dict, 10_000)
    assert weights["weight"].item() == pytest.approx(0.9 * (8 + (2 - 8) * (1 - 2 / 11)))


def test_the_mean_is_over_the_last_epochs_alone() -> None:
    average = LastEpochs(2)
    assert average.weights() is None
    for value in (100.0, 1.0, 2.0):
        average.end_epoch(model_of(value).state_dict)
    weights = average.weights()
    assert weights is not None
    assert weights["weight"].item() == 1.5


@pytest.mark.parametrize("average", [MovingAverage(0.5), LastEpochs(3)])
def test_a_checkpoint_carries_an_average_on(average: MovingAverage | LastEpochs) -> None:
    for step in range(2):
        average.end_step(model_of(float(step)).state_dict, step)
        average.end_epoch(model_of(float(step)).state_dict)
    other = make_average(0.5, 1) if isinstance(average, MovingAverage) else make_average(0.0, 3)
    other.load([{name: weight.clone() for name, weight in one.items()} for one in average.state()])
    for one in (average, other):
        one.end_step(model_of(7.0).state_dict, 2)
        one.end_epoch(model_of(7.0).state_dict)
    ours, theirs = average.weights(), other.weights()
    assert ours is not None
    assert theirs is not None
    assert torch.equal(ours["weight"], theirs["weight"])


def test_weights_as_they_are_need_no_average() -> None:
    average = make_average(0.0, 1)
    assert isinstance(average, NoAverage)
    average.end_step(model_of(1.0).state_dict, 0)
    average.end_epoch(model_of(1.0).state_dict)
    average.load([])
    assert average.weights() is None
    assert average.state() == []
