"""How the trials of a sweep ended, and which one won (pure).

Trials are ranked by score among those that did all their epochs: one that was stopped was worse than others after as
many epochs, and one that failed has no model.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from polyloop.errors import TrainingError
from polyloop.training.scores import EpochScore, best_of
from polyloop.training.sweep.space import SEED_KEY, Settings, Trial

State = Literal["finished", "stopped", "failed"]

SHOWN_FAILURES = 3


@dataclass(frozen=True, kw_only=True)
class TrialOutcome:
    """How a trial ended."""

    number: int
    name: str
    settings: Settings
    """Dotted key -> value, the seed among them."""
    state: State
    """`finished` did all epochs (or was content before), `stopped` was among the worst, `failed` says why."""
    score: float | None
    """What trials are compared by, more being better; None where no epoch was done."""
    dev_loss: float | None
    dev_accuracy: float | None
    best_epoch: int | None
    """Epoch with these figures, from 1."""
    num_epochs: int
    """Epochs done."""
    elapsed_s: float
    """Seconds from the trial's beginning, over restarts."""
    message: str = ""
    """Why it failed."""


@dataclass(frozen=True, kw_only=True)
class SweepResult:
    """All trials of a sweep, in order of their numbers."""

    task: str
    select: str
    """What the dev split is asked for: loss or accuracy."""
    trials: tuple[TrialOutcome, ...]
    winner: TrialOutcome

    @property
    def ranked(self) -> tuple[TrialOutcome, ...]:
        """Trials, the best first: finished ones by score, then stopped, then failed ones."""
        return tuple(sorted(self.trials, key=rank_key))

    def count(self, state: State) -> int:
        """Return how many trials ended so."""
        return sum(trial.state == state for trial in self.trials)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, trials ranked."""
        return {
            "task": self.task,
            "select": self.select,
            "winner": self.winner.name,
            "settings": changed_settings(self),
            "counts": {state: self.count(state) for state in ("finished", "stopped", "failed")},
            "trials": [asdict(trial) for trial in self.ranked],
        }


def outcome_of(
    trial: Trial, scores: tuple[EpochScore, ...], select: str, *, state: State, elapsed_s: float, message: str = ""
) -> TrialOutcome:
    """Return the outcome of a trial that has these scores."""
    best = best_of(scores, select)
    return TrialOutcome(
        number=trial.number,
        name=trial.name,
        settings=trial.settings,
        state=state,
        score=best.score if best else None,
        dev_loss=best.dev_loss if best else None,
        dev_accuracy=best.dev_accuracy if best else None,
        best_epoch=best.epoch if best else None,
        num_epochs=scores[-1].epoch if scores else 0,
        elapsed_s=elapsed_s,
        message=message,
    )


def decide_winner(task: str, select: str, trials: Sequence[TrialOutcome]) -> SweepResult:
    """Return the result; TrainingError where no trial came to its end. Of equal ones, the first wins."""
    finished = [trial for trial in trials if trial.state == "finished" and trial.score is not None]
    if not finished:
        reasons = [f"{trial.name}: {trial.message}" for trial in trials if trial.message][:SHOWN_FAILURES]
        raise TrainingError(f"none of the {len(trials)} trials of {task!r} gave a model; {'; '.join(reasons)}")
    ordered = tuple(sorted(trials, key=lambda trial: trial.number))
    return SweepResult(task=task, select=select, trials=ordered, winner=min(finished, key=rank_key))


def changed_settings(result: SweepResult) -> Settings:
    """Return the winner's values that differ from the spec's own (those of trial 0), its seed among them."""
    own = result.trials[0].settings
    return {key: value for key, value in result.winner.settings.items() if own.get(key) != value}


def swept_keys(result: SweepResult) -> list[str]:
    """Return the keys that were swept; the seed only if its values were named."""
    return [key for key in result.trials[0].settings if key != SEED_KEY]


def rank_key(trial: TrialOutcome) -> tuple[int, float, int]:
    """Return what trials are ordered by."""
    place = {"finished": 0, "stopped": 1, "failed": 2}[trial.state]
    return place, -trial.score if trial.score is not None else float("inf"), trial.number
