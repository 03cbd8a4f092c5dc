"""Tests of the statistics of rewards."""

import pytest
import torch

from polyloop.training.preference.rewards import binary_statistics, divergence_statistics, pair_statistics


def test_pairs_are_averaged_by_weight() -> None:
    chosen, rejected = torch.tensor([2.0, 0.0]), torch.tensor([1.0, 4.0])
    statistics = pair_statistics(chosen, rejected, torch.tensor([3.0, 1.0]))
    assert statistics.chosen_reward == pytest.approx(1.5)
    assert statistics.rejected_reward == pytest.approx(1.75)
    assert statistics.margin == pytest.approx(-0.25)
    assert statistics.accuracy == pytest.approx(0.75)
    assert statistics.kl is None


def test_single_texts_are_right_on_their_side_of_the_reference_point() -> None:
    rewards, is_desirable = torch.tensor([1.0, 0.1, 0.2, 2.0]), torch.tensor([True, True, False, False])
    statistics = binary_statistics(rewards, is_desirable, torch.ones(4), torch.tensor(0.5))
    assert statistics.accuracy == pytest.approx(0.5)
    assert statistics.chosen_reward == pytest.approx(0.55)
    assert statistics.margin == pytest.approx(0.55 - 1.1)


def test_a_kind_that_is_missing_has_no_mean_and_no_margin() -> None:
    statistics = binary_statistics(torch.ones(2), torch.tensor([True, True]), torch.ones(2), torch.tensor(0.0))
    assert (statistics.chosen_reward, statistics.rejected_reward, statistics.margin) == (1.0, None, None)


def test_statistics_of_parts_add_up_to_those_of_the_whole() -> None:
    chosen, rejected, weights = torch.randn(6), torch.randn(6), torch.rand(6)
    whole = pair_statistics(chosen, rejected, weights)
    parts = [pair_statistics(chosen[part], rejected[part], weights[part]) for part in (slice(0, 2), slice(2, 6))]
    torch.testing.assert_close((parts[0] + parts[1]).sums, whole.sums)


def test_the_divergence_is_the_mean_over_its_pairs_and_may_be_negative() -> None:
    both = divergence_statistics(torch.tensor([2.0, -3.0])) + divergence_statistics(torch.tensor([1.0, 0.0]))
    assert both.kl == pytest.approx(-1.0)


def test_statistics_hold_no_graph() -> None:
    rewards = torch.randn(2, requires_grad=True)
    assert not pair_statistics(rewards, rewards, torch.ones(2)).sums.requires_grad
