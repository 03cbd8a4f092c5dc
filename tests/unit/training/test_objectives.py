"""Tests of what a model of each architecture is shown and asked."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tests.support.small_tasks import bert_tokenizer
from torch.nn import functional
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

from polyloop.training.continuation import ContinuationObjective, first_fit
from polyloop.training.loss import r_drop_loss, summed_loss
from polyloop.training.objectives import (
    LabelObjective,
    LabelSetObjective,
    Objective,
    SpanObjective,
    TextObjective,
    objective_of,
)
from polyloop.training.rows import Ints, Ragged, Rows


def rows_of(inputs: list[list[int]], targets: list[list[int]], weights: list[float]) -> Rows:
    return Rows(
        inputs=ragged(inputs),
        targets=ragged(targets),
        weights=np.array(weights, np.float32),
        locales=np.zeros(len(weights), np.int64),
    )


def ragged(lists: list[list[int]]) -> Ragged:
    flat = [value for values in lists for value in values]
    return Ragged(values=np.array(flat, np.int32), offsets=np.cumsum([0, *map(len, lists)]).astype(np.int64))


ROWS = rows_of([[5, 6, 7], [8], [9, 9]], [[1], [2, 3], [4]], [1.0, 0.5, 2.0])


def test_texts_are_padded_on_the_right_masked_and_ignored_in_the_loss() -> None:
    objective = TextObjective(pad_id=99, shift=None)
    batch = objective.batch(ROWS, np.array([1, 0]), np.array([0.5, 1.0], np.float32))
    assert batch.attention_mask is not None
    assert batch.input_ids.tolist() == [[8, 99, 99], [5, 6, 7]]
    assert batch.attention_mask.tolist() == [[1, 0, 0], [1, 1, 1]]
    assert batch.targets.tolist() == [[2, 3], [1, -100]]
    assert batch.weights.tolist() == [0.5, 1.0]
    assert batch.input_ids.dtype == batch.targets.dtype == torch.int64
    assert objective.total_weight(ROWS, np.array([1, 0])) == 2.0


def test_labels_are_one_a_row() -> None:
    objective = LabelObjective(pad_id=0)
    batch = objective.batch(ROWS, np.array([0, 2]), ROWS.weights[[0, 2]])
    assert batch.targets.tolist() == [1, 4]
    assert batch.to(torch.device("cpu")).targets.tolist() == [1, 4]
    assert batch.doubled().input_ids.tolist() == [[5, 6, 7], [9, 9, 0]] * 2
    assert objective.total_weight(ROWS, np.array([0, 2])) == 3.0
    assert objective.target_lengths(ROWS).tolist() == [0, 0, 0]


def test_each_label_of_a_set_is_a_target_of_its_own() -> None:
    objective = LabelSetObjective(pad_id=0, num_labels=6)
    batch = objective.batch(ROWS, np.array([1, 2]), ROWS.weights[1:])
    assert batch.targets.tolist() == [[0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 0]]
    assert objective.total_weight(ROWS, np.array([1, 2])) == 15.0
    fixed = torch.tensor([[0.5, -1.0, 2.0, 0.0, 1.0, -2.0]] * 2)
    logits = objective.logits(lambda **_: SimpleNamespace(logits=fixed), batch)
    expected = functional.binary_cross_entropy_with_logits(fixed, batch.targets.float(), reduction="none").sum(1)
    loss = summed_loss(logits, batch.targets, batch.weights, 0.0)
    assert loss.item() == pytest.approx((expected * batch.weights).sum().item(), rel=1e-6)


def test_a_decoder_learns_the_target_and_not_the_input() -> None:
    batch = ContinuationObjective(pad_id=0).batch(ROWS, np.array([0, 1]), ROWS.weights[:2])
    assert batch.input_ids.tolist() == [[5, 6, 7], [8, 2, 0]]
    assert batch.targets.tolist() == [[-100, -100, 1], [2, 3, -100]]
    assert batch.attention_mask is not None
    assert batch.attention_mask.tolist() == [[1, 1, 1], [1, 1, 0]]


@pytest.mark.parametrize("capacity", [4, 7, 100])
def test_packed_rows_have_the_loss_of_padded_ones(capacity: int) -> None:
    torch.manual_seed(0)
    small: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2}
    config: dict[str, Any] = {"num_hidden_layers": 2, "max_position_embeddings": 64, "attn_implementation": "sdpa"}
    model = GPTNeoXForCausalLM(GPTNeoXConfig(vocab_size=20, **small, **config)).eval()
    lengths = np.random.default_rng(1).integers(1, 6, (7, 2))
    draw = np.random.default_rng(2)
    rows = rows_of(
        [draw.integers(1, 20, one).tolist() for one, _ in lengths],
        [draw.integers(1, 20, other).tolist() for _, other in lengths],
        draw.random(7).tolist(),
    )
    share = np.arange(7)
    losses = [
        loss_of(ContinuationObjective(pad_id=0, packed_tokens=packed), model, rows, share)
        for packed in (None, capacity)
    ]
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)


def loss_of(objective: Objective, model: Any, rows: Rows, share: Ints) -> float:
    batch = objective.batch(rows, share, rows.weights[share])
    with torch.no_grad():
        return summed_loss(objective.logits(model, batch), batch.targets, batch.weights, 0.1).item()


def test_first_fit_loses_no_row_and_keeps_to_the_capacity() -> None:
    lengths = np.array([5, 3, 9, 2, 2, 1])
    groups = first_fit(lengths, 6)
    assert sorted(position for group in groups for position in group) == list(range(6))
    assert [sum(lengths[group]) for group in groups] == [9, 6, 5, 2]


def test_each_architecture_has_its_objective() -> None:
    pad = int(bert_tokenizer().pad_token_id)
    assert isinstance(objective_of("encoder", None, pad_id=pad, packed_tokens=None), LabelObjective)
    assert isinstance(objective_of("decoder", None, pad_id=pad, packed_tokens=None), ContinuationObjective)


class SmallReader:
    """Stands in for a reading model: a token's start logit is its id, its end logit the place it stands at."""

    def __init__(self) -> None:
        self.sides: torch.Tensor | None = None

    def __call__(self, *, input_ids: torch.Tensor, attention_mask: torch.Tensor, **more: torch.Tensor) -> Any:
        self.sides = more.get("token_type_ids")
        places = torch.arange(input_ids.shape[1]).expand(input_ids.shape)
        return SimpleNamespace(start_logits=input_ids.float(), end_logits=places.float())


SPANS = rows_of([[5, 1, 7, 1], [8, 1, 6, 9, 9, 1]], [[2, 3], [3, 4]], [1.0, 0.5])


def test_places_are_two_a_row_among_its_own_tokens() -> None:
    objective = SpanObjective(pad_id=99)
    batch = objective.batch(SPANS, np.array([0, 1]), SPANS.weights)
    logits = objective.logits(SmallReader(), batch)
    assert batch.targets.tolist() == [[2, 3], [3, 4]]
    assert logits.shape == (2, 2, 6)
    assert logits.argmax(-1).tolist() == [[2, 3], [3, 5]]
    assert objective.total_weight(SPANS, np.array([0, 1])) == 3.0
    assert objective.target_lengths(SPANS).tolist() == [0, 0]


def test_a_rows_loss_is_the_mean_of_both_places_and_does_not_depend_on_its_company() -> None:
    objective = SpanObjective(pad_id=99)
    alone = objective.batch(SPANS, np.array([0]), SPANS.weights[[0]])
    loss = summed_loss(objective.logits(SmallReader(), alone), alone.targets, alone.weights, 0.0)
    start = -torch.log_softmax(torch.tensor([5.0, 1.0, 7.0, 1.0]), 0)[2]
    end = -torch.log_softmax(torch.arange(4.0), 0)[3]
    assert float(loss) / objective.total_weight(SPANS, np.array([0])) == pytest.approx(float(start + end) / 2)
    both = objective.batch(SPANS, np.array([0, 1]), np.array([1.0, 0.0], np.float32))
    together = summed_loss(objective.logits(SmallReader(), both), both.targets, both.weights, 0.0)
    assert float(together) == pytest.approx(float(loss))


def test_divergences_between_two_passes_over_spans_are_numbers() -> None:
    objective = SpanObjective(pad_id=99)
    batch = objective.batch(SPANS, np.array([0, 1]), SPANS.weights)
    logits = objective.logits(SmallReader(), batch)
    assert float(r_drop_loss(logits, logits + torch.randn_like(logits), batch.targets, batch.weights, 1.0)) > 0


def test_a_model_with_two_sides_is_told_what_is_the_passage() -> None:
    reader, objective = SmallReader(), SpanObjective(pad_id=99, separator_id=1)
    batch = objective.batch(SPANS, np.array([0, 1]), SPANS.weights)
    objective.logits(reader, batch)
    assert reader.sides is not None
    assert reader.sides[1].tolist() == [0, 0, 1, 1, 1, 1]
    objective = SpanObjective(pad_id=99)
    objective.logits(reader, batch)
    assert reader.sides is None
