"""Runs a behavioural suite on a model.

Input: a predictor and a `LoadedSuite`. Output: a `SuiteResult`. Limits: a pair of locales that the model does not know
ends the run with the predictor's own error; choose a suite of the task's locales with `for_places`.
"""

from collections.abc import Callable, Iterable

from polyloop.errors import EvaluationError
from polyloop.evaluation.answers import BATCH_SIZE, Predictor, answer
from polyloop.evaluation.suites.cases import expand, requests
from polyloop.evaluation.suites.judge import judge
from polyloop.evaluation.suites.loader import LoadedSuite, suite_digest
from polyloop.evaluation.suites.results import SuiteResult, summarise
from polyloop.evaluation.suites.spec import Suite


def for_places(loaded: LoadedSuite, places: Iterable[str]) -> LoadedSuite:
    """Return the part of a suite that is about some places (locales, or pairs such as en>de).

    Raises EvaluationError if nothing is left.
    """
    wanted = frozenset(places)
    parts: dict[str, dict[str, object]] = {}
    for of_type in ("minimum_functionality", "invariance", "direction"):
        parts[of_type] = {}
        for name, test in getattr(loaded.suite, of_type).items():
            kept = {place: cases for place, cases in test.places.items() if place in wanted}
            if kept:
                parts[of_type][name] = test.model_copy(update={"places": kept})
    if not any(parts.values()):
        raise EvaluationError(
            f"the suite {loaded.suite.suite} has no test for {', '.join(sorted(wanted)) or 'no place'}; add one"
        )
    suite: Suite = loaded.suite.model_copy(update=parts)
    return LoadedSuite(suite=suite, digest=suite_digest(suite))


def run_behaviour(
    predictor: Predictor,
    loaded: LoadedSuite,
    *,
    task: str,
    version: str,
    confidence: float = 0.95,
    batch_size: int = BATCH_SIZE,
    progress: Callable[[str], None] | None = None,
) -> SuiteResult:
    """Return how a model does on a suite: pass rate by test and place, two-sided intervals at `confidence`."""
    cases = expand(loaded.suite)
    inputs = requests(cases)
    predictions = answer(predictor, inputs, batch_size=batch_size, progress=progress)
    found = dict(zip(inputs, predictions, strict=True))
    results = tuple(judge(case, [found[one] for one in case.inputs]) for case in cases)
    return SuiteResult(
        suite=loaded.suite.suite,
        type="behaviour",
        digest=loaded.digest,
        task=task,
        version=version,
        slices=summarise(results, confidence=confidence),
        cases=results,
    )
