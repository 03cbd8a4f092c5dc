"""Tests of the hashes of n-grams and of the characters of tokens."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.support.small_tasks import small_task, small_tokenizer

from polyloop.data.tokenizer import load_tokenizer, train_tokenizer
from polyloop.models.ngram_features import FIRST_BYTE, characters_of, hashed_ngrams, token_characters


@pytest.fixture
def tokenizer(tmp_path: Path) -> Any:
    return small_tokenizer(tmp_path / "tokenizer", small_task("classify"))


@pytest.mark.parametrize(
    ("token", "text"), [("ĠOne", " one"), ("ä¸Ń", "中"), ("<0xE4>", "<0xe4>"), ("Ã¤", "ä"), ("Ċ", "\n")]
)
def test_a_byte_level_token_stands_for_its_text(token: str, text: str) -> None:
    assert characters_of(token, as_bytes=True) == [ord(one) for one in text]


def test_a_piece_of_a_character_stands_for_its_bytes() -> None:
    assert characters_of("ä¸", as_bytes=True) == [FIRST_BYTE + 0xE4, FIRST_BYTE + 0xB8]
    assert characters_of("<0xE4>", as_bytes=False) == [FIRST_BYTE + 0xE4]
    assert characters_of(" Ärger\u2581Ġ", as_bytes=False) == [ord(one) for one in " ärger\u2581ġ"]


def test_special_tokens_have_no_characters(tokenizer: Any) -> None:
    table = token_characters(tokenizer)
    assert not table[tokenizer.all_special_ids].any()
    assert table[len(tokenizer) - 1].any()


def test_letters_that_stand_for_bytes_elsewhere_are_letters_of_a_unigram(tmp_path: Path) -> None:
    train_tokenizer(["Ġ", "a Ċb", "aĠ bĊ"] * 9, 400, [], tmp_path, kind="unigram")
    unigram = load_tokenizer(tmp_path)
    found = token_characters(unigram)[unigram("aĠ bĊ")["input_ids"]]
    assert "Ġ" in unigram.get_vocab()
    assert "".join(map(chr, found[found != 0].tolist())) == "aġ bċ"


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


def test_hashes_are_spread_evenly() -> None:
    ids = torch.randint(0x4E00, 0x9FFF, (1, 50_000), generator=torch.Generator().manual_seed(0))
    for hashes, _ in hashed_ngrams(ids, torch.ones_like(ids, dtype=torch.bool), 3, salt=2):
        distinct = hashes.unique()
        counts = torch.bincount(distinct % 1024, minlength=1024).float()
        expected = len(distinct) / 1024
        assert counts.var() < 1.3 * expected
