"""Converted encoders, each in the place of the one inside a classifier, whose head stays PyTorch's.

Input: ids and mask, padded on the right. Output: last hidden states, and what the model's own pooler makes of them. So
every head that transformers has, or ours has, works as it is; nearly all of the time goes into what is below it.
Limits: no gradients; hidden states at padded places mean nothing.
"""

from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import torch
from torch import nn
from transformers.modeling_outputs import BaseModelOutputWithPooling

from polyloop.models.contract import Contract
from polyloop.models.engines.computing import Computing, load_converted
from polyloop.models.labels import Labels
from polyloop.models.loaded import LoadedModel
from polyloop.tasks.base import TaskKind


class ConvertedEncoder(nn.Module):
    """An encoder that CTranslate2 computes."""

    def __init__(self, folder: Path, computing: Computing, pooler: nn.Module | None = None) -> None:
        """Load the converted encoder in a folder; errors as for `load_converted`."""
        super().__init__()
        self._encoder = load_converted(ctranslate2.Encoder, folder, computing)
        self.pooler = pooler

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, **_: Any) -> BaseModelOutputWithPooling:
        """Return hidden states (rows, longest, width), float32, of ids and mask (rows, longest)."""
        ids = np.ascontiguousarray(input_ids.numpy(), dtype=np.int32)
        lengths = attention_mask.sum(1).numpy().astype(np.int32)
        view = ctranslate2.StorageView.from_array
        output = self._encoder.forward_batch(view(ids), view(lengths))
        hidden = torch.from_numpy(np.array(output.last_hidden_state, dtype=np.float32))
        pooled = None if self.pooler is None else self.pooler(hidden)
        return BaseModelOutputWithPooling(last_hidden_state=hidden, pooler_output=pooled)


def converted_labels(
    path: Path, converted_dir: Path, kind: TaskKind, contract: Contract, computing: Computing
) -> Labels:
    """Return the classifier at `path` with the encoder in `converted_dir`, made from it, in the place of its own.

    ArtefactError if one of both cannot be loaded, ModelError if this machine does not have the compute type.
    """
    # Without the layers that are about to be replaced: most of the weights, and of the time to load.
    loaded = LoadedModel(path, kind, contract, torch.device("cpu"), num_hidden_layers=0)
    model = loaded.model
    pooler = getattr(model.base_model, "pooler", None)
    setattr(model, model.base_model_prefix, ConvertedEncoder(converted_dir, computing, pooler))
    return Labels(loaded)
