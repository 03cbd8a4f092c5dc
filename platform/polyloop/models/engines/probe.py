"""Whether a converted model computes what the original does: log-probabilities of made-up rows by both.

A loader that misses a setting (a base of rotary positions, a scale) gives a model that runs and writes nonsense, so
each conversion is probed before anyone can load it. Inputs: models and ids. Outputs: nats.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import torch

from polyloop.errors import ModelError
from polyloop.models.engines.numerals import to_tokens
from polyloop.models.token_scores import token_log_probs
from polyloop.retrieval.checkpoints import position_limit

NUM_ROWS = 4
MAX_LENGTH = 150
"""Tokens of a row on each side; T5 tells distances up to 128 apart."""
MAX_DIFFERENCE = 2e-4
"""Most that log-probabilities may differ on average, relative to 1 + their size in nats. A missed setting changes them
all; rounding changes few, and those only where weights are so large that float32 itself is far from float64."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """Rows of ids, and the log-probabilities (nats) that the original gives each token that it predicts."""

    inputs: list[list[int]]
    targets: list[list[int]]
    log_probs: list[list[float]]


def probe(model: Any, start_id: int | None) -> Probe:
    """Return rows of random ids and what the original says of them.

    `start_id` begins each target of an encoder-decoder and is predicted by nothing; a decoder has none, and its rows
    are all target, whose first token is predicted by nothing.
    """
    length = min(MAX_LENGTH, position_limit(model.config) or MAX_LENGTH) - 1
    draw = np.random.default_rng(7)
    rows = [draw.integers(model.config.vocab_size, size=(2, length - index)).tolist() for index in range(NUM_ROWS)]
    inputs, targets = [row[0] for row in rows], [row[1] for row in rows]
    with torch.inference_mode():
        log_probs = [_log_probs(model, *pair, start_id) for pair in zip(inputs, targets, strict=True)]
    return Probe(inputs=inputs, targets=targets, log_probs=log_probs)


def check(converted: Path, wanted: Probe, *, is_decoder: bool) -> float:
    """Return the mean difference of log-probabilities, relative to 1 + their size in nats.

    ModelError if it is larger than rounding.
    """
    targets = [to_tokens(ids) for ids in wanted.targets]
    if is_decoder:
        scored = ctranslate2.Generator(str(converted), compute_type="float32", intra_threads=1).score_batch(targets)
    else:
        translator = ctranslate2.Translator(str(converted), compute_type="float32", intra_threads=1)
        scored = translator.score_batch([to_tokens(ids) for ids in wanted.inputs], targets, max_input_length=0)
    # An encoder-decoder is also asked for the end token, which is not compared.
    rows = [result.log_probs[: len(row)] for result, row in zip(scored, wanted.log_probs, strict=True)]
    found, expected = np.concatenate(rows), np.concatenate(wanted.log_probs)
    difference = float((np.abs(found - expected) / (1.0 + np.abs(expected))).mean())
    # Not the other way round: nan is no rounding either.
    if not difference <= MAX_DIFFERENCE:
        raise ModelError(
            f"the converted model does not compute what the original does: log-probabilities differ by "
            f"{difference:.2g} of their size on average, at most {MAX_DIFFERENCE} is rounding; serve it with PyTorch"
        )
    return difference


def _log_probs(model: Any, inputs: list[int], targets: list[int], start_id: int | None) -> list[float]:
    target_ids = torch.tensor([targets])
    if start_id is None:
        logits = model(input_ids=target_ids, use_cache=False).logits[0, :-1]
        return list(token_log_probs(logits, target_ids[0, 1:]).tolist())
    decoder_ids = torch.tensor([[start_id, *targets[:-1]]])
    logits = model(input_ids=torch.tensor([inputs]), decoder_input_ids=decoder_ids, use_cache=False).logits[0]
    return list(token_log_probs(logits, target_ids[0]).tolist())
