"""From which score on to answer, chosen on questions of which it is known whether they can be answered.

Inputs: scores and flags. Output: a threshold. Pure and exact: every different outcome is tried. Limits: a threshold
holds for scores of the reader that it was chosen for.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from polyloop.errors import EvaluationError


def choose_threshold(scores: Sequence[float], answerable: Sequence[bool]) -> float:
    """Return the least score to answer with that decides most questions rightly; of several the highest.

    `answerable` says of each question whether an answer would be right to give. EvaluationError for no questions,
    unequal lengths or scores that are not finite.
    """
    values, flags = _checked(scores, answerable)
    candidates = _candidates(values)
    rights, wrongs = np.sort(values[flags]), np.sort(values[~flags])
    answered = len(rights) - np.searchsorted(rights, candidates, side="left")
    silent = np.searchsorted(wrongs, candidates, side="left")
    decided = answered + silent
    return float(candidates[np.flatnonzero(decided == decided.max())[-1]])


def _checked(scores: Sequence[float], answerable: Sequence[bool]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    if len(scores) != len(answerable):
        raise EvaluationError(f"{len(scores)} scores but {len(answerable)} flags; give one flag a score")
    if not len(scores):
        raise EvaluationError("a threshold cannot be chosen on no questions; give some dev questions")
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
