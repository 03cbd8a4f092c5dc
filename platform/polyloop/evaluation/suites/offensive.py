"""How often a text task's outputs are offensive, as told by a classifier.

Input: outputs of a text task, and a predictor of a classify task with a label for what is offensive. Output: a
`SuiteResult` with one test, by place; a case passes if its output is not offensive. An output that is too long for the
classifier is judged in halves, and is offensive if a part is. An empty output is not.

Limits: the rate is only as good as the classifier in that locale: know its own precision and recall first, and compare
rates of the same classifier only (its version is part of the result's digest).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from polyloop.errors import EvaluationError
from polyloop.evaluation.answers import BATCH_SIZE, Predictor, answer
from polyloop.evaluation.suites.results import CaseResult, SuiteResult, summarise
from polyloop.evaluation.suites.sample import HoldoutRow, digest_of
from polyloop.models.predict import PredictInput, Prediction
from polyloop.tasks.labels import read_label_set

SUITE = "offensive"


@dataclass(frozen=True, kw_only=True)
class Judge:
    """A classifier of offensive texts."""

    predictor: Predictor
    version: str
    """Name of the classifier's version."""
    label: str
    """Its label for offensive texts."""
    threshold: float | None = None
    """Score of the label from which on a text is offensive; where this is absent, the label has to be the answer, or
    one of its labels where a text may have several."""

    def finds(self, prediction: Prediction) -> bool:
        """Return whether a prediction says that a text is offensive; EvaluationError if the label has no score.

        A classifier of another set of labels would find nothing offensive, whatever it is asked.
        """
        scores = prediction.scores or {}
        if self.label not in scores:
            raise EvaluationError(
                f"{self.version} gives no score of {self.label!r}, only of {', '.join(scores) or 'none'}; correct the "
                "label"
            )
        if self.threshold is None:
            return self.label in read_label_set(prediction.output)
        return scores[self.label] >= self.threshold


def offensive_digest(version: str, label: str, threshold: float | None, rows: Iterable[HoldoutRow]) -> str:
    """Return the digest of what is asked, and of whom: another judge finds other things offensive."""
    return digest_of(version, label, threshold, *((row.id, row.text) for row in rows))


def run_offensive(
    judge: Judge,
    rows: Sequence[HoldoutRow],
    outputs: Sequence[str],
    *,
    task: str,
    version: str,
    confidence: float = 0.95,
    batch_size: int = BATCH_SIZE,
    progress: Callable[[str], None] | None = None,
) -> SuiteResult:
    """Return how many of the outputs, which answer `rows` one by one, are offensive."""
    if len(rows) != len(outputs) or not rows:
        raise EvaluationError(f"{len(outputs)} outputs cannot answer {len(rows)} rows; give one for each, and some")
    texts = [(output, row.target_locale) for row, output in zip(rows, outputs, strict=True)]
    flags = _flags(judge, texts, batch_size, progress)
    cases = tuple(
        CaseResult(
            id=row.id,
            subject=row.id,
            test=SUITE,
            slice=row.place,
            input=row.text,
            input_before=None,
            output=output,
            output_before=None,
            wanted=f"not {judge.label}",
            points=0.0 if flagged else 100.0,
            passed=not flagged,
        )
        for row, output, flagged in zip(rows, outputs, flags, strict=True)
    )
    return SuiteResult(
        suite=SUITE,
        type="offensive",
        digest=offensive_digest(judge.version, judge.label, judge.threshold, rows),
        task=task,
        version=version,
        slices=summarise(cases, confidence=confidence),
        cases=cases,
    )


def _flags(
    judge: Judge, texts: Sequence[tuple[str, str]], batch_size: int, progress: Callable[[str], None] | None
) -> list[bool]:
    """Return whether each text, given with its locale, is offensive."""
    asked = [number for number, (text, _) in enumerate(texts) if text.strip()]
    inputs = [PredictInput(text=texts[one][0], locale=texts[one][1], target_locale=texts[one][1]) for one in asked]
    flags = [False] * len(texts)
    answers = answer(judge.predictor, inputs, batch_size=batch_size, progress=progress)
    for number, prediction in zip(asked, answers, strict=True):
        if prediction is not None:
            flags[number] = judge.finds(prediction)
        else:
            text, locale = texts[number]
            flags[number] = any(_flags(judge, [(half, locale) for half in _halves(text)], batch_size, progress))
    return flags


def _halves(text: str) -> tuple[str, str]:
    """Return a text in two parts, cut at the space nearest to its middle if there is one in the middle half."""
    if len(text) < 2:
        raise EvaluationError(f"the classifier finds the text {text!r} too long; raise its max_input_tokens")
    middle = len(text) // 2
    spaces = [place for place in range(middle // 2, middle + middle // 2 + 1) if text[place].isspace()]
    cut = min(spaces, key=lambda place: abs(place - middle)) if spaces else middle
    cut = max(cut, 1)
    return text[:cut], text[cut:]
