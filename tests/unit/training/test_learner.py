"""Steps of one worker: what is done where memory is short, and what is told of the loss."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from tests.support.small_tasks import small_task
from torch import nn

from polyloop.errors import TrainingError
from polyloop.training.batches import cut_batches
from polyloop.training.learner import Learner, Place
from polyloop.training.lesson import Part, SummedLoss
from polyloop.training.optimizers import make_optimizers
from polyloop.training.parallel import Whole
from polyloop.training.rows import Floats, Ints
from polyloop.training.session import LocalSession

PLACE = Place(epoch=0, step=0, steps_in_epoch=2)


@dataclass
class Lines:
    """Learning one number a row, with memory for so many tokens at once."""

    lengths: Ints
    weights: Floats
    memory_tokens: int = 1_000
    with_dropout = False

    def plan(self, epoch: int) -> list[Ints]:
        return [np.arange(len(self.lengths))]

    def num_tokens(self, rows: Ints) -> int:
        return int(self.lengths[rows].sum())

    def total_weight(self, rows: Ints) -> float:
        return float(self.weights[rows].sum())

    def costs(self, rows: Ints) -> Ints:
        return self.lengths[rows]

    def cut(self, rows: Ints, budget_tokens: int) -> list[Ints]:
        return cut_batches(rows, self.lengths, np.zeros_like(self.lengths), budget_tokens)

    def begin(self, model: Any, batch: Ints, parts: Sequence[Part]) -> SummedLoss:
        def summed(rows: Ints, weights: Floats) -> torch.Tensor:
            if self.lengths[rows].max() * len(rows) > self.memory_tokens:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
            losses = (model(torch.ones(len(rows), 1))[:, 0] - torch.from_numpy(rows).float()).square()
            total: torch.Tensor = (torch.from_numpy(weights) * losses).sum()
            return total

        return summed

    def seen(self) -> dict[str, float | None]:
        return {}


def learner_of(lesson: Lines, *, rank: int = 0, num_workers: int = 1, **training: Any) -> Learner:
    torch.manual_seed(1)
    spec = small_task("classify", training={"batch_tokens": 512, **training}).training
    model, accelerator = nn.Linear(1, 1), Accelerator(cpu=True)
    return Learner(
        training=spec,
        session=LocalSession(run_dir=Path("unused"), rank=rank, world_size=num_workers),
        accelerator=accelerator,
        parallel=Whole(model, accelerator, 1),
        optimizers=make_optimizers(model, spec),
        lesson=lesson,
    )


def lines(lengths: list[int], weights: list[float] | None = None, memory_tokens: int = 1_000) -> Lines:
    shown = np.array(weights or [1.0] * len(lengths), np.float32)
    return Lines(lengths=np.array(lengths), weights=shown, memory_tokens=memory_tokens)


def test_memory_that_runs_out_halves_what_is_computed_at_once() -> None:
    lesson = lines([10] * 8, memory_tokens=40)
    learner = learner_of(lesson)
    learner.learn(lesson.plan(0)[0], PLACE)
    assert learner.micro_batch_tokens == 40


@pytest.mark.parametrize(("lengths", "micro_batch_tokens"), [([100], None), ([20, 100], 64)])
def test_a_row_that_is_too_long_alone_is_told_at_once_and_nothing_is_raised_for_it(
    lengths: list[int], micro_batch_tokens: int | None
) -> None:
    lesson = lines(lengths, memory_tokens=50)
    learner = learner_of(lesson, micro_batch_tokens=micro_batch_tokens)
    before = learner.micro_batch_tokens
    with pytest.raises(TrainingError, match=r"with one row of 100 tokens at once .*lower `max_input_tokens`"):
        learner.learn(lesson.plan(0)[0], PLACE)
    assert learner.micro_batch_tokens == before


def test_several_workers_are_told_what_to_set() -> None:
    lesson = lines([10] * 8, memory_tokens=10)
    with pytest.raises(TrainingError, match="set `micro_batch_tokens` to 256"):
        learner_of(lesson, num_workers=2).learn(lesson.plan(0)[0], PLACE)


@pytest.mark.parametrize(("num_rows", "num_workers"), [(1, 2), (5, 4), (7, 3), (6, 1)])
def test_the_loss_is_the_mean_of_the_workers_own_rows(num_rows: int, num_workers: int) -> None:
    lesson = lines([10] * num_rows, weights=[1.0 + row for row in range(num_rows)])
    learner = learner_of(lesson, num_workers=num_workers, micro_batch_tokens=16)
    torch.manual_seed(1)
    start = nn.Linear(1, 1)(torch.ones(1, 1)).item()
    own = np.arange(num_rows)[::num_workers]
    expected = np.average((start - own) ** 2, weights=lesson.weights[own])
    loss, _ = learner.learn(lesson.plan(0)[0], PLACE)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_a_worker_without_a_row_has_no_loss() -> None:
    lesson = lines([10])
    loss, _ = learner_of(lesson, rank=1, num_workers=2).learn(lesson.plan(0)[0], PLACE)
    assert loss.item() == 0.0


def test_rows_that_weigh_nothing_teach_nothing() -> None:
    lesson = lines([10, 10], weights=[0.0, 0.0])
    loss, norm = learner_of(lesson).learn(lesson.plan(0)[0], PLACE)
    assert (loss.item(), norm.item()) == (0.0, 0.0)
