"""The train function on a GPU: `python -m polyloop.bench.train.gpu SIZE WORK`, model FLOPs utilisation in bf16.

Input: the name of a size and a folder to work in. Output: as JSON on stdout tokens a second and the part of the GPU's
peak that they are, counted as `polyloop.training.work` counts. The models have random weights and read random ids in
rows that fill the whole length, so that nothing but the arithmetic is measured. No Ray. Limits: one GPU; none of the
sizes was tuned on more than one kind of it.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from transformers import LlamaConfig, LlamaForCausalLM, T5Config, T5ForConditionalGeneration

from polyloop.bench.train.material import publish, row_of
from polyloop.bench.train.ours import SKIP_S, measured
from polyloop.bench.train.session import MeasuringSession
from polyloop.data.dataset import Dataset
from polyloop.data.manifest import TOKENIZER_NAME
from polyloop.data.rows import ENCODED_SCHEMA
from polyloop.data.tokenizer import train_tokenizer
from polyloop.spec.models import TaskSpec
from polyloop.tasks import kind_of
from polyloop.training.config import TrainConfig

VOCAB_SIZE = 32_000
FIRST_ID = 300
"""Random ids begin behind those of the small tokenizer that the dataset has to have."""
SEED = 17


@dataclass(frozen=True, kw_only=True)
class Size:
    """A model and what a step of it holds."""

    kind: str
    """generate for a decoder, translate for an encoder-decoder."""
    width: int
    feedforward: int
    heads: int
    layers: int
    """Of each side, for an encoder-decoder."""
    input_tokens: int
    target_tokens: int
    rows_at_once: int
    num_steps: int = 60


SIZES = {
    # 24 layers as in GPT-3 Medium and XL (Brown et al. 2020, table 2.1), with Llama's gated feed-forward block.
    "decoder-350m": Size(
        kind="generate",
        width=1024,
        feedforward=2816,
        heads=16,
        layers=24,
        input_tokens=8,
        target_tokens=2040,
        rows_at_once=16,
    ),
    "decoder-1.3b": Size(
        kind="generate",
        width=2048,
        feedforward=5504,
        heads=16,
        layers=24,
        input_tokens=8,
        target_tokens=2040,
        rows_at_once=8,
    ),
    # T5-base (Raffel et al. 2020, section 3.1.1).
    "encoder-decoder-220m": Size(
        kind="translate",
        width=768,
        feedforward=3072,
        heads=12,
        layers=12,
        input_tokens=512,
        target_tokens=512,
        rows_at_once=64,
    ),
}


def save_model(size: Size, folder: Path, vocab_size: int = VOCAB_SIZE) -> None:
    """Save a checkpoint of a size with random weights."""
    torch.manual_seed(SEED)
    ids: dict[str, Any] = {"pad_token_id": 0, "eos_token_id": 1}
    model: Any
    if size.kind == "translate":
        model = T5ForConditionalGeneration(
            T5Config(
                vocab_size=vocab_size,
                d_model=size.width,
                d_kv=size.width // size.heads,
                d_ff=size.feedforward,
                num_layers=size.layers,
                num_heads=size.heads,
                dropout_rate=0.0,
                **(ids | {"decoder_start_token_id": 0}),
            )
        )
    else:
        model = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=vocab_size,
                hidden_size=size.width,
                intermediate_size=size.feedforward,
                num_hidden_layers=size.layers,
                num_attention_heads=size.heads,
                max_position_embeddings=size.input_tokens + size.target_tokens,
                bos_token_id=None,
                **ids,
            )
        )
    model.save_pretrained(folder)


def task_of_size(size: Size, checkpoint: Path, *, use_gpu: bool) -> TaskSpec:
    """Return the task that trains a size: one micro-batch a step."""
    own: dict[str, Any] = {"pairs": ["en>de"]} if size.kind == "translate" else {"locales": ["en"]}
    length = size.input_tokens + size.target_tokens
    return TaskSpec.model_validate(
        own
        | {
            "kind": size.kind,
            "corpora": ["random"],
            "model": {
                "pretrained": str(checkpoint),
                "max_input_tokens": max(8, size.input_tokens),
                "max_target_tokens": size.target_tokens,
            },
            "training": {
                "epochs": 1,
                "batch_tokens": size.rows_at_once * length,
                "learning_rate": 1e-4,
                "precision": "bf16" if use_gpu else "fp32",
                "compile": use_gpu,
                "use_gpu": use_gpu,
                "checkpoint_every_s": 1e6,
                "seed": SEED,
            },
        }
    )


def write_rows(folder: Path, task: TaskSpec, size: Size, vocab_size: int = VOCAB_SIZE) -> Dataset:
    """Write a dataset of random ids, all rows as long as a row can be, and open it."""
    folder.mkdir(parents=True)
    train_tokenizer(["random"], FIRST_ID, kind_of(task).special_tokens(task), folder / TOKENIZER_NAME)
    generator = np.random.default_rng(SEED)
    lengths = {"input_ids": size.input_tokens, "target_ids": size.target_tokens}
    rows = []
    for number in range(size.rows_at_once * size.num_steps):
        ids = {name: generator.integers(FIRST_ID, vocab_size, length).tolist() for name, length in lengths.items()}
        target_locale = "de" if size.kind == "translate" else "en"
        rows.append(row_of("en", target_locale, "random", "random", "train", number) | ids)
    return publish(folder, task, {"train": pa.Table.from_pylist(rows, schema=ENCODED_SCHEMA)})


def run_size(size: Size, work: Path, *, use_gpu: bool, skip_s: float, vocab_size: int = VOCAB_SIZE) -> dict[str, Any]:
    """Train a size and return what was measured; `mfu` is None on a device whose peak is not known."""
    checkpoint = work / "checkpoint"
    save_model(size, checkpoint, vocab_size)
    task = task_of_size(size, checkpoint, use_gpu=use_gpu)
    dataset = write_rows(work / "dataset", task, size, vocab_size)
    config = TrainConfig(task_name="gpu", task=task, dataset_dir=dataset.path, run_dir=work / "run")
    session = MeasuringSession(run_dir=config.run_dir)
    told = measured(config, session, skip_s=skip_s)
    last = session.looks[-1]
    per_token = last.flops_per_s / last.tokens_per_s
    utilised = None if last.mfu is None else last.mfu / last.tokens_per_s * told["tokens_per_s"]
    device = torch.cuda.get_device_name() if use_gpu else "cpu"
    return told | {"mfu": utilised, "flops_per_token": per_token, "device": device}


def main(arguments: Sequence[str] | None = None) -> None:
    """Train a size on the GPU and print what was measured."""
    parser = argparse.ArgumentParser(description="MFU of the train function")
    parser.add_argument("size", choices=sorted(SIZES))
    parser.add_argument("work", type=Path)
    # The first step compiles the model.
    parser.add_argument("--skip-s", type=float, default=60.0 + SKIP_S)
    options = parser.parse_args(arguments)
    json.dump(run_size(SIZES[options.size], options.work, use_gpu=True, skip_s=options.skip_s), sys.stdout)


if __name__ == "__main__":
    main()
