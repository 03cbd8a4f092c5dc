"""Tests of the encoder with hashed n-grams beside it."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.support.small_tasks import small_task, small_tokenizer
from transformers import AutoModelForSequenceClassification

from polyloop.models.build import build_model
from polyloop.models.ngrams import (
    FIRST_BYTE,
    NgramBertForSequenceClassification,
    characters_of,
    hashed_ngrams,
    token_characters,
)
from polyloop.spec.models import TaskSpec
from polyloop.tasks import kind_of

NGRAMS = {"characters": 3, "tokens": 2, "buckets": 4096, "width": 8, "dropout": 0.5}
TASK = small_task("classify", model={"ngrams": NGRAMS})


@pytest.fixture
def tokenizer(tmp_path: Path) -> Any:
    return small_tokenizer(tmp_path / "tokenizer", TASK)


def built(tokenizer: Any, task: TaskSpec = TASK) -> NgramBertForSequenceClassification:
    torch.manual_seed(1)
    model = build_model(task, tokenizer, dropout=0.1).eval()
    assert isinstance(model, NgramBertForSequenceClassification)
    return model


def logits_of(model: Any, tokenizer: Any, texts: list[str]) -> torch.Tensor:
    rows = kind_of(TASK).encode_inputs(tokenizer, texts, ["en"] * len(texts))
    longest = max(map(len, rows))
    ids = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    with torch.no_grad():
        result: torch.Tensor = model(input_ids=ids, attention_mask=mask).logits
    return result


@pytest.mark.parametrize(
    ("token", "text"), [("ĠOne", " one"), ("ä¸Ń", "中"), ("<0xE4>", "<0xe4>"), ("Ã¤", "ä"), ("Ċ", "\n")]
)
def test_a_byte_level_token_stands_for_its_text(token: str, text: str) -> None:
    assert characters_of(token, as_bytes=True) == [ord(one) for one in text]


def test_a_piece_of_a_character_stands_for_its_bytes() -> None:
    assert characters_of("ä¸", as_bytes=True) == [FIRST_BYTE + 0xE4, FIRST_BYTE + 0xB8]
    assert characters_of("<0xE4>", as_bytes=False) == [FIRST_BYTE + 0xE4]
    assert characters_of("\u2581Ärger", as_bytes=False) == [ord(one) for one in " ärger"]


def test_special_tokens_have_no_characters(tokenizer: Any) -> None:
    table = token_characters(tokenizer)
    assert not table[tokenizer.all_special_ids].any()
    assert table[len(tokenizer) - 1].any()


def test_equal_ngrams_have_equal_hashes_wherever_they_stand_and_orders_differ() -> None:
    ids = torch.tensor([[7, 8, 9, 7, 8], [5, 7, 8, 0, 0]])
    present = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    (first, _), (second, valid) = list(hashed_ngrams(ids, present, 2, salt=1))
    assert second[0, 0] == second[0, 3] == second[1, 1]
    assert valid[1].tolist() == [True, True, False, False]
    assert not set(first.flatten().tolist()) & set(second.flatten().tolist())
    assert (first >= 0).all()
    other = next(iter(hashed_ngrams(ids, present, 1, salt=2)))[0]
    assert not set(other.flatten().tolist()) & set(first.flatten().tolist())


def test_hashes_spread_evenly_over_buckets() -> None:
    ids = torch.randint(0x4E00, 0x9FFF, (1, 50_000), generator=torch.Generator().manual_seed(0))
    for hashes, _ in hashed_ngrams(ids, torch.ones_like(ids, dtype=torch.bool), 3, salt=2):
        distinct = hashes.unique()
        counts = torch.bincount(distinct % 1024, minlength=1024).float()
        expected = len(distinct) / 1024
        assert counts.var() < 1.3 * expected


def test_an_answer_does_not_depend_on_its_company(tokenizer: Any) -> None:
    model = built(tokenizer)
    texts = ["one two", "three", "seven seven seven one nine"]
    together = logits_of(model, tokenizer, texts)
    alone = torch.cat([logits_of(model, tokenizer, [text]) for text in texts])
    assert torch.allclose(together, alone, atol=1e-5)


def test_a_saved_model_is_loaded_with_its_table(tokenizer: Any, tmp_path: Path) -> None:
    model = built(tokenizer)
    model.save_pretrained(tmp_path / "model")
    loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path / "model").eval()
    texts = ["one two", "nine"]
    assert torch.equal(logits_of(model, tokenizer, texts), logits_of(loaded, tokenizer, texts))
    assert torch.equal(loaded.token_characters, token_characters(tokenizer))


def test_ngrams_are_dropped_in_training_alone(tokenizer: Any) -> None:
    model = built(tokenizer)
    texts = ["one two three four"]
    assert torch.equal(logits_of(model, tokenizer, texts), logits_of(model, tokenizer, texts))
    model.train()
    assert not torch.equal(logits_of(model, tokenizer, texts), logits_of(model, tokenizer, texts))


def test_ngrams_weigh_by_their_rarity_and_those_of_one_row_nothing(tokenizer: Any) -> None:
    model = built(tokenizer)
    texts = ["one", "one two", "one two six", "one nine"]
    rows = kind_of(TASK).encode_inputs(tokenizer, texts, ["en"] * 4)
    batches = [(torch.tensor([row]), torch.ones(1, len(row), dtype=torch.int64)) for row in rows]
    model.observe(batches)
    values = model.ngram_weights.unique().tolist()
    assert values == pytest.approx([0.0, math.log(5 / 4), math.log(5 / 3)])
    seen = logits_of(model, tokenizer, ["one two"])
    with torch.no_grad():
        model.ngrams.weight[model.ngram_weights == 0] = 1e6
    assert torch.equal(logits_of(model, tokenizer, ["one two"]), seen)


def test_an_input_without_characters_has_an_answer(tokenizer: Any) -> None:
    assert torch.isfinite(logits_of(built(tokenizer), tokenizer, ["", "one"])).all()
