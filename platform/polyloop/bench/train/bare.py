"""A bare PyTorch loop: forward, loss, backward, optimiser; `python -m polyloop.bench.train.bare CONFIG [--stock]`.

Input: the config that `polyloop.bench.train.ours` is given. Output: as JSON on stdout tokens a second on the same model
and the same batches, which are made before the clock starts. Nothing else is done: no clipping, no schedule, no weights
of rows, no looks, no checks. `--stock` leaves the model as transformers makes it and memory as the process finds it;
without it, dropout, attention and the allocator's setting are those that the train function chooses for a CPU, so that
the two loops differ in nothing but the loop.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional
from transformers import AutoTokenizer

from polyloop.bench.train.ours import SKIP_S
from polyloop.bench.train.rates import Point, rate_of
from polyloop.data.dataset import open_dataset
from polyloop.models.build import build_model
from polyloop.models.token_scores import IGNORED
from polyloop.tasks import kind_of
from polyloop.training.batch import Batch
from polyloop.training.batches import plan_batches
from polyloop.training.config import TrainConfig
from polyloop.training.memory import keep_freed_memory
from polyloop.training.objectives import Objective, objective_of
from polyloop.training.rows import Rows
from polyloop.training.schedule import steps_of_epoch
from polyloop.training.setup import suit_cpu

NAME = "bare PyTorch loop"


def make_model(config: TrainConfig, *, stock: bool) -> tuple[Any, int]:
    """Return the task's model with the train function's first weights, and the padding id."""
    training = config.task.training
    tokenizer: Any = AutoTokenizer.from_pretrained(open_dataset(config.dataset_dir).tokenizer_dir)
    torch.manual_seed(training.seed)
    model: Any = build_model(config.task, tokenizer, dropout=training.dropout)
    if not stock:
        keep_freed_memory()
        suit_cpu(model)
    return model.train(), int(tokenizer.pad_token_id)


def make_batches(config: TrainConfig, objective: Objective) -> list[tuple[Batch, int]]:
    """Return the batches of the run's first epoch in the train function's order, each with its number of tokens."""
    training = config.task.training
    rows = Rows.from_table(open_dataset(config.dataset_dir).table("train"))
    lengths = rows.inputs.lengths, objective.target_lengths(rows)
    plan = plan_batches(*lengths, batch_tokens=training.batch_tokens, seed=training.seed, epoch=0)
    num_steps = steps_of_epoch(0, len(plan), training.epochs)
    return [
        (objective.batch(rows, batch, rows.weights[batch]), int(sum(part[batch].sum() for part in lengths)))
        for batch in plan[:num_steps]
    ]


def learn(model: Any, objective: Objective, batches: Sequence[tuple[Batch, int]], config: TrainConfig) -> list[Point]:
    """Do one step for each batch and return when each was over."""
    training = config.task.training
    optimizer = torch.optim.AdamW(model.parameters(), lr=training.learning_rate, fused=True)
    points = []
    started = time.perf_counter()
    for batch, num_tokens in batches:
        optimizer.zero_grad(set_to_none=True)
        logits = objective.logits(model, batch)
        loss = functional.cross_entropy(
            logits.flatten(0, -2),
            batch.targets.flatten(),
            ignore_index=IGNORED,
            label_smoothing=training.label_smoothing,
        )
        torch.autograd.backward(loss)
        optimizer.step()
        points.append(Point(elapsed_s=time.perf_counter() - started, num_tokens=num_tokens))
    return points


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the loop and print how fast it was."""
    parser = argparse.ArgumentParser(description=NAME)
    parser.add_argument("config", type=Path)
    parser.add_argument("--stock", action="store_true")
    parser.add_argument("--skip-s", type=float, default=SKIP_S)
    options = parser.parse_args(arguments)
    config = TrainConfig.model_validate_json(options.config.read_bytes())
    torch.set_num_threads(config.task.training.threads_per_worker or torch.get_num_threads())
    model, pad_id = make_model(config, stock=options.stock)
    objective = objective_of(kind_of(config.task).architecture, model, pad_id=pad_id, packed_tokens=None)
    points = learn(model, objective, make_batches(config, objective), config)
    rate = rate_of(points, skip_s=options.skip_s)
    report = {
        "name": NAME + (", stock modules" if options.stock else ", our modules"),
        "tokens_per_s": rate.tokens_per_s,
        "measured_s": round(rate.measured_s, 3),
        "num_steps": len(points),
    }
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
