"""A small set of pairs, the same texts judged one by one, and their batches, for tiny models of 23 tokens."""

import copy
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from polyloop.training.preference.batches import BinaryBatch, PreferenceBatch, binary_batch, preference_batch
from polyloop.training.preference.pairs import BINARY_SCHEMA, PREFERENCE_SCHEMA, BinaryRows, PreferenceRows

INPUTS = [[5, 6, 7], [8], [9, 10], [11, 12]]
GOOD = [[13, 14, 1], [15, 1], [16, 17, 18, 1], [13, 1]]
BAD = [[13, 19, 1], [20, 21, 1], [16, 1], [22, 22, 1]]

PAIRS = PreferenceRows.from_table(
    pa.table(
        {"input_ids": INPUTS, "chosen_ids": GOOD, "rejected_ids": BAD, "weight": [1.0, 0.5, 1.0, 2.0]},
        schema=PREFERENCE_SCHEMA,
    )
)
JUDGED = BinaryRows.from_table(
    pa.table(
        {
            "input_ids": INPUTS + INPUTS,
            "target_ids": GOOD + BAD,
            "desirable": [True] * 4 + [False] * 4,
            "weight": [1.0, 0.5, 1.0, 2.0] * 2,
        },
        schema=BINARY_SCHEMA,
    )
)


def pair_batch(rows: list[int] | None = None) -> PreferenceBatch:
    return preference_batch(PAIRS, np.array(rows or range(4)), pad_id=0)


def judged_batch(*, rank: int = 0, world_size: int = 1) -> BinaryBatch:
    return binary_batch(JUDGED, np.arange(8), pad_id=0, rank=rank, world_size=world_size)


def shaken(model: Any, scale: float = 0.05) -> Any:
    """Return a copy of a model with other weights, so that the policy is not the reference."""
    other = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter += scale * torch.randn_like(parameter)
    return other
