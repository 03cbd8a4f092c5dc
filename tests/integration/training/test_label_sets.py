"""Tests of texts that have several labels, from the train rows to the answers of the trained model."""

from pathlib import Path
from typing import Any

import pytest
from tests.support.small_tasks import small_dataset, small_task

from polyloop.models.contract import PredictInput
from polyloop.models.predict import Predictor
from polyloop.training.config import TrainConfig
from polyloop.training.function import train
from polyloop.training.session import LocalSession


@pytest.mark.parametrize("model", [{}, {"ngrams": {"characters": 3, "tokens": 2}}], ids=["encoder", "ngrams"])
def test_label_sets_of_new_texts_are_found(tmp_path: Path, model: dict[str, Any]) -> None:
    task = small_task("classify", multi_label=True, model=model, training={"epochs": 12, "batch_tokens": 128})
    dataset = small_dataset(tmp_path / "dataset", task, range(300))
    config = TrainConfig(task_name="numbers", task=task, dataset_dir=tmp_path / "dataset", run_dir=tmp_path / "run")

    folder = train(config, LocalSession(run_dir=config.run_dir))

    held_out = dataset.table("holdout").to_pylist()
    asked = [PredictInput(text=row["input"], locale="en", target_locale="en") for row in held_out]
    answers = Predictor.of_trained(folder, task, ["en"]).predict(asked)
    right = sum(answer.output == row["target"] for answer, row in zip(answers, held_out, strict=True))
    assert {row["target"] for row in held_out} == {'["even"]', '["odd"]', '["even", "odd"]'}
    assert right >= 0.9 * len(held_out)
