"""How a shadow's answers compare with those that users got, per locale. Pure.

Input: `ComparedAnswer`s. Output: a `ShadowComparison` a target locale, and one of all. Agreement says how much would
change, not whether for the better: nobody has judged the shadow's answers. Latencies are not measured alike: the first
version's is the time inside the service, with queue and batch; the shadow's is its model call alone, behind all other
work of the machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from polyloop.evaluation.intervals import Interval
from polyloop.evaluation.results import OVERALL
from polyloop.evaluation.suites.proportions import wilson
from polyloop.registry.shadow_answers import ComparedAnswer


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Percentiles in milliseconds."""

    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, kw_only=True)
class ShadowComparison:
    """The answers of one target locale, or of all (`overall`).

    `agreement` is the part of answers that are the same, in points, with its Wilson interval; a refusal is an answer
    that does not agree. Latencies are None where none was measured.
    """

    locale: str
    num_answers: int
    num_agreeing: int
    num_refused: int
    agreement: Interval
    latency: Latency | None
    shadow_latency: Latency | None


def compare_shadow(answers: Sequence[ComparedAnswer], *, confidence: float = 0.95) -> tuple[ShadowComparison, ...]:
    """Return the comparison of each locale, by name, and of all of them last; empty without answers."""
    locales = sorted({answer.locale for answer in answers})
    groups = [(locale, [answer for answer in answers if answer.locale == locale]) for locale in locales]
    if answers:
        groups.append((OVERALL, list(answers)))
    return tuple(_compare(locale, group, confidence) for locale, group in groups)


def _compare(locale: str, answers: Sequence[ComparedAnswer], confidence: float) -> ShadowComparison:
    num_agreeing = sum(answer.agrees for answer in answers)
    return ShadowComparison(
        locale=locale,
        num_answers=len(answers),
        num_agreeing=num_agreeing,
        num_refused=sum(answer.refused for answer in answers),
        agreement=wilson(num_agreeing, len(answers), confidence=confidence),
        latency=_latency([answer.latency_ms for answer in answers if answer.latency_ms is not None]),
        shadow_latency=_latency([answer.shadow_latency_ms for answer in answers if not answer.refused]),
    )


def _latency(milliseconds: Sequence[float]) -> Latency | None:
    if not milliseconds:
        return None
    p50, p95 = np.percentile(milliseconds, [50, 95])
    return Latency(p50_ms=float(p50), p95_ms=float(p95))
