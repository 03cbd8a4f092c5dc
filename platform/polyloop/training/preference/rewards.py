"""How a step of preference learning went, as sums that add up over batches and workers.

Inputs: implicit rewards of a batch. Output: `RewardStatistics`, whose properties are means. A reward is beta times the
log of the policy's probability over the reference's (Rafailov et al. 2023, section 4).
"""

from dataclasses import dataclass

import torch


@dataclass(frozen=True, kw_only=True)
class RewardStatistics:
    """Weighted sums over rows, detached, in one float32 vector (8,), so that workers can add theirs in one call.

    In order: weight and rewards of chosen (good) texts, the same of rejected (bad) ones, weight of what was judged
    and of what was judged rightly, number of mismatched pairs and sum of their log-ratios. The properties copy from
    the device: read them only now and then.
    """

    sums: torch.Tensor

    @property
    def chosen_reward(self) -> float | None:
        """Mean reward of chosen or good texts; None without any."""
        return self._mean(1, 0)

    @property
    def rejected_reward(self) -> float | None:
        """Mean reward of rejected or bad texts; None without any."""
        return self._mean(3, 2)

    @property
    def margin(self) -> float | None:
        """Mean reward of the chosen minus that of the rejected; None if either is missing."""
        chosen, rejected = self.chosen_reward, self.rejected_reward
        return None if chosen is None or rejected is None else chosen - rejected

    @property
    def accuracy(self) -> float | None:
        """Share, 0 to 1, of pairs whose chosen text has the higher reward, or of single texts whose reward lies on
        the right side of KTO's reference point."""
        return self._mean(5, 4)

    @property
    def kl(self) -> float | None:
        """KTO's estimate of the divergence of the policy from the reference, in nats, before it is cut at 0; None for
        DPO, which makes no such estimate."""
        return self._mean(7, 6)

    def __add__(self, other: "RewardStatistics") -> "RewardStatistics":
        """Return the statistics of both together."""
        return RewardStatistics(sums=self.sums + other.sums)

    def _mean(self, total: int, weight: int) -> float | None:
        divisor = float(self.sums[weight])
        return float(self.sums[total]) / divisor if divisor > 0 else None


def pair_statistics(chosen: torch.Tensor, rejected: torch.Tensor, weights: torch.Tensor) -> RewardStatistics:
    """Return the statistics of pairs: rewards and weights, all (pairs,)."""
    total = weights.sum()
    is_right = (chosen > rejected).to(weights.dtype)
    return _statistics(
        total, (weights * chosen).sum(), total, (weights * rejected).sum(), total, (weights * is_right).sum()
    )


def binary_statistics(
    rewards: torch.Tensor, is_desirable: torch.Tensor, weights: torch.Tensor, zero_reward: torch.Tensor
) -> RewardStatistics:
    """Return the statistics of single texts: rewards, kinds and weights (rows,), the reference point's reward ()."""
    good = weights * is_desirable
    bad = weights * ~is_desirable
    right = (good * (rewards > zero_reward) + bad * (rewards < zero_reward)).sum()
    return _statistics(good.sum(), (good * rewards).sum(), bad.sum(), (bad * rewards).sum(), weights.sum(), right)


def divergence_statistics(divergence: torch.Tensor) -> RewardStatistics:
    """Return the statistics of mismatched pairs alone, from their number and the sum of their log-ratios (2,)."""
    return RewardStatistics(sums=torch.cat([divergence.new_zeros(6), divergence]).detach().float())


def _statistics(*sums: torch.Tensor) -> RewardStatistics:
    vector = torch.stack(sums).detach().float()
    return RewardStatistics(sums=torch.cat([vector, vector.new_zeros(2)]))
