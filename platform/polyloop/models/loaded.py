"""A loaded transformers model with its tokenizer, and how rows of ids become batches for it.

Inputs: a folder with a model, ids. Outputs: tensors on the model's device. Limits: float32; safetensors only.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from polyloop.errors import ArtefactError, first_line
from polyloop.models.contract import Contract, PredictInput, check_length
from polyloop.models.pretrained import AUTO_CLASSES, LOAD_ERRORS
from polyloop.models.quiet import quiet_transformers
from polyloop.models.tokenizing import Tokenizing, tokenizing_at
from polyloop.tasks.base import TaskKind

MAX_BATCH_ROWS = 64
MAX_BATCH_TOKENS = 8_192
"""Padded input tokens of one model call; bounds memory, and more gains no speed on a CPU."""


class LoadedModel:
    """A model that is ready to be asked."""

    def __init__(
        self,
        path: Path,
        kind: TaskKind,
        contract: Contract,
        device: torch.device,
        **overrides: Any,
    ) -> None:
        """Load the model in a folder, with `overrides` of its config; ArtefactError where that cannot be done.

        The tokenizer may be other versions' too: its lock, that of `tokenizing`, is to be held while it is used.
        """
        auto_class = AUTO_CLASSES[kind.architecture]
        try:
            with quiet_transformers():
                self.tokenizing = tokenizing_at(path)
                model = auto_class.from_pretrained(path, use_safetensors=True, dtype=torch.float32, **overrides)
        except LOAD_ERRORS as error:
            raise ArtefactError(f"the model at {path} cannot be loaded: {first_line(error)}") from error
        self.tokenizer: Any = self.tokenizing.tokenizer
        self.contract = contract
        self.device = device
        self.model: Any = model.to(device).eval()
        self._kind = kind

    def encode(self, inputs: Sequence[PredictInput]) -> list[list[int]]:
        """Return the ids of inputs; RequestError (422) if one is longer than the version takes."""
        return encoded(inputs, self._kind, self.tokenizing, self.contract)

    def padded(self, rows: Sequence[Sequence[int]], *, on_left: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
        """Return ids and mask on the device."""
        input_ids, attention_mask = pad_rows(rows, int(self.tokenizer.pad_token_id), on_left=on_left)
        return input_ids.to(self.device), attention_mask.to(self.device)


def encoded(
    inputs: Sequence[PredictInput], kind: TaskKind, tokenizing: Tokenizing, contract: Contract
) -> list[list[int]]:
    """Return the ids of inputs; RequestError (422) if one is longer than the version takes."""
    texts, locales = [item.text for item in inputs], [item.target_locale for item in inputs]
    with tokenizing.lock:
        rows = kind.encode_inputs(tokenizing.tokenizer, texts, locales)
    check_length(max((len(ids) for ids in rows), default=0), contract.max_input_tokens)
    return rows


def pad_rows(rows: Sequence[Sequence[int]], pad_id: int, *, on_left: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids and mask, each int64 of shape (rows, longest), padded on the right or the left."""
    longest = max(len(ids) for ids in rows)
    input_ids = torch.full((len(rows), longest), pad_id, dtype=torch.int64)
    attention_mask = torch.zeros((len(rows), longest), dtype=torch.int64)
    for index, ids in enumerate(rows):
        start = longest - len(ids) if on_left else 0
        input_ids[index, start : start + len(ids)] = torch.tensor(ids, dtype=torch.int64)
        attention_mask[index, start : start + len(ids)] = 1
    return input_ids, attention_mask


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield positions in batches of similar length, the longest first, within the limits of one model call."""
    batch: list[int] = []
    width = 0
    for position in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        full = len(batch) == MAX_BATCH_ROWS or (len(batch) + 1) * width > MAX_BATCH_TOKENS
        if batch and full:
            yield batch
            batch = []
        width = width if batch else lengths[position]
        batch.append(position)
    if batch:
        yield batch
