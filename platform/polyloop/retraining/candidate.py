"""Makes a candidate: trains it, settles by which engine it answers, evaluates it so, and publishes it as a version.

Input: a reserved version, its plan and dataset. Output: the candidate's evaluation, on the holdout and by suites; its
artefact and its registry row then say `published`. Each step finds what an earlier, killed attempt has finished.
"""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polyloop
from polyloop.data.dataset import Dataset
from polyloop.evaluation.comparison import VersionEvaluation
from polyloop.evaluation.report import report_rows
from polyloop.evaluation.results import EvaluationResult
from polyloop.models.artefact import publish
from polyloop.models.engines.choice import wish_of
from polyloop.models.manifest import CorpusNote, EngineNote, VersionFacts
from polyloop.models.predict import Predictor
from polyloop.registry.store import Store
from polyloop.registry.versions import PUBLISHED, REJECTED, VersionRecord, publish_version
from polyloop.retraining.answering import complete_answering
from polyloop.retraining.engines import settle_engine
from polyloop.retraining.evaluations import evaluate_model, evaluate_version
from polyloop.retraining.findings import decision_note, group_rows, metric_rows, suite_rows
from polyloop.retraining.plan import Plan
from polyloop.spec.loader import LoadedSpec
from polyloop.spec.models import task_locales
from polyloop.tasks import kind_of
from polyloop.training.config import MODEL_DIR
from polyloop.training.driver import run_training
from polyloop.training.telling import TrainingTeller

RUNS_FOLDER = "runs"
MODELS_FOLDER = "models"


def make_candidate(
    loaded: LoadedSpec,
    store: Store,
    version: VersionRecord,
    plan: Plan,
    dataset: Dataset,
    progress: Callable[[str], None],
) -> VersionEvaluation:
    """Return the candidate's evaluation; a version that is published already is not trained again."""
    if version.state in (PUBLISHED, REJECTED):
        return evaluate_version(loaded, store, version, dataset, progress)
    trained_dir = _trained(loaded, version, plan, dataset, progress)
    if plan.task.kind == "answer":
        complete_answering(loaded, version.task, plan.task, dataset, trained_dir)
        progress(f"{version.task} {version.version}: documents are indexed")
    locales = task_locales(plan.task, loaded.spec.locales)
    engine = settle_engine(
        plan.task,
        dataset,
        trained_dir,
        locales,
        lambda text: progress(f"{version.task} {version.version}: {text}"),
    )
    evaluation = evaluate_model(
        loaded,
        store,
        task=version.task,
        version=version.version,
        predictor=Predictor.of_trained(trained_dir, plan.task, locales, engine=engine, wish=wish_of(plan.task.serving)),
        model_dir=trained_dir,
        dataset=dataset,
        progress=progress,
    )
    path = Path(MODELS_FOLDER) / version.task / version.version
    facts = _facts(loaded, version, plan, dataset, evaluation, trained_dir, locales, engine)
    manifest = publish(trained_dir, loaded.artefacts_dir / path, facts)
    publish_version(
        store,
        version.task,
        version.version,
        path=str(path),
        size_bytes=manifest.size_bytes,
        metrics=summarise(evaluation.holdout),
    )
    shutil.rmtree(trained_dir.parent, ignore_errors=True)
    progress(f"{version.task} {version.version}: published")
    return evaluation


def _trained(
    loaded: LoadedSpec, version: VersionRecord, plan: Plan, dataset: Dataset, progress: Callable[[str], None]
) -> Path:
    """Return the folder of the trained model; an empty one for tasks that train nothing."""
    run_name, storage_path = f"{version.task}-{version.training_digest[:24]}", loaded.artefacts_dir / RUNS_FOLDER
    if not kind_of(plan.task).learns:
        folder = storage_path / run_name / MODEL_DIR
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    tell = TrainingTeller(f"{version.task} {version.version}")
    return run_training(
        task_name=version.task,
        task=plan.task,
        dataset_dir=dataset.path,
        run_name=run_name,
        storage_path=storage_path,
        init_from=plan.init_from,
        preferences=plan.preferences.path if plan.preferences else None,
        on_progress=lambda look: progress(tell(look)),
    )


def summarise(result: EvaluationResult) -> dict[str, Any]:
    """Return a result's figures for the registry: the gate's metric by slice, with intervals."""
    slices = {row.locale: row for row in report_rows(result) if row.metric == result.metric}
    figures = {
        locale: {"value": row.after.value, "low": row.after.low, "high": row.after.high, "num_rows": row.num_rows}
        for locale, row in slices.items()
    }
    overall = figures.pop("overall")
    return {
        "metric": result.metric,
        "overall": overall,
        "locales": figures,
        "latency_ms": result.latency_ms,
        "engine": result.engine,
    }


def _facts(
    loaded: LoadedSpec,
    version: VersionRecord,
    plan: Plan,
    dataset: Dataset,
    evaluation: VersionEvaluation,
    trained_dir: Path,
    locales: tuple[str, ...],
    engine: EngineNote,
) -> VersionFacts:
    task = plan.task
    return VersionFacts(
        task=version.task,
        version=version.version,
        kind=task.kind,
        architecture=kind_of(task).architecture,
        labels=task.labels,
        pairs=task.pairs,
        locales=locales,
        max_input_tokens=task.model.max_input_tokens,
        max_target_tokens=task.model.max_target_tokens,
        dataset_digest=dataset.digest,
        holdout_digest=dataset.holdout_digest,
        spec_digest=loaded.digest,
        training_digest=version.training_digest,
        code_version=polyloop.__version__,
        base_model=task.model.pretrained,
        parent=version.parent,
        preferences_digest=plan.preferences.digest if plan.preferences else None,
        corpora=tuple(
            CorpusNote(name=name, licence=record.licence, source=record.source)
            for name, record in dataset.manifest.corpora.items()
        )
        + tuple(
            CorpusNote(name=f"documents {number}", licence=one.licence, source=one.source)
            for number, one in enumerate(task.documents, start=1)
        ),
        metrics=metric_rows(evaluation.holdout),
        groups=group_rows(evaluation.holdout),
        suites=suite_rows(evaluation.suites),
        decision=decision_note(trained_dir, task),
        engine=engine,
        confidence=task.gate.confidence,
        created_at=datetime.now(UTC),
    )
