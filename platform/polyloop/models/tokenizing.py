"""Tokenizers of the models that answer in a process, one for all versions whose tokenizers are made of the same files.

Loading one holds the interpreter while its vocabulary is read: 19 ms for 8,000 pieces, most of a second for the 250,000
of a multilingual checkpoint, in which the process answers nobody. A version that was trained on from another one has
the same tokenizer.
Input: a folder with a model. Output: a `Tokenizing`. Errors: whatever transformers raises for files that are absent or
malformed. Whoever changes a tokenizer has to load one of their own.
"""

import hashlib
import json
import threading
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from transformers import AutoTokenizer

OTHER_FILES = frozenset({"config.json", "generation_config.json", "manifest.json", "README.md"})
"""What a model's folder holds beside its weights and its tokenizer. Files that nobody knows count to the tokenizer, so
that it is rather loaded again."""
CONFIG_KEYS = ("model_type", "tokenizer_class")
"""Keys of config.json by which transformers chooses the tokenizer's class."""


class Tokenizing:
    """A tokenizer, and the lock to hold while it encodes or decodes.

    A fast tokenizer notes its settings when it encodes, and refuses that while another thread reads it.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.lock = threading.Lock()


_shared: "WeakValueDictionary[str, Tokenizing]" = WeakValueDictionary()
_sharing = threading.Lock()


def tokenizing_at(path: Path) -> Tokenizing:
    """Return the tokenizer of the model in a folder, the one that is loaded already where its files are the same."""
    digest = digest_of(path)
    with _sharing:
        found = _shared.get(digest)
        if found is None:
            found = _shared[digest] = Tokenizing(AutoTokenizer.from_pretrained(path))
    return found


def digest_of(path: Path) -> str:
    """Return the digest of names and contents of the files that the tokenizer in a folder is made of."""
    found = hashlib.sha256()
    for file in sorted(path.iterdir()):
        if file.is_file() and file.suffix != ".safetensors" and file.name not in OTHER_FILES:
            with file.open("rb") as stream:
                found.update(file.name.encode() + b"\0" + hashlib.file_digest(stream, "sha256").digest())
    config = path / "config.json"
    if config.is_file():
        said = json.loads(config.read_text(encoding="utf-8"))
        found.update(json.dumps([said.get(key) for key in CONFIG_KEYS]).encode())
    return found.hexdigest()
