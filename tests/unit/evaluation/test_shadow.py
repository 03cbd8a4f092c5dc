"""A shadow's answers are counted per locale, with intervals and latencies."""

import pytest

from polyloop.evaluation.shadow import Latency, compare_shadow
from polyloop.evaluation.suites.proportions import wilson
from polyloop.registry.shadow_answers import ComparedAnswer


def compared(
    locale: str, agrees: bool, *, refused: bool = False, latency_ms: float | None = 10.0, shadow_ms: float = 20.0
) -> ComparedAnswer:
    return ComparedAnswer(
        locale=locale, agrees=agrees, refused=refused, latency_ms=latency_ms, shadow_latency_ms=shadow_ms
    )


def test_without_answers_there_is_nothing_to_compare() -> None:
    assert compare_shadow([]) == ()


def test_each_locale_is_counted_and_all_of_them_last() -> None:
    answers = [compared("en", True)] * 8 + [compared("de", True)] * 3 + [compared("de", False)]
    found = compare_shadow(answers)
    assert [(one.locale, one.num_answers, one.num_agreeing) for one in found] == [
        ("de", 4, 3),
        ("en", 8, 8),
        ("overall", 12, 11),
    ]
    assert [one.agreement for one in found] == [wilson(3, 4), wilson(8, 8), wilson(11, 12)]


def test_the_confidence_widens_the_interval() -> None:
    answers = [compared("en", True), compared("en", False)]
    (narrow, _), (wide, _) = (compare_shadow(answers, confidence=level) for level in (0.5, 0.99))
    assert wide.agreement.low < narrow.agreement.low < narrow.agreement.high < wide.agreement.high


def test_latencies_are_percentiles_of_what_was_measured() -> None:
    answers = [compared("en", True, latency_ms=float(number), shadow_ms=2.0 * number) for number in range(101)]
    (english, _) = compare_shadow(answers)
    assert english.latency == Latency(p50_ms=50.0, p95_ms=95.0)
    assert english.shadow_latency == Latency(p50_ms=100.0, p95_ms=190.0)


def test_a_refusal_counts_as_no_agreement_and_its_latency_not_at_all() -> None:
    answers = [compared("en", False, refused=True, latency_ms=None, shadow_ms=0.0), compared("en", True)]
    (english, _) = compare_shadow(answers)
    assert (english.num_answers, english.num_refused) == (2, 1)
    assert english.agreement.value == pytest.approx(50.0)
    assert english.shadow_latency == Latency(p50_ms=20.0, p95_ms=20.0)


def test_latencies_that_nobody_measured_are_none() -> None:
    (english, _) = compare_shadow([compared("en", False, refused=True, latency_ms=None)])
    assert english.latency is None
    assert english.shadow_latency is None
