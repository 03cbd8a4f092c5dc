"""What the train benchmark learns from: sentence pairs, made into a dataset of a translate and one of a classify task.

Input: the public datasets (Multi30k, 29,000 captions in English and German), or without them sentences of the demo.
Output: folders as a dataset build publishes them, written without Ray. The classify task tells the language of a
sentence, so both tasks read the same texts. Limits: everything is held in memory.
"""

import gzip
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

import polyloop
from polyloop.data.dataset import Dataset, open_dataset
from polyloop.data.manifest import FORMAT_VERSION, MANIFEST_NAME, TOKENIZER_NAME, Manifest, PartFile, TokenizerRecord
from polyloop.data.rows import ENCODED_SCHEMA, SPLITS, Split
from polyloop.data.storage import file_sha256, folder_sha256, json_sha256, write_parquet
from polyloop.data.tokenizer import copy_tokenizer, load_tokenizer, train_tokenizer
from polyloop.demo import localise
from polyloop.errors import DataError
from polyloop.models.storage import write_bytes
from polyloop.spec.models import TaskSpec
from polyloop.tasks import kind_of
from polyloop.tasks.example import example_id

SOURCE, TARGET = "en", "de"
CAPTIONS = "mt_multi30k/train.tsv.gz"
NUM_CAPTIONS = 29_000
KINDS = ("translate", "classify")
SEED = 17

Pair = tuple[str, str]
"""A sentence in English and in German."""


def sentence_pairs(datasets: Path | None, num_pairs: int) -> list[Pair]:
    """Return so many pairs, always the same: captions of Multi30k, or without `datasets` sentences of the demo.

    DataError if the file is not there or holds fewer.
    """
    if datasets is None:
        generator = random.Random(SEED)
        sentences = (localise.draw_sentence(generator) for _ in range(num_pairs))
        return [(sentence.input, sentence.targets[TARGET]) for sentence in sentences]
    path = datasets / CAPTIONS
    if not path.exists():
        raise DataError(f"{path}: the train benchmark reads this file; set POLYLOOP_DATASETS to the datasets' folder")
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        lines = [line.rstrip("\n").split("\t") for line in stream][1:]
    if len(lines) < num_pairs:
        raise DataError(f"{path}: {len(lines)} pairs, fewer than the {num_pairs} that were asked for")
    return [(line[0], line[1]) for line in lines[:num_pairs]]


def task_of(kind: str, *, recipe: str, vocab_size: int, training: dict[str, Any]) -> TaskSpec:
    """Return the benchmark's task of a kind."""
    own: dict[str, Any] = {"pairs": [f"{SOURCE}>{TARGET}"]} if kind == "translate" else {"labels": [SOURCE, TARGET]}
    model = {"recipe": recipe, "vocab_size": vocab_size, "max_input_tokens": 512, "max_target_tokens": 512}
    return TaskSpec.model_validate({"kind": kind, "corpora": ["pairs"], "model": model, "training": training} | own)


def write_dataset(
    folder: Path, task: TaskSpec, pairs: Sequence[Pair], *, num_dev: int = 0, tokenizer_dir: Path | None = None
) -> Dataset:
    """Write the dataset of a task into a new folder and open it; the last `num_dev` pairs are its dev split.

    Without `tokenizer_dir`, a tokenizer is trained on the pairs.
    """
    folder.mkdir(parents=True)
    if tokenizer_dir is None:
        texts = [text for pair in pairs for text in pair]
        tokens = kind_of(task).special_tokens(task)
        train_tokenizer(texts, task.model.vocab_size, tokens, folder / TOKENIZER_NAME)
    else:
        copy_tokenizer(tokenizer_dir, folder / TOKENIZER_NAME)
    num_train = len(pairs) - num_dev
    tables: dict[Split, pa.Table] = {"train": _encoded(folder, task, pairs[:num_train], "train")}
    if num_dev:
        tables["dev"] = _encoded(folder, task, pairs[num_train:], "dev")
    return publish(folder, task, tables)


def publish(folder: Path, task: TaskSpec, tables: Mapping[Split, pa.Table]) -> Dataset:
    """Write the splits and the manifest into a folder that holds a tokenizer, and open the dataset."""
    for split, table in tables.items():
        (folder / split).mkdir()
        write_parquet(folder / split / "part-00000.parquet", table)
    write_bytes(folder / MANIFEST_NAME, _manifest(folder, task, tables).to_json())
    return open_dataset(folder)


def _encoded(folder: Path, task: TaskSpec, pairs: Sequence[Pair], split: Split) -> pa.Table:
    rows = [row for number, pair in enumerate(pairs) for row in _rows(task, pair, split, number)]
    tokenizer: Any = load_tokenizer(folder / TOKENIZER_NAME)
    kind = kind_of(task)
    inputs = kind.encode_inputs(tokenizer, [row["input"] for row in rows], [row["target_locale"] for row in rows])
    targets = kind.encode_targets(tokenizer, [row["target"] for row in rows], task)
    encoded = [
        row | {"input_ids": ids, "target_ids": target_ids}
        for row, ids, target_ids in zip(rows, inputs, targets, strict=True)
    ]
    return pa.Table.from_pylist(encoded, schema=ENCODED_SCHEMA)


def _rows(task: TaskSpec, pair: Pair, split: str, number: int) -> list[dict[str, Any]]:
    english, german = pair
    if task.kind == "translate":
        return [row_of(SOURCE, TARGET, english, german, split, number)]
    return [
        row_of(SOURCE, SOURCE, english, SOURCE, split, number),
        row_of(TARGET, TARGET, german, TARGET, split, number),
    ]


def row_of(locale: str, target_locale: str, text: str, target: str, split: str, number: int) -> dict[str, Any]:
    """Return an example as a row of a dataset, without token ids; `number` makes its id one of its own."""
    return {
        "id": example_id("bench", locale, target_locale, f"{number} {text}"),
        "task": "bench",
        "locale": locale,
        "target_locale": target_locale,
        "input": text,
        "target": target,
        "weight": 1.0,
        "corpus": "pairs",
        "licence": "LicenseRef-benchmark-material",
        "source": "",
        "split": split,
    }


def _manifest(folder: Path, task: TaskSpec, tables: Mapping[Split, pa.Table]) -> Manifest:
    files = tuple(
        PartFile(name=path.relative_to(folder).as_posix(), sha256=file_sha256(path), size_bytes=path.stat().st_size)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    )
    digest = json_sha256([file.sha256 for file in files])
    rows: dict[Split, dict[str, int]] = {
        split: {TARGET: tables[split].num_rows} if split in tables else {} for split in SPLITS
    }
    sha256 = folder_sha256(folder / TOKENIZER_NAME)
    vocab_size = len(load_tokenizer(folder / TOKENIZER_NAME))
    return Manifest(
        format_version=FORMAT_VERSION,
        task="bench",
        digest=digest,
        build_key=digest,
        holdout_digest=json_sha256([]),
        spec_digest=json_sha256(task.model_dump(mode="json")),
        code_version=polyloop.__version__,
        created_at=datetime.now(UTC),
        corpora={},
        rows=rows,
        label_counts={split: {} for split in SPLITS},
        dropped={},
        steps=(),
        tokenizer=TokenizerRecord(kind="trained", vocab_size=vocab_size, sha256=sha256),
        feedback_digest=None,
        warnings=(),
        duration_s=0.0,
        rows_per_s=0.0,
        files=files,
    )
