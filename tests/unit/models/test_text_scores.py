"""Tests of text log-probabilities against a loop over tokens that runs the model once for each."""

from typing import Any

import pytest
import torch
from torch import nn
from transformers import M2M100Config, M2M100ForConditionalGeneration

from polyloop.errors import EmptySideError
from polyloop.models.text_scores import decoder_inputs, join_rows, text_scores

INPUTS = [[5, 6, 7, 8, 9], [10], [11, 12, 13]]
TARGETS = [[14, 15], [16, 17, 18, 19], [20, 21, 3]]


def padded(lists: list[list[int]], fill: int, extra: int = 0) -> torch.Tensor:
    width = max(len(ids) for ids in lists) + extra
    return torch.tensor([ids + [fill] * (width - len(ids)) for ids in lists], dtype=torch.int64)


def score(model: Any, inputs: list[list[int]], targets: list[list[int]], **padding: int) -> torch.Tensor:
    extra, fill = padding.get("extra", 0), padding.get("fill", 0)
    mask = padded([[1] * len(ids) for ids in inputs], 0, extra)
    return text_scores(model, padded(inputs, fill, extra), mask, padded(targets, -100, extra)).log_probs


def slow_score(model: Any, source: list[int], target: list[int]) -> float:
    """Ask the unpadded model for one next token at a time."""
    total = 0.0
    for position, token in enumerate(target):
        if model.config.is_encoder_decoder:
            before = [model.config.decoder_start_token_id, *target[:position]]
            logits = model(input_ids=torch.tensor([source]), decoder_input_ids=torch.tensor([before])).logits
        else:
            logits = model(input_ids=torch.tensor([source + target[:position]])).logits
        total += torch.log_softmax(logits[0, -1], dim=0)[token].item()
    return total


@torch.no_grad()
def test_scores_are_those_of_a_loop_over_tokens(model: Any) -> None:
    model.double()
    expected = [slow_score(model, source, target) for source, target in zip(INPUTS, TARGETS, strict=True)]
    assert max(expected) - min(expected) > 0.5  # the models are not indifferent, so the comparison means something
    assert score(model, INPUTS, TARGETS).tolist() == pytest.approx(expected, abs=1e-9)


@torch.no_grad()
def test_padding_and_what_it_is_made_of_change_nothing(model: Any) -> None:
    model.double()
    expected = score(model, INPUTS, TARGETS)
    torch.testing.assert_close(score(model, INPUTS, TARGETS, extra=4, fill=9), expected)


@torch.no_grad()
def test_the_other_rows_of_a_batch_change_nothing(model: Any) -> None:
    model.double()
    together = score(model, INPUTS, TARGETS)
    alone = torch.cat([score(model, [INPUTS[row]], [TARGETS[row]]) for row in range(3)])
    torch.testing.assert_close(together, alone)


def test_lengths_are_the_numbers_of_target_tokens(model: Any) -> None:
    mask = padded([[1] * len(ids) for ids in INPUTS], 0)
    scores = text_scores(model, padded(INPUTS, 0), mask, padded(TARGETS, -100, extra=2))
    assert scores.num_tokens.tolist() == [2, 4, 3]
    assert scores.log_probs.dtype == torch.float32


@pytest.mark.parametrize("targets", [[[14, 15], [], [20]], [[], [], []]])
def test_an_empty_target_has_log_probability_zero_and_finite_gradients(model: Any, targets: list[list[int]]) -> None:
    log_probs = score(model, INPUTS, targets)
    assert log_probs[1].item() == 0
    log_probs.sum().backward()
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    assert gradients
    assert all(bool(torch.isfinite(gradient).all()) for gradient in gradients)


def test_gradients_are_those_of_torchs_cross_entropy(model: Any) -> None:
    model.double()
    score(model, INPUTS[:1], TARGETS[:1]).sum().backward()
    ours = {name: parameter.grad.clone() for name, parameter in model.named_parameters() if parameter.grad is not None}
    model.zero_grad()
    source, target = torch.tensor(INPUTS[:1]), torch.tensor(TARGETS[:1])
    if model.config.is_encoder_decoder:
        loss = model(input_ids=source, labels=target).loss
    else:
        joined = torch.cat([source, target], dim=1)
        loss = model(input_ids=joined, labels=torch.cat([torch.full_like(source, -100), target], dim=1)).loss
    (-loss * target.numel()).backward()
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            # transformers takes this loss in float32
            torch.testing.assert_close(ours[name], parameter.grad, rtol=1e-4, atol=1e-5, msg=name)


def test_input_and_target_are_joined_without_a_gap() -> None:
    rows = join_rows(
        torch.tensor([[5, 6, 9], [7, 9, 9]]), torch.tensor([[1, 1, 0], [1, 0, 0]]), padded([[8], [3, 4]], -100)
    )
    assert rows.input_ids.tolist() == [[5, 6, 8], [7, 3, 4]]
    assert rows.attention_mask.tolist() == [[1, 1, 1], [1, 1, 1]]
    assert rows.next_ids.tolist() == [[-100, 8, -100], [3, 4, -100]]


def test_a_decoder_is_asked_for_logits_only_where_the_target_is_predicted(make_model: Any) -> None:
    model = make_model("llama")
    places: list[int] = []
    model.lm_head.register_forward_hook(lambda _, inputs, output: places.append(output.numel() // output.shape[-1]))
    score(model, INPUTS, TARGETS)
    assert places == [sum(len(target) for target in TARGETS)]


def test_an_empty_input_of_a_decoder_is_refused_by_its_row(make_model: Any) -> None:
    with pytest.raises(EmptySideError, match="row 1 of the batch has an empty input"):
        score(make_model("llama"), [[5], []], [[6], [7]])


class Bare(nn.Module):
    """A decoder whose forward knows neither positions nor places to keep."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner, self.config = inner, inner.config

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, use_cache: bool) -> Any:
        return self.inner(input_ids=input_ids, attention_mask=attention_mask, use_cache=use_cache)


class Wrapped(nn.Module):
    """Hides a model as DistributedDataParallel does."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: Any, **options: Any) -> Any:
        return self.module(*inputs, **options)


@torch.no_grad()
def test_a_decoder_that_gives_all_logits_has_the_same_scores(make_model: Any) -> None:
    model = make_model("gpt2").double()
    torch.testing.assert_close(score(Bare(model), INPUTS, TARGETS), score(model, INPUTS, TARGETS))


@torch.no_grad()
def test_a_wrapped_model_has_the_same_scores(model: Any) -> None:
    torch.testing.assert_close(score(Wrapped(model), INPUTS, TARGETS), score(model, INPUTS, TARGETS))


@torch.no_grad()
def test_a_family_without_a_function_for_it_reads_targets_one_place_on() -> None:
    sizes: dict[str, Any] = {
        "d_model": 24,
        "encoder_layers": 1,
        "decoder_layers": 1,
        "encoder_ffn_dim": 32,
        "decoder_ffn_dim": 32,
    }
    heads: dict[str, Any] = {"encoder_attention_heads": 2, "decoder_attention_heads": 2, "max_position_embeddings": 64}
    model = M2M100ForConditionalGeneration(M2M100Config(vocab_size=23, **sizes, **heads)).eval()
    assert not hasattr(model, "prepare_decoder_input_ids_from_labels")
    source, targets = torch.tensor([[5, 6, 7], [8, 9, 10]]), padded([[11, 12, 13], [14]], -100)
    expected = model(input_ids=source, labels=targets)
    found = model(input_ids=source, decoder_input_ids=decoder_inputs(model, targets), use_cache=False)
    torch.testing.assert_close(found.logits, expected.logits)
