"""From which score on to answer, chosen on questions of which it is known whether they can be answered.

Inputs: scores and flags. Output: a threshold with what it gives on those questions. Pure and exact: every different
outcome is tried. Limits: a threshold holds for scores of the reader that it was chosen for.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from polyloop.errors import EvaluationError

Objective = Literal["accuracy", "balanced_accuracy", "f1", "cost"]
OBJECTIVES: tuple[Objective, ...] = ("accuracy", "balanced_accuracy", "f1", "cost")


@dataclass(frozen=True, kw_only=True)
class ThresholdChoice:
    """A threshold, and what answering from it on gives on the questions that it was chosen on."""

    threshold: float
    """Answer if the score is at least this."""
    objective: Objective
    """What was maximised."""
    value: float
    """What it reached; a cost is negative."""
    answered_right: float
    """Part of the given answers that were right to give, 0 to 1; 1 if none was given."""
    answered: float
    """Part of the answerable questions that got an answer, 0 to 1; 1 if there are none."""
    num_questions: int
    """Questions that it was chosen on."""


def choose_threshold(
    scores: Sequence[float],
    answerable: Sequence[bool],
    *,
    objective: Objective = "accuracy",
    false_answer_cost: float = 1.0,
) -> ThresholdChoice:
    """Return the threshold that maximises an objective; of several equal ones the highest, which answers least.

    `answerable` says of each question whether an answer would be right to give. Objectives: `accuracy`, right decisions
    to answer or not; `balanced_accuracy`, the mean of that over answerable and other questions; `f1` of the decision to
    answer; `cost`, minus the mean cost where an answer that is wrong to give costs `false_answer_cost` and a missing
    one costs 1. EvaluationError for no questions, unequal lengths or scores that are not finite.
    """
    values, flags = _checked(scores, answerable, false_answer_cost)
    candidates = _candidates(values)
    true_answers, false_answers = _answers(values, flags, candidates)
    num_answerable = int(flags.sum())
    num_others = len(flags) - num_answerable
    reached = _objective(objective, true_answers, false_answers, num_answerable, num_others, false_answer_cost)
    best = int(np.flatnonzero(reached >= reached.max() - 1e-12)[-1])
    given = true_answers[best] + false_answers[best]
    return ThresholdChoice(
        threshold=float(candidates[best]),
        objective=objective,
        value=float(reached[best]),
        answered_right=float(true_answers[best] / given) if given else 1.0,
        answered=float(true_answers[best] / num_answerable) if num_answerable else 1.0,
        num_questions=len(flags),
    )


def _checked(
    scores: Sequence[float], answerable: Sequence[bool], false_answer_cost: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    if len(scores) != len(answerable):
        raise EvaluationError(f"{len(scores)} scores but {len(answerable)} flags; give one flag a score")
    if not len(scores):
        raise EvaluationError("a threshold cannot be chosen on no questions; give some dev questions")
    if not (math.isfinite(false_answer_cost) and false_answer_cost >= 0):
        raise EvaluationError(f"false_answer_cost must be finite and not negative, not {false_answer_cost}")
    values = np.asarray(scores, dtype=np.float64)
    if not np.isfinite(values).all():
        place = int(np.flatnonzero(~np.isfinite(values))[0])
        raise EvaluationError(f"score {values[place]} at place {place} is not finite; score every question")
    return values, np.asarray(answerable, dtype=np.bool_)


def _candidates(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return one threshold for each different outcome, ascending: all answered, between each two scores, none."""
    distinct = np.unique(values)
    between = distinct[:-1] + (distinct[1:] - distinct[:-1]) / 2
    # Two scores may be so close that nothing lies between them; then the upper one parts them.
    between = np.where(between > distinct[:-1], between, distinct[1:])
    return np.concatenate([distinct[:1], between, [np.nextafter(distinct[-1], np.inf)]])


def _answers(
    values: NDArray[np.float64], flags: NDArray[np.bool_], candidates: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return how many answers each threshold gives to answerable and to other questions."""
    rights, wrongs = np.sort(values[flags]), np.sort(values[~flags])
    return (
        len(rights) - np.searchsorted(rights, candidates, side="left"),
        len(wrongs) - np.searchsorted(wrongs, candidates, side="left"),
    )


def _objective(
    objective: Objective,
    true_answers: NDArray[np.int64],
    false_answers: NDArray[np.int64],
    num_answerable: int,
    num_others: int,
    false_answer_cost: float,
) -> NDArray[np.float64]:
    missing = num_answerable - true_answers
    silent = num_others - false_answers
    if objective == "accuracy":
        return (true_answers + silent) / (num_answerable + num_others)
    if objective == "balanced_accuracy":
        shares = [true_answers / num_answerable] if num_answerable else []
        shares += [silent / num_others] if num_others else []
        return np.asarray(np.mean(shares, axis=0), dtype=np.float64)
    if objective == "f1":
        decided = np.maximum(2 * true_answers + false_answers + missing, 1)
        return np.asarray(2 * true_answers / decided, dtype=np.float64)
    if objective == "cost":
        return -(false_answer_cost * false_answers + missing) / (num_answerable + num_others)
    raise EvaluationError(f"objective {objective!r} is not known; choose one of {', '.join(OBJECTIVES)}")
