"""Tests of tiny checkpoints of all families: trained whole, with adapters and from preferences, then published.

The published model is a plain one of transformers: it loads without peft and gives the outputs of the trained one.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from tests.support.preference_files import write_pairs
from tests.support.small_tasks import (
    FAMILIES,
    bert_tokenizer,
    save_checkpoint,
    small_dataset,
    small_task,
    small_tokenizer,
    version_facts,
)

from polyloop.data.dataset import open_dataset
from polyloop.data.tokenizer import adopt_tokenizer
from polyloop.models import build
from polyloop.models.adapters import merged as merge_adapters
from polyloop.models.artefact import publish, verify
from polyloop.models.pretrained import AUTO_CLASSES
from polyloop.spec.models import TaskSpec
from polyloop.tasks import kind_of
from polyloop.training.config import TrainConfig
from polyloop.training.function import train
from polyloop.training.objectives import objective_of
from polyloop.training.rows import Rows
from polyloop.training.session import PROGRESS_FILE, LocalSession

ENCODERS = ("bert", "modernbert")
ENCODER_DECODERS = ("t5", "marian", "bart")
KIND_OF = {
    **dict.fromkeys(FAMILIES, "generate"),
    **dict.fromkeys(ENCODERS, "classify"),
    **dict.fromkeys(ENCODER_DECODERS, "translate"),
}


def _config(tmp_path: Path, family: str, **changes: Any) -> TrainConfig:
    """Return a config whose task trains a checkpoint of the family."""
    plain = bert_tokenizer() if family in ENCODERS else small_tokenizer(tmp_path / "plain", small_task("classify"))
    checkpoint = save_checkpoint(family, tmp_path / "checkpoint", plain)
    model = {"pretrained": str(checkpoint)} | changes.pop("model", {})
    training = {"epochs": 1, "batch_tokens": 256} | changes.pop("training", {})
    task = small_task(KIND_OF[family], model=model, training=training)
    adopt_tokenizer(str(checkpoint), kind_of(task).special_tokens(task), tmp_path / "tokenizer")
    dataset = small_dataset(tmp_path / "dataset", task, range(40), tokenizer_dir=tmp_path / "tokenizer")
    return TrainConfig(task_name="numbers", task=task, dataset_dir=dataset.path, run_dir=tmp_path / "run")


def _outputs(model: Any, config: TrainConfig) -> torch.Tensor:
    """Return the logits of the first rows of the train split."""
    rows = Rows.from_table(open_dataset(config.dataset_dir).table("train"))
    architecture = kind_of(config.task).architecture
    bare = model.get_base_model() if hasattr(model, "get_base_model") else model
    objective = objective_of(architecture, bare, pad_id=0, packed_tokens=None)
    share = np.arange(6)
    with torch.no_grad():
        return objective.logits(model.eval(), objective.batch(rows, share, rows.weights[share]))


def _load_published(trained: Path, config: TrainConfig, published: Path) -> Any:
    publish(trained, published, version_facts(config.task))
    verify(published)
    return AUTO_CLASSES[kind_of(config.task).architecture].from_pretrained(published)


@pytest.mark.parametrize("adapters", [False, True], ids=["whole", "lora"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_published_model_is_the_trained_one_without_its_adapters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str, adapters: bool
) -> None:
    config = _config(tmp_path, family, model={"lora": {"rank": 4}} if adapters else {})
    before_merging: list[torch.Tensor] = []
    merged = merge_adapters

    def watched(model: Any) -> Any:
        before_merging.append(_outputs(model, config))
        return merged(model)

    monkeypatch.setattr(build, "merged", watched)
    trained = train(config, LocalSession(run_dir=config.run_dir))
    model = _load_published(trained, config, tmp_path / "v1")
    torch.testing.assert_close(_outputs(model, config), before_merging[0], rtol=1e-4, atol=1e-5)
    with safe_open(trained / "model.safetensors", "pt") as file:
        assert not [name for name in file.keys() if "lora" in name or "base_model" in name]  # noqa: SIM118
    assert not (tmp_path / "v1" / "adapter_config.json").exists()
    untrained = AUTO_CLASSES[kind_of(config.task).architecture].from_pretrained(tmp_path / "checkpoint")
    if family not in ENCODERS:  # whose checkpoint has another head
        untrained.resize_token_embeddings(model.get_input_embeddings().num_embeddings, mean_resizing=False)
        assert not torch.allclose(_outputs(model, config), _outputs(untrained, config), atol=1e-3)


@pytest.mark.parametrize("family", [family for family in FAMILIES if family not in ENCODERS])
def test_a_family_learns_preferences_with_adapters(tmp_path: Path, family: str) -> None:
    config = _config(tmp_path, family)
    champion = train(config, LocalSession(run_dir=config.run_dir))
    preference = {"training": {"learning_rate": 1e-2, "epochs": 12, "batch_tokens": 256, "select": "last"}}
    task = _with(config.task, lora=True, **preference)
    preferring = config.model_copy(
        update={
            "task": task,
            "run_dir": tmp_path / "preferring",
            "init_from": champion,
            "preferences": write_pairs(tmp_path / "pairs.parquet", task, config.dataset_dir),
        }
    )
    trained = train(preferring, LocalSession(run_dir=preferring.run_dir))
    ours, theirs = (load_file(folder / "model.safetensors") for folder in (trained, champion))
    assert ours.keys() == theirs.keys()
    assert any(not torch.equal(ours[name], weight) for name, weight in theirs.items())
    look = json.loads((preferring.run_dir / PROGRESS_FILE).read_text().splitlines()[-1])
    assert look["reward_margin"] > 0.0
    assert look["reward_accuracy"] > 0.75
    _load_published(trained, preferring, tmp_path / "v2")


def _with(task: TaskSpec, *, lora: bool, training: dict[str, Any]) -> TaskSpec:
    data = task.model_dump(exclude_unset=True)
    data["model"] |= {"lora": {"rank": 4}} if lora else {}
    data["training"] |= training
    return TaskSpec.model_validate(data)
