"""Whether a classifier changes its mind when a text is about another group of people.

Input: a predictor of a classify task and rows of the holdout. Output: a `SuiteResult` with a test for each group that
texts are rewritten to be about; a case passes if the label stays (counterfactual token fairness, Garg et al. 2019,
"Counterfactual Fairness in Text Classification through Robustness", https://arxiv.org/abs/1809.10610). A slice's
numbers count the flips and which labels they went to.

Limits: some labels have to change (a task that asks for the group itself); only what `swaps` can rewrite is looked at.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from polyloop.errors import EvaluationError
from polyloop.evaluation.answers import BATCH_SIZE, Predictor, answer
from polyloop.evaluation.suites.results import CaseResult, SuiteResult, summarise
from polyloop.evaluation.suites.sample import HoldoutRow, digest_of
from polyloop.evaluation.suites.swaps import axes_of

SUITE = "counterfactual"


@dataclass(frozen=True, kw_only=True)
class Counterfactual:
    """A row of the holdout and its text rewritten to be about a group such as `religion/muslims`."""

    row: HoldoutRow
    group: str
    text: str


def counterfactuals(rows: Sequence[HoldoutRow]) -> Iterator[Counterfactual]:
    """Yield each row once for each group of an axis that its text can be rewritten to be about."""
    for row in rows:
        for axis in axes_of(row.locale):
            for group in axis.groups:
                text = axis.rewritten(row.text, group)
                if text is not None and text != row.text:
                    yield Counterfactual(row=row, group=f"{axis.name}/{group}", text=text)


def counterfactual_digest(rewritten: Iterable[Counterfactual]) -> str:
    """Return the digest of what is asked."""
    return digest_of(*((one.row.id, one.group, one.text) for one in rewritten))


def run_counterfactual(
    predictor: Predictor,
    rows: Sequence[HoldoutRow],
    *,
    task: str,
    version: str,
    confidence: float = 0.95,
    batch_size: int = BATCH_SIZE,
    progress: Callable[[str], None] | None = None,
) -> SuiteResult:
    """Return which labels flip; EvaluationError if no row names a group that there are words for."""
    rewritten = tuple(counterfactuals(rows))
    inputs = [one.row.asked() for one in rewritten] + [one.row.asked(one.text) for one in rewritten]
    answers = answer(predictor, inputs, batch_size=batch_size, progress=progress)
    labels = ["" if one is None else one.output for one in answers]
    return counterfactual_result(
        rewritten, labels[: len(rewritten)], labels[len(rewritten) :], task=task, version=version, confidence=confidence
    )


def counterfactual_result(
    rewritten: Sequence[Counterfactual],
    labels_before: Sequence[str],
    labels: Sequence[str],
    *,
    task: str,
    version: str,
    confidence: float = 0.95,
) -> SuiteResult:
    """Return the result of the labels of the rows before and after they were rewritten. Pure."""
    if not rewritten:
        raise EvaluationError(
            "no row of the holdout names a group of people that there are words for; give more rows, or leave the "
            "suite out"
        )
    found = zip(rewritten, labels_before, labels, strict=True)
    cases = tuple(_case(one, before, after) for one, before, after in found)
    flips: dict[tuple[str, str], Counter[str]] = {}
    for case in cases:
        if not case.passed:
            flips.setdefault((case.test, case.slice), Counter())[case.output] += 1

    def numbers(test: str, slice: str) -> dict[str, float]:
        to_labels = flips.get((test, slice), Counter())
        counts = {f"num_flips_to_{label or 'no_answer'}": float(count) for label, count in sorted(to_labels.items())}
        return {"num_flips": float(to_labels.total()), **counts}

    return SuiteResult(
        suite=SUITE,
        type="counterfactual",
        digest=counterfactual_digest(rewritten),
        task=task,
        version=version,
        slices=summarise(cases, confidence=confidence, numbers=numbers),
        cases=cases,
    )


def _case(one: Counterfactual, before: str, after: str) -> CaseResult:
    return CaseResult(
        id=one.row.id,
        subject=one.row.id,
        test=one.group,
        slice=one.row.place,
        input=one.text,
        input_before=one.row.text,
        output=after,
        output_before=before,
        wanted="the same label",
        points=100.0 if before == after else 0.0,
        passed=before == after,
    )
