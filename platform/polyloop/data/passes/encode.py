"""Last pass of a build: the rows of a bucket as the model reads them, split by split, in Parquet.

Input: a bucket that the pass before wrote. Output: one Parquet file for each split that the bucket has rows
of, and a `Part` that says what is in them. Rows that are too long are dropped: `too_long_input` in every split,
`too_long_target` in train and dev only, since what a model is judged on does not depend on what it can say.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from polyloop.data.content import leaf_digests
from polyloop.data.manifest import PartFile
from polyloop.data.passes.buckets import read_bucket
from polyloop.data.rows import ENCODED_SCHEMA, SPLITS, Drop, Row, Split, Tally
from polyloop.data.statistics import Statistics
from polyloop.data.storage import file_sha256, storage_errors, write_parquet
from polyloop.data.tokenizer import cached_tokenizer
from polyloop.spec.models import TaskSpec
from polyloop.tasks import kind_of


class Part(BaseModel):
    """What one bucket adds to a dataset; keys that stand for several values hold them in this order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: tuple[PartFile, ...]
    rows: list[tuple[Split, str, str, str, int]]
    """split, corpus, target locale, label ("" where the target is free text), number of rows."""
    leaves: list[tuple[Split, str, str]]
    """split, first digits of the ids, SHA-256 of the rows."""
    dropped: str
    """A `Tally` as JSON."""
    statistics: str
    """`Statistics` as JSON."""


def encode_item(item: Row, folder: Path, tokenizer_dir: Path, task: TaskSpec) -> Row:
    """Do the pass for one item (bucket: its path); the answer (part) is a `Part` as JSON."""
    part = encode_bucket(Path(item["bucket"]), folder, tokenizer_dir, task)
    return {"bucket": item["bucket"], "part": part.model_dump_json()}


def encode_bucket(bucket: Path, folder: Path, tokenizer_dir: Path, task: TaskSpec) -> Part:
    """Encode the rows of a bucket and write them under `folder`."""
    table, tally = _encoded(read_bucket(bucket), tokenizer_dir, task)
    files: list[PartFile] = []
    leaves: list[tuple[Split, str, str]] = []
    with storage_errors(folder.parent):
        for split in SPLITS:
            rows = table.filter(pc.equal(table["split"], split))
            if rows.num_rows:
                name = f"{split}/part-{bucket.stem}.parquet"
                write_parquet(folder / name, rows)
                size_bytes = (folder / name).stat().st_size
                files.append(PartFile(name=name, sha256=file_sha256(folder / name), size_bytes=size_bytes))
                leaves += [(split, prefix, digest) for prefix, digest in leaf_digests(rows)]
    return Part(
        files=tuple(files),
        rows=_counts(table, task),
        leaves=leaves,
        dropped=tally.to_json(),
        statistics=Statistics.of(table, has_labels=bool(task.labels)).to_json(),
    )


def _encoded(table: pa.Table, tokenizer_dir: Path, task: TaskSpec) -> tuple[pa.Table, Tally]:
    """Return the rows that are short enough, with `input_ids` and `target_ids`, and what was dropped."""
    kind = kind_of(task)
    tokenizer = cached_tokenizer(str(tokenizer_dir))
    inputs, targets, locales = (table[name].to_pylist() for name in ("input", "target", "target_locale"))
    encoded = kind.encode_rows(tokenizer, inputs, targets, locales, task)
    reasons = [_reason(task, *row) for row in zip(table["split"].to_pylist(), *encoded, strict=True)]
    tally = Tally()
    for index, reason in enumerate(reasons):
        if reason is not None:
            row = table.slice(index, 1).to_pylist()[0]
            tally.add(Drop(row["corpus"], reason, row["where"], row["input"]))
    ids_type = ENCODED_SCHEMA.field("input_ids").type
    whole = (
        table.drop_columns(["where", "paragraphs"])
        .append_column("input_ids", pa.array(encoded.input_ids, ids_type))
        .append_column("target_ids", pa.array(encoded.target_ids, ids_type))
        .cast(ENCODED_SCHEMA)
    )
    return whole.filter(pa.array([reason is None for reason in reasons], pa.bool_())), tally


def _reason(
    task: TaskSpec, split: str, input_ids: Sequence[int], target_ids: Sequence[int], refusal: str | None
) -> str | None:
    if split == "holdout" and task.kind == "answer":
        return None  # a version is judged by what it finds for the question, not by what it could learn from the row
    if refusal is not None:
        return refusal
    if len(input_ids) > task.model.max_input_tokens:
        return "too_long_input"
    if split != "holdout" and len(target_ids) > task.model.max_target_tokens:
        return "too_long_target"
    return None


def _counts(table: pa.Table, task: TaskSpec) -> list[tuple[Split, str, str, str, int]]:
    columns = [table[name].to_pylist() for name in ("split", "corpus", "target_locale", "target")]
    counts = Counter(
        (split, corpus, locale, target if task.labels else "")
        for split, corpus, locale, target in zip(*columns, strict=True)
    )
    return [(*key, count) for key, count in sorted(counts.items())]
