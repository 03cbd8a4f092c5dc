"""Tests of log-probabilities of the reference that are computed before the first step."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from tests.support.preference_sets import BAD, GOOD, INPUTS, JUDGED, KNOWN, PAIRS

from polyloop.training.preference.batches import mismatched_partners, plan_binary, plan_preferences
from polyloop.training.preference.precompute import binary_scores, pair_scores, partner_scores
from polyloop.training.preference.step import frozen_scores
from polyloop.training.rows import Ints

TEXTS = [*GOOD, *BAD]


def of_all(plan: list[Ints], shape: tuple[int, ...], scores: Callable[[Ints], torch.Tensor]) -> Any:
    """Return the scores of all rows, none of which the plan may have forgotten."""
    found = np.full(shape, np.nan, np.float32)
    for batch in plan:
        found[..., batch] = scores(batch).numpy()
    assert np.isfinite(found).all()
    return found


def alone(model: Any, texts: Sequence[list[int]]) -> list[float]:
    """Return the log-probability of each text given the input of its place, over and over, without any padding."""
    found = []
    for place, target in enumerate(texts):
        source = torch.tensor([INPUTS[place % len(INPUTS)]])
        found.append(frozen_scores(model, source, torch.ones_like(source), torch.tensor([target])).item())
    return found


def test_scores_are_those_of_each_text_alone_without_dropout(make_model: Any, family: str) -> None:
    reference = make_model(family, 0.3).train()
    plan = plan_preferences(PAIRS, batch_tokens=30, seed=1, epoch=0)
    known = of_all(plan, (2, len(PAIRS)), partial(pair_scores, reference, PAIRS, **KNOWN))
    assert reference.training
    assert known.flatten() == pytest.approx(alone(reference, TEXTS), abs=1e-4)
    plan = plan_binary(JUDGED, batch_tokens=24, seed=1, epoch=0)
    known = of_all(plan, (len(JUDGED),), partial(binary_scores, reference, JUDGED, **KNOWN))
    assert known == pytest.approx(alone(reference, TEXTS), abs=1e-4)


def test_each_epochs_mismatched_texts_are_computed_before_too(make_model: Any, family: str) -> None:
    reference = make_model(family)
    for epoch in range(2):
        plan = plan_binary(JUDGED, batch_tokens=24, seed=1, epoch=epoch)
        assert len(plan) > 1
        known = of_all(plan, (len(JUDGED),), partial(partner_scores, reference, JUDGED, **KNOWN))
        partner_of = dict(zip(np.concatenate(plan), np.concatenate(list(map(mismatched_partners, plan))), strict=True))
        texts = [TEXTS[partner_of[row]] for row in range(len(JUDGED))]
        assert known == pytest.approx(alone(reference, texts), abs=1e-4)
