"""Whether a converted model computes what the original does: log-probabilities, or hidden states, of made-up rows.

A loader that misses a setting (a base of rotary positions, a scale) gives a model that runs and writes nonsense, so
each conversion is probed before anyone can load it. Inputs: models and ids. Outputs: nats, or hidden states.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import ctranslate2
import numpy as np
import torch
from numpy.typing import NDArray

from polyloop.errors import ModelError
from polyloop.models.engines.computing import Computing
from polyloop.models.engines.encoders import ConvertedEncoder
from polyloop.models.engines.numerals import to_tokens
from polyloop.models.loaded import pad_rows
from polyloop.models.token_scores import token_log_probs
from polyloop.retrieval.checkpoints import position_limit

SEED = 7
NUM_ROWS = 4
MAX_LENGTH = 150
"""Tokens of a row on each side; T5 tells distances up to 128 apart."""
MAX_DIFFERENCE = 2e-4
"""Most that numbers may differ on average, relative to 1 + their size. A missed setting changes them all; rounding
changes few, and those only where weights are so large that float32 itself is far from float64."""


class Probe(Protocol):
    """What the original says of some rows."""

    def difference(self, converted: Path) -> float:
        """Return by how much the converted model in a folder differs on average, relative to 1 + the numbers' size."""


@dataclass(frozen=True, kw_only=True)
class TextProbe:
    """Rows of ids, and the log-probabilities (nats) that the original gives each token that it predicts."""

    inputs: list[list[int]]
    targets: list[list[int]]
    log_probs: list[list[float]]
    is_decoder: bool

    def difference(self, converted: Path) -> float:
        """Return the mean difference of log-probabilities, relative to 1 + their size in nats."""
        targets = [to_tokens(ids) for ids in self.targets]
        if self.is_decoder:
            scored = ctranslate2.Generator(str(converted), compute_type="float32", intra_threads=1).score_batch(targets)
        else:
            translator = ctranslate2.Translator(str(converted), compute_type="float32", intra_threads=1)
            scored = translator.score_batch([to_tokens(ids) for ids in self.inputs], targets, max_input_length=0)
        # An encoder-decoder is also asked for the end token, which is not compared.
        rows = [result.log_probs[: len(row)] for result, row in zip(scored, self.log_probs, strict=True)]
        return _difference(np.concatenate(rows), np.concatenate(self.log_probs))


@dataclass(frozen=True, kw_only=True)
class EncoderProbe:
    """Rows of ids, and the hidden states (length, width) that the original has for each."""

    rows: list[list[int]]
    hidden: list[NDArray[np.float32]]

    def difference(self, converted: Path) -> float:
        """Return the mean difference of hidden states, relative to 1 + their size, the rows in one padded batch."""
        encoder = ConvertedEncoder(converted, Computing(threads=1))
        found = encoder(*pad_rows(self.rows, pad_id=0)).last_hidden_state.numpy()
        parts = [row[: len(wanted)].ravel() for row, wanted in zip(found, self.hidden, strict=True)]
        return _difference(np.concatenate(parts), np.concatenate([wanted.ravel() for wanted in self.hidden]))


def probe(model: Any, start_id: int | None) -> TextProbe:
    """Return rows of random ids and what the original says of them.

    `start_id` begins each target of an encoder-decoder and is predicted by nothing; a decoder has none, and its rows
    are all target, whose first token is predicted by nothing.
    """
    draw = np.random.default_rng(SEED)
    rows = [draw.integers(model.config.vocab_size, size=(2, length)).tolist() for length in _lengths(model)]
    inputs, targets = [row[0] for row in rows], [row[1] for row in rows]
    with torch.inference_mode():
        log_probs = [_log_probs(model, *pair, start_id) for pair in zip(inputs, targets, strict=True)]
    return TextProbe(inputs=inputs, targets=targets, log_probs=log_probs, is_decoder=start_id is None)


def probe_encoder(model: Any) -> EncoderProbe:
    """Return rows of random ids and the hidden states that the encoder inside a model has for them."""
    draw = np.random.default_rng(SEED)
    padding = model.config.pad_token_id
    # Some families do not count the padding token as a place, wherever it stands.
    ids = [token_id for token_id in range(model.config.vocab_size) if token_id != padding]
    rows = [draw.choice(ids, size=length).tolist() for length in _lengths(model)]
    with torch.inference_mode():
        hidden = [model.base_model(input_ids=torch.tensor([row])).last_hidden_state[0].numpy() for row in rows]
    return EncoderProbe(rows=rows, hidden=hidden)


def checked(wanted: Probe, converted: Path) -> float:
    """Return by how much a converted model differs from the original; ModelError if that is more than rounding."""
    difference = wanted.difference(converted)
    # Not the other way round: nan is no rounding either.
    if not difference <= MAX_DIFFERENCE:
        raise ModelError(
            f"the converted model does not compute what the original does: what it gives differs by {difference:.2g} "
            f"of its size on average, at most {MAX_DIFFERENCE} is rounding; serve it with PyTorch"
        )
    return difference


def _lengths(model: Any) -> list[int]:
    longest = min(MAX_LENGTH, position_limit(model.config) or MAX_LENGTH) - 1
    return [longest - index for index in range(NUM_ROWS)]


def _difference(found: NDArray[Any], wanted: NDArray[Any]) -> float:
    return float((np.abs(found - wanted) / (1.0 + np.abs(wanted))).mean())


def _log_probs(model: Any, inputs: list[int], targets: list[int], start_id: int | None) -> list[float]:
    target_ids = torch.tensor([targets])
    if start_id is None:
        logits = model(input_ids=target_ids, use_cache=False).logits[0, :-1]
        return list(token_log_probs(logits, target_ids[0, 1:]).tolist())
    decoder_ids = torch.tensor([[start_id, *targets[:-1]]])
    logits = model(input_ids=torch.tensor([inputs]), decoder_input_ids=decoder_ids, use_cache=False).logits[0]
    return list(token_log_probs(logits, target_ids[0]).tolist())
