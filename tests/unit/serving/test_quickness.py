"""The event loop calls a model itself where that is quick and mostly idle, and else not."""

from collections.abc import Sequence

import pytest

from polyloop.serving.quickness import LONGEST_S, NUM_CALLS, Quickness


def after(took_s: Sequence[float], *, gap_s: float = 1.0) -> tuple[Quickness, float]:
    """Return what has followed calls of these lengths, and when the last of them ended."""
    quickness, now_s = Quickness(), 0.0
    for seconds in took_s:
        now_s += gap_s
        assert quickness.called(now_s, now_s + seconds) == pytest.approx(seconds)
        now_s += seconds
    return quickness, now_s


QUICK = [LONGEST_S / 2] * NUM_CALLS


@pytest.mark.parametrize(
    ("took_s", "is_enough"),
    [
        ([], False),
        (QUICK[1:], False),
        (QUICK, True),
        ([0.0] * NUM_CALLS, True),
        ([*QUICK[1:], LONGEST_S * 1.01], False),
        ([LONGEST_S * 1.01, *QUICK[1:]], False),
        ([LONGEST_S * 1.01, *QUICK], True),
    ],
)
def test_each_of_the_last_calls_has_to_be_short(took_s: list[float], is_enough: bool) -> None:
    quickness, ended_s = after(took_s)
    assert quickness.is_enough(ended_s + 1.0) is is_enough


def test_a_model_has_to_have_been_idle_for_as_long_as_its_longest_call() -> None:
    quickness, ended_s = after([*QUICK, LONGEST_S * 0.8, LONGEST_S * 0.1])
    assert not quickness.is_enough(ended_s)
    assert not quickness.is_enough(ended_s + LONGEST_S * 0.7)
    assert quickness.is_enough(ended_s + LONGEST_S * 0.9)


def test_the_loop_is_never_blocked_for_more_than_half_of_the_time() -> None:
    quickness, now_s = after(QUICK)
    began_s, blocked_s = now_s, 0.0
    for _ in range(1_000):
        now_s += LONGEST_S / 50
        if quickness.is_enough(now_s):
            quickness.called(now_s, now_s + LONGEST_S / 2)
            now_s += LONGEST_S / 2
            blocked_s += LONGEST_S / 2
    assert 0.4 < blocked_s / (now_s - began_s) <= 0.5
