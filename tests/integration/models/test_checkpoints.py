"""Tests of tiny Hugging Face checkpoints through a whole life: loaded, trained, published, asked, trained again."""

from pathlib import Path

import pytest
from tests.support.small_tasks import (
    bert_tokenizer,
    save_checkpoint,
    small_dataset,
    small_task,
    small_tokenizer,
    version_facts,
)

from polyloop.data.tokenizer import adopt_tokenizer
from polyloop.models.artefact import publish
from polyloop.models.predict import PredictInput, Predictor
from polyloop.tasks import kind_of
from polyloop.training.config import TrainConfig
from polyloop.training.function import train
from polyloop.training.session import LocalSession


@pytest.mark.parametrize(("kind", "family"), [("classify", "bert"), ("translate", "t5"), ("translate", "marian")])
def test_a_checkpoint_is_fine_tuned_published_and_retrained(tmp_path: Path, kind: str, family: str) -> None:
    plain = bert_tokenizer() if family == "bert" else small_tokenizer(tmp_path / "plain", small_task("classify"))
    checkpoint = save_checkpoint(family, tmp_path / "checkpoint", plain)
    task = small_task(kind, model={"pretrained": str(checkpoint)}, training={"epochs": 1})
    tokenizer_dir = tmp_path / "tokenizer"
    adopt_tokenizer(str(checkpoint), kind_of(task).special_tokens(task), tokenizer_dir)
    dataset = small_dataset(tmp_path / "dataset", task, range(60), tokenizer_dir=tokenizer_dir)
    inputs = [PredictInput(text="one two", locale="en", target_locale="en" if kind == "classify" else "de")]
    parent = None
    for version in ("v1", "v2"):
        config = TrainConfig(
            task_name="numbers",
            task=task,
            dataset_dir=dataset.path,
            run_dir=tmp_path / f"run-{version}",
            init_from=parent,
        )
        trained = train(config, LocalSession(run_dir=config.run_dir))
        parent = tmp_path / version
        publish(trained, parent, version_facts(task, version=version, base_model=str(checkpoint)))
        answer = Predictor(parent, threads=1).predict(inputs)[0]
        assert answer.num_input_tokens > 2
        if kind == "classify":
            assert answer.output in task.labels
