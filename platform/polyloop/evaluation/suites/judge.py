"""Tells whether answers are what a behavioural suite expects. Pure.

Input: the cases of a suite and the predictions for their inputs. Output: a `CaseResult` each. An input that the model
refused as too long fails its case: a user would have got no answer.
"""

import re
import unicodedata
from collections.abc import Sequence

from polyloop.errors import EvaluationError
from polyloop.evaluation.metrics import score, statistics
from polyloop.evaluation.suites.cases import Accepts, Case, Moves, Stays
from polyloop.evaluation.suites.results import CaseResult
from polyloop.models.predict import Prediction
from polyloop.tasks.labels import read_label_set

_ROUNDING = 1e-6
"""Parts of 1 by which scores may be off from one batch to another."""


def judge(case: Case, predictions: Sequence[Prediction | None]) -> CaseResult:
    """Return how a case went, `predictions` being those for its inputs.

    Raises EvaluationError if a direction test meets a prediction without a score of its label.
    """
    answered = [one for one in predictions if one is not None]
    passed = len(answered) == len(case.inputs) and _is_met(case, answered)
    outputs = ["" if one is None else _shown(one, case) for one in predictions]
    has_edit = len(case.inputs) == 2
    return CaseResult(
        id=case.id,
        subject=case.id,
        test=case.test,
        slice=case.place,
        input=case.inputs[-1].text,
        input_before=case.inputs[0].text if has_edit else None,
        output=outputs[-1],
        output_before=outputs[0] if has_edit else None,
        wanted=wanted(case),
        points=100.0 if passed else 0.0,
        passed=passed,
    )


def alike(after: str, before: str) -> float:
    """Return how alike two texts are, in points of chrF; 100 for two equal ones, empty ones too."""
    if after == before:
        return 100.0
    return float(score("chrf", statistics("chrf", [after], [before], locale="und").sum(axis=0)))


def wanted(case: Case) -> str:
    """Return what is expected of a case, in words."""
    match case.expectation:
        case Accepts(outputs=outputs, patterns=patterns):
            return " or ".join([*outputs, *(f"/{pattern}/" for pattern in patterns)])
        case Stays(min_chrf=None):
            return "the same label"
        case Stays(min_chrf=min_chrf):
            return f"chrF of {min_chrf:g} or more with the output before"
        case Moves(label=label, sign=sign, at_least=at_least):
            return f"the score of {label} {'rises' if sign > 0 else 'falls'} by {at_least:g} or more"


def _is_met(case: Case, predictions: Sequence[Prediction]) -> bool:
    match case.expectation:
        case Accepts(outputs=outputs, patterns=patterns):
            given = predictions[0]
            # Where a text may have several labels the answer is a set, whose order and form mean nothing.
            read = _plain if given.scores is None else lambda text: read_label_set(_plain(text))
            return read(given.output) in map(read, outputs) or any(
                re.search(one, _plain(given.output)) for one in patterns
            )
        case Stays(min_chrf=None):
            return predictions[0].output == predictions[1].output
        case Stays(min_chrf=min_chrf):
            assert min_chrf is not None
            return alike(predictions[1].output, predictions[0].output) >= min_chrf
        case Moves(label=label, sign=sign, at_least=at_least):
            before, after = (_score_of(one, label, case) for one in predictions)
            return sign * (after - before) >= at_least - _ROUNDING


def _score_of(prediction: Prediction, label: str, case: Case) -> float:
    if prediction.scores is None or label not in prediction.scores:
        known = ", ".join(prediction.scores or ()) or "none"
        raise EvaluationError(f"{case.test} asks for the score of {label!r}, and the model gives scores of {known}")
    return prediction.scores[label]


def _shown(prediction: Prediction, case: Case) -> str:
    if isinstance(case.expectation, Moves):
        return (
            f"{prediction.output} ({case.expectation.label} {_score_of(prediction, case.expectation.label, case):.4f})"
        )
    return prediction.output


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()
