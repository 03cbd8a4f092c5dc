"""One step of preference learning, up to its loss: score the texts by policy and reference, and compare.

Inputs: the policy, a batch, settings, and the reference either as a model or as numbers that the batch carries.
Outputs: the summed loss with its gradient, and statistics; backward, clipping and the optimiser stay with the caller.
The reference, and KTO's mismatched texts, are scored without dropout and without gradients. The policy is scored in
the mode that the caller left it in; with its dropout off, policy and reference start out exactly equal.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from polyloop.errors import TrainingError
from polyloop.models.text_scores import text_scores
from polyloop.training.preference.batches import BinaryBatch, PreferenceBatch
from polyloop.training.preference.losses import (
    PreferenceLoss,
    Sides,
    divergence_sums,
    dpo_loss,
    kto_loss,
    reference_point,
)
from polyloop.training.preference.rewards import divergence_statistics
from polyloop.training.preference.settings import DpoSettings, KtoSettings

SumOverWorkers = Callable[[torch.Tensor], torch.Tensor]
"""Returns the sum of a tensor over all workers, such as `functools.partial(accelerator.reduce, reduction="sum")`."""


def preference_step(
    policy: Any, batch: PreferenceBatch, settings: DpoSettings, *, reference: Any = None
) -> PreferenceLoss:
    """Return DPO's summed loss on a batch of pairs.

    `reference` is the frozen model, on the batch's device, and may be left out where the batch carries its
    log-probabilities: TrainingError if both are missing.
    """
    expected = batch.reference
    if expected is None:
        expected = frozen_scores(_present(reference), batch.input_ids, batch.attention_mask, batch.targets)
    scores = text_scores(policy, batch.input_ids, batch.attention_mask, batch.targets)
    return dpo_loss(
        _sides(scores.log_probs), _sides(expected), batch.weights, settings, num_tokens=_sides(scores.num_tokens)
    )


def binary_step(
    policy: Any,
    batch: BinaryBatch,
    settings: KtoSettings,
    *,
    reference: Any = None,
    sum_over_workers: SumOverWorkers | None = None,
) -> PreferenceLoss:
    """Return KTO's summed loss on a batch of judged texts.

    `reference` as in `preference_step`. With several workers `sum_over_workers` makes the reference point that of the
    whole batch, so that all of them together learn what one would; the statistics are those of this worker.
    """
    expected = batch.reference
    if expected is None:
        expected = frozen_scores(_present(reference), batch.input_ids, batch.attention_mask, batch.targets)
    divergence = binary_divergence(policy, batch, reference=reference)
    zero_point = reference_point(divergence if sum_over_workers is None else sum_over_workers(divergence.clone()))
    result = binary_loss(policy, batch, settings, expected, zero_point)
    return PreferenceLoss(loss=result.loss, statistics=result.statistics + divergence_statistics(divergence))


def binary_divergence(policy: Any, batch: BinaryBatch, *, reference: Any = None) -> torch.Tensor:
    """Return number and summed log-ratio of a batch's mismatched texts, (2,), as `divergence_sums` does."""
    inputs = (batch.input_ids, batch.attention_mask)
    expected = batch.mismatched_reference
    if expected is None:
        expected = frozen_scores(_present(reference), *inputs, batch.mismatched_targets)
    scores = frozen_scores(policy, *inputs, batch.mismatched_targets)
    return divergence_sums(scores, expected, batch.is_mismatched)


def binary_loss(
    policy: Any, batch: BinaryBatch, settings: KtoSettings, expected: torch.Tensor, zero_point: torch.Tensor
) -> PreferenceLoss:
    """Return KTO's summed loss, given the reference's log-probabilities (rows,) and the reference point ()."""
    scores = text_scores(policy, batch.input_ids, batch.attention_mask, batch.targets)
    return kto_loss(scores.log_probs, expected, batch.is_desirable, batch.weights, zero_point, settings)


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


def _present(reference: Any) -> Any:
    if reference is None:
        raise TrainingError(
            "the batch carries no log-probabilities of the reference and there is no reference model; pass one of them"
        )
    return reference
