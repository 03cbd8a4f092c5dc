"""How trials are ranked, and which one wins."""

from dataclasses import replace

import pytest

from polyloop.errors import TrainingError
from polyloop.training.scores import EpochScore
from polyloop.training.sweep.results import (
    State,
    TrialOutcome,
    changed_settings,
    decide_winner,
    outcome_of,
    swept_keys,
)
from polyloop.training.sweep.space import Trial


def scored(number: int, score: float, state: State = "finished", **changes: object) -> TrialOutcome:
    trial = Trial(number=number, settings={"training.dropout": number / 10, "training.seed": number})
    one = EpochScore(epoch=1, score=score, dev_loss=-score, dev_accuracy=0.5, elapsed_s=1.0)
    return replace(outcome_of(trial, (one,), "loss", state=state, elapsed_s=1.0), **changes)  # type: ignore[arg-type]


FAILED = replace(scored(3, 0.0, "failed"), score=None, message="the gradients are not finite")


def test_the_best_finished_trial_wins_even_where_a_stopped_one_was_better() -> None:
    result = decide_winner("mood", "loss", [scored(0, -0.5), scored(2, -0.3), FAILED, scored(1, -0.1, "stopped")])
    assert result.winner.number == 2
    assert [trial.number for trial in result.ranked] == [2, 0, 1, 3]
    assert [trial.number for trial in result.trials] == [0, 1, 2, 3]
    assert (result.count("finished"), result.count("stopped"), result.count("failed")) == (2, 1, 1)


def test_of_equal_trials_the_first_wins_so_that_the_spec_stays_as_it_is() -> None:
    assert decide_winner("mood", "loss", [scored(1, -0.5), scored(0, -0.5)]).winner.number == 0


def test_the_winner_s_settings_are_those_that_differ_from_the_spec_s() -> None:
    result = decide_winner("mood", "loss", [scored(0, -0.5), scored(2, -0.3)])
    assert changed_settings(result) == {"training.dropout": 0.2, "training.seed": 2}
    assert swept_keys(result) == ["training.dropout"]
    assert result.to_dict()["settings"] == changed_settings(result)
    assert [trial["name"] for trial in result.to_dict()["trials"]] == ["trial-0002", "trial-0000"]


def test_where_no_trial_finished_the_reasons_are_told() -> None:
    with pytest.raises(TrainingError, match=r"none of the 2 trials of 'mood' gave a model; trial-0003: the gradients"):
        decide_winner("mood", "loss", [FAILED, scored(1, -0.5, "stopped")])


def test_an_outcome_holds_the_figures_of_the_epoch_that_is_kept() -> None:
    scores = tuple(
        EpochScore(epoch=epoch, score=-0.2, dev_loss=loss, dev_accuracy=0.9, elapsed_s=float(epoch))
        for epoch, loss in ((1, 0.2), (2, 0.4))
    )
    found = outcome_of(Trial(number=4, settings={}), scores, "loss", state="finished", elapsed_s=2.0)
    assert (found.name, found.best_epoch, found.dev_loss, found.num_epochs) == ("trial-0004", 1, 0.2, 2)
