"""Evaluations of published versions, kept beside the artefacts and made once per version and holdout.

Input: a version and a dataset. Output: a `VersionEvaluation`: its result on that dataset's holdout, and on each suite
that its task is tried with, loaded where they were made before.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from polyloop.data.dataset import Dataset
from polyloop.evaluation.comparison import VersionEvaluation
from polyloop.evaluation.evaluate import evaluate
from polyloop.evaluation.metrics import resolve_metric
from polyloop.evaluation.results import SUMMARY_FILE, EvaluationResult, load_result, save_result
from polyloop.models.engines.choice import ANY_ENGINE, wish_of
from polyloop.models.predict import Predictor
from polyloop.progress import prefixed
from polyloop.registry.store import Store
from polyloop.registry.versions import VersionRecord
from polyloop.retraining.suites import Subject, plan_suites, run_suites
from polyloop.spec.loader import LoadedSpec
from polyloop.spec.models import TaskSpec


def evaluation_dir(loaded: LoadedSpec, task: str, version: str, holdout_digest: str) -> Path:
    """Return the folder of a version's results on a holdout, by the engine that the spec asks for."""
    wish = wish_of(loaded.task(task).serving)
    engine = "" if wish == ANY_ENGINE else f"-{wish.engine}-{wish.compute_type}"
    return loaded.artefacts_dir / "evaluations" / task / f"{version}-{holdout_digest[:16]}{engine}"


def evaluate_model(
    loaded: LoadedSpec,
    store: Store,
    *,
    task: str,
    version: str,
    predictor: Predictor | None = None,
    model_dir: Path,
    dataset: Dataset,
    progress: Callable[[str], None],
) -> VersionEvaluation:
    """Return what is found out about a model on the holdout of `dataset` and on the task's suites.

    `predictor` is for a model that is not published yet; otherwise the artefact in `model_dir` is verified and loaded,
    if something of its evaluation is not in its folder yet.
    """
    planned = plan_suites(loaded, store, task, dataset, progress)
    folder = evaluation_dir(loaded, task, version, dataset.holdout_digest)

    @cache
    def model() -> Predictor:
        return predictor or Predictor(model_dir, wish=wish_of(loaded.task(task).serving))

    holdout = _stored_holdout(folder, loaded.task(task))
    if holdout is None:
        holdout = evaluate(
            model(),
            loaded.task(task),
            dataset.table("holdout"),
            task=task,
            version=version,
            dataset_digest=dataset.digest,
            holdout_digest=dataset.holdout_digest,
            size_bytes=sum(file.stat().st_size for file in model_dir.rglob("*") if file.is_file()),
            engine=str(model().engine),
            progress=lambda text: progress(prefixed(f"{task} {version}: ", text)),
        )
        save_result(holdout, folder)
    answers = dict(zip(holdout.rows.ids, holdout.rows.predictions, strict=True))
    subject = Subject(task=task, version=version, model_dir=model_dir, predictor=model, answers=answers)
    return VersionEvaluation(holdout=holdout, suites=run_suites(planned, subject, folder, progress))


def evaluate_version(
    loaded: LoadedSpec, store: Store, version: VersionRecord, dataset: Dataset, progress: Callable[[str], None]
) -> VersionEvaluation:
    """Return what is found out about a published version on the holdout of `dataset` and on its task's suites."""
    return evaluate_model(
        loaded,
        store,
        task=version.task,
        version=version.version,
        model_dir=loaded.artefacts_dir / str(version.path),
        dataset=dataset,
        progress=progress,
    )


def _stored_holdout(folder: Path, task_spec: TaskSpec) -> EvaluationResult | None:
    """Return the stored result, None where there is none or where the gate asks for another metric by now."""
    if not (folder / SUMMARY_FILE).exists():
        return None
    result = load_result(folder)
    return result if result.metric == resolve_metric(task_spec.gate.metric, task_spec.kind) else None
