"""The peer: transformers' Trainer on the same examples; `python -m polyloop.bench.train.trainer_peer CONFIG WORK`.

Input: the config that `polyloop.bench.train.ours` is given, and a folder to work in. Output: as JSON on stdout tokens a
second, padding not counted. The model is transformers' own; Trainer collates rows as its data collators do, so many at
once that a step has about as many tokens as ours. By default it takes them at random, as it does unless told
otherwise; `--sampling group_by_length` is its own remedy against padding.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers
from torch.utils.data import Dataset
from transformers import (
    DataCollatorForSeq2Seq,
    DataCollatorWithPadding,
    PreTrainedTokenizerFast,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from polyloop.bench.train.bare import make_batches, make_model
from polyloop.bench.train.ours import SKIP_S
from polyloop.bench.train.rates import Point, rate_of
from polyloop.data.dataset import open_dataset
from polyloop.models.token_scores import IGNORED
from polyloop.tasks import kind_of
from polyloop.training.config import TrainConfig
from polyloop.training.objectives import objective_of

Example = dict[str, Any]


class Examples(Dataset[Example]):
    """The train split as Trainer takes it: ids in Python lists."""

    def __init__(self, config: TrainConfig) -> None:
        table = open_dataset(config.dataset_dir).table("train").select(["input_ids", "target_ids"])
        has_labels = kind_of(config.task).has_labels
        self._rows: list[Example] = [
            {"input_ids": row["input_ids"], "labels": row["target_ids"][0] if has_labels else row["target_ids"]}
            for row in table.to_pylist()
        ]

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Example:
        return self._rows[index]


@dataclass
class Counting:
    """A collator that counts the tokens of each batch before it collates them."""

    collate: Callable[[list[Example]], Any]
    num_tokens: list[int] = field(default_factory=list)

    def __call__(self, rows: list[Example]) -> Any:
        """Return the batch."""
        self.num_tokens.append(sum(len(row["input_ids"]) + _target_tokens(row["labels"]) for row in rows))
        return self.collate([dict(row) for row in rows])


def _target_tokens(labels: list[int] | int) -> int:
    return len(labels) if isinstance(labels, list) else 0


class Clock(TrainerCallback):
    """Notes when each step is over."""

    def __init__(self) -> None:
        self.started = 0.0
        self.elapsed_s: list[float] = []

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start."""
        self.started = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Note the time."""
        self.elapsed_s.append(time.perf_counter() - self.started)


def settings(config: TrainConfig, work: Path, *, rows_per_batch: int, num_steps: int, sampling: str) -> dict[str, Any]:
    """Return Trainer's arguments: the spec's optimiser and loss, nothing logged, nothing saved."""
    training = config.task.training
    return {
        "output_dir": str(work),
        "per_device_train_batch_size": rows_per_batch,
        "max_steps": num_steps,
        "train_sampling_strategy": sampling,
        "learning_rate": training.learning_rate,
        "weight_decay": training.weight_decay,
        "label_smoothing_factor": training.label_smoothing,
        "lr_scheduler_type": "cosine",
        "max_grad_norm": training.max_grad_norm,
        "optim": "adamw_torch_fused",
        "seed": training.seed,
        "use_cpu": True,
        "logging_strategy": "no",
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
    }


def make_trainer(config: TrainConfig, arguments: dict[str, Any], clock: Clock) -> tuple[Trainer, Counting]:
    """Return the trainer of the task's kind and its collator."""
    model, _ = make_model(config, stock=True)
    tokenizer: Any = PreTrainedTokenizerFast.from_pretrained(open_dataset(config.dataset_dir).tokenizer_dir)
    make: Any
    if kind_of(config.task).has_labels:
        counting = Counting(DataCollatorWithPadding(tokenizer))
        make, arguments_class = Trainer, TrainingArguments
    else:
        counting = Counting(DataCollatorForSeq2Seq(tokenizer, model=model, label_pad_token_id=IGNORED))
        make, arguments_class = Seq2SeqTrainer, Seq2SeqTrainingArguments
    trainer: Trainer = make(
        model=model,
        args=arguments_class(**arguments),
        train_dataset=Examples(config),
        data_collator=counting,
        callbacks=[clock],
    )
    return trainer, counting


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and print how fast that was."""
    parser = argparse.ArgumentParser(description=f"transformers {transformers.__version__} Trainer")
    parser.add_argument("config", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--sampling", choices=("random", "group_by_length"), default="random")
    parser.add_argument("--skip-s", type=float, default=SKIP_S)
    options = parser.parse_args(arguments)
    config = TrainConfig.model_validate_json(options.config.read_bytes())
    torch.set_num_threads(config.task.training.threads_per_worker or torch.get_num_threads())
    model, pad_id = make_model(config, stock=True)
    objective = objective_of(kind_of(config.task).architecture, model, pad_id=pad_id, packed_tokens=None)
    ours = make_batches(config, objective)
    rows_per_batch = max(1, round(sum(len(batch.weights) for batch, _ in ours) / len(ours)))
    clock = Clock()
    trainer, counting = make_trainer(
        config,
        settings(config, options.work, rows_per_batch=rows_per_batch, num_steps=len(ours), sampling=options.sampling),
        clock,
    )
    torch.set_num_threads(config.task.training.threads_per_worker or torch.get_num_threads())
    trainer.train()
    points = [
        Point(elapsed_s=elapsed_s, num_tokens=num_tokens)
        for elapsed_s, num_tokens in zip(clock.elapsed_s, counting.num_tokens, strict=False)
    ]
    rate = rate_of(points, skip_s=options.skip_s)
    report = {
        "name": f"transformers {transformers.__version__} Trainer, {options.sampling.replace('_', ' ')}",
        "tokens_per_s": rate.tokens_per_s,
        "measured_s": round(rate.measured_s, 3),
        "num_steps": len(points),
        "rows_per_batch": rows_per_batch,
        "tokens_per_step": round(sum(point.num_tokens for point in points) / len(points), 1),
    }
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
