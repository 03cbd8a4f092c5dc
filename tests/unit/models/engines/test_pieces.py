"""Tests of cutting an answer into pieces: joined they are the text, whatever the tokenizer and the script."""

from pathlib import Path
from typing import Any

import pytest
from tests.support.small_tasks import bert_tokenizer
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from polyloop.data.tokenizer import TokenizerKind, load_tokenizer, train_tokenizer
from polyloop.errors import ModelError
from polyloop.models.engines.pieces import TextPieces
from polyloop.tasks import KINDS
from polyloop.tasks.writing import TextKind

TEXTS = [
    "",
    "one two three",
    "Größe: 12 °C, naïve café",
    "早上好，世界。",
    "नमस्ते दुनिया",
    "🙂 family 👨‍👩‍👧 end",
    "a\ufffdb",
    "tail \ufffd",
    "don't, we've. It 's",
]


def _kind() -> TextKind:
    kind = KINDS["translate"]
    assert isinstance(kind, TextKind)
    return kind


def _pieces(tokenizer: Any, ids: list[int]) -> list[str]:
    pieces = TextPieces(tokenizer, _kind())
    return [*(pieces.add(token_id) for token_id in ids), pieces.finish()]


@pytest.fixture(scope="module", params=["bpe", "unigram"])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a tokenizer of ours that knows few of the characters, so that most are written byte by byte."""
    kind: TokenizerKind = request.param
    folder: Path = tmp_path_factory.mktemp(kind)
    train_tokenizer(["one two three four don't we've"] * 9, 300, [], folder, kind)
    return load_tokenizer(folder)


@pytest.mark.parametrize("text", TEXTS)
def test_pieces_joined_are_the_text(trained: Any, text: str) -> None:
    ids = [*trained(text, add_special_tokens=False)["input_ids"], trained.eos_token_id]
    assert "".join(_pieces(trained, ids)) == _kind().decode(trained, [ids])[0] == text


def test_pieces_come_while_the_text_is_written(trained: Any) -> None:
    ids = trained("one two three four", add_special_tokens=False)["input_ids"]
    pieces = _pieces(trained, ids)
    assert sum(bool(piece) for piece in pieces[:-1]) > 2
    assert pieces[-1] == ""


def test_half_a_character_is_held_back(trained: Any) -> None:
    ids = trained("one 好", add_special_tokens=False)["input_ids"]
    assert not any("\ufffd" in piece for piece in _pieces(trained, ids))


def test_bytes_that_never_become_a_character_are_told_at_the_end(trained: Any) -> None:
    ids = trained("one 你好", add_special_tokens=False)["input_ids"][:-1]
    text = _kind().decode(trained, [ids])[0]
    assert text.endswith("\ufffd")
    assert "".join(_pieces(trained, ids)) == text


def test_spaces_that_are_tidied_up_later_are_never_sent() -> None:
    words = ["<pad>", "</s>", "<unk>", "▁do", "▁n", "'t", "▁it", "▁", ".", "▁'", "s", "▁end"]
    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.decoder = decoders.Metaspace()
    tidying: Any = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        clean_up_tokenization_spaces=True,
    )
    ids = [words.index(word) for word in ("▁do", "▁n", "'t", "▁it", "▁'", "s", "▁end", "▁", ".", "▁end", "</s>")]
    pieces = _pieces(tidying, ids)
    assert "".join(pieces) == _kind().decode(tidying, [ids])[0] == "don't it's end. end"
    assert sum(bool(piece) for piece in pieces) > 2


def test_words_that_are_joined_by_the_decoder_are_sent() -> None:
    tokenizer: Any = bert_tokenizer()
    assert "".join(_pieces(tokenizer, [4, 5, 6, 3])) == "zero one two"


def test_a_tokenizer_that_changes_what_was_sent_is_an_error() -> None:
    class Reversing:
        name_or_path = "reversing"
        clean_up_tokenization_spaces = False

        def convert_ids_to_tokens(self, token_id: int) -> str:
            return str(token_id)

        def batch_decode(self, rows: list[list[int]], *, skip_special_tokens: bool) -> list[str]:
            return ["".join(map(str, reversed(ids))) for ids in rows]

    with pytest.raises(ModelError, match="'reversing' changes text that was sent already"):
        _pieces(Reversing(), [1, 2])
