"""Tests of what a step may be made of: micro-batches, less memory, other losses, compiled code; and of its failures."""

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file
from tests.support.small_tasks import small_dataset, small_task
from torch.nn import functional
from transformers import AutoTokenizer

from polyloop.data.dataset import open_dataset
from polyloop.errors import TrainingError
from polyloop.models.build import build_model
from polyloop.models.ngrams import NgramBertForSequenceClassification
from polyloop.spec.models import TaskSpec
from polyloop.tasks import kind_of
from polyloop.training import function
from polyloop.training.checkpoint import read_state
from polyloop.training.config import TrainConfig
from polyloop.training.function import train
from polyloop.training.lesson import ExampleLesson
from polyloop.training.objectives import objective_of
from polyloop.training.rows import Rows
from polyloop.training.session import PROGRESS_FILE, LocalSession
from polyloop.training.setup import load_teacher

Weights = dict[str, torch.Tensor]
Spoil = Callable[[Any], None]
KINDS = ["classify", "translate", "generate"]


def _config(tmp_path: Path, task: TaskSpec, name: str, numbers: int = 80) -> TrainConfig:
    dataset_dir = tmp_path / f"dataset-{task.kind}"
    if not dataset_dir.exists():
        small_dataset(dataset_dir, task, range(numbers))
    return TrainConfig(task_name="numbers", task=task, dataset_dir=dataset_dir, run_dir=tmp_path / name)


def _trained(config: TrainConfig) -> Weights:
    return load_file(train(config, LocalSession(run_dir=config.run_dir)) / "model.safetensors")


def _looks(config: TrainConfig) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (config.run_dir / PROGRESS_FILE).read_text().splitlines()]


def _assert_close(ours: Weights, theirs: Weights, *, rtol: float = 1e-3, atol: float = 3e-4) -> None:
    assert ours.keys() == theirs.keys()
    for name, weight in theirs.items():
        torch.testing.assert_close(ours[name], weight, rtol=rtol, atol=atol)


def _assert_equal(ours: Weights, theirs: Weights) -> None:
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], weight) for name, weight in theirs.items())


def _spoil_models(monkeypatch: pytest.MonkeyPatch, spoil: Spoil) -> None:
    """Let training change each model that it trains; the model that is written in the end is not one of them."""
    build = build_model

    def spoiled(*arguments: Any, **settings: Any) -> Any:
        model = build(*arguments, **settings)
        spoil(model)
        return model

    monkeypatch.setattr(function, "build_model", spoiled)


@pytest.mark.parametrize("kind", KINDS)
def test_accumulated_micro_batches_learn_what_one_batch_does(tmp_path: Path, kind: str) -> None:
    settings = {"dropout": 0.0, "epochs": 1, "learning_rate": 1e-3}
    whole = _trained(_config(tmp_path, small_task(kind, training=settings), "whole"))
    task = small_task(kind, training={**settings, "micro_batch_tokens": 64})
    _assert_close(_trained(_config(tmp_path, task, "parts")), whole)


@pytest.mark.parametrize("kind", KINDS)
def test_activations_computed_again_change_nothing(tmp_path: Path, kind: str) -> None:
    # Dropout is on: what is computed again has to drop the same values.
    settings = {"epochs": 1, "learning_rate": 1e-3}
    kept = _trained(_config(tmp_path, small_task(kind, training=settings), "kept"))
    task = small_task(kind, training={**settings, "activation_checkpointing": True})
    _assert_close(_trained(_config(tmp_path, task, "again")), kept)


def _runs_out_of_memory_above(num_tokens: int) -> Spoil:
    def spoil(model: Any) -> None:
        def check(module: Any, arguments: Any, inputs: dict[str, Any]) -> None:
            if module.training and inputs["input_ids"].numel() > num_tokens:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

        model.register_forward_pre_hook(check, with_kwargs=True)

    return spoil


def test_memory_that_runs_out_halves_the_micro_batch_with_the_same_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        _spoil_models(patch, _runs_out_of_memory_above(100))
        config = _config(tmp_path, small_task("classify", training={"epochs": 2}), "short of memory")
        found = _trained(config)
    halved = _looks(config)[-1]["micro_batch_tokens"]
    assert {look["micro_batch_tokens"] for look in _looks(config)} == {halved}
    assert 50 < halved <= 100
    task = small_task("classify", training={"epochs": 2, "micro_batch_tokens": halved})
    _assert_equal(found, _trained(_config(tmp_path, task, "told before")))


def test_a_row_that_does_not_fit_into_memory_alone_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _spoil_models(monkeypatch, _runs_out_of_memory_above(2))
    config = _config(tmp_path, small_task("classify"), "run")
    with pytest.raises(TrainingError, match=r"memory ran out in step 1 of \d+ of epoch 1 with one row of \d+ tokens"):
        _trained(config)
    assert not (config.run_dir / "model").exists()


def _gives_no_number_in_call(number: int) -> Spoil:
    def spoil(model: Any) -> None:
        calls = []

        def break_down(module: Any, arguments: Any, output: Any) -> None:
            calls.append(module.training)
            if sum(calls) == number:
                output.logits.mul_(float("nan"))

        model.register_forward_hook(break_down)

    return spoil


@pytest.mark.parametrize("kind", ["classify", "translate"])
def test_gradients_that_are_no_numbers_name_rows_and_leave_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    batch_tokens = {"classify": 48, "translate": 256}[kind]
    task = small_task(kind, training={"epochs": 2, "batch_tokens": batch_tokens, "checkpoint_every_s": 1e-9})
    expected = _trained(_config(tmp_path, task, "whole"))
    config = _config(tmp_path, task, "broken")
    ids = open_dataset(config.dataset_dir).table("train").column("id").to_pylist()
    with monkeypatch.context() as patch:
        _spoil_models(patch, _gives_no_number_in_call(4))
        with pytest.raises(TrainingError, match=r"not finite any more in step 4 of .* of epoch 1") as caught:
            _trained(config)
    named = caught.value.message.partition(", rows ")[2].partition(")")[0].removesuffix(" ...").split(", ")
    assert 1 <= len(named) <= 5
    assert set(named) <= set(ids)
    newest = LocalSession(run_dir=config.run_dir).latest_checkpoint()
    assert newest is not None
    assert read_state(newest).position.num_steps == 3
    _assert_equal(_trained(config), expected)


class Scene:
    """A batch of a task, its model, and the lesson on it."""

    def __init__(self, tmp_path: Path, task: TaskSpec) -> None:
        self.dataset = small_dataset(tmp_path / "scene", task, range(30))
        tokenizer: Any = AutoTokenizer.from_pretrained(self.dataset.tokenizer_dir)
        torch.manual_seed(1)
        self.model: Any = build_model(task, tokenizer, dropout=task.training.dropout).train()
        rows = Rows.from_table(self.dataset.table("train"))
        pad_id = int(tokenizer.pad_token_id)
        self.objective = objective_of(kind_of(task).architecture, self.model, pad_id=pad_id, packed_tokens=None)
        self.teacher = load_teacher(task, tokenizer, torch.device("cpu"))
        self.lesson = ExampleLesson(rows, self.objective, task.training, Accelerator(cpu=True), self.teacher)
        self.share = self.lesson.plan(0)[0]
        self.batch = self.objective.batch(rows, self.share, rows.weights[self.share])

    def loss(self) -> torch.Tensor:
        """Return the lesson's loss, with the dropout of seed 5."""
        torch.manual_seed(5)
        return self.lesson.begin(self.model, self.share, [])(self.share, self.lesson.weights[self.share])

    def logits(self, times: int = 1) -> tuple[torch.Tensor, ...]:
        """Return the logits of each of so many passes over the batch in one call, with that dropout."""
        torch.manual_seed(5)
        batch = self.batch.doubled() if times == 2 else self.batch
        return self.objective.logits(self.model, batch).chunk(times)


@pytest.mark.parametrize("kind", KINDS)
def test_r_drop_adds_the_divergence_of_two_passes_to_their_mean_loss(tmp_path: Path, kind: str) -> None:
    alpha = 3.0
    scene = Scene(tmp_path, small_task(kind, training={"r_drop": alpha, "dropout": 0.3, "label_smoothing": 0.0}))
    first, second = (logits.log_softmax(-1) for logits in scene.logits(2))
    is_learned = scene.batch.targets != -100
    chosen = scene.batch.targets.clamp(min=0)[..., None]
    mean_loss = -((first + second) / 2).gather(-1, chosen)[..., 0][is_learned].sum()
    # Liang et al. 2021, equation 3: alpha / 2 times the mean of both divergences, beside the sum of both losses.
    there = (first.exp() * (first - second)).sum(-1)[is_learned].sum()
    back = (second.exp() * (second - first)).sum(-1)[is_learned].sum()
    assert there + back > 0.01
    torch.testing.assert_close(scene.loss(), mean_loss + alpha / 4 * (there + back), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_distillation_mixes_targets_with_the_teachers_probabilities(tmp_path: Path, kind: str) -> None:
    learned = _config(tmp_path, small_task(kind, training={"epochs": 0.1}), "teacher")
    teacher_dir = train(learned, LocalSession(run_dir=learned.run_dir))
    distill = {"teacher": str(teacher_dir), "weight": 0.3, "temperature": 4.0}
    scene = Scene(tmp_path, small_task(kind, training={"distill": distill, "label_smoothing": 0.1, "dropout": 0.0}))
    (logits,) = scene.logits()
    is_learned = scene.batch.targets != -100
    hard = functional.cross_entropy(
        logits[is_learned], scene.batch.targets[is_learned], label_smoothing=0.1, reduction="sum"
    )
    taught = (scene.objective.logits(scene.teacher, scene.batch) / 4.0).log_softmax(-1)
    ours = (logits / 4.0).log_softmax(-1)
    apart = (taught.exp() * (taught - ours)).sum(-1)[is_learned].sum()
    assert apart > 1e-3
    torch.testing.assert_close(scene.loss(), 0.7 * hard + 0.3 * 16.0 * apart, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("added", ["r_drop", "distill"])
def test_a_run_learns_other_weights_with_a_loss_added(tmp_path: Path, added: str) -> None:
    plain = _config(tmp_path, small_task("classify", training={"epochs": 1}), "plain")
    expected = _trained(plain)
    values: dict[str, Any] = {"r_drop": 1.0, "distill": {"teacher": str(plain.run_dir / "model")}}
    task = small_task("classify", training={"epochs": 1, added: values[added]})
    found = _trained(_config(tmp_path, task, added))
    assert any(not torch.allclose(found[name], weight, atol=1e-4) for name, weight in expected.items())
    assert all(bool(torch.isfinite(weight).all()) for weight in found.values())


@pytest.mark.filterwarnings("ignore")  # the compiler warns of itself
def test_a_compiled_model_learns_what_a_plain_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The graph is captured as ever and then run as it is: generating code for it takes a minute.
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    settings = {"epochs": 1, "dropout": 0.0, "batch_tokens": 1024}
    plain = _trained(_config(tmp_path, small_task("classify", training=settings), "plain"))
    task = small_task("classify", training={**settings, "compile": True})
    _assert_close(_trained(_config(tmp_path, task, "compiled")), plain)


def test_what_a_checkpoint_holds_is_neither_solved_again_nor_held_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    often = {"epochs": 1, "checkpoint_every_s": 1e-9}
    config = _config(tmp_path, small_task("classify", model={"ngrams": {}}, training=often), "solved")
    expected = _trained(config)
    shutil.rmtree(config.run_dir / "model")
    monkeypatch.delattr(NgramBertForSequenceClassification, "observe")
    _assert_equal(_trained(config), expected)

    config = _config(tmp_path, small_task("translate", training=often), "tied")
    _trained(config)
    newest = LocalSession(run_dir=config.run_dir).latest_checkpoint()
    assert newest is not None
    state = read_state(newest)
    shapes = [weight.shape for weight in state.weights.values()]
    assert shapes.count(state.weights["shared.weight"].shape) == 1
    assert state.optimizer.keys() == state.weights.keys()
