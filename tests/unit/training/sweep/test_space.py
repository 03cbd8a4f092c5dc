"""Which settings a sweep tries."""

from collections import Counter
from typing import Any

import pytest
from tests.support.small_tasks import small_task

from polyloop.errors import TrainingError
from polyloop.spec.sweep import SweepSpec, ValuesSpec
from polyloop.training.sweep.space import is_exhaustive, plan_trials, task_with, value_of

TASK = small_task("classify", training={"dropout": 0.1, "seed": 5})


def sweep(keys: dict[str, Any], **fields: Any) -> SweepSpec:
    return SweepSpec.model_validate({"keys": keys, **fields})


RATES = {"training.learning_rate": {"low": 1e-4, "high": 1e-2, "scale": "log"}}


def test_the_first_trial_is_the_spec_as_it_is() -> None:
    first = plan_trials(TASK, sweep(RATES, trials=5))[0]
    assert first.settings == {"training.learning_rate": TASK.training.learning_rate, "training.seed": 5}
    assert task_with(TASK, first.settings) == TASK


def test_draws_are_spread_evenly_over_the_powers_of_a_logarithmic_range() -> None:
    trials = plan_trials(TASK, sweep(RATES, trials=101))
    decades = Counter(float(trial.settings["training.learning_rate"] or 0) >= 1e-3 for trial in trials[1:])
    assert decades == {False: 50, True: 50}


def test_the_same_sweep_draws_the_same_and_another_seed_something_else() -> None:
    assert plan_trials(TASK, sweep(RATES, trials=9)) == plan_trials(TASK, sweep(RATES, trials=9))
    assert plan_trials(TASK, sweep(RATES, trials=9)) != plan_trials(TASK, sweep(RATES, trials=9, seed=1))


def test_each_trial_has_a_seed_of_its_own_unless_seeds_are_swept() -> None:
    seeds = [trial.settings["training.seed"] for trial in plan_trials(TASK, sweep(RATES, trials=20))]
    assert len(set(seeds)) == 20
    swept = plan_trials(TASK, sweep({"training.seed": {"choices": [5, 6, 7]}}))
    assert [trial.settings["training.seed"] for trial in swept] == [5, 6, 7]


def test_choices_alone_are_all_combined_with_the_spec_s_own_once() -> None:
    keys = {"training.dropout": {"choices": [0.1, 0.2]}, "model.recipe": {"choices": ["nano", "tiny"]}}
    found = [(t.settings["training.dropout"], t.settings["model.recipe"]) for t in plan_trials(TASK, sweep(keys))]
    assert found == [(0.1, "nano"), (0.1, "tiny"), (0.2, "nano"), (0.2, "tiny")]
    assert is_exhaustive(sweep(keys))
    assert not is_exhaustive(sweep(keys, trials=3))
    assert not is_exhaustive(sweep(RATES))


def test_settings_that_are_drawn_twice_are_tried_once() -> None:
    trials = plan_trials(TASK, sweep({"training.dropout": {"choices": [0.1, 0.2]}}, trials=10))
    assert [trial.settings["training.dropout"] for trial in trials] == [0.1, 0.2]
    assert [trial.number for trial in trials] == [0, 1]


def test_too_many_combinations_ask_for_a_number_of_trials() -> None:
    keys = {"training.seed": {"choices": list(range(1_001))}}
    with pytest.raises(TrainingError, match=r"1,001 combinations; say how many to draw"):
        plan_trials(TASK, sweep(keys))


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_whole_numbers_stay_in_their_range_and_reach_both_ends(scale: str) -> None:
    values = ValuesSpec.model_validate({"low": 1, "high": 3, "scale": scale})
    found = [value_of(values, number / 300, whole=True) for number in range(300)]
    assert set(found) == {1, 2, 3}
    assert all(isinstance(one, int) for one in found)


def test_numbers_stay_in_their_range_after_rounding() -> None:
    values = ValuesSpec(low=0.0123456, high=0.0123459)
    assert all(0.0123456 <= float(value_of(values, at, whole=False)) <= 0.0123459 for at in (0.0, 0.5, 0.999))


def test_settings_reach_parts_that_the_task_does_not_have_yet() -> None:
    task = task_with(TASK, {"model.ngrams.tokens": 3, "training.dropout": 0.3})
    assert task.model.ngrams is not None
    assert (task.model.ngrams.tokens, task.training.dropout) == (3, 0.3)
    assert task_with(TASK, {"model.ngrams.tokens": None}) == TASK


def test_settings_that_do_not_go_together_say_why_in_one_line() -> None:
    with pytest.raises(TrainingError, match=r"do not go together: `ema_decay` and `average_epochs`") as caught:
        task_with(TASK, {"training.ema_decay": 0.9, "training.average_epochs": 3})
    assert "\n" not in caught.value.message
