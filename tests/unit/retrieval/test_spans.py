"""Best spans against a search through all of them."""

import math

import numpy as np
import pytest

from polyloop.errors import ModelError
from polyloop.retrieval.spans import TextSpan, best_spans, decide_spans, no_answer_score


def text_span(start: int, score: float, passage: int = 0, end: int = 9) -> TextSpan:
    return TextSpan(passage=passage, start=start, end=end, score=score)


def test_every_valid_span_is_considered() -> None:
    generator = np.random.default_rng(5)
    for _ in range(40):
        number = int(generator.integers(1, 12))
        starts, ends = generator.integers(-2, 3, (2, number)).astype(np.float32)
        readable = generator.random(number) < 0.7
        expected = sorted(
            (-(float(starts[first]) + float(ends[last])), first, last)
            for first in range(number)
            for last in range(first, min(first + 3, number))
            if readable[first] and readable[last]
        )
        found = best_spans(starts, ends, readable, max_tokens=3, limit=5)
        assert [(-span.score, span.first, span.last) for span in found] == expected[:5]


def test_an_end_before_its_start_or_too_far_behind_is_no_span() -> None:
    starts, ends = np.array([0.0, 0, 9, 0]), np.array([9.0, 0, 0, 5])
    readable = np.ones(4, dtype=np.bool_)
    (best,) = best_spans(starts, ends, readable, max_tokens=2, limit=1)
    assert (best.first, best.last, best.score) == (2, 3, 14.0)
    (shorter,) = best_spans(starts, ends, readable, max_tokens=1, limit=1)
    assert (shorter.first, shorter.last) == (0, 0)


def test_tokens_of_the_question_are_never_read() -> None:
    readable = np.array([False, False, True])
    (only,) = best_spans(np.array([9.0, 9, 0]), np.array([9.0, 9, 1]), readable)
    assert (only.first, only.last, only.score) == (2, 2, 1.0)
    assert best_spans(np.zeros(3), np.zeros(3), np.zeros(3, dtype=np.bool_)) == []


def test_damaged_weights_are_named() -> None:
    with pytest.raises(ModelError, match="not finite"):
        best_spans(np.array([0.0, np.nan]), np.zeros(2), np.ones(2, dtype=np.bool_))


def test_no_answer_is_the_span_of_the_first_token() -> None:
    assert no_answer_score(np.array([1.5, 9.0]), np.array([2.0, 9.0])) == 3.5


def test_the_window_least_sure_of_no_answer_decides() -> None:
    decision = decide_spans([text_span(0, 4.0)], [9.0, 1.0])
    assert decision.margin == 3.0
    assert decision.chances[0] == pytest.approx(1 / (1 + math.exp(-3.0)))


def test_a_span_that_windows_share_is_kept_once_with_its_best_score() -> None:
    decision = decide_spans([text_span(3, 1.0), text_span(3, 2.0), text_span(3, 1.5, passage=1)], [0.0])
    assert [(span.passage, span.score) for span in decision.spans] == [(0, 2.0), (1, 1.5)]


def test_ties_go_to_the_earlier_place_and_the_limit_holds() -> None:
    spans = [text_span(5, 1.0, 1), text_span(7, 1.0), text_span(2, 1.0), text_span(2, 1.0, end=4)]
    decision = decide_spans(spans, [0.0], limit=3)
    assert [(span.passage, span.start, span.end) for span in decision.spans] == [(0, 2, 4), (0, 2, 9), (0, 7, 9)]
    assert sum(decision.chances) < 1


@pytest.mark.parametrize("no_answer_scores", [[], [1.0]])
def test_without_windows_or_spans_there_is_no_answer(no_answer_scores: list[float]) -> None:
    decision = decide_spans([], no_answer_scores)
    assert (decision.margin, decision.spans, decision.chances) == (0.0, (), ())


def test_a_limit_of_no_span_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        decide_spans([], [], limit=0)
