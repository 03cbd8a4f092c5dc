"""What tests of dataset builds share: small specs and corpora, rows in files of every format, a disk to fill."""

import gzip
import json
import os
import random
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from polyloop.data.dataset import Dataset
from polyloop.data.rows import EXAMPLE_SCHEMA, SPLITS
from polyloop.spec.loader import LoadedSpec, load_spec

ALIKE_ON_PURPOSE: dict[str, Any] = {"dedup": {"near": False}, "decontamination": {"ngram": 0}}
"""Of tasks whose rows differ by a number only: none of them may go for that."""

CLASSIFY: dict[str, Any] = {
    "kind": "classify",
    "labels": ["good", "bad"],
    "corpora": ["main"],
    **ALIKE_ON_PURPOSE,
    "model": {"recipe": "nano", "vocab_size": 300, "max_input_tokens": 64},
}
TRANSLATE: dict[str, Any] = {
    "kind": "translate",
    "pairs": ["en>de"],
    "corpora": ["main"],
    **ALIKE_ON_PURPOSE,
    "model": {"recipe": "nano", "vocab_size": 300, "max_input_tokens": 64, "max_target_tokens": 64},
}
UNLIKE: dict[str, Any] = {
    "kind": "classify",
    "labels": ["good", "bad"],
    "corpora": ["main"],
    "model": {"recipe": "nano", "vocab_size": 300, "max_input_tokens": 512},
}
"""A task for `varied_rows`, with everything on that is on by default."""

CORPUS: dict[str, Any] = {
    "paths": ["data/*"],
    "columns": {"input": "text", "target": "label"},
    "locale": "en",
    "licence": "CC0-1.0",
}

Pair = tuple[str, str]
ROWS: list[Pair] = [
    (f"{'very ' * (number % 3)}{word} number {number}, “{'好' * (number % 4)}”", label)
    for number in range(120)
    for word, label in (("nice", "good"), ("awful", "bad"))
]

MakeProject = Callable[..., LoadedSpec]

_LETTERS = "abcdefghijklmnopqrstuvwxyzäöüß"
_WORDS_PER_ROW = 24


def make_project(
    folder: Path, task: dict[str, Any] | None = None, corpora: dict[str, dict[str, Any]] | None = None, **spec: Any
) -> LoadedSpec:
    """Write a spec with one task, `task`, over the corpus `main` into a folder, and load it.

    `corpora` holds changes to the corpus of each name; `task` replaces the classify task; others change the spec.
    """
    corpora = corpora or {"main": {}}
    data = {
        "project": "example",
        "locales": ["en", "de"],
        "artefacts": "artefacts",
        "corpora": {name: {**CORPUS, **changes} for name, changes in corpora.items()},
        "tasks": {"task": {**(task or CLASSIFY), "corpora": list(corpora)}},
        **spec,
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "polyloop.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    return load_spec(path)


def varied_rows(count: int, seed: int) -> list[Pair]:
    """Return rows of 24 made-up words, none like another."""
    numbers = random.Random(seed)
    return [(" ".join(_word(numbers) for _ in range(_WORDS_PER_ROW)), label(number)) for number in range(count)]


def label(number: int) -> str:
    """Return one of the two labels, in turn."""
    return ("good", "bad")[number % 2]


def nearly(rows: Sequence[Pair], seed: int) -> list[Pair]:
    """Return the rows with one word of each changed: near duplicates, at a similarity of about 0.87."""
    numbers = random.Random(seed)
    changed = []
    for text, of in rows:
        words = text.split()
        words[numbers.randrange(len(words))] = _word(numbers)
        changed.append((" ".join(words), of))
    return changed


def quoting(rows: Sequence[Pair], seed: int) -> list[Pair]:
    """Return long unlike rows, each with 14 words in a row of one of the rows."""
    own = varied_rows(2 * len(rows), seed)
    return [
        (f"{own[2 * place][0]} {' '.join(text.split()[4:18])} {own[2 * place + 1][0]}", of)
        for place, (text, of) in enumerate(rows)
    ]


def _word(numbers: random.Random) -> str:
    return "".join(numbers.choices(_LETTERS, k=numbers.randint(3, 8)))


def write_rows(path: Path, rows: Sequence[Pair]) -> None:
    """Write rows in the format that the name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    form = path.name.removesuffix(".gz").rpartition(".")[2]
    if form == "parquet":
        pq.write_table(pa.table({"text": [text for text, _ in rows], "label": [of for _, of in rows]}), path)
        return
    if form == "jsonl":
        lines = [json.dumps({"text": text, "label": of}, ensure_ascii=False) for text, of in rows]
    elif form == "csv":
        lines = ["text,label", *(f'"{text}",{of}' for text, of in rows)]
    else:
        lines = ["text\tlabel", *(f"{text}\t{of}" for text, of in rows)]
    content = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def replace_data(folder: Path, files: dict[str, list[Pair]]) -> None:
    """Make the corpus folder hold these files and no others."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for path in (folder / "data").iterdir():
        path.unlink()
    for name, rows in files.items():
        write_rows(folder / "data" / name, rows)


def feedback_file(path: Path, rows: Sequence[Pair], **changes: Any) -> Path:
    """Write curated feedback of English inputs and their targets."""
    base = {"task": "task", "locale": "en", "target_locale": "en", "weight": 2.0, "corpus": "feedback"}
    table = pa.Table.from_pylist(
        [
            {**base, "id": "not looked at", "split": "train", "input": text, "target": target, **changes}
            for text, target in rows
        ],
        schema=EXAMPLE_SCHEMA,
    )
    pq.write_table(table, path)
    return path


def published(loaded: LoadedSpec) -> list[Path]:
    """Return everything under the datasets of the task but the index."""
    home = loaded.artefacts_dir / "datasets" / "task"
    return sorted(path for path in home.glob("*") if path.name != "by-key")


def rows_of(dataset: Dataset) -> list[dict[str, Any]]:
    """Return the rows of all splits."""
    return [row for split in SPLITS for row in dataset.table(split).to_pylist()]


class SmallDisk:
    """A file system of 16 MiB, in memory, that can be made full; mounting it takes root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._mount("size=16m")

    def leave(self, free_bytes: int) -> None:
        """Shrink the disk to what is on it and a little more."""
        usage = os.statvfs(self.folder)
        used_bytes = (usage.f_blocks - usage.f_bfree) * usage.f_frsize
        self._mount(f"remount,size={used_bytes + free_bytes}")

    def remove(self) -> None:
        """Unmount the disk."""
        subprocess.run(["umount", str(self.folder)], check=True)

    def _mount(self, options: str) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)], check=True)
