"""What a run leaves behind: a Hugging Face model folder with its tokenizer, there whole or not at all.

Inputs: the run's config, trained weights and the judge of the dev split. Output: `run_dir`/model. Errors:
StorageFullError.
"""

import os
import shutil
import uuid
from pathlib import Path
from typing import Any

from polyloop.models.build import finished_model
from polyloop.models.decision import CONFIG_KEY, fit_rule
from polyloop.models.ngrams import NgramBertForSequenceClassification
from polyloop.models.quiet import quiet_transformers
from polyloop.models.storage import flush, named_storage_errors
from polyloop.tasks import kind_of
from polyloop.training.averaging import Weights
from polyloop.training.config import MODEL_DIR, TrainConfig
from polyloop.training.judge import Judge
from polyloop.training.progress import read_progress
from polyloop.training.report import TRAINING_REPORT_NAME, render_training
from polyloop.training.session import PROGRESS_FILE


def write_model(config: TrainConfig, tokenizer: Any, weights: Weights, judge: Judge) -> None:
    """Write the model under a temporary name, and rename it; how labels are decided is fitted on the dev split."""
    model = finished_model(config.task, tokenizer, weights, init_from=config.init_from)
    if isinstance(model, NgramBertForSequenceClassification):
        model.settle(lambda: judge.logits(model))
    if kind_of(config.task).has_labels:
        rule = fit_rule(*judge.logits(model), config.task)
        setattr(model.config, CONFIG_KEY, rule.to_config())
    staging = config.run_dir / f".{MODEL_DIR}-{uuid.uuid4().hex}"
    try:
        with named_storage_errors(f"the trained model to {config.run_dir}"), quiet_transformers():
            model.save_pretrained(staging)
            tokenizer.save_pretrained(staging)
            _write_report(config, staging)
            _publish(staging, config.run_dir / MODEL_DIR)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _publish(staging: Path, folder: Path) -> None:
    """Give the written model its name: a run that has one is over, also after its node has lost power."""
    for path in (*staging.iterdir(), staging):
        flush(path)
    os.rename(staging, folder)
    flush(folder.parent)


def _write_report(config: TrainConfig, folder: Path) -> None:
    """Write the report of the run beside the model, where the runner keeps a progress file."""
    looks = [look for look, _ in read_progress(config.run_dir / PROGRESS_FILE)]
    if looks:
        page = render_training(config.task_name, config.task, looks)
        (folder / TRAINING_REPORT_NAME).write_text(page, encoding="utf-8")
