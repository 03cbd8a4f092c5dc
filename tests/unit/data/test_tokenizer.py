"""Tokenizers: trained the same each time, exact both ways, and taken over from folders of other models."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from polyloop.data.tokenizer import TokenizerKind, adopt_tokenizer, copy_tokenizer, load_tokenizer, train_tokenizer
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
    *("</s> <2de> <pad> written out", "١٢٣ ½ ²", "<0x41> <0xE4><0xBD><0xA0> are no bytes", "▁▁a▁b Ġ Ċ"),
    *("龘𠮷𪚥 rare", "e\u0301 é ﬁ Ａ", "   \u3000\u00a0 ", "\r\n\n\t\x00\u2028", "l’eau d'or", "\ufffd", ""),
]
SCRIPTS = (
    *((0x20, 0x7E), (0xA0, 0x24F), (0x370, 0x3FF), (0x400, 0x4FF), (0x590, 0x6FF), (0x900, 0x97F), (0xE00, 0xE7F)),
    *((0x1100, 0x11FF), (0x2000, 0x206F), (0x2580, 0x259F), (0x3040, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3)),
    *((0xFE00, 0xFE0F), (0xFF00, 0xFFEF), (0x1F300, 0x1FAFF), (0x20000, 0x2A6DF), (0xE0020, 0xE007F)),
)
"""Ranges of code points that random texts are made of."""
KINDS: tuple[TokenizerKind, ...] = ("bpe", "unigram")


def random_text(generator: random.Random) -> str:
    """A text of runs of characters, each of one script, now and then with spaces, digits or spelled tokens between."""
    runs = []
    for _ in range(generator.randint(1, 8)):
        script = generator.choice(SCRIPTS)
        runs.append("".join(chr(generator.randint(*script)) for _ in range(generator.randint(1, 12))))
        runs.append(generator.choice(["", " ", "  ", "\n", "42", "<0xE4>", "</s>", "<2de>", "▁"]))
    return "".join(runs)


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> TokenizerKind:
    found: TokenizerKind = request.param
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, kind: TokenizerKind) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer") / "t"
    train_tokenizer(TEXTS, 400, TAGS, folder, kind)
    return folder


def test_training_twice_and_in_another_order_gives_identical_files(
    folder: Path, kind: TokenizerKind, tmp_path: Path
) -> None:
    shuffled = random.Random(5).sample(TEXTS, len(TEXTS))
    for name, texts in (("same", TEXTS), ("shuffled", shuffled)):
        train_tokenizer(texts, 400, TAGS, tmp_path / name, kind)
        for path in folder.iterdir():
            assert (tmp_path / name / path.name).read_bytes() == path.read_bytes(), path.name


def test_processes_with_other_hash_seeds_and_threads_write_identical_files(
    folder: Path, kind: TokenizerKind, tmp_path: Path
) -> None:
    code = (
        "import sys; from pathlib import Path; from polyloop.data.tokenizer import train_tokenizer;"
        f"train_tokenizer({TEXTS!r}, 400, {TAGS!r}, Path(sys.argv[1]), {kind!r})"
    )
    for seed, threads in (("1", "1"), ("2", "4")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "RAYON_NUM_THREADS": threads}
        subprocess.run([sys.executable, "-c", code, str(tmp_path / seed)], check=True, env=environment)
        for path in folder.iterdir():
            assert (tmp_path / seed / path.name).read_bytes() == path.read_bytes(), path.name


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


def test_random_texts_of_many_scripts_come_back_exactly(folder: Path) -> None:
    tokenizer, generator = load_tokenizer(folder), random.Random(11)
    texts = [random_text(generator) for _ in range(500)]
    rows = tokenizer(texts, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    assert tokenizer.batch_decode(rows) == texts
    assert all(min(ids) > tokenizer.unk_token_id + len(TAGS) for ids in rows)


def test_a_unigram_writes_characters_without_a_piece_as_bytes(tmp_path: Path) -> None:
    train_tokenizer(TEXTS, 400, TAGS, tmp_path / "t", "unigram")
    tokenizer = load_tokenizer(tmp_path / "t")
    assert tokenizer.tokenize("龘") == ["<0xE9>", "<0xBE>", "<0x98>"]
    assert tokenizer.tokenize("\n") == ["<0x0A>"]
    assert "<0x41>" not in tokenizer.tokenize("<0x41>")
    assert tokenizer.convert_tokens_to_ids(["<0x00>", "<0xFF>"]) == [5, 260]


def test_a_unigram_without_texts_is_bytes_alone(tmp_path: Path) -> None:
    assert train_tokenizer([], 4_000, TAGS, tmp_path / "t", "unigram") == 3 + 2 + 256
    tokenizer = load_tokenizer(tmp_path / "t")
    assert tokenizer.decode(tokenizer("Größe 你好", add_special_tokens=False)["input_ids"]) == "Größe 你好"


def test_digits_are_never_merged(kind: TokenizerKind, tmp_path: Path) -> None:
    train_tokenizer(["in 2024 in 2024 in 2024 in 2024 12 12 12"] * 50, 300, [], tmp_path / "t", kind)
    tokens = load_tokenizer(tmp_path / "t").tokenize("in 2024 in 12")
    assert [token for token in tokens if any(character.isdigit() for character in token)] == list("202412")


def test_the_vocabulary_is_as_large_as_asked_for_or_what_the_texts_give(tmp_path: Path) -> None:
    assert train_tokenizer(TEXTS, 280, TAGS, tmp_path / "a") == 280
    assert train_tokenizer(["ab ab"], 4_000, [], tmp_path / "b") == 256 + 3 + 1
    assert train_tokenizer(TEXTS, 280, TAGS, tmp_path / "c", "unigram") == 280
    assert train_tokenizer(["ab ab"], 4_000, [], tmp_path / "d", "unigram") < 256 + 3 + 4


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
