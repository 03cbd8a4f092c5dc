"""Tokenizers: trained the same each time, exact both ways, and taken over from folders of other models."""

import json
import random
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from polyloop.data.tokenizer import adopt_tokenizer, copy_tokenizer, load_tokenizer, train_tokenizer
from polyloop.errors import ModelError

TAGS = ["<2de>", "<2zh-Hans>"]
TEXTS = [
    *(
        "The meeting is on 12 March 2024 at 10:45.",
        "It costs 1,250.50 dollars, doesn't it?",
        "你好，世界！今天天气很好。",
    ),
    *("Größe, Straße und Übermut", "今天我们去公园，明天我们去学校。", "the the the theatre of the year"),
]
HARD_TEXTS = [
    *TEXTS,
    *("👩‍👩‍👧 and 🇩🇪 flags", "never seen: Ωμέγα भाषा ภาษา", " spaces  kept ", "tab\tand\nline", "n't \"it 's\" ."),
    *("</s> <2de> <pad> written out", "١٢٣ ½ ²"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer") / "t"
    train_tokenizer(TEXTS, 400, TAGS, folder)
    return folder


def test_training_twice_and_in_another_order_gives_identical_files(folder: Path, tmp_path: Path) -> None:
    shuffled = random.Random(5).sample(TEXTS, len(TEXTS))
    for name, texts in (("same", TEXTS), ("shuffled", shuffled)):
        train_tokenizer(texts, 400, TAGS, tmp_path / name)
        for path in folder.iterdir():
            assert (tmp_path / name / path.name).read_bytes() == path.read_bytes(), path.name


def test_special_tokens_have_the_agreed_ids(folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.convert_tokens_to_ids(["<pad>", "</s>", "<unk>", *TAGS]) == [0, 1, 2, 3, 4]
    assert (tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.unk_token_id) == (0, 1, 2)


@pytest.mark.parametrize("text", HARD_TEXTS)
def test_a_text_comes_back_exactly_without_unknown_tokens(folder: Path, text: str) -> None:
    for tokenizer in (AutoTokenizer.from_pretrained(folder), load_tokenizer(folder)):
        ids = tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        assert tokenizer.decode([3, *ids, 1], skip_special_tokens=True) == text
        assert tokenizer.unk_token_id not in ids


def test_digits_are_never_merged(tmp_path: Path) -> None:
    train_tokenizer(["2024 2024 2024 2024 12 12 12"] * 50, 300, [], tmp_path / "t")
    tokens = load_tokenizer(tmp_path / "t").tokenize("in 2024, 12")
    assert [token for token in tokens if any(character.isdigit() for character in token)] == list("202412")


def test_the_vocabulary_is_as_large_as_asked_for_or_what_the_texts_give(tmp_path: Path) -> None:
    assert train_tokenizer(TEXTS, 280, TAGS, tmp_path / "a") == 280
    assert train_tokenizer(["ab ab"], 4_000, [], tmp_path / "b") == 256 + 3 + 1


def test_copying_takes_the_tokenizer_and_leaves_the_model(folder: Path, tmp_path: Path) -> None:
    artefact = tmp_path / "artefact"
    artefact.mkdir()
    for name in ("config.json", "model.safetensors", "manifest.json", "README.md"):
        (artefact / name).write_text("{}")
    for path in folder.iterdir():
        (artefact / path.name).write_bytes(path.read_bytes())
    size = copy_tokenizer(artefact, tmp_path / "copy")
    assert size == len(load_tokenizer(folder))
    assert {path.name: path.read_bytes() for path in (tmp_path / "copy").iterdir()} == {
        path.name: path.read_bytes() for path in folder.iterdir()
    }


def test_copying_from_a_folder_without_a_tokenizer_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"there is no tokenizer to use again"):
        copy_tokenizer(tmp_path, tmp_path / "copy")


def test_a_checkpoints_tokenizer_gets_the_missing_tags_and_keeps_its_ids(tmp_path: Path) -> None:
    inner = Tokenizer(models.WordLevel({"<unk>": 0, "</s>": 1, "hello": 2, "<2de>": 3}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    checkpoint = PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>", eos_token="</s>")
    checkpoint.save_pretrained(tmp_path / "checkpoint")
    assert adopt_tokenizer(str(tmp_path / "checkpoint"), TAGS, tmp_path / "adopted") == 5
    adopted = load_tokenizer(tmp_path / "adopted")
    assert adopted.convert_tokens_to_ids(["hello", *TAGS]) == [2, 3, 4]
    assert adopted("<2zh-Hans> hello")["input_ids"] == [4, 2]
    assert adopted.decode([4, 2], skip_special_tokens=True) == "hello"


def test_a_checkpoint_without_a_tokenizer_is_a_one_line_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no tokenizer can be loaded from") as caught:
        adopt_tokenizer(str(tmp_path), TAGS, tmp_path / "adopted")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [None, "{broken"])
def test_a_folder_without_a_readable_tokenizer_is_an_error(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "tokenizer_config.json").write_text(content)
    with pytest.raises(ModelError, match=r"the tokenizer cannot be loaded"):
        load_tokenizer(tmp_path)


def test_a_tokenizer_of_another_class_is_loaded_by_its_class(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hello"]))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer"}))
    assert load_tokenizer(tmp_path)("hello")["input_ids"] == [2, 5, 3]
