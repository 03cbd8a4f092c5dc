"""Both kinds of tokenizer on real dialogues in three languages: how short texts become, and that they come back."""

import gzip
import json
from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerBase

from polyloop.data.tokenizer import TokenizerKind, load_tokenizer, train_tokenizer

pytestmark = pytest.mark.datasets

LANGUAGES = ("en", "de", "zh")
MOST_TOKENS_PER_CHARACTER = {
    4_000: {"en": 0.32, "de": 0.32, "zh": 0.90},
    8_000: {"en": 0.29, "de": 0.28, "zh": 0.77},
}
"""A little above what was measured with either kind, one vocabulary for all three languages."""


def utterances(path: Path) -> dict[str, list[str]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        dialogues = [json.loads(line) for line in lines]
    return {language: [text for row in dialogues for text in row[language]] for language in LANGUAGES}


@pytest.fixture(scope="module")
def train(datasets_dir: Path) -> list[str]:
    texts = utterances(datasets_dir / "dlg_xdailydialog" / "train_1k_part.jsonl.gz")
    return [text for pair in zip(*texts.values(), strict=True) for text in pair]


@pytest.fixture(scope="module")
def unseen(datasets_dir: Path) -> dict[str, list[str]]:
    return utterances(datasets_dir / "dlg_xdailydialog" / "test.jsonl.gz")


def encoded(tokenizer: PreTrainedTokenizerBase, texts: list[str]) -> list[list[int]]:
    rows: list[list[int]] = tokenizer(texts, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return rows


@pytest.mark.parametrize("vocab_size", MOST_TOKENS_PER_CHARACTER)
@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_unseen_dialogues_are_short_and_come_back_exactly(
    train: list[str], unseen: dict[str, list[str]], tmp_path: Path, kind: TokenizerKind, vocab_size: int
) -> None:
    assert train_tokenizer(train, vocab_size, [], tmp_path / "t", kind) == vocab_size
    tokenizer = load_tokenizer(tmp_path / "t")
    found = {}
    for language, texts in unseen.items():
        rows = encoded(tokenizer, texts)
        assert tokenizer.batch_decode(rows) == texts
        found[language] = round(sum(map(len, rows)) / sum(map(len, texts)), 4)
    most = MOST_TOKENS_PER_CHARACTER[vocab_size]
    assert {language for language in LANGUAGES if found[language] > most[language]} == set(), found


def test_a_unigram_of_chinese_alone_has_words_and_writes_few_characters_as_bytes(
    train: list[str], unseen: dict[str, list[str]], tmp_path: Path
) -> None:
    train_tokenizer(train[2::3], 4_000, [], tmp_path / "t", "unigram")
    tokenizer = load_tokenizer(tmp_path / "t")
    tokens = [token for text in unseen["zh"] for token in tokenizer.tokenize(text)]
    num_bytes = sum(token.startswith("<0x") for token in tokens)
    num_characters = sum(map(len, unseen["zh"]))
    assert {"我们", "什么", "知道"} <= set(tokens)
    assert num_bytes / 3 < 0.04 * num_characters
    assert len(tokens) < 0.85 * num_characters
