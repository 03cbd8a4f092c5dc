"""One step of preference learning, up to its loss: score the texts by the policy, and compare.

Inputs: the policy, a batch with the reference's log-probabilities, settings. Outputs: the summed loss with its
gradient, and statistics; backward, clipping and the optimiser stay with the caller. KTO's mismatched texts are scored
without dropout and without gradients. The policy is scored in the mode that the caller left it in; with its dropout
off, policy and reference start out exactly equal.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from polyloop.models.text_scores import text_scores
from polyloop.training.preference.batches import BinaryBatch, PreferenceBatch
from polyloop.training.preference.losses import PreferenceLoss, Sides, divergence_sums, dpo_loss, kto_loss
from polyloop.training.preference.settings import DpoSettings, KtoSettings


def preference_step(policy: Any, batch: PreferenceBatch, settings: DpoSettings) -> PreferenceLoss:
    """Return DPO's summed loss on a batch of pairs."""
    scores = text_scores(policy, batch.input_ids, batch.attention_mask, batch.targets)
    policy_sides, reference_sides = _sides(scores.log_probs), _sides(batch.reference)
    return dpo_loss(policy_sides, reference_sides, batch.weights, settings, num_tokens=_sides(scores.num_tokens))


def binary_divergence(policy: Any, batch: BinaryBatch) -> torch.Tensor:
    """Return number and summed log-ratio of a batch's mismatched texts, (2,), as `divergence_sums` does."""
    scores = frozen_scores(policy, batch.input_ids, batch.attention_mask, batch.mismatched_targets)
    return divergence_sums(scores, batch.mismatched_reference, batch.is_mismatched)


def binary_step(policy: Any, batch: BinaryBatch, settings: KtoSettings, zero_point: torch.Tensor) -> PreferenceLoss:
    """Return KTO's summed loss on a batch of judged texts, given the reference point ()."""
    scores = text_scores(policy, batch.input_ids, batch.attention_mask, batch.targets)
    return kto_loss(scores.log_probs, batch.reference, batch.is_desirable, batch.weights, zero_point, settings)


def frozen_scores(
    model: Any, input_ids: torch.Tensor, attention_mask: torch.Tensor, targets: torch.Tensor
) -> torch.Tensor:
    """Return the log-probabilities of `text_scores`, (rows,), without dropout and without a gradient."""
    with evaluating(model), torch.no_grad():
        return text_scores(model, input_ids, attention_mask, targets).log_probs


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Turn dropout off in all modules of a model for a while; each gets its own mode back."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


def _sides(rows: torch.Tensor) -> Sides:
    chosen, rejected = rows.chunk(2)
    return Sides(chosen=chosen, rejected=rejected)
