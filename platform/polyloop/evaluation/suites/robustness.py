"""Scores a model on perturbed inputs beside the clean ones.

Input: a predictor, the task's spec and rows of the holdout. Output: a `SuiteResult` with a test for each perturbation.
A slice's numbers are the task's metric on the clean and on the perturbed inputs and their difference by paired
bootstrap, over the rows that the perturbation changes. A case passes if its answer is right in spite of the edit: the
right label, or a text that loses at most TOLERANCE points of chrF against the reference.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from polyloop.evaluation.answers import BATCH_SIZE, Predictor, answer
from polyloop.evaluation.intervals import paired_bootstrap
from polyloop.evaluation.metrics import FloatArray, resolve_metric, score, statistics, statistics_by_locale
from polyloop.evaluation.suites.perturbations import perturb, perturbations_of
from polyloop.evaluation.suites.results import CaseResult, SuiteResult, summarise
from polyloop.evaluation.suites.sample import HoldoutRow, digest_of
from polyloop.spec.models import TaskSpec

SUITE = "robustness"
TOLERANCE = 10.0
"""Points of a sentence's chrF; chosen: about what one wrong word costs a sentence of ten."""


@dataclass(frozen=True, kw_only=True)
class Perturbed:
    """A row of the holdout and its text after a perturbation that changed it."""

    perturbation: str
    row: HoldoutRow
    text: str


def perturbed_rows(rows: Sequence[HoldoutRow], *, seed: int = 17) -> Iterator[Perturbed]:
    """Yield each row once for each perturbation of its locale that changes its text."""
    for row in rows:
        for name in perturbations_of(row.locale):
            text = perturb(name, row.text, row.locale, seed=seed)
            if text != row.text:
                yield Perturbed(perturbation=name, row=row, text=text)


def robustness_digest(perturbed: Iterable[Perturbed]) -> str:
    """Return the digest of what is asked."""
    return digest_of(*((one.perturbation, one.row.id, one.text) for one in perturbed))


def run_robustness(
    predictor: Predictor,
    task_spec: TaskSpec,
    rows: Sequence[HoldoutRow],
    *,
    task: str,
    version: str,
    seed: int = 17,
    batch_size: int = BATCH_SIZE,
    progress: Callable[[str], None] | None = None,
) -> SuiteResult:
    """Return how a model does on perturbed rows, with the gate's confidence and number of resamples.

    Raises EvaluationError as `statistics` and `resolve_metric` do.
    """
    perturbed = tuple(perturbed_rows(rows, seed=seed))
    inputs = [one.row.asked() for one in perturbed] + [one.row.asked(one.text) for one in perturbed]
    answers = answer(predictor, inputs, batch_size=batch_size, progress=progress)
    outputs = ["" if one is None else one.output for one in answers]
    return robustness_result(
        perturbed, outputs[: len(perturbed)], outputs[len(perturbed) :], task_spec, task=task, version=version
    )


def robustness_result(
    perturbed: Sequence[Perturbed],
    clean_outputs: Sequence[str],
    outputs: Sequence[str],
    task_spec: TaskSpec,
    *,
    task: str,
    version: str,
) -> SuiteResult:
    """Return the result of answers to perturbed rows, given beside those to the same rows as they were. Pure."""
    is_classify = task_spec.kind == "classify"
    found = zip(perturbed, clean_outputs, outputs, strict=True)
    cases = tuple(_case(one, clean, output, is_classify=is_classify) for one, clean, output in found)
    places: dict[tuple[str, str], list[int]] = {}
    for number, case in enumerate(cases):
        places.setdefault((case.test, case.slice), []).append(number)

    def numbers(test: str, slice: str) -> dict[str, float]:
        chosen = places[test, slice]
        rows = [perturbed[number].row for number in chosen]
        before, after = ([texts[number] for number in chosen] for texts in (clean_outputs, outputs))
        return _numbers(rows, before, after, task_spec)

    return SuiteResult(
        suite=SUITE,
        type="robustness",
        digest=robustness_digest(perturbed),
        task=task,
        version=version,
        tolerance=0.0 if is_classify else TOLERANCE,
        slices=summarise(cases, confidence=task_spec.gate.confidence, numbers=numbers),
        cases=cases,
    )


def _case(one: Perturbed, clean: str, output: str, *, is_classify: bool) -> CaseResult:
    row = one.row
    if is_classify:
        points = 100.0 if output == row.reference else 0.0
        passed = output == row.reference
    else:
        points, before = (_sentence_chrf(text, row.reference) for text in (output, clean))
        passed = points >= before - TOLERANCE
    return CaseResult(
        id=row.id,
        subject=row.id,
        test=one.perturbation,
        slice=row.place,
        input=one.text,
        input_before=row.text,
        output=output,
        output_before=clean,
        wanted=row.reference,
        points=points,
        passed=passed,
    )


def _numbers(rows: Sequence[HoldoutRow], before: list[str], after: list[str], task_spec: TaskSpec) -> dict[str, float]:
    metric = resolve_metric(task_spec.gate.metric, task_spec.kind)
    references, locales = [row.reference for row in rows], [row.target_locale for row in rows]
    clean, edited = (
        statistics_by_locale(metric, outputs, references, locales, labels=task_spec.labels)
        for outputs in (before, after)
    )
    gate = task_spec.gate
    difference = paired_bootstrap(edited, clean, metric, resamples=gate.resamples, confidence=gate.confidence)
    return {
        "clean": _total(metric, clean),
        "perturbed": _total(metric, edited),
        "difference": difference.interval.value,
        "difference_low": difference.interval.low,
        "difference_high": difference.interval.high,
        "probability_no_loss": difference.probability_no_loss,
    }


def _total(metric: str, stats: FloatArray) -> float:
    return float(score(metric, stats.sum(axis=0)))


def _sentence_chrf(output: str, reference: str) -> float:
    return _total("chrf", statistics("chrf", [output], [reference], locale="und"))
