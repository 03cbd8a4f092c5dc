"""The best answer spans by the start and end logits of a reading model, and how far they beat no answer.

Inputs: arrays of logits of windows. Outputs: spans, best first, and scores. Pure numpy; every valid span is looked at.

Source: Devlin et al. (2019), "BERT", sections 4.2 and 4.3 (https://arxiv.org/abs/1810.04805): a span's score is the sum
of its start and end logits; no answer scores as the span of the first token alone; with questions that may have no
answer (SQuAD 2.0, Rajpurkar et al. 2018, https://arxiv.org/abs/1806.03822) a span must beat that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from polyloop.errors import ModelError


@dataclass(frozen=True, kw_only=True)
class TokenSpan:
    """A candidate answer in one window."""

    first: int
    """First token of the span."""
    last: int
    """Last token of the span, itself included."""
    score: float
    """Start logit plus end logit."""


@dataclass(frozen=True, kw_only=True)
class TextSpan:
    """A candidate answer in one passage."""

    passage: int
    """Place of the passage among those read."""
    start: int
    """First character in the passage."""
    end: int
    """One past the last character in the passage."""
    score: float
    """Start logit plus end logit."""


@dataclass(frozen=True, kw_only=True)
class SpanDecision:
    """The chosen spans and the chance of each."""

    margin: float
    """Best span's score less that of no answer; 0.0 where there is no span at all."""
    spans: tuple[TextSpan, ...]
    """Best first, no two of one place."""
    chances: tuple[float, ...]
    """Softmax over these spans and no answer; together less than 1."""


def best_spans(
    start_logits: NDArray[np.floating],
    end_logits: NDArray[np.floating],
    readable: NDArray[np.bool_],
    *,
    max_tokens: int = 30,
    limit: int = 20,
) -> list[TokenSpan]:
    """Return the best spans of at most `max_tokens` tokens of one window, ties by place and then the shorter.

    `start_logits` and `end_logits` are float arrays of shape (num_tokens,); `readable` tells the tokens of the passage
    from the question's and special ones, and both ends must be readable. ModelError for logits that are not finite.
    """
    starts, ends = np.asarray(start_logits, np.float64), np.asarray(end_logits, np.float64)
    if not (np.isfinite(starts[readable]).all() and np.isfinite(ends[readable]).all()):
        raise ModelError("the reading model gave logits that are not finite; its weights are damaged")
    first = np.flatnonzero(readable)
    if not len(first) or limit < 1:
        return []
    lasts = first[:, None] + np.arange(max(max_tokens, 1))
    valid = lasts < len(readable)
    lasts = np.minimum(lasts, len(readable) - 1)
    valid &= readable[lasts]
    scores = np.where(valid, starts[first][:, None] + ends[lasts], -np.inf).ravel()
    num_kept = min(limit, int(valid.sum()))
    edge = np.partition(scores, len(scores) - num_kept)[len(scores) - num_kept]
    places = np.flatnonzero(scores >= edge)
    order = places[np.lexsort((places, -scores[places]))][:num_kept]
    rows, lengths = np.divmod(order, lasts.shape[1])
    return [
        TokenSpan(first=int(first[row]), last=int(first[row] + length), score=float(scores[place]))
        for row, length, place in zip(rows, lengths, order, strict=True)
    ]


def no_answer_score(
    start_logits: NDArray[np.floating], end_logits: NDArray[np.floating], first_token: int = 0
) -> float:
    """Return the score of no answer in one window: the span of the first token, [CLS] or <s>, alone."""
    return float(start_logits[first_token]) + float(end_logits[first_token])


def decide_spans(spans: Iterable[TextSpan], no_answer_scores: Sequence[float], *, limit: int = 5) -> SpanDecision:
    """Return the best different spans of all windows, and by how much the best beats no answer.

    Of several windows the one that is least sure of no answer counts, since each sees only a part of the text. A span
    that windows share is kept once, with its best score; ties go to the earlier passage, then start, then the shorter.
    """
    if limit < 1:
        raise ValueError(f"limit must be at least 1, not {limit}")
    best: dict[tuple[int, int, int], TextSpan] = {}
    for span in spans:
        place = (span.passage, span.start, span.end)
        if place not in best or span.score > best[place].score:
            best[place] = span
    ordered = sorted(best.values(), key=lambda span: (-span.score, span.passage, span.start, span.end))[:limit]
    if not ordered or not no_answer_scores:
        return SpanDecision(margin=0.0, spans=(), chances=())
    nothing = min(no_answer_scores)
    chances = _softmax([*(span.score for span in ordered), nothing])[:-1]
    return SpanDecision(margin=ordered[0].score - nothing, spans=tuple(ordered), chances=tuple(chances))


def _softmax(scores: Sequence[float]) -> list[float]:
    values = np.exp(np.asarray(scores) - max(scores))
    return [float(value) for value in values / values.sum()]
