"""Which settings a sweep tries (pure): the spec's own first, then all combinations, or draws spread over the space.

Inputs: a task and its sweep. Outputs: trials, each a number, a seed and the values of the swept keys; and a task with
such values. The same inputs give the same trials. Draws are a Latin hypercube (McKay, Beckman and Conover 1979,
https://doi.org/10.1080/00401706.1979.10489755): the values of each key alone are spread evenly over all trials.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import ValidationError
from scipy.stats import qmc

from polyloop.errors import TrainingError
from polyloop.spec.models import TaskSpec
from polyloop.spec.sweep import Scalar, SweepSpec, ValuesSpec, field_of, is_whole

DEFAULT_TRIALS = 20
MAX_COMBINATIONS = 1_000
"""Combinations that are all tried where no number of trials is given."""
SEED_KEY = "training.seed"

Settings = dict[str, Scalar | None]
"""Dotted key -> value."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One training of a sweep."""

    number: int
    """From 0; 0 is the spec as it is."""
    settings: Settings
    """Values of the swept keys and the seed."""

    @property
    def name(self) -> str:
        """Name of its folder, and in messages."""
        return f"trial-{self.number:04d}"


def plan_trials(task: TaskSpec, sweep: SweepSpec) -> tuple[Trial, ...]:
    """Return the trials of a sweep; TrainingError where choices alone have too many combinations to try them all.

    Each trial but the first has a seed of its own, unless the sweep names the seed. Settings that are drawn twice are
    tried once, so there can be fewer trials than asked for.
    """
    own = {key: value_at(task, key) for key in sweep.keys}
    drawn = _all_combinations(sweep) if is_exhaustive(sweep) else _draws(sweep, (sweep.trials or DEFAULT_TRIALS) - 1)
    others = {tuple(settings.values()): settings for settings in drawn if settings != own}.values()
    trials = [Trial(number=0, settings=own | {SEED_KEY: task.training.seed})]
    for number, settings in enumerate(others, start=1):
        seed = settings.get(SEED_KEY, trial_seed(sweep.seed, number))
        trials.append(Trial(number=number, settings=settings | {SEED_KEY: seed}))
    return tuple(trials)


def is_exhaustive(sweep: SweepSpec) -> bool:
    """Return whether all combinations are tried: no number of trials is given, and there are choices alone."""
    if sweep.trials is not None or any(values.choices is None for values in sweep.keys.values()):
        return False
    num_combinations = math.prod(len(values.choices or ()) for values in sweep.keys.values())
    if num_combinations > MAX_COMBINATIONS:
        raise TrainingError(
            f"the sweep has {num_combinations:,} combinations; say how many to draw with `trials` (or --trials)"
        )
    return True


def trial_seed(seed: int, number: int) -> int:
    """Return the seed of a trial's weights and order: 32 bits that follow from the sweep's seed and the number."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def task_with(task: TaskSpec, settings: Mapping[str, Any]) -> TaskSpec:
    """Return the task with other values of dotted keys; TrainingError says, in one line, what does not go together."""
    data = task.model_dump()
    for key, value in settings.items():
        if value_at(task, key) != value:  # nothing is said of parts that the task does not have
            set_at(data, key, value)
    try:
        return TaskSpec.model_validate(data)
    except ValidationError as error:
        reasons = [str(item["msg"]).removeprefix("Value error, ") for item in error.errors(include_url=False)]
        raise TrainingError(f"these settings do not go together: {'; '.join(reasons)}") from None


def value_at(task: TaskSpec, key: str) -> Any:
    """Return the value of a dotted key; None below a part that the task does not have."""
    found: Any = task
    for name in key.split("."):
        found = getattr(found, name, None)
    return found


def set_at(data: dict[str, Any], key: str, value: Any) -> None:
    """Set a dotted key in nested dictionaries, making those that are not there."""
    *above, last = key.split(".")
    for name in above:
        if not isinstance(data.get(name), dict):
            data[name] = {}
        data = data[name]
    data[last] = value


def value_of(values: ValuesSpec, at: float, *, whole: bool) -> Scalar:
    """Return the value that stands at a part from 0 up to 1 of all values; `whole` rounds it to a whole number."""
    if values.choices is not None:
        return values.choices[min(int(at * len(values.choices)), len(values.choices) - 1)]
    assert values.low is not None
    assert values.high is not None
    if whole:
        # Each whole number, the ends too, stands for as much of the range as its neighbours.
        nearest = round(_between(values.low - 0.5, values.high + 0.5, at, values.scale))
        return int(min(max(nearest, values.low), values.high))
    found = float(f"{_between(values.low, values.high, at, values.scale):.4g}")
    return min(max(found, values.low), values.high)


def _between(low: float, high: float, at: float, scale: str) -> float:
    if scale == "log":
        return math.exp(math.log(low) + at * (math.log(high) - math.log(low)))
    return low + at * (high - low)


def _all_combinations(sweep: SweepSpec) -> list[Settings]:
    choices = [values.choices or () for values in sweep.keys.values()]
    return [dict(zip(sweep.keys, values, strict=True)) for values in itertools.product(*choices)]


def _draws(sweep: SweepSpec, num_trials: int) -> list[Settings]:
    if num_trials == 0:
        return []
    places = qmc.LatinHypercube(d=len(sweep.keys), rng=np.random.default_rng(sweep.seed)).random(num_trials)
    return [
        {
            key: value_of(values, float(at), whole=is_whole(field_of(key)))
            for (key, values), at in zip(sweep.keys.items(), row, strict=True)
        }
        for row in places
    ]
