"""Which suites a task's versions are tried with, and their results, each made once per version and kept.

Input: the spec, a task and its dataset. Output: a plan, the same for every version on the same holdout, and a
`SuiteResult` for each of its suites. A planned suite knows the digest of all that it asks before any model is loaded,
so a stored result is used again exactly if it is about the same cases. Limits: what is planned besides the task's own
suites is made from a sample of the holdout.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from polyloop.data.dataset import Dataset
from polyloop.errors import EvaluationError, RegistryError, SuiteError
from polyloop.evaluation.answers import Predictor
from polyloop.evaluation.metrics import metric_named, resolve_metric
from polyloop.evaluation.suites import counterfactual, offensive, robustness, stereotypes
from polyloop.evaluation.suites.behaviour import for_places, run_behaviour
from polyloop.evaluation.suites.loader import LoadedSuite, load_starter, load_suite
from polyloop.evaluation.suites.pairs import read_pairs
from polyloop.evaluation.suites.results import FOLDER, SuiteResult, load_suite_result, save_suite_result
from polyloop.evaluation.suites.sample import HoldoutRow, sample
from polyloop.models import predict
from polyloop.registry.releases import get_release
from polyloop.registry.store import Store
from polyloop.registry.versions import get_version
from polyloop.retraining.language_models import language_model
from polyloop.spec.loader import LoadedSpec
from polyloop.spec.models import TaskSpec, task_locales

RESERVED = frozenset({counterfactual.SUITE, offensive.SUITE, robustness.SUITE, stereotypes.SUITE})
"""Names that no suite file may have, as results are kept by name."""

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A version that suites are run on."""

    task: str
    version: str
    model_dir: Path
    predictor: Callable[[], Predictor]
    """Gives the loaded model, which is loaded when a suite first needs it."""
    answers: Mapping[str, str]
    """What it answered to the rows of the holdout, by their ids."""


@dataclass(frozen=True, kw_only=True)
class PlannedSuite:
    """A suite that is ready to be run on any version of a task."""

    name: str
    digest: str
    """Of all that it asks, as of its results."""
    run: Callable[[Subject, Progress], SuiteResult]


def load_suites(loaded: LoadedSpec, task: str) -> tuple[LoadedSuite, ...]:
    """Return the behavioural suites that a task names, cut down to its locales or pairs.

    Raises SuiteError for one that cannot be read or does not fit the task, and EvaluationError for one that has nothing
    to say about the task's locales.
    """
    task_spec = loaded.task(task)
    places = task_spec.pairs or task_locales(task_spec, loaded.spec.locales)
    found: dict[str, LoadedSuite] = {}
    for source in loaded.suites(task):
        suite = for_places(_read_suite(source, task_spec), places)
        name = suite.suite.suite
        if name in found:
            raise SuiteError(f"task {task!r} is to be tried with two suites called {name!r}; rename one of them")
        if name in RESERVED:
            raise SuiteError(f"{source}: the name {name!r} is kept for Polyloop's own suite; give it another")
        found[name] = suite
    return tuple(found.values())


def _read_suite(source: str | Path, task_spec: TaskSpec) -> LoadedSuite:
    if isinstance(source, Path):
        return load_suite(source, kind=task_spec.kind, labels=task_spec.labels)
    return load_starter(source, kind=task_spec.kind, labels=task_spec.labels)


def plan_suites(
    loaded: LoadedSpec, store: Store, task: str, dataset: Dataset, progress: Progress
) -> tuple[PlannedSuite, ...]:
    """Return what the versions of a task are tried with besides the holdout.

    Raises what `load_suites` does, and EvaluationError for pairs that cannot be read or a judge that is not released.
    """
    task_spec = loaded.task(task)
    asked = task_spec.evaluation
    planned = [_behaviour(one, task_spec) for one in load_suites(loaded, task)]
    table = dataset.table("holdout")
    if asked.robustness != "off":
        planned.append(_robustness(sample(table, max_rows=asked.robustness), task_spec))
    if asked.counterfactual:
        planned += _counterfactual(sample(table), task_spec, lambda text: progress(f"{task}: {text}"))
    if asked.crows_pairs:
        planned.append(_stereotypes(loaded, task))
    if asked.offensive is not None:
        planned.append(_offensive(loaded, store, task, sample(table)))
    return tuple(planned)


def run_suites(
    planned: Sequence[PlannedSuite], subject: Subject, folder: Path, progress: Progress
) -> tuple[SuiteResult, ...]:
    """Return the results of a version, those that `folder` does not have yet made and saved there."""
    return tuple(_stored(one, subject, folder) or _made(one, subject, folder, progress) for one in planned)


def _stored(planned: PlannedSuite, subject: Subject, folder: Path) -> SuiteResult | None:
    if not (folder / FOLDER / planned.name).is_dir():
        return None
    try:
        result = load_suite_result(folder, planned.name)
    except EvaluationError:  # half a result, or one of another format: it is made again
        return None
    return result if (result.digest, result.version) == (planned.digest, subject.version) else None


def _made(planned: PlannedSuite, subject: Subject, folder: Path, progress: Progress) -> SuiteResult:
    result = planned.run(subject, lambda text: progress(f"{subject.task} {subject.version}: {planned.name}: {text}"))
    save_suite_result(result, folder)
    return result


def _behaviour(suite: LoadedSuite, task_spec: TaskSpec) -> PlannedSuite:
    def run(subject: Subject, progress: Progress) -> SuiteResult:
        return run_behaviour(
            subject.predictor(),
            suite,
            task=subject.task,
            version=subject.version,
            confidence=task_spec.gate.confidence,
            progress=progress,
        )

    return PlannedSuite(name=suite.suite.suite, digest=suite.digest, run=run)


def _robustness(rows: tuple[HoldoutRow, ...], task_spec: TaskSpec) -> PlannedSuite:
    compared = _with_answers_metric(task_spec)

    def run(subject: Subject, progress: Progress) -> SuiteResult:
        return robustness.run_robustness(
            subject.predictor(), compared, rows, task=subject.task, version=subject.version, progress=progress
        )

    digest = robustness.robustness_digest(robustness.perturbed_rows(rows))
    return PlannedSuite(name=robustness.SUITE, digest=digest, run=run)


def _with_answers_metric(task_spec: TaskSpec) -> TaskSpec:
    """Return the task with a metric that compares answers, where the gate's own asks for confidences."""
    metric = metric_named(resolve_metric(task_spec.gate.metric, task_spec.kind))
    if metric.compares not in ("confidences", "likelihoods", "outputs"):
        return task_spec
    return task_spec.model_copy(update={"gate": task_spec.gate.model_copy(update={"metric": "default"})})


def _counterfactual(rows: tuple[HoldoutRow, ...], task_spec: TaskSpec, progress: Progress) -> list[PlannedSuite]:
    rewritten = tuple(counterfactual.counterfactuals(rows))
    if not rewritten:
        progress("no row of the holdout names a group of people that there are words for; no counterfactual suite")
        return []

    def run(subject: Subject, progress: Progress) -> SuiteResult:
        return counterfactual.run_counterfactual(
            subject.predictor(),
            rows,
            task=subject.task,
            version=subject.version,
            confidence=task_spec.gate.confidence,
            progress=progress,
        )

    digest = counterfactual.counterfactual_digest(rewritten)
    return [PlannedSuite(name=counterfactual.SUITE, digest=digest, run=run)]


def _stereotypes(loaded: LoadedSpec, task: str) -> PlannedSuite:
    files = loaded.crows_pairs(task)
    pairs = tuple(pair for locale, path in files.items() for pair in read_pairs(path, locale=locale))
    task_spec = loaded.task(task)

    def run(subject: Subject, progress: Progress) -> SuiteResult:
        progress(f"comparing {len(pairs)} pairs of sentences")
        model, tokenizer = language_model(subject.model_dir, task_spec.kind, loaded.pretrained(task))
        return stereotypes.run_stereotypes(
            model,
            tokenizer,
            pairs,
            task=subject.task,
            version=subject.version,
            confidence=task_spec.gate.confidence,
        )

    return PlannedSuite(name=stereotypes.SUITE, digest=stereotypes.stereotypes_digest(pairs), run=run)


def _offensive(loaded: LoadedSpec, store: Store, task: str, rows: tuple[HoldoutRow, ...]) -> PlannedSuite:
    asked = loaded.task(task).evaluation.offensive
    assert asked is not None
    champion = get_release(store, asked.task).champion
    if champion is None:
        raise RegistryError(
            f"task {asked.task!r}, which judges the answers of {task!r}, has no champion; run `polyloop loop run "
            f"--task {asked.task}` first"
        )
    path = loaded.artefacts_dir / str(get_version(store, asked.task, champion).path)
    name = f"{asked.task}/{champion}"

    def run(subject: Subject, progress: Progress) -> SuiteResult:
        judge = offensive.Judge(
            predictor=predict.Predictor(path), version=name, label=asked.label, threshold=asked.threshold
        )
        return offensive.run_offensive(
            judge,
            rows,
            [subject.answers[row.id] for row in rows],
            task=subject.task,
            version=subject.version,
            confidence=loaded.task(task).gate.confidence,
            progress=progress,
        )

    digest = offensive.offensive_digest(name, asked.label, asked.threshold, rows)
    return PlannedSuite(name=offensive.SUITE, digest=digest, run=run)
