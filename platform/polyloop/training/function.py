"""The train function: the same code in a plain process, under `accelerate launch` and under Ray Train.

Inputs: a `TrainConfig` and the runner's `Session`. Output: a Hugging Face model folder, `run_dir`/model, with the
weights of the epoch that the dev split liked best. Every random number follows from seed and position, and every batch
is cut before it is shared, so a resumed run ends with the same weights and several workers learn what one would.
Limits: the train split is held in memory by every worker; float32 weights, optionally bf16 arithmetic.
"""

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import broadcast
from transformers import AutoTokenizer

from polyloop.data.dataset import open_dataset
from polyloop.models.build import build_model
from polyloop.tasks import kind_of
from polyloop.tasks.spans import separator_id, with_pair_frame
from polyloop.training.averaging import Weights, make_average
from polyloop.training.checkpoint import Position, State, read_state, write_state
from polyloop.training.config import MODEL_DIR, TrainConfig, without_smoothing
from polyloop.training.judge import Judge, check_finite, score_of
from polyloop.training.learner import Learner, Place
from polyloop.training.material import Material
from polyloop.training.meter import Meter
from polyloop.training.objectives import objective_of
from polyloop.training.optimizers import make_optimizers
from polyloop.training.outcome import write_model
from polyloop.training.parallel import make_parallel
from polyloop.training.progress import Progress
from polyloop.training.rows import Rows
from polyloop.training.schedule import is_patience_over, steps_of_epoch
from polyloop.training.session import Session
from polyloop.training.setup import (
    make_accelerator,
    peak_memory_bytes,
    rate_of,
    suit_cpu,
)
from polyloop.training.sinks import listened
from polyloop.training.work import FLOPS_PER_TOKEN_AND_WEIGHT, mfu, working_weights

LEAST_CHECKPOINT_INTERVAL_S = 5.0
"""At the end of an epoch a checkpoint younger than this is good enough: short epochs would do little else."""


def train(config: TrainConfig, session: Session) -> Path:
    """Train, going on from the session's latest checkpoint if it has one, and return the model's folder.

    Raises DataError for an empty train split, ModelError for a checkpoint that does not fit the task, TrainingError
    when gradients or the dev loss are no longer finite or memory is too small, and StorageFullError.
    """
    model_dir = config.run_dir / MODEL_DIR
    if not model_dir.is_dir():
        with listened(config, session) as listening:
            _Run(config, listening).run()
    return model_dir


class _Run:
    """One worker's part of a run."""

    def __init__(self, config: TrainConfig, session: Session) -> None:
        kind = kind_of(config.task)
        if kind.architecture == "span-encoder":
            config = without_smoothing(config)
        self._config, self._session = config, session
        self._training = training = config.task.training
        dataset = open_dataset(config.dataset_dir)
        material = Material(config, dataset)
        self._accelerator = make_accelerator(training, session.local_world_size)
        self._tokenizer: Any = AutoTokenizer.from_pretrained(dataset.tokenizer_dir)
        if kind.architecture == "span-encoder":
            with_pair_frame(self._tokenizer)
        bare = self._build_model()
        self._working_weights = working_weights(bare)
        packed = config.task.model.max_input_tokens + config.task.model.max_target_tokens if training.packing else None
        objective = objective_of(
            kind.architecture,
            bare,
            pad_id=int(self._tokenizer.pad_token_id),
            packed_tokens=packed,
            num_label_sets=len(config.task.labels) if config.task.multi_label else None,
            separator_id=separator_id(self._tokenizer) if kind.architecture == "span-encoder" else None,
        )
        folder = session.latest_checkpoint()
        state = None if folder is None else read_state(folder)
        held = None if state is None else state.weights
        material.show(bare, pad_id=int(self._tokenizer.pad_token_id), held=held)
        self._lesson = material.lesson(bare, objective, self._accelerator, self._tokenizer)
        self._parallel = make_parallel(
            bare, self._accelerator, world_size=session.world_size, sharding=training.sharding
        )
        self._optimizers = make_optimizers(bare, training, rate_of(bare, config.task))
        self._average = make_average(training.ema_decay, training.average_epochs)
        self._best_weights: Weights | None = None
        self._position = Position()
        self._resumed = state is not None
        if state is not None:
            self._go_on_from(state)
        if training.compile:
            self._parallel.compile()
        self._learner = Learner(
            training=training,
            session=session,
            accelerator=self._accelerator,
            parallel=self._parallel,
            optimizers=self._optimizers,
            lesson=self._lesson,
            name_rows=material.name_rows,
        )
        self._judge = Judge(Rows.from_table(dataset.table("dev")), objective, session, self._accelerator, training)
        self._meter = Meter()
        self._saved_at = time.monotonic()

    def _build_model(self) -> Any:
        """Return the bare model on its device, seeded."""
        training = self._training
        torch.manual_seed(training.seed)
        bare: Any = build_model(
            self._config.task, self._tokenizer, dropout=training.dropout, init_from=self._config.init_from
        )
        bare = bare.to(self._accelerator.device)
        if self._accelerator.device.type == "cpu":
            suit_cpu(bare)
        if training.activation_checkpointing:
            bare.activation_checkpointing_enable()
        return bare

    def run(self) -> None:
        """Do all epochs that are left, then write the model."""
        while self._position.epoch < self._training.epochs and not self._position.is_over:
            self._run_epoch(self._position.epoch)
            if self._is_checkpoint_due(LEAST_CHECKPOINT_INTERVAL_S):
                self._save()
        self._accelerator.wait_for_everyone()
        self._write_model()

    def _run_epoch(self, epoch: int) -> None:
        batches = self._lesson.plan(epoch)
        self._parallel.model.train(self._lesson.with_dropout)
        for step in range(self._position.step, steps_of_epoch(epoch, len(batches), self._training.epochs)):
            place = Place(epoch=epoch, step=step, steps_in_epoch=len(batches))
            loss, norm = self._learner.learn(batches[step], place)
            self._average.end_step(self._parallel.moving, self._position.num_steps)
            self._position = replace(self._position, step=step + 1, num_steps=self._position.num_steps + 1)
            self._meter.add(loss, norm, self._lesson.num_tokens(batches[step]))
            if self._session.rank == 0 and self._meter.is_due():
                self._session.report(self._look(len(batches)))
            if self._is_checkpoint_due(self._training.checkpoint_every_s):
                self._save()
        self._end_epoch(epoch, len(batches))

    def _end_epoch(self, epoch: int, steps_in_epoch: int) -> None:
        self._average.end_epoch(self._parallel.moving)
        averaged = self._average.weights()
        own = None
        if averaged is not None:
            own = {name: weight.clone() for name, weight in self._parallel.moving().items()}
            self._parallel.replace(averaged)
        verdict = self._judge.verdict(self._parallel.model)
        check_finite(verdict, epoch)
        score = score_of(verdict, self._training.select)
        best = self._position.best_score
        is_better = score is None or best is None or score > best
        if is_better:
            # Without a dev split, or where the last weights are wanted, they are taken at the end.
            is_last_wanted = score is None and averaged is None
            self._best_weights = None if is_last_wanted else self._parallel.kept()
        if own is not None:
            self._parallel.replace(own)
        best_epoch = epoch if is_better else self._position.best_epoch
        self._position = replace(
            self._position,
            dev_loss=verdict.loss if verdict else None,
            dev_accuracy=verdict.accuracy if verdict else None,
            best_score=score if is_better else best,
            best_epoch=best_epoch,
        )
        if self._session.rank == 0:
            self._session.report(self._look(steps_in_epoch, ends_epoch=True))
        is_over = score is not None and is_patience_over(epoch, best_epoch, self._training.patience)
        self._position = replace(self._position, epoch=epoch + 1, step=0, is_over=is_over)

    def _look(self, steps_in_epoch: int, *, ends_epoch: bool = False) -> Progress:
        position = self._position
        seen = self._meter.read()
        flops_per_s = FLOPS_PER_TOKEN_AND_WEIGHT * self._working_weights * seen.tokens_per_s
        return Progress(
            fraction=min(1.0, (position.epoch + position.step / steps_in_epoch) / self._training.epochs),
            epoch=position.epoch,
            step=position.step,
            steps_in_epoch=steps_in_epoch,
            num_steps=position.num_steps,
            loss=seen.loss,
            dev_loss=position.dev_loss,
            dev_accuracy=position.dev_accuracy,
            learning_rate=self._optimizers.learning_rate,
            gradient_norm=seen.gradient_norm,
            tokens_per_s=seen.tokens_per_s,
            flops_per_s=flops_per_s,
            mfu=mfu(flops_per_s, self._accelerator.device, self._session.world_size),
            memory_bytes=peak_memory_bytes(self._accelerator.device),
            num_workers=self._session.world_size,
            micro_batch_tokens=self._learner.micro_batch_tokens,
            elapsed_s=seen.elapsed_s,
            resumed=self._resumed,
            pid=os.getpid(),
            ends_epoch=ends_epoch,
            **self._lesson.seen(),
        )

    def _is_checkpoint_due(self, interval_s: float) -> bool:
        """Return the same answer on every worker: that of the first one's clock."""
        due = time.monotonic() - self._saved_at >= interval_s
        if self._session.world_size == 1:
            return due
        flag = torch.tensor([int(due)], device=self._accelerator.device)
        return bool(broadcast(flag).item())

    def _save(self) -> None:
        state = State(
            weights=self._parallel.kept(),
            optimizer=self._parallel.gathered_state(self._optimizers.members),
            averages=[self._parallel.gathered(one) for one in self._average.state()],
            best_weights=self._best_weights,
            position=self._position,
        )
        self._session.save(lambda folder: write_state(folder, state))
        self._saved_at = time.monotonic()

    def _go_on_from(self, state: State) -> None:
        self._parallel.replace(self._parallel.spread(state.weights))
        self._parallel.load_state(self._optimizers.members, state.optimizer)
        self._average.load([self._parallel.spread(one) for one in state.averages])
        self._best_weights, self._position = state.best_weights, state.position

    def _write_model(self) -> None:
        """Write the model on the first worker; with sharding, the others help to collect it."""
        if self._best_weights is None:
            self._best_weights = self._parallel.kept()
        if self._session.rank == 0:
            write_model(self._config, self._tokenizer, self._best_weights, self._judge)
