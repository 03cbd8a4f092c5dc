"""A small set of pairs, the same texts judged one by one, and their batches, for tiny models of 23 tokens."""

import copy
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import ArrayLike

from polyloop.training.preference.batches import (
    BinaryBatch,
    PreferenceBatch,
    binary_batch,
    mismatched_partners,
    preference_batch,
)
from polyloop.training.preference.losses import PreferenceLoss, reference_point
from polyloop.training.preference.pairs import BINARY_SCHEMA, PREFERENCE_SCHEMA, BinaryRows, PreferenceRows
from polyloop.training.preference.precompute import binary_scores, pair_scores, partner_scores
from polyloop.training.preference.rewards import divergence_statistics
from polyloop.training.preference.settings import KtoSettings
from polyloop.training.preference.step import binary_divergence, binary_step

KNOWN: dict[str, Any] = {"pad_id": 0, "device": torch.device("cpu")}

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


def pair_batch(reference: Any, rows: ArrayLike = range(4)) -> PreferenceBatch:
    """Return pairs with what a model, as their reference, makes of them."""
    share, known = np.array(rows), np.zeros((2, len(PAIRS)), np.float32)
    known[:, share] = pair_scores(reference, PAIRS, share, **KNOWN)
    return preference_batch(PAIRS, share, PAIRS.weights[share], pad_id=0, reference=known)


def judged_batch(reference: Any, rows: ArrayLike = range(8)) -> BinaryBatch:
    """Return judged texts with what a model, as their reference, makes of them and of their partners."""
    share, known = np.array(rows), np.zeros((2, len(JUDGED)), np.float32)
    known[0, share] = binary_scores(reference, JUDGED, share, **KNOWN)
    known[1, share] = partner_scores(reference, JUDGED, share, **KNOWN)
    return binary_batch(
        JUDGED,
        share,
        mismatched_partners(share),
        JUDGED.weights[share],
        pad_id=0,
        reference=known[0],
        mismatched_reference=known[1],
    )


def kto_step(policy: Any, batch: BinaryBatch, settings: KtoSettings) -> PreferenceLoss:
    """Return KTO's loss of a whole batch, whose reference point is its own, on one worker and in one part."""
    divergence = binary_divergence(policy, batch)
    result = binary_step(policy, batch, settings, reference_point(divergence))
    return PreferenceLoss(loss=result.loss, statistics=result.statistics + divergence_statistics(divergence))


def shaken(model: Any, scale: float = 0.05) -> Any:
    """Return a copy of a model with other weights, so that the policy is not the reference."""
    other = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter += scale * torch.randn_like(parameter)
    return other
