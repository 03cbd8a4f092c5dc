"""What preference learning is told: one frozen object for DPO and one for KTO, and KTO's weights from its counts.

Inputs: numbers. Outputs: checked settings. Errors: SpecError with the value that is out of range.
"""

import math
from dataclasses import dataclass
from typing import Literal

from polyloop.errors import SpecError
from polyloop.spec.training import PreferenceSpec

HIGHEST_WEIGHT_RATIO = 4 / 3
"""Good rows may weigh up to this times as much as bad ones, all rows of a kind together, and not less than they.

The advice of Ethayarajh et al. 2024 on the factors' product with the counts (https://arxiv.org/abs/2402.01306).
"""


@dataclass(frozen=True, kw_only=True)
class DpoSettings:
    """Direct preference optimisation (Rafailov et al. 2023, https://arxiv.org/abs/2305.18290) and its variants.

    `length_normalised` takes mean log-probabilities a token instead of sums (the length-normalised DPO of
    Lambert et al. 2024, https://arxiv.org/abs/2411.15124, whose beta is 5). SpecError for a value out of range.
    """

    beta: float = 0.1
    """Strength of the pull to the reference; above 0."""
    form: Literal["sigmoid", "ipo"] = "sigmoid"
    """`ipo` is the squared loss of Azar et al. 2024 (https://arxiv.org/abs/2310.12036), whose tau is `beta`."""
    label_smoothing: float = 0.0
    """Share of pairs taken to be the wrong way round, 0 to below 0.5 (Mitchell 2023, conservative DPO,
    https://ericmitchell.ai/cdpo.pdf); not for `ipo`, which bounds the margin by itself."""
    length_normalised: bool = False
    """Whether a long answer counts no more than a short one."""

    def __post_init__(self) -> None:
        """Check the values."""
        _check_beta(self.beta)
        if self.form not in ("sigmoid", "ipo"):
            raise SpecError(f"form {self.form!r} of DPO is unknown; use 'sigmoid' or 'ipo'")
        if not 0 <= self.label_smoothing < 0.5:
            raise SpecError(f"label_smoothing {self.label_smoothing} of DPO is out of range; use 0 to below 0.5")
        if self.form == "ipo" and self.label_smoothing:
            raise SpecError(f"label_smoothing {self.label_smoothing} has no meaning with form 'ipo'; use 0")


@dataclass(frozen=True, kw_only=True)
class KtoSettings:
    """Kahneman-Tversky optimisation (Ethayarajh et al. 2024, https://arxiv.org/abs/2402.01306).

    SpecError for a value out of range.
    """

    beta: float = 0.1
    """Aversion to risk: how fast the value of a reward saturates; above 0."""
    desirable_weight: float = 1.0
    """Factor on the loss of good rows; `balanced_weights` proposes one."""
    undesirable_weight: float = 1.0
    """Factor on the loss of bad rows."""

    def __post_init__(self) -> None:
        """Check the values."""
        _check_beta(self.beta)
        for name in ("desirable_weight", "undesirable_weight"):
            weight = getattr(self, name)
            if not (math.isfinite(weight) and weight > 0):
                raise SpecError(f"{name} {weight} of KTO is out of range; use a number above 0")


def balanced_weights(desirable: float, undesirable: float) -> tuple[float, float]:
    """Return factors for good and bad rows, whose kinds count or weigh `desirable` and `undesirable` in all.

    The scarcer kind is raised just so far that good rows weigh between 1 and 4/3 times as much as bad ones together;
    the other factor stays 1. SpecError if a kind is missing.
    """
    if not (desirable > 0 and undesirable > 0):
        raise SpecError(f"KTO needs good and bad rows; there are {desirable:g} and {undesirable:g}")
    ratio = desirable / undesirable
    return max(1.0, 1.0 / ratio), max(1.0, ratio / HIGHEST_WEIGHT_RATIO)


def dpo_settings(spec: PreferenceSpec) -> DpoSettings:
    """Return what the spec says of DPO."""
    return DpoSettings(
        beta=spec.beta,
        form=spec.form,
        label_smoothing=spec.label_smoothing,
        length_normalised=spec.length_normalised,
    )


def kto_settings(spec: PreferenceSpec, desirable: float, undesirable: float) -> KtoSettings:
    """Return what the spec says of KTO; without weights, those that balance kinds which weigh so much in all."""
    good, bad = spec.desirable_weight, spec.undesirable_weight
    if good is None or bad is None:
        good, bad = balanced_weights(desirable, undesirable)
    return KtoSettings(beta=spec.beta, desirable_weight=good, undesirable_weight=bad)


def _check_beta(beta: float) -> None:
    if not (math.isfinite(beta) and beta > 0):
        raise SpecError(f"beta {beta} is out of range; use a number above 0 (0.1 is usual)")
