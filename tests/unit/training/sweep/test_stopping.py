"""Which trials are stopped, as Ray Tune's scheduler decides it, and the same after a kill."""

from typing import Any

from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from polyloop.spec.sweep import SweepSpec
from polyloop.training.scores import EpochScore
from polyloop.training.sweep.stopping import EPOCH, SCORE, PastTrial, make_scheduler

SWEEP = SweepSpec.model_validate({"keys": {"training.dropout": {"low": 0.0, "high": 0.5}}, "reduction": 2})


def scores(*values: float) -> tuple[EpochScore, ...]:
    return tuple(
        EpochScore(epoch=epoch, score=value, dev_loss=-value, dev_accuracy=0.0, elapsed_s=1.0)
        for epoch, value in enumerate(values, start=1)
    )


def ask(scheduler: Any, name: str, epoch: int, score: float) -> str:
    trial = PastTrial(name)
    if epoch == 1:
        scheduler.on_trial_add(None, trial)
    return str(scheduler.on_trial_result(None, trial, {EPOCH: epoch, SCORE: score}))


def test_a_trial_below_the_best_half_is_stopped_and_others_go_on() -> None:
    scheduler = make_scheduler(SWEEP, 4)
    assert ask(scheduler, "a", 1, -0.5) == TrialScheduler.CONTINUE
    assert ask(scheduler, "b", 1, -0.4) == TrialScheduler.CONTINUE
    assert ask(scheduler, "c", 1, -0.9) == TrialScheduler.STOP
    assert ask(scheduler, "b", 2, -0.4) == TrialScheduler.CONTINUE


def test_a_trial_may_do_all_its_epochs() -> None:
    scheduler = make_scheduler(SWEEP, 4)
    decisions = [ask(scheduler, "a", epoch, -1.0 / epoch) for epoch in (1, 2, 3, 4)]
    assert decisions == [TrialScheduler.CONTINUE] * 4


def test_what_an_earlier_process_has_seen_counts_as_if_nothing_had_been() -> None:
    resumed = make_scheduler(SWEEP, 4, [("a", scores(-0.3, -0.2)), ("b", scores(-0.4))])
    assert ask(resumed, "c", 1, -0.9) == TrialScheduler.STOP
    assert ask(make_scheduler(SWEEP, 4), "c", 1, -0.9) == TrialScheduler.CONTINUE


def test_no_trial_is_stopped_where_the_spec_says_so() -> None:
    patient = SWEEP.model_copy(update={"stop_early": False})
    assert type(make_scheduler(patient, 4)) is FIFOScheduler
