"""Tests of DPO and KTO against numbers worked by hand, closed-form gradients and the identities that define them."""

from typing import Any

import pytest
import torch

from polyloop.models.token_scores import token_log_probs
from polyloop.training.preference.losses import (
    Sides,
    divergence_sums,
    dpo_loss,
    kto_loss,
    reference_point,
)
from polyloop.training.preference.settings import DpoSettings, KtoSettings

DOUBLE = torch.float64


def sides(chosen: list[float], rejected: list[float]) -> Sides:
    return Sides(
        chosen=torch.tensor(chosen, dtype=DOUBLE, requires_grad=True),
        rejected=torch.tensor(rejected, dtype=DOUBLE, requires_grad=True),
    )


def pair_loss(margin: float, **options: Any) -> torch.Tensor:
    zero = torch.zeros(1, dtype=DOUBLE)
    policy = Sides(chosen=zero + margin, rejected=zero)
    return dpo_loss(policy, Sides(chosen=zero, rejected=zero), torch.ones(1), DpoSettings(**options)).loss


def test_dpo_gives_the_numbers_worked_by_hand() -> None:
    # Log-ratios 1 and -1 make h = 2; log(1 + exp(-0.2)) = 0.598139.
    policy, reference = sides([-10.0], [-14.0]), sides([-11.0], [-13.0])
    result = dpo_loss(policy, reference, torch.ones(1), DpoSettings(beta=0.1))
    assert result.loss.item() == pytest.approx(0.598139, abs=1e-6)
    assert result.statistics.chosen_reward == pytest.approx(0.1)
    assert result.statistics.rejected_reward == pytest.approx(-0.1)
    assert result.statistics.accuracy == 1.0


def test_smoothed_dpo_gives_the_number_worked_by_hand() -> None:
    # 0.9 * log(1 + exp(-1)) + 0.1 * log(1 + exp(1)) = 0.9 * 0.313262 + 0.1 * 1.313262
    assert pair_loss(2.0, beta=0.5, label_smoothing=0.1).item() == pytest.approx(0.413262, abs=1e-6)


def test_ipo_gives_the_number_worked_by_hand() -> None:
    # The target margin is 1 / (2 * 0.25) = 2.
    assert pair_loss(2.0, beta=0.25, form="ipo").item() == 0
    assert pair_loss(-1.0, beta=0.25, form="ipo").item() == pytest.approx(9.0)


def test_length_normalised_dpo_compares_means_over_tokens() -> None:
    # Log-ratios 6 over 3 tokens and -2 over 4: h = 2 - (-0.5); log(1 + exp(-2.5)) = 0.078889.
    policy, reference = sides([-4.0], [-9.0]), sides([-10.0], [-7.0])
    lengths = Sides(chosen=torch.tensor([3]), rejected=torch.tensor([4]))
    settings = DpoSettings(beta=1.0, length_normalised=True)
    result = dpo_loss(policy, reference, torch.ones(1), settings, num_tokens=lengths)
    assert result.loss.item() == pytest.approx(0.078889, abs=1e-6)
    with pytest.raises(ValueError, match="num_tokens"):
        dpo_loss(policy, reference, torch.ones(1), settings)


def test_an_empty_text_spoils_no_length_normalised_loss() -> None:
    policy, lengths = sides([0.0], [-3.0]), Sides(chosen=torch.tensor([0]), rejected=torch.tensor([3]))
    loss = dpo_loss(policy, policy, torch.ones(1), DpoSettings(length_normalised=True), num_tokens=lengths).loss
    loss.backward()
    assert loss.item() == pytest.approx(0.693147, abs=1e-6)
    assert torch.isfinite(policy.chosen.grad).all()  # type: ignore[arg-type]


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_gradient_of_dpo_is_its_closed_form(smoothing: float) -> None:
    beta, weights = 0.3, torch.tensor([1.0, 0.5, 2.0], dtype=DOUBLE)
    policy, reference = sides([-5.0, -9.0, -2.0], [-7.0, -3.0, -2.5]), sides([-6.0, -7.0, -2.0], [-5.0, -6.0, -4.5])
    settings = DpoSettings(beta=beta, label_smoothing=smoothing)
    dpo_loss(policy, reference, weights, settings).loss.backward()

    margin = (policy.chosen - reference.chosen - policy.rejected + reference.rejected).detach()
    expected = (
        -beta * weights * ((1 - smoothing) * torch.sigmoid(-beta * margin) - smoothing * torch.sigmoid(beta * margin))
    )
    torch.testing.assert_close(policy.chosen.grad, expected)
    torch.testing.assert_close(policy.rejected.grad, -expected)
    assert reference.chosen.grad is None


def test_the_gradient_of_ipo_is_its_closed_form() -> None:
    policy, reference = sides([-5.0, -9.0], [-7.0, -3.0]), sides([-6.0, -7.0], [-5.0, -6.0])
    dpo_loss(policy, reference, torch.ones(2), DpoSettings(beta=0.2, form="ipo")).loss.backward()
    margin = torch.tensor([3.0, -5.0], dtype=DOUBLE)
    torch.testing.assert_close(policy.chosen.grad, 2 * (margin - 2.5))
    torch.testing.assert_close(policy.rejected.grad, -2 * (margin - 2.5))


def test_the_gradient_of_length_normalised_dpo_is_its_closed_form() -> None:
    policy, lengths = sides([-5.0], [-7.0]), Sides(chosen=torch.tensor([2]), rejected=torch.tensor([4]))
    settings = DpoSettings(beta=5.0, length_normalised=True)
    dpo_loss(policy, sides([-6.0], [-5.0]), torch.ones(1), settings, num_tokens=lengths).loss.backward()
    slope = -5.0 * torch.sigmoid(torch.tensor([-5.0 * (0.5 + 0.5)], dtype=DOUBLE))
    torch.testing.assert_close(policy.chosen.grad, slope / 2)
    torch.testing.assert_close(policy.rejected.grad, -slope / 4)


def test_a_policy_equal_to_its_reference_loses_log_two_a_pair() -> None:
    same = sides([-3.0, -200.0], [-4.0, -1.0])
    for smoothing in (0.0, 0.3):
        settings = DpoSettings(beta=0.7, label_smoothing=smoothing)
        loss = dpo_loss(same, same, torch.tensor([1.0, 2.0]), settings).loss
        assert loss.item() == pytest.approx(3 * 0.6931471805599453)


def test_smoothing_mixes_a_pair_with_the_same_pair_the_wrong_way_round() -> None:
    for margin in (-3.0, 0.0, 1.5):
        right, wrong = pair_loss(margin, beta=1.0), pair_loss(-margin, beta=1.0)
        mixed = pair_loss(margin, beta=1.0, label_smoothing=0.25)
        torch.testing.assert_close(mixed, 0.75 * right + 0.25 * wrong)
        # Both ways round together, smoothing changes nothing.
        torch.testing.assert_close(mixed + pair_loss(-margin, beta=1.0, label_smoothing=0.25), right + wrong)


def test_the_smoothed_loss_is_least_where_the_pair_is_right_with_the_stated_probability() -> None:
    margin = torch.logit(torch.tensor(0.75, dtype=DOUBLE)).item()
    losses = [pair_loss(margin + shift, beta=1.0, label_smoothing=0.25).item() for shift in (-0.01, 0.0, 0.01)]
    assert losses[1] < min(losses[0], losses[2])


@pytest.mark.parametrize("margin", [-1e5, 1e5])
def test_extreme_margins_give_finite_losses_and_gradients(margin: float) -> None:
    chosen = torch.tensor([margin], requires_grad=True)
    zero = torch.zeros(1)
    policy, reference = Sides(chosen=chosen, rejected=zero), Sides(chosen=zero, rejected=zero)
    result = dpo_loss(policy, reference, torch.ones(1), DpoSettings(beta=1.0, label_smoothing=0.1))
    kto = kto_loss(chosen, zero, torch.tensor([False]), torch.ones(1), torch.tensor(0.0), KtoSettings(beta=1.0))
    (result.loss + kto.loss).backward()
    assert result.loss.item() == pytest.approx(1e4 if margin > 0 else 9e4, rel=1e-6)
    assert kto.loss.item() == (1.0 if margin > 0 else 0.0)
    assert torch.isfinite(chosen.grad).all()  # type: ignore[arg-type]


def test_kto_gives_the_numbers_worked_by_hand() -> None:
    # r = 1 and -2, z0 = 0.2, beta = 0.5: 1 - sigmoid(0.4) = 0.401312 and 1.5 * (1 - sigmoid(1.1)) = 1.5 * 0.249740.
    policy, reference = torch.tensor([-4.0, -9.0]), torch.tensor([-5.0, -7.0])
    settings = KtoSettings(beta=0.5, undesirable_weight=1.5)
    result = kto_loss(policy, reference, torch.tensor([True, False]), torch.ones(2), torch.tensor(0.2), settings)
    assert result.loss.item() == pytest.approx(0.401312 + 1.5 * 0.249740, abs=1e-5)
    assert result.statistics.chosen_reward == pytest.approx(0.5)
    assert result.statistics.rejected_reward == pytest.approx(-1.0)
    assert result.statistics.accuracy == 1.0


def test_kto_at_zero_reward_is_half_the_weight_of_each_kind() -> None:
    same, kinds = torch.tensor([-3.0, -4.0, -5.0]), torch.tensor([True, False, False])
    settings = KtoSettings(desirable_weight=1.2, undesirable_weight=0.8)
    loss = kto_loss(same, same, kinds, torch.tensor([1.0, 1.0, 3.0]), torch.tensor(0.0), settings).loss
    assert loss.item() == pytest.approx((1.2 + 4 * 0.8) / 2)


def test_the_gradient_of_kto_is_its_closed_form_and_passes_by_the_reference_point() -> None:
    policy = torch.tensor([-4.0, -9.0, -1.0], dtype=DOUBLE, requires_grad=True)
    zero_point = torch.tensor(0.4, dtype=DOUBLE, requires_grad=True)
    reference, kinds = torch.tensor([-5.0, -7.0, -3.0], dtype=DOUBLE), torch.tensor([True, False, False])
    weights, settings = torch.tensor([1.0, 0.5, 2.0], dtype=DOUBLE), KtoSettings(beta=0.7, desirable_weight=1.3)
    kto_loss(policy, reference, kinds, weights, zero_point, settings).loss.backward()

    value = torch.sigmoid(0.7 * ((policy - reference).detach() - 0.4))
    factors = torch.tensor([-1.3, 1.0, 1.0], dtype=DOUBLE)
    torch.testing.assert_close(policy.grad, factors * weights * 0.7 * value * (1 - value))
    assert zero_point.grad is None


def test_the_reference_point_is_the_mean_log_ratio_of_counted_pairs() -> None:
    policy, reference = torch.tensor([-1.0, -5.0, -100.0]), torch.tensor([-3.0, -4.0, -1.0])
    sums = divergence_sums(policy, reference, torch.tensor([True, True, False]))
    assert sums.tolist() == [2.0, 1.0]
    assert reference_point(sums).item() == pytest.approx(0.5)


def test_the_reference_point_is_never_below_zero_has_no_gradient_and_is_zero_without_pairs() -> None:
    policy = torch.tensor([-5.0], requires_grad=True)
    sums = divergence_sums(policy, torch.tensor([-3.0]), torch.tensor([True]))
    assert sums[1].item() == -2.0
    assert reference_point(sums).item() == 0
    assert not reference_point(sums).requires_grad
    nothing = divergence_sums(policy, torch.tensor([float("nan")]), torch.tensor([False]))
    assert reference_point(nothing).item() == 0


def test_a_row_of_weight_zero_counts_nothing() -> None:
    policy, reference, weights = (
        sides([-5.0, -1.0], [-7.0, -9.0]),
        sides([-6.0, -1.0], [-5.0, -2.0]),
        torch.tensor([1.0, 0.0]),
    )
    both = dpo_loss(policy, reference, weights, DpoSettings())
    both.loss.backward()
    assert both.loss.item() == pytest.approx(pair_loss(3.0).item())
    assert policy.chosen.grad is not None
    assert policy.chosen.grad[1] == 0
    assert both.statistics.accuracy == 1.0


def test_half_precision_numbers_are_compared_in_float32() -> None:
    half = torch.tensor([-3.0]).bfloat16()
    pair = Sides(chosen=half, rejected=half)
    assert dpo_loss(pair, pair, torch.ones(1), DpoSettings()).loss.dtype == torch.float32
    kto = kto_loss(half, half, torch.tensor([True]), torch.ones(1), torch.tensor(0.0), KtoSettings())
    assert kto.loss.dtype == torch.float32


def test_bf16_logits_change_a_loss_by_less_than_five_thousandths() -> None:
    # bf16 rounds by 2^-9 at most: over 12 tokens with logits of spread 3 that is below 0.1 nats, times beta = 0.1.
    logits, tokens = 3 * torch.randn(4, 16, 12, 50), torch.randint(0, 50, (2, 16, 12))
    losses = {}
    for dtype in (torch.float32, torch.bfloat16):
        scores = [
            token_log_probs(logits[index].to(dtype).flatten(0, 1), tokens[index % 2].flatten()).view(16, 12).sum(dim=1)
            for index in range(4)
        ]
        policy = Sides(chosen=scores[0], rejected=scores[1])
        reference = Sides(chosen=scores[2], rejected=scores[3])
        kinds = torch.arange(16) % 2 == 0
        kto = kto_loss(scores[0], scores[2], kinds, torch.ones(16), torch.tensor(0.0), KtoSettings())
        losses[dtype] = (
            dpo_loss(policy, reference, torch.ones(16), DpoSettings()).loss.item() / 16,
            kto.loss.item() / 16,
        )
    assert losses[torch.bfloat16] == pytest.approx(losses[torch.float32], abs=5e-3)
    assert losses[torch.bfloat16] != losses[torch.float32]
