"""Tests of AdamW and Muon: which weights each has, and what a step of each does."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from tests.support.small_tasks import save_checkpoint, small_task, small_tokenizer
from torch import nn

from polyloop.models.build import build_model
from polyloop.spec.training import TrainingSpec
from polyloop.training.optimizers import Optimizers, make_optimizers
from polyloop.training.setup import rate_of

MUON = TrainingSpec(optimizer="muon", weight_decay=0.0)


def groups_of(optimizers: Optimizers) -> list[dict[str, Any]]:
    """Return the groups of all members."""
    return [group for member in optimizers.members for group in member.param_groups]


def names_of(member: torch.optim.Optimizer, model: nn.Module) -> set[str]:
    """Return the names of the weights that an optimiser changes."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {names[id(parameter)] for group in member.param_groups for parameter in group["params"]}


def test_only_matrices_decay() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Embedding(5, 2))
    decaying, constant = groups_of(make_optimizers(model, TrainingSpec(weight_decay=0.1)))
    assert (decaying["weight_decay"], constant["weight_decay"]) == (0.1, 0.0)
    assert {tuple(p.shape) for p in decaying["params"]} == {(4, 3), (5, 2)}
    assert all(p.ndim == 1 for p in constant["params"])
    assert len(constant["params"]) == 3


def test_weights_of_t5_from_scratch_learn_in_proportion_to_their_size(tmp_path: Path) -> None:
    task = small_task("translate")
    model: Any = build_model(task, small_tokenizer(tmp_path, task), dropout=0.0)
    groups = groups_of(make_optimizers(model, TrainingSpec(weight_decay=0.1), rate_of(model, task)))
    rates = {parameter: group["rate"] for group in groups for parameter in group["params"]}
    for name, weight in model.named_parameters():
        size = weight.detach().square().mean().sqrt().item()
        assert rates[weight] == pytest.approx(size * math.sqrt(128), rel=0.15), name
    assert {round(rate, 2) for rate in rates.values()} == {0.18, 0.71, 1.0, 11.31, 22.63}
    assert all(group["rate"] * group["weight_decay"] in (0.0, pytest.approx(0.1)) for group in groups)
    assert all(group["lr"] == group["rate"] * 1e-3 for group in groups)


@pytest.mark.parametrize(
    ("kind", "family", "left_to_adamw"),
    [
        ("translate", "t5", {"shared", "relative_attention_bias"}),
        ("translate", "marian", {"shared", "embed_positions"}),
        ("generate", "gpt2", {"wte", "wpe"}),
        ("generate", "llama", {"embed_tokens", "lm_head"}),
        (
            "classify",
            "bert",
            {"word_embeddings", "position_embeddings", "token_type_embeddings", "dense", "classifier"},
        ),
    ],
)
def test_muon_has_the_matrices_of_the_layers(tmp_path: Path, kind: str, family: str, left_to_adamw: set[str]) -> None:
    task = small_task(kind)
    tokenizer = small_tokenizer(tmp_path / "tokenizer", task)
    task = small_task(kind, model={"pretrained": str(save_checkpoint(family, tmp_path / family, tokenizer))})
    model: Any = build_model(task, tokenizer, dropout=0.0)
    adamw, muon = make_optimizers(model, MUON).members
    by_adamw, by_muon = names_of(adamw, model), names_of(muon, model)
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert by_adamw | by_muon == trained
    assert not by_adamw & by_muon
    matrices = {name for name in by_adamw if model.get_parameter(name).ndim == 2}
    assert {name.split(".")[-2] for name in matrices} <= left_to_adamw
    assert not any("layer" in name and "relative" not in name for name in matrices)
    assert all(".layer" in name or ".block." in name or ".h." in name for name in by_muon)


def test_a_step_of_muon_turns_a_matrix_alike_in_all_directions() -> None:
    layer = nn.Linear(24, 16, bias=False)
    model = nn.Sequential(nn.Embedding(5, 24))
    model.add_module("layers", nn.ModuleList([layer]))
    before = layer.weight.detach().clone()
    torch.manual_seed(0)
    # Gradients nearly of rank one, whose other directions Adam would follow by far less.
    layer.weight.grad = torch.randn(16, 1) @ torch.randn(1, 24) + 0.05 * torch.randn(16, 24)
    make_optimizers(model, MUON).step(1e-2)
    step = (before - layer.weight.detach()) / 1e-2
    sizes = torch.linalg.svdvals(step) / (0.2 * math.sqrt(24))
    assert sizes.min() > 0.5
    assert sizes.max() < 1.5
    # About the size that AdamW's steps have.
    assert 0.1 < step.square().mean().sqrt() < 0.3


def test_both_follow_the_learning_rate_and_forget_their_gradients() -> None:
    model = nn.Sequential(nn.Embedding(5, 4))
    model.add_module("layers", nn.ModuleList([nn.Linear(4, 4)]))
    optimizers = make_optimizers(model, MUON, lambda name: 2.0 if name.startswith("layers") else 1.0)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizers.step(3e-3)
    assert {group["lr"] for group in optimizers.members[0].param_groups} == {3e-3, 6e-3}
    assert {group["lr"] for group in optimizers.members[1].param_groups} == {6e-3}
    assert optimizers.learning_rate == 3e-3
    optimizers.zero_grad()
    assert all(parameter.grad is None for parameter in model.parameters())


def test_muon_is_refused_where_no_worker_has_whole_matrices() -> None:
    with pytest.raises(ValidationError, match="`optimizer: muon` needs whole matrices"):
        TrainingSpec(optimizer="muon", sharding="full")
