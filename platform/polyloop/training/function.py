"""The train function: the same code in a plain process, under `accelerate launch` and under Ray Train.

Inputs: a `TrainConfig` and the runner's `Session`. Output: a Hugging Face model folder, `run_dir`/model, with the
weights of the epoch whose dev loss was lowest. Every random number follows from seed and position, and every batch is
cut before it is shared, so a resumed run ends with the same weights and several workers learn what one would.
Limits: the train split is held in memory by every worker; float32 weights, optionally bf16 arithmetic.
"""

import os
import shutil
import time
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate.utils import broadcast
from transformers import AutoTokenizer

from polyloop.data.dataset import open_dataset
from polyloop.errors import DataError, TrainingError
from polyloop.models.build import build_model
from polyloop.models.quiet import quiet_transformers
from polyloop.models.storage import named_storage_errors
from polyloop.training.batches import plan_batches, share_of
from polyloop.training.checkpoint import Position, State, Weights, read_state, write_state
from polyloop.training.config import MODEL_DIR, TrainConfig
from polyloop.training.loss import summed_loss
from polyloop.training.meter import Meter
from polyloop.training.progress import Progress
from polyloop.training.rows import Batch, Ints, Rows, assemble, balance_labels
from polyloop.training.schedule import learning_rate_factor, step_progress, steps_of_epoch
from polyloop.training.session import Session
from polyloop.training.setup import make_accelerator, make_optimizer, suit_cpu

LEAST_CHECKPOINT_INTERVAL_S = 5.0
"""At the end of an epoch a checkpoint younger than this is good enough: short epochs would do little else."""


def train(config: TrainConfig, session: Session) -> Path:
    """Train, going on from the session's latest checkpoint if it has one, and return the model's folder.

    Raises DataError for an empty train split, ModelError for a checkpoint that does not fit the task, TrainingError
    when the gradients are no longer finite, and StorageFullError.
    """
    model_dir = config.run_dir / MODEL_DIR
    if not model_dir.is_dir():
        _Run(config, session).run()
    return model_dir


class _Run:
    """One worker's part of a run."""

    def __init__(self, config: TrainConfig, session: Session) -> None:
        self._config, self._session = config, session
        self._training = config.task.training
        dataset = open_dataset(config.dataset_dir)
        self._train_rows, self._dev_rows = (
            Rows.from_table(dataset.table("train")),
            Rows.from_table(dataset.table("dev")),
        )
        if not len(self._train_rows):
            raise DataError(f"the train split of {config.dataset_dir} is empty; there is nothing to learn from")
        self._as_labels = config.task.kind == "classify"
        if self._training.label_balance:  # the spec allows it for classify alone
            self._train_rows = balance_labels(self._train_rows, self._training.label_balance)
        self._accelerator = make_accelerator(config.task.training, session.local_world_size)
        self._tokenizer: Any = AutoTokenizer.from_pretrained(dataset.tokenizer_dir)
        torch.manual_seed(self._training.seed)
        self._bare_model: Any = build_model(
            config.task, self._tokenizer, dropout=self._training.dropout, init_from=config.init_from
        ).to(self._accelerator.device)
        if self._accelerator.device.type == "cpu":
            suit_cpu(self._bare_model)
        self._optimizer = make_optimizer(self._bare_model, self._training.learning_rate, self._training.weight_decay)
        self._best_weights: Weights | None = None
        self._position = Position()
        self._resumed = self._resume()
        self._model: Any = self._bare_model
        if session.world_size > 1:
            self._model = self._accelerator.prepare_model(self._bare_model)
        self._meter = Meter()
        self._saved_at = time.monotonic()

    def run(self) -> None:
        """Do all epochs that are left, then write the model."""
        while self._position.epoch < self._training.epochs:
            self._run_epoch(self._position.epoch)
            if self._is_checkpoint_due(LEAST_CHECKPOINT_INTERVAL_S):
                self._save()
        self._accelerator.wait_for_everyone()
        if self._session.rank == 0:
            self._write_model()

    def _run_epoch(self, epoch: int) -> None:
        batches = self._plan(self._train_rows, epoch)
        self._model.train()
        for step in range(self._position.step, steps_of_epoch(epoch, len(batches), self._training.epochs)):
            loss = self._learn(batches[step], epoch, step, len(batches))
            self._position = replace(self._position, step=step + 1, num_steps=self._position.num_steps + 1)
            self._meter.add(loss, self._num_tokens(batches[step]))
            if self._session.rank == 0 and self._meter.is_due():
                self._session.report(self._look(len(batches)))
            if self._is_checkpoint_due(self._training.checkpoint_every_s):
                self._save()
        self._end_epoch(epoch, len(batches))

    def _learn(self, rows: Ints, epoch: int, step: int, steps_in_epoch: int) -> torch.Tensor:
        """Do one optimiser step and return the mean loss, as far as this worker's rows tell."""
        rank, world_size = self._session.rank, self._session.world_size
        torch.manual_seed(_step_seed(self._training.seed, epoch, step, rank))
        progress = step_progress(epoch, step, steps_in_epoch, self._training.epochs)
        factor = learning_rate_factor(progress, self._training.warmup_fraction)
        for group in self._optimizer.param_groups:
            group["lr"] = self._training.learning_rate * factor
        share, weights = share_of(rows, self._train_rows.weights, rank=rank, world_size=world_size)
        batch = self._assemble(self._train_rows, share, weights)
        summed = self._loss(self._model, batch, self._training.label_smoothing)
        # DDP averages gradients over workers, so that each worker's sum is divided by its part of the whole weight.
        loss = summed * (world_size / self._total_weight(self._train_rows, rows))
        self._optimizer.zero_grad(set_to_none=True)
        self._accelerator.backward(loss)
        norm = self._accelerator.clip_grad_norm_(self._model.parameters(), self._training.max_grad_norm)
        # Gradients, unlike losses, are the same on all workers here, so all of them stop in the same step.
        if not bool(torch.isfinite(norm)):
            raise TrainingError(
                f"the gradients are not finite any more in step {step + 1} of {steps_in_epoch} of epoch {epoch + 1} "
                f"(loss {loss.item():.4g}, learning rate {self._training.learning_rate * factor:.3g}); lower "
                "`learning_rate`, or use `precision: fp32`"
            )
        self._optimizer.step()
        return loss.detach()

    def _end_epoch(self, epoch: int, steps_in_epoch: int) -> None:
        dev_loss = self._dev_loss()
        best = self._position.best_dev_loss
        if dev_loss is None or best is None or dev_loss < best:
            best = dev_loss
            self._best_weights = _copy(self._bare_model.state_dict()) if dev_loss is not None else None
        self._position = replace(self._position, dev_loss=dev_loss, best_dev_loss=best)
        if self._session.rank == 0:
            self._session.report(self._look(steps_in_epoch))
        self._position = replace(self._position, epoch=epoch + 1, step=0)

    def _dev_loss(self) -> float | None:
        """Return the mean loss on the dev split without smoothing, over all workers; None if it is empty."""
        if not len(self._dev_rows):
            return None
        summed = torch.zeros((), device=self._accelerator.device)
        self._bare_model.eval()
        with torch.inference_mode():
            for rows in self._plan(self._dev_rows, 0)[self._session.rank :: self._session.world_size]:
                summed += self._loss(
                    self._bare_model, self._assemble(self._dev_rows, rows, self._dev_rows.weights[rows])
                )
        if self._session.world_size > 1:
            summed = self._accelerator.reduce(summed.clone(), reduction="sum")
        return float(summed) / self._total_weight(self._dev_rows, np.arange(len(self._dev_rows)))

    def _loss(self, model: Any, batch: Batch, label_smoothing: float = 0.0) -> torch.Tensor:
        inputs: dict[str, Any] = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
        if not self._as_labels:
            inputs["decoder_input_ids"] = self._bare_model.prepare_decoder_input_ids_from_labels(batch.targets)
            inputs["use_cache"] = False
        with self._accelerator.autocast():
            logits = model(**inputs).logits
        return summed_loss(logits, batch.targets, batch.weights, label_smoothing)

    def _plan(self, rows: Rows, epoch: int) -> list[Ints]:
        target_lengths = np.zeros(len(rows), np.int64) if self._as_labels else rows.targets.lengths
        return plan_batches(
            rows.inputs.lengths,
            target_lengths,
            batch_tokens=self._training.batch_tokens,
            seed=self._training.seed,
            epoch=epoch,
        )

    def _assemble(self, rows: Rows, share: Ints, weights: np.ndarray[Any, np.dtype[np.float32]]) -> Batch:
        batch = assemble(rows, share, weights, pad_id=int(self._tokenizer.pad_token_id), as_labels=self._as_labels)
        return batch.to(self._accelerator.device)

    def _total_weight(self, rows: Rows, batch: Ints) -> float:
        weights = rows.weights[batch].astype(np.float64)
        return float((weights if self._as_labels else weights * rows.targets.lengths[batch]).sum())

    def _num_tokens(self, batch: Ints) -> int:
        rows = self._train_rows
        return int(rows.inputs.lengths[batch].sum() + (0 if self._as_labels else rows.targets.lengths[batch].sum()))

    def _look(self, steps_in_epoch: int) -> Progress:
        position = self._position
        seen = self._meter.read()
        return Progress(
            fraction=min(1.0, (position.epoch + position.step / steps_in_epoch) / self._training.epochs),
            epoch=position.epoch,
            step=position.step,
            steps_in_epoch=steps_in_epoch,
            num_steps=position.num_steps,
            loss=seen.loss,
            dev_loss=position.dev_loss,
            learning_rate=float(self._optimizer.param_groups[0]["lr"]),
            tokens_per_s=seen.tokens_per_s,
            elapsed_s=seen.elapsed_s,
            resumed=self._resumed,
            pid=os.getpid(),
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
            weights=self._bare_model.state_dict(),
            optimizer=self._optimizer.state_dict(),
            best_weights=self._best_weights,
            position=self._position,
        )
        self._session.save(lambda folder: write_state(folder, state))
        self._saved_at = time.monotonic()

    def _resume(self) -> bool:
        folder = self._session.latest_checkpoint()
        if folder is None:
            return False
        state = read_state(folder)
        self._bare_model.load_state_dict(state.weights)
        self._optimizer.load_state_dict(state.optimizer)
        self._best_weights, self._position = state.best_weights, state.position
        return True

    def _write_model(self) -> None:
        if self._best_weights is not None:
            self._bare_model.load_state_dict(self._best_weights)
        staging = self._config.run_dir / f".{MODEL_DIR}-{uuid.uuid4().hex}"
        try:
            with named_storage_errors(f"the trained model to {self._config.run_dir}"), quiet_transformers():
                self._bare_model.save_pretrained(staging)
                self._tokenizer.save_pretrained(staging)
                os.rename(staging, self._config.run_dir / MODEL_DIR)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _step_seed(seed: int, epoch: int, step: int, rank: int) -> int:
    return int(np.random.SeedSequence([seed, epoch, step, rank]).generate_state(1, np.uint64)[0] >> 1)


def _copy(weights: Weights) -> Weights:
    return {name: weight.detach().to("cpu", copy=True) for name, weight in weights.items()}
