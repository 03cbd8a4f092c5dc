"""Evaluations of published versions, kept beside the artefacts and made once per version and holdout.

Input: a version and a dataset. Output: its `EvaluationResult` on that dataset's holdout, loaded if it was made before.
"""

from collections.abc import Callable
from pathlib import Path

from polyloop.data.dataset import Dataset
from polyloop.evaluation.evaluate import evaluate
from polyloop.evaluation.results import SUMMARY_FILE, EvaluationResult, load_result, save_result
from polyloop.models.predict import Predictor
from polyloop.progress import prefixed
from polyloop.registry.versions import VersionRecord
from polyloop.spec.loader import LoadedSpec


def evaluation_dir(loaded: LoadedSpec, task: str, version: str, dataset: Dataset) -> Path:
    """Return the folder of a version's results on a dataset's holdout."""
    return loaded.artefacts_dir / "evaluations" / task / f"{version}-{dataset.holdout_digest[:16]}"


def evaluate_model(
    loaded: LoadedSpec,
    *,
    task: str,
    version: str,
    predictor: Predictor | None = None,
    model_dir: Path,
    dataset: Dataset,
    progress: Callable[[str], None],
) -> EvaluationResult:
    """Return the result of a model on the holdout of `dataset`, from its folder if it was evaluated before.

    `predictor` is for a model that is not published yet; otherwise the artefact in `model_dir` is verified and loaded.
    """
    folder = evaluation_dir(loaded, task, version, dataset)
    if (folder / SUMMARY_FILE).exists():
        return load_result(folder)
    size_bytes = sum(file.stat().st_size for file in model_dir.rglob("*") if file.is_file())
    result = evaluate(
        predictor or Predictor(model_dir),
        loaded.task(task),
        dataset.table("holdout"),
        task=task,
        version=version,
        dataset_digest=dataset.digest,
        holdout_digest=dataset.holdout_digest,
        size_bytes=size_bytes,
        progress=lambda text: progress(prefixed(f"{task} {version}: ", text)),
    )
    save_result(result, folder)
    return result


def evaluate_version(
    loaded: LoadedSpec, version: VersionRecord, dataset: Dataset, progress: Callable[[str], None]
) -> EvaluationResult:
    """Return the result of a published version on the holdout of `dataset`."""
    return evaluate_model(
        loaded,
        task=version.task,
        version=version.version,
        model_dir=loaded.artefacts_dir / str(version.path),
        dataset=dataset,
        progress=progress,
    )
