"""Makes a candidate: trains it, evaluates it, and publishes it as an immutable version.

Input: a reserved version, its plan and dataset. Output: the candidate's result on the holdout; its artefact and its
registry row then say `published`. Each step finds what an earlier, killed attempt has finished.
"""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polyloop
from polyloop.data.dataset import Dataset
from polyloop.evaluation.report import report_rows
from polyloop.evaluation.results import EvaluationResult
from polyloop.models.artefact import publish
from polyloop.models.manifest import CorpusNote, MetricRow, VersionFacts
from polyloop.models.predict import Predictor
from polyloop.registry.store import Store
from polyloop.registry.versions import PUBLISHED, REJECTED, VersionRecord, publish_version
from polyloop.retraining.evaluations import evaluate_model, evaluate_version
from polyloop.retraining.plan import Plan
from polyloop.spec.loader import LoadedSpec
from polyloop.spec.models import task_locales
from polyloop.tasks import kind_of
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
) -> EvaluationResult:
    """Return the candidate's result; a version that is published already is not trained again."""
    if version.state in (PUBLISHED, REJECTED):
        return evaluate_version(loaded, version, dataset, progress)
    tell = TrainingTeller(f"{version.task} {version.version}")
    trained_dir = run_training(
        task_name=version.task,
        task=plan.task,
        dataset_dir=dataset.path,
        run_name=f"{version.task}-{version.training_digest[:24]}",
        storage_path=loaded.artefacts_dir / RUNS_FOLDER,
        init_from=plan.init_from,
        on_progress=lambda look: progress(tell(look)),
    )
    locales = task_locales(plan.task, loaded.spec.locales)
    result = evaluate_model(
        loaded,
        task=version.task,
        version=version.version,
        predictor=Predictor.of_trained(trained_dir, plan.task, locales),
        model_dir=trained_dir,
        dataset=dataset,
        progress=progress,
    )
    path = Path(MODELS_FOLDER) / version.task / version.version
    facts = _facts(loaded, version, plan, dataset, result, locales)
    manifest = publish(trained_dir, loaded.artefacts_dir / path, facts)
    publish_version(
        store,
        version.task,
        version.version,
        path=str(path),
        size_bytes=manifest.size_bytes,
        metrics=summarise(result),
    )
    shutil.rmtree(trained_dir.parent, ignore_errors=True)
    progress(f"{version.task} {version.version}: published")
    return result


def summarise(result: EvaluationResult) -> dict[str, Any]:
    """Return a result's figures for the registry: the gate's metric by slice, with intervals."""
    slices = {row.locale: row for row in report_rows(result) if row.metric == result.metric}
    figures = {
        locale: {"value": row.after.value, "low": row.after.low, "high": row.after.high, "num_rows": row.num_rows}
        for locale, row in slices.items()
    }
    overall = figures.pop("overall")
    return {"metric": result.metric, "overall": overall, "locales": figures, "latency_ms": result.latency_ms}


def _facts(
    loaded: LoadedSpec,
    version: VersionRecord,
    plan: Plan,
    dataset: Dataset,
    result: EvaluationResult,
    locales: tuple[str, ...],
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
        corpora=tuple(
            CorpusNote(name=name, licence=record.licence, source=record.source)
            for name, record in dataset.manifest.corpora.items()
        ),
        metrics=tuple(
            MetricRow(
                locale=row.locale,
                metric=row.metric,
                value=row.after.value,
                low=row.after.low,
                high=row.after.high,
                num_rows=row.num_rows,
            )
            for row in report_rows(result)
        ),
        created_at=datetime.now(UTC),
    )
