"""Tests of steps of DPO and KTO on tiny models of both families: gradients, and what is learned."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tests.support.preference_sets import BAD, GOOD, INPUTS, judged_batch, kto_step, pair_batch, shaken

from polyloop.training.preference.losses import PreferenceLoss
from polyloop.training.preference.settings import DpoSettings, KtoSettings
from polyloop.training.preference.step import evaluating, frozen_scores, preference_step

IN_DOUBLE = ("bart", "gpt2")
"""One kind of each family that computes in float64 throughout; T5's and Llama's norms round to float32 inside."""


def directional_check(policy: Any, loss_of: Callable[[], torch.Tensor]) -> tuple[float, float]:
    """Return the slope of the loss along a random direction of all weights, by autograd and by differences."""
    policy.zero_grad()
    loss_of().backward()
    parameters = list(policy.parameters())
    direction = [torch.randn_like(parameter) for parameter in parameters]
    slope = sum(float((p.grad * d).sum()) for p, d in zip(parameters, direction, strict=True) if p.grad is not None)
    step, values = 1e-6, []
    with torch.no_grad():
        for sign in (1, -2):  # to one side, then back over the start to the other
            for parameter, move in zip(parameters, direction, strict=True):
                parameter += sign * step * move
            values.append(float(loss_of()))
    return slope, (values[0] - values[1]) / (2 * step)


@pytest.mark.parametrize("kind", IN_DOUBLE)
@pytest.mark.parametrize("settings", [DpoSettings(beta=0.5, label_smoothing=0.1), DpoSettings(form="ipo", beta=0.5)])
def test_the_gradient_of_a_dpo_step_is_that_of_finite_differences(make_model: Any, kind: str, settings: Any) -> None:
    reference = make_model(kind).double()
    policy, batch = shaken(reference), pair_batch(reference)
    slope, difference = directional_check(policy, lambda: preference_step(policy, batch, settings).loss)
    assert abs(slope) > 1e-3
    assert slope == pytest.approx(difference, rel=1e-5)


@pytest.mark.parametrize("kind", IN_DOUBLE)
def test_the_gradient_of_a_kto_step_is_that_of_finite_differences(make_model: Any, kind: str) -> None:
    reference = make_model(kind).double()
    policy, settings = shaken(reference), KtoSettings(beta=0.5)
    # One row has no partner, so that the reference point, which gets no gradient, does not move with the weights.
    batch = judged_batch(reference, [1])
    slope, difference = directional_check(policy, lambda: kto_step(policy, batch, settings).loss)
    assert abs(slope) > 1e-3
    assert slope == pytest.approx(difference, rel=1e-5)


def test_a_policy_equal_to_its_reference_loses_log_two_and_half(model: Any) -> None:
    twin = copy.deepcopy(model)
    dpo = preference_step(model, pair_batch(twin), DpoSettings())
    kto = kto_step(model, judged_batch(twin), KtoSettings())
    assert dpo.loss.item() == pytest.approx(4.5 * 0.6931472, rel=1e-5)
    assert kto.loss.item() == pytest.approx(9.0 / 2, rel=1e-5)
    assert dpo.statistics.margin == pytest.approx(0.0, abs=1e-5)
    assert kto.statistics.kl == pytest.approx(0.0, abs=1e-5)


def test_the_reference_point_is_that_of_a_loop_over_mismatched_pairs(make_model: Any, family: str) -> None:
    reference = make_model(family)
    policy, texts = shaken(reference), [*GOOD, *BAD]
    log_ratios = []
    for row in range(8):
        source, target = torch.tensor([INPUTS[row % 4]]), torch.tensor([texts[(row + 1) % 8]])
        scores = [frozen_scores(model, source, torch.ones_like(source), target).item() for model in (policy, reference)]
        log_ratios.append(scores[0] - scores[1])
    result = kto_step(policy, judged_batch(reference), KtoSettings())
    assert result.statistics.kl == pytest.approx(np.mean(log_ratios), abs=1e-4)


def learn(policy: Any, step: Callable[[], PreferenceLoss], num_steps: int) -> PreferenceLoss:
    optimizer = torch.optim.AdamW(policy.parameters(), lr=3e-3, weight_decay=0.0)
    for _ in range(num_steps):
        result = step()
        optimizer.zero_grad()
        result.loss.backward()
        optimizer.step()
    return step()


@pytest.mark.parametrize("method", ["dpo", "ipo", "normalised", "kto"])
def test_a_few_steps_raise_the_chosen_and_lower_the_rejected_against_the_reference(
    make_model: Any, family: str, method: str
) -> None:
    policy, reference = make_model(family), make_model(family)
    if method == "kto":
        judged = judged_batch(reference)
        after = learn(policy, lambda: kto_step(policy, judged, KtoSettings(beta=0.5)), 12)
        start = 9.0 / 2
    else:
        settings = {
            "dpo": DpoSettings(beta=0.5),
            "ipo": DpoSettings(beta=0.1, form="ipo"),
            "normalised": DpoSettings(beta=2.0, length_normalised=True),
        }[method]
        pairs = pair_batch(reference)
        start = preference_step(policy, pairs, settings).loss.item()
        after = learn(policy, lambda: preference_step(policy, pairs, settings), 12)
    statistics = after.statistics
    assert after.loss.item() < 0.8 * start
    assert statistics.accuracy == 1.0
    assert statistics.chosen_reward is not None
    assert statistics.rejected_reward is not None
    assert statistics.chosen_reward > 0 > statistics.rejected_reward


def test_a_reference_that_is_no_number_spoils_the_loss_at_once(make_model: Any) -> None:
    model = make_model("llama")
    batch = replace(pair_batch(model), reference=torch.full((8,), torch.nan))
    assert not torch.isfinite(preference_step(model, batch, DpoSettings()).loss)


def test_the_reference_gets_no_gradient_and_the_policy_keeps_its_mode(make_model: Any, family: str) -> None:
    reference, policy = make_model(family, 0.2).train(), make_model(family, 0.2).train()
    first_child = next(iter(policy.children()))
    first_child.eval()
    for result in (
        preference_step(policy, pair_batch(reference), DpoSettings()),
        kto_step(policy, judged_batch(reference), KtoSettings()),
    ):
        result.loss.backward()
    assert all(parameter.grad is None for parameter in reference.parameters())
    assert policy.training
    assert not first_child.training


def test_modules_get_their_own_mode_back_after_an_error(make_model: Any) -> None:
    model = make_model("llama").train()
    inside: list[bool] = []

    def fail() -> None:
        with evaluating(model):
            inside.extend(module.training for module in model.modules())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not any(inside)
    assert all(module.training for module in model.modules())


def test_scoring_without_gradients_leaves_gradients_under_autocast(make_model: Any, family: str) -> None:
    policy, reference = make_model(family), make_model(family)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = kto_step(policy, judged_batch(reference), KtoSettings(beta=0.5))
    half.loss.backward()
    missing = [name for name, parameter in policy.named_parameters() if parameter.grad is None]
    assert missing == []
    assert half.loss.dtype == torch.float32
    exact = kto_step(policy, judged_batch(reference), KtoSettings(beta=0.5))
    assert half.loss.item() == pytest.approx(exact.loss.item(), rel=0.02)
