"""Published versions that hold a converted model, and notes of engines as a publication writes them."""

import shutil
from pathlib import Path
from typing import Any

from tests.support.converted_models import ConvertedModel
from tests.support.small_tasks import version_facts

from polyloop.models.artefact import publish
from polyloop.models.engine_files import ENGINE_FOLDER
from polyloop.models.manifest import ComputeType, EngineNote, EngineTrial


def trial(compute_type: ComputeType = "int8", **changes: Any) -> EngineTrial:
    """Return the trial of CTranslate2 in a type, which answers as PyTorch's does, twice as fast."""
    facts: dict[str, Any] = {
        "engine": "ctranslate2",
        "compute_type": compute_type,
        "num_rows": 200,
        "num_equal": 190,
        "num_tokens": 4_000,
        "num_agreeing_tokens": 3_900,
        "num_output_tokens": 4_000,
        "metric": "bleu",
        "score": 30.0,
        "nats_per_token": 1.5,
        "tokens_per_s_alone": 200.0,
        "tokens_per_s_batched": 2_000.0,
    }
    return EngineTrial.model_validate(facts | changes)


def pytorch_trial(**changes: Any) -> EngineTrial:
    """Return the trial of PyTorch."""
    rates = {"tokens_per_s_alone": 100.0, "tokens_per_s_batched": 1_000.0}
    return trial("float32", **{"engine": "pytorch", "num_equal": 200, "num_agreeing_tokens": 4_000, **rates, **changes})


def note(*trials: EngineTrial, **changes: Any) -> EngineNote:
    """Return the note that names the first of some trials of CTranslate2, int8 and float32 where none are given."""
    tried = trials or (trial("int8"), trial("float32"))
    facts: dict[str, Any] = {
        "engine": tried[0].engine,
        "compute_type": tried[0].compute_type,
        "reason": "it is fast",
        "threads": 1,
        "trials": (pytorch_trial(), *tried),
    }
    return EngineNote.model_validate(facts | changes)


def publish_converted(model: ConvertedModel, path: Path, engine: EngineNote | None) -> Path:
    """Publish a model at `path` with what it was converted to, and return the path."""
    source = path.with_name(f"{path.name}-trained")
    shutil.copytree(model.path, source)
    shutil.copytree(model.converted, source / ENGINE_FOLDER)
    publish(source, path, version_facts(model.task, locales=("en", "de", "fr"), engine=engine))
    return path
