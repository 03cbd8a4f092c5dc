"""Log-probabilities of given tokens from logits, with one copy of the logits in memory and none of their softmax.

Inputs: logits in any floating dtype and the token at each place. Output: one number a place, in float32 or better. A
plain log_softmax keeps a float32 copy until the backward pass, and makes its gradient beside it. Limits: no second
derivatives; no use under torch.func.
"""

from collections.abc import Iterator
from typing import Any

import torch

IGNORED = -100
"""Target id of padding, which losses and scores skip."""

PIECE_ELEMENTS = 1 << 24
"""Logits that are worked on at a time in float32: 64 MiB."""


def token_log_probs(logits: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """Return log softmax(logits)[token] for each place, (places,), in float32 (float64 for float64 logits).

    `logits` is (places, vocabulary), `tokens` (places,) of int64; places with -100 give 0 and no gradient. The
    gradient has the dtype of the logits.
    """
    apply: Any = _TokenLogProbs.apply
    scores: torch.Tensor = apply(logits, tokens)
    return scores


class _TokenLogProbs(torch.autograd.Function):
    """Keeps the logits and one normaliser a place; the softmax is made again, piece by piece, for the gradient."""

    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """Return token logit minus the log of the sum of exponentials."""
        dtype = torch.promote_types(logits.dtype, torch.float32)
        is_scored = tokens != IGNORED
        safe = tokens.where(is_scored, 0)
        normalisers = logits.new_empty(len(tokens), dtype=dtype)
        scores = torch.empty_like(normalisers)
        for piece in _pieces(logits):
            values = logits[piece].to(dtype)
            normalisers[piece] = values.logsumexp(dim=1)
            scores[piece] = values.gather(1, safe[piece, None])[:, 0]
        ctx.save_for_backward(logits, safe, is_scored, normalisers)
        return (scores - normalisers).where(is_scored, 0.0)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Return (one at the token - softmax) times the gradient of the score."""
        logits, tokens, is_scored, normalisers = ctx.saved_tensors
        scale = gradients[0].where(is_scored, 0.0)
        gradient = torch.empty_like(logits)
        for piece in _pieces(logits):
            values = (logits[piece].to(normalisers.dtype) - normalisers[piece, None]).exp_().mul_(-scale[piece, None])
            places = torch.arange(len(values), device=values.device)
            values[places, tokens[piece]] += scale[piece]
            gradient[piece] = values
        return gradient, None


def _pieces(logits: torch.Tensor) -> Iterator[slice]:
    places, vocabulary = logits.shape
    step = max(1, PIECE_ELEMENTS // vocabulary)
    return (slice(start, start + step) for start in range(0, places, step))
