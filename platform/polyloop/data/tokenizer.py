"""Tokenizers of datasets: train one on the train split, or take over the one of a checkpoint or of a former version.

Output: a folder that `transformers.AutoTokenizer` loads. A trained tokenizer is a byte-level BPE, or a Unigram that
writes rare characters as bytes: both write any text without unknown tokens and give it back exactly. The same texts,
in whatever order, give the same files; of more texts than a tokenizer looks at, the first are taken.
"""

import errno
import json
import os
import shutil
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from polyloop.data.storage import is_disk_full
from polyloop.data.unigram import learn_pieces
from polyloop.errors import ModelError

TokenizerKind = Literal["bpe", "unigram"]

PAD_TOKEN, END_TOKEN, UNKNOWN_TOKEN = "<pad>", "</s>", "<unk>"
BASE_TOKENS = (PAD_TOKEN, END_TOKEN, UNKNOWN_TOKEN)
"""Special tokens with the ids 0, 1 and 2 of every tokenizer that is trained here."""

MIN_PAIR_COUNT = 2
"""A pair of tokens that occurs less often is not merged."""

MAX_TRAINING_CHARACTERS = 200_000_000
"""Characters after which the tokenizer has seen enough; texts come in the order of their hashed ids, so the ones
before are a random sample of all."""

MAX_UNIGRAM_CHARACTERS = 20_000_000
"""The same for a Unigram, whose training takes longer."""

BYTE_TOKENS = tuple(f"<0x{byte:02X}>" for byte in range(256))
"""Tokens of single bytes in a Unigram, named as its byte fallback wants them."""

WORD_PATTERN = r" ?[\p{L}\p{M}]+(?:['’][\p{L}\p{M}]+)*| ?[^\s\p{L}\p{M}\p{N}]+|\s+(?!\S)|\s+|\p{N}"
"""Words of a Unigram, each with the space before it; pieces do not cross their borders. Like the pattern of GPT-2, but
marks belong to their letters (Devanagari, Thai) and contractions to their words (`don't`, `l'eau`)."""

LINE_CATEGORIES = frozenset({"Cc", "Zl", "Zp"})
"""Unicode categories of control characters and line ends, which a Unigram always writes as bytes: no token may break
a vocabulary that is written one token a line."""

GENERAL_CLASSES = frozenset({"TokenizersBackend", "PreTrainedTokenizerFast"})
"""What tokenizer_config.json calls a tokenizer that is wholly described by tokenizer.json."""

TOKENIZER_FILES = (
    "tokenizer*.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "normalizer.json",
    "chat_template.jinja",
    "merges.txt",
    "*vocab*",
    "*.model",
    "*.spm",
    "*.codes",
)
"""Names of files that tokenizers of transformers are made of."""


def train_tokenizer(
    texts: Iterable[str],
    vocab_size: int,
    special_tokens: Sequence[str],
    folder: Path,
    kind: TokenizerKind = "bpe",
) -> int:
    """Train a tokenizer, save it in `folder` and return how many tokens it has.

    Digits are never merged, so that numbers are spelled the same way everywhere. `special_tokens` get ids from 3; they
    have two characters or more. The vocabulary is smaller than `vocab_size` where the texts do not give more, and never
    smaller than 256 bytes and the special tokens.
    """
    train = _train_bpe if kind == "bpe" else _train_unigram
    tokenizer = train(texts, vocab_size, [*BASE_TOKENS, *special_tokens])
    wrapped = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # its constructor has no annotations
        tokenizer_object=tokenizer,
        pad_token=PAD_TOKEN,
        eos_token=END_TOKEN,
        unk_token=UNKNOWN_TOKEN,
        clean_up_tokenization_spaces=False,
    )
    _save(wrapped, folder)
    return tokenizer.get_vocab_size()


def _train_bpe(texts: Iterable[str], vocab_size: int, special_tokens: Sequence[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN_TOKEN))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=MIN_PAIR_COUNT,
        special_tokens=list(special_tokens),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_first_characters(texts, MAX_TRAINING_CHARACTERS), trainer)
    return tokenizer


def _train_unigram(texts: Iterable[str], vocab_size: int, special_tokens: Sequence[str]) -> Tokenizer:
    """Return a Unigram whose words keep their spaces as they are: a stand-in such as "▁" may occur in a text itself."""
    splitter = _unigram_splitter(special_tokens)
    words: Counter[str] = Counter()
    for text in _first_characters(texts, MAX_UNIGRAM_CHARACTERS):
        words.update(word for word, _ in splitter.pre_tokenize_str(text))
    pieces = learn_pieces(
        {word: count for word, count in words.items() if LINE_CATEGORIES.isdisjoint(map(unicodedata.category, word))},
        vocab_size - len(special_tokens) - len(BYTE_TOKENS),
    )
    vocabulary = [*((token, 0.0) for token in [*special_tokens, *BYTE_TOKENS]), *pieces]
    unknown = special_tokens.index(UNKNOWN_TOKEN)
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=unknown, byte_fallback=True))
    tokenizer.add_special_tokens(list(special_tokens))
    tokenizer.pre_tokenizer = splitter
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    return tokenizer


def _unigram_splitter(special_tokens: Sequence[str]) -> pre_tokenizers.PreTokenizer:
    """Return what cuts texts into words.

    The model takes any token of its vocabulary that it finds in a word, special ones and bytes too. So the characters
    that these begin with are words of their own: no text can spell a special token.
    """
    firsts = sorted({token[0] for token in [*special_tokens, *BYTE_TOKENS]})
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            *(pre_tokenizers.Split(first, "isolated") for first in firsts),
            pre_tokenizers.Split(Regex(WORD_PATTERN), "isolated"),
        ]
    )


def copy_tokenizer(source: Path, folder: Path) -> int:
    """Copy the tokenizer files of a folder, which may hold a whole model, and return how many tokens it has."""
    folder.mkdir()
    for path in tokenizer_files(source):
        shutil.copyfile(path, folder / path.name)
    if not (folder / "tokenizer_config.json").is_file():
        raise ModelError(f"{source}: there is no tokenizer to use again; it has no tokenizer_config.json")
    return len(load_tokenizer(folder))


def tokenizer_files(folder: Path) -> list[Path]:
    """Return the files of a folder that belong to its tokenizer, sorted by name."""
    return sorted({path for pattern in TOKENIZER_FILES for path in folder.glob(pattern) if path.is_file()})


def adopt_tokenizer(pretrained: str, special_tokens: Sequence[str], folder: Path) -> int:
    """Save a checkpoint's tokenizer, with `special_tokens` added where missing; return how many tokens it has.

    `pretrained` is a hub id or a folder; ModelError if no tokenizer can be loaded from it.
    """
    tokenizer = _load_any(pretrained)
    known = tokenizer.get_vocab()
    missing = [token for token in special_tokens if token not in known]
    if missing:
        tokenizer.add_tokens(missing, special_tokens=True)
    _save(tokenizer, folder)
    return len(tokenizer)


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """Return the tokenizer of a folder; ModelError if there is none."""
    try:
        config = json.loads((folder / "tokenizer_config.json").read_bytes())
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder}: the tokenizer cannot be loaded: {error}") from None
    if config.get("tokenizer_class") not in GENERAL_CLASSES:
        return _load_any(str(folder))
    tokenizer: PreTrainedTokenizerBase = PreTrainedTokenizerFast.from_pretrained(str(folder))
    return tokenizer


def _load_any(name: str) -> PreTrainedTokenizerBase:
    """Return a tokenizer of whatever class; importing `AutoTokenizer` imports PyTorch, which takes seconds."""
    from transformers import AutoTokenizer

    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(name)
    except (OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise ModelError(f"no tokenizer can be loaded from {name!r}: {reason}") from None
    return tokenizer


def _save(tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Save a tokenizer; OSError for a full disk, which the Rust side tells by a bare `Exception` and its text."""
    try:
        tokenizer.save_pretrained(str(folder))
    except Exception as error:
        if not is_disk_full(error):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder)) from error


@lru_cache(maxsize=2)
def cached_tokenizer(folder: str) -> PreTrainedTokenizerBase:
    """Return the tokenizer of a folder, loaded once a process."""
    return load_tokenizer(Path(folder))


def _first_characters(texts: Iterable[str], limit: int) -> Iterator[str]:
    left = limit
    for text in texts:
        if left <= 0:
            return
        left -= len(text)
        yield text
