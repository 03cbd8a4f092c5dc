"""Runs a set: dataset, training, one evaluation on the holdout by the engine that the version would be served with.

Input: a set, the folder of the example specs, a folder for results. Output: a `QualityResult`, which is kept. The seed
is the spec's. A set whose training was done and evaluated already is told from its kept result: the holdout is looked
at once for each choice that was made without it. Limits: datasets are built on a local Ray unless one is named.
"""

import math
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from safetensors import safe_open

from polyloop.bench.quality.measures import measures_of, samples_of
from polyloop.bench.quality.results import QualityResult, kept_result, save_result
from polyloop.bench.quality.retrieval import run_retrieval
from polyloop.bench.quality.sets import QualitySet
from polyloop.bench.quality.training import Runner, train_model
from polyloop.data.dataset import Dataset
from polyloop.data.rows import SPLITS
from polyloop.errors import SpecError
from polyloop.models.engines.choice import wish_of
from polyloop.spec.loader import LoadedSpec, load_spec
from polyloop.spec.models import TaskSpec, task_locales
from polyloop.training.config import TrainConfig, training_digest

QUICK_EPOCHS = 0.02
QUICK_ROWS = 200
RUNS_FOLDER = "quality"
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How sets are run."""

    specs: Path
    """Folder of the example specs."""
    results: Path
    """Folder that results are kept in."""
    quick: bool = False
    runner: Runner = "process"


def run_set(one: QualitySet, options: Options, say: Say) -> QualityResult:
    """Return the result of a set, run now or kept from an earlier run of the same data and training."""
    if one.example is None:
        result = run_retrieval(one, machine=machine(), quick=options.quick)
    else:
        result = _run_task(one, one.example, options, say)
    save_result(result, options.results)
    return result


def _run_task(one: QualitySet, example: str, options: Options, say: Say) -> QualityResult:
    loaded = _load(options.specs / example)
    task = quick_task(loaded.task(one.task)) if options.quick else loaded.task(one.task)
    started_s = time.monotonic()
    dataset = _dataset(loaded, one.task, say)
    build_s = time.monotonic() - started_s
    training = training_digest(task_name=one.task, task=task, dataset_digest=dataset.digest, parent=None)
    digests = {
        "dataset": dataset.digest,
        "holdout": dataset.holdout_digest,
        "training": training,
        "spec": loaded.digest,
    }
    kept = kept_result(options.results, one.name, quick=options.quick)
    if kept is not None and is_same_run(kept.digests, digests):
        say(f"{one.name}: told from the result of {kept.date}")
        return kept
    config = TrainConfig(
        task_name=one.task,
        task=task,
        dataset_dir=dataset.path,
        run_dir=loaded.artefacts_dir.resolve() / RUNS_FOLDER / f"{one.task}-{training[:24]}",
    )
    trained = train_model(config, options.runner, say)
    return _evaluated(
        one,
        loaded,
        config,
        dataset,
        trained.model_dir,
        {"build": build_s, "train": trained.train_s},
        digests,
        quick=options.quick,
        say=say,
    )


def _evaluated(
    one: QualitySet,
    loaded: LoadedSpec,
    config: TrainConfig,
    dataset: Dataset,
    model_dir: Path,
    seconds: dict[str, float],
    digests: dict[str, str],
    *,
    quick: bool,
    say: Say,
) -> QualityResult:
    from polyloop.evaluation.evaluate import evaluate
    from polyloop.models.predict import Predictor
    from polyloop.retraining.engines import settle_engine

    def progress(text: str) -> None:
        say(f"{one.name}: {text}")

    table = dataset.table("holdout")
    table = table.slice(0, QUICK_ROWS) if quick else table
    locales = task_locales(config.task, loaded.spec.locales)
    started_s = time.monotonic()
    note = settle_engine(config.task, dataset, model_dir, locales, progress)
    predictor = Predictor.of_trained(model_dir, config.task, locales, engine=note, wish=wish_of(config.task.serving))
    settled_s = time.monotonic()
    result = evaluate(
        predictor,
        config.task,
        table,
        task=one.task,
        version=one.name,
        dataset_digest=dataset.digest,
        holdout_digest=dataset.holdout_digest,
        progress=progress,
    )
    stages = seconds | {"engine": settled_s - started_s, "evaluate": time.monotonic() - settled_s}
    return QualityResult(
        name=one.name,
        quick=quick,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        measures=measures_of(result, one.goals),
        num_parameters=count_parameters(model_dir),
        max_parameters=one.max_parameters,
        seconds={stage: round(value, 1) for stage, value in stages.items()},
        num_rows={split: dataset.manifest.num_rows(split) for split in SPLITS},
        digests=digests,
        machine=machine(),
        engine=str(predictor.engine),
        samples=samples_of(result, table.column("input").to_pylist()),
    )


def quick_task(task: TaskSpec) -> TaskSpec:
    """Return the task with a fraction of its training."""
    training = task.training.model_copy(update={"epochs": min(task.training.epochs, QUICK_EPOCHS)})
    return task.model_copy(update={"training": training})


def is_same_run(kept: dict[str, str], now: dict[str, str]) -> bool:
    """Return whether a kept result is of the same rows and the same training."""
    return all(kept.get(name) == now[name] for name in ("dataset", "holdout", "training"))


def count_parameters(model_dir: Path) -> int:
    """Return the number of weights in a model's folder; tables of ids are none, shared weights count once."""
    total = 0
    for path in sorted(model_dir.glob("*.safetensors")):
        with safe_open(path, framework="numpy") as file:
            slices = [file.get_slice(name) for name in file.keys()]  # noqa: SIM118  # it is no dictionary
            total += sum(math.prod(one.get_shape()) for one in slices if one.get_dtype().startswith(("F", "BF")))
    return total


def machine() -> dict[str, Any]:
    """Return what a result has to tell of where it was made."""
    return {
        "cpus": os.cpu_count(),
        "processor": platform.machine(),
        "python": platform.python_version(),
        "torch": version("torch"),
        "transformers": version("transformers"),
    }


def _load(path: Path) -> LoadedSpec:
    if not path.exists():
        raise SpecError(
            f"{path}: the quality benchmark trains by this example; run it in a checkout of Polyloop, or name the "
            "folder of the examples with --specs"
        )
    return load_spec(path)


def _dataset(loaded: LoadedSpec, task: str, say: Say) -> Dataset:
    from polyloop.cluster.connect import connected

    with connected():
        from polyloop.data.build import build_dataset

        return build_dataset(loaded, task, progress=say)
