"""What preference learning minimises: DPO on pairs and KTO on single judged texts. Pure torch.

Inputs: log-probabilities of whole texts, one a row, by the policy and by the frozen reference. Outputs: a sum of
weighted losses, not a mean, as in `polyloop.training.loss`; the caller divides by the weight of the whole batch over
all workers. All arithmetic is in float32 or better. Limits: log-probabilities have to be finite.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional

from polyloop.training.preference.rewards import RewardStatistics, binary_statistics, pair_statistics
from polyloop.training.preference.settings import DpoSettings, KtoSettings


@dataclass(frozen=True, kw_only=True)
class Sides:
    """One number a pair for its chosen and for its rejected text: two tensors of shape (pairs,)."""

    chosen: torch.Tensor
    rejected: torch.Tensor


@dataclass(frozen=True, kw_only=True)
class PreferenceLoss:
    """The summed loss, a scalar with its gradient, and how the rewards stand."""

    loss: torch.Tensor
    statistics: RewardStatistics


def dpo_loss(
    policy: Sides, reference: Sides, weights: torch.Tensor, settings: DpoSettings, num_tokens: Sides | None = None
) -> PreferenceLoss:
    """Return the sum over pairs of weight times loss.

    With h the log-ratio of the chosen text minus that of the rejected, the loss of a pair is -log sigmoid(beta h)
    (Rafailov et al. 2023, equation 7, https://arxiv.org/abs/2305.18290); smoothed by e, (1 - e) times this plus e times
    the loss of -h (Mitchell 2023, https://ericmitchell.ai/cdpo.pdf); or (h - 1 / (2 beta))^2 (Azar et al. 2024, sampled
    loss of IPO, https://arxiv.org/abs/2310.12036). `policy` and `reference` hold log-probabilities; `weights` is
    (pairs,). `num_tokens` are the lengths of the texts, needed where `settings` normalise by them: ValueError without.
    """
    chosen = _log_ratio(policy.chosen, reference.chosen)
    rejected = _log_ratio(policy.rejected, reference.rejected)
    if settings.length_normalised:
        if num_tokens is None:
            raise ValueError("length_normalised is set; pass num_tokens, the lengths of the texts")
        # An empty text has log-probability 0, and keeps it.
        chosen, rejected = chosen / num_tokens.chosen.clamp(min=1), rejected / num_tokens.rejected.clamp(min=1)
    weights = _precise(weights)
    losses = _pair_losses(chosen - rejected, settings)
    statistics = pair_statistics(settings.beta * chosen, settings.beta * rejected, weights)
    return PreferenceLoss(loss=(weights * losses).sum(), statistics=statistics)


def divergence_sums(policy: torch.Tensor, reference: torch.Tensor, is_counted: torch.Tensor) -> torch.Tensor:
    """Return number and summed log-ratio of mismatched pairs, (2,), detached.

    `policy` and `reference` are log-probabilities of another row's text given a row's input, (rows,); rows that
    `is_counted` (rows,) leaves out count nothing. Workers add these up before `reference_point`.
    """
    is_counted = is_counted.bool()
    log_ratios = _log_ratio(policy, reference).detach().where(is_counted, 0.0)
    return torch.stack([is_counted.sum().to(log_ratios.dtype), log_ratios.sum()])


def reference_point(divergence: torch.Tensor) -> torch.Tensor:
    """Return KTO's z0 in nats, a detached scalar: the mean log-ratio of mismatched pairs, at least 0.

    Ethayarajh et al. 2024 (https://arxiv.org/abs/2402.01306). `divergence` is that of `divergence_sums`;
    without a pair z0 is 0, where the policy still is the reference.
    """
    return (divergence[1] / divergence[0].clamp(min=1)).clamp(min=0).detach()


def kto_loss(
    policy: torch.Tensor,
    reference: torch.Tensor,
    is_desirable: torch.Tensor,
    weights: torch.Tensor,
    zero_point: torch.Tensor,
    settings: KtoSettings,
) -> PreferenceLoss:
    """Return the sum over rows of weight times loss.

    With r the log-ratio of a row, its loss is desirable_weight * (1 - sigmoid(beta (r - z0))) if it is good, and
    undesirable_weight * (1 - sigmoid(beta (z0 - r))) if it is bad (Ethayarajh et al. 2024, L_KTO,
    https://arxiv.org/abs/2402.01306). `policy` and `reference` are log-probabilities, and like `is_desirable` and
    `weights` (rows,); `zero_point` is z0, a scalar that gets no gradient.
    """
    is_desirable, weights, zero_point = is_desirable.bool(), _precise(weights), zero_point.detach()
    log_ratios = _log_ratio(policy, reference)
    above = settings.beta * (log_ratios - zero_point)
    # 1 - sigmoid(x) = sigmoid(-x), which does not cancel where sigmoid(x) is close to 1.
    losses = torch.where(
        is_desirable,
        settings.desirable_weight * torch.sigmoid(-above),
        settings.undesirable_weight * torch.sigmoid(above),
    )
    statistics = binary_statistics(
        settings.beta * log_ratios, is_desirable, weights, settings.beta * zero_point.to(log_ratios)
    )
    return PreferenceLoss(loss=(weights * losses).sum(), statistics=statistics)


def _pair_losses(margins: torch.Tensor, settings: DpoSettings) -> torch.Tensor:
    if settings.form == "ipo":
        return (margins - 1 / (2 * settings.beta)).square()
    smoothing = settings.label_smoothing
    losses = -(1 - smoothing) * functional.logsigmoid(settings.beta * margins)
    return losses - smoothing * functional.logsigmoid(-settings.beta * margins) if smoothing else losses


def _log_ratio(policy: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    return _precise(policy) - _precise(reference).detach()


def _precise(values: torch.Tensor) -> torch.Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))
