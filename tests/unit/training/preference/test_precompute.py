"""Tests of log-probabilities of the reference that are computed before the first step."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from tests.support.preference_sets import JUDGED, PAIRS, pair_batch, shaken

from polyloop.training.preference.batches import binary_batch, plan_binary, plan_preferences, preference_batch
from polyloop.training.preference.precompute import binary_scores, pair_scores, partner_scores
from polyloop.training.preference.settings import DpoSettings, KtoSettings
from polyloop.training.preference.step import binary_step, preference_step
from polyloop.training.rows import Ints

CPU = torch.device("cpu")


def of_all(plan: list[Ints], shape: tuple[int, ...], scores: Callable[[Ints], torch.Tensor], whole: bool = True) -> Any:
    """Return the scores of all rows, not a number where the plan has forgotten one."""
    found = np.full(shape, np.nan, np.float32)
    for batch in plan:
        found[..., batch] = scores(batch).numpy()
    assert np.isfinite(found).all() == whole
    return found


def test_log_probabilities_computed_before_do_the_reference_models_work(make_model: Any, family: str) -> None:
    reference = make_model(family, 0.3).train()  # dropout on: precomputing has to turn it off
    policy = shaken(reference).eval()
    plan = plan_preferences(PAIRS, batch_tokens=30, seed=1, epoch=0)
    known = of_all(plan, (2, len(PAIRS)), partial(pair_scores, reference, PAIRS, pad_id=0, device=CPU))
    assert reference.training
    rows = np.array([2, 0])
    with_numbers = preference_step(policy, preference_batch(PAIRS, rows, pad_id=0, reference=known), DpoSettings())
    with_model = preference_step(policy, pair_batch([2, 0]), DpoSettings(), reference=reference)
    torch.testing.assert_close(with_numbers.loss, with_model.loss)
    torch.testing.assert_close(with_numbers.statistics.sums, with_model.statistics.sums, atol=1e-4, rtol=1e-4)


def test_each_epochs_mismatched_texts_are_computed_before_too(make_model: Any, family: str) -> None:
    reference = make_model(family)
    policy = shaken(reference)
    plans = [plan_binary(JUDGED, batch_tokens=24, seed=1, epoch=epoch) for epoch in range(2)]
    known = of_all(plans[0], (len(JUDGED),), partial(binary_scores, reference, JUDGED, pad_id=0, device=CPU))
    for batches in plans:
        partners = of_all(batches, (len(JUDGED),), partial(partner_scores, reference, JUDGED, pad_id=0, device=CPU))
        for rows in batches:
            numbers = binary_batch(
                JUDGED,
                rows,
                pad_id=0,
                reference=known,
                mismatched_reference=partners,
            )
            with_numbers = binary_step(policy, numbers, KtoSettings())
            without = binary_step(policy, binary_batch(JUDGED, rows, pad_id=0), KtoSettings(), reference=reference)
            torch.testing.assert_close(with_numbers.loss, without.loss)


def test_a_row_that_was_forgotten_spoils_the_loss_at_once(make_model: Any) -> None:
    model = make_model("llama")
    known = of_all(
        [np.array([0, 1, 3])], (2, len(PAIRS)), partial(pair_scores, model, PAIRS, pad_id=0, device=CPU), whole=False
    )
    batch = preference_batch(PAIRS, np.array([1, 2]), pad_id=0, reference=known)
    assert not torch.isfinite(preference_step(model, batch, DpoSettings()).loss)
