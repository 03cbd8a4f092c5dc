"""Tests of token log-probabilities against torch's softmax, and of what they keep in memory."""

import pytest
import torch

from polyloop.models import token_scores
from polyloop.models.token_scores import token_log_probs

TOKENS = torch.tensor([2, -100, 0, 6, 3])


def test_scores_are_the_log_softmax_at_the_token_and_zero_where_ignored() -> None:
    logits = 4 * torch.randn(5, 7)
    expected = logits.log_softmax(dim=1)[torch.arange(5), TOKENS.clamp(min=0)]
    expected[1] = 0
    torch.testing.assert_close(token_log_probs(logits, TOKENS), expected)


def test_the_gradient_is_that_of_finite_differences() -> None:
    logits = torch.randn(5, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda values: token_log_probs(values, TOKENS), logits)


def test_the_gradient_is_that_of_torchs_softmax(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_scores, "PIECE_ELEMENTS", 15)  # two places at a time
    scale = torch.tensor([1.0, 5.0, -2.0, 0.5, 0.0])
    ours, theirs = (torch.randn(5, 7, generator=torch.Generator().manual_seed(1)).requires_grad_() for _ in range(2))
    (token_log_probs(ours, TOKENS) * scale).sum().backward()
    scored = theirs.log_softmax(dim=1)[torch.arange(5), TOKENS.clamp(min=0)]
    (scored * scale * (TOKENS != -100)).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_very_large_logits_stay_finite() -> None:
    logits = torch.tensor([[1e4, -1e4, 0.0]], requires_grad=True)
    score = token_log_probs(logits, torch.tensor([1]))
    score.sum().backward()
    assert score.item() == pytest.approx(-2e4)
    assert logits.grad is not None
    assert logits.grad.tolist() == [[-1.0, 1.0, 0.0]]


def test_half_precision_logits_are_scored_in_float32_and_get_their_own_dtype_back() -> None:
    logits = torch.randn(5, 7).bfloat16().requires_grad_()
    scores = token_log_probs(logits, TOKENS)
    torch.testing.assert_close(scores, token_log_probs(logits.detach().float(), TOKENS))
    scores.sum().backward()
    assert scores.dtype == torch.float32
    assert logits.grad is not None
    assert logits.grad.dtype == torch.bfloat16


def test_nothing_as_large_as_the_logits_is_kept_beside_them() -> None:
    logits = torch.randn(64, 1_000).bfloat16().requires_grad_()
    kept: list[torch.Tensor] = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        token_log_probs(logits, torch.randint(0, 1_000, (64,)))

    large = [tensor for tensor in kept if tensor.numel() >= logits.numel()]
    assert [tensor.data_ptr() for tensor in large] == [logits.data_ptr()]


def test_no_places_give_no_scores() -> None:
    logits = torch.randn(0, 7, requires_grad=True)
    scores = token_log_probs(logits, torch.zeros(0, dtype=torch.int64))
    scores.sum().backward()
    assert scores.shape == (0,)
