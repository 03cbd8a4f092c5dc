"""Fifth pass of a build: rows that nearly repeat others, and train rows that give away a holdout, are left out.

Input: a bucket, what the fourth pass decided on it, which paragraphs of its rows repeat others, and the n-grams of
everything that models are judged on. Output: the rows that the dataset will hold, without those paragraphs, and what
was dropped, each with the row or the n-gram that it repeats. Memory: one bucket.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polyloop.data.clean import Candidate
from polyloop.data.decontamination import HeldOut, ngram_hashes, shared_ngram
from polyloop.data.passes.buckets import arrow_writer, as_batch, read_bucket
from polyloop.data.passes.match import Rows
from polyloop.data.passes.paragraphs import cuts_of_bucket, without_repeated_paragraphs
from polyloop.data.rows import SAMPLE_CHARACTERS, Drop, Row, Tally
from polyloop.data.storage import storage_errors
from polyloop.tasks.question import question_of

CONTAMINATED = "contaminated"
"""Reason of a train row that shares an n-gram with a holdout row of any task."""


def held_out_item(item: Row, ngram: int, has_labels: dict[str, bool]) -> Row:
    """Write the n-grams of the holdout rows of a shard (shard, task, path); the answer has their number."""
    path = Path(item["path"])
    texts: list[str] = []
    with pa.memory_map(item["shard"]) as source:
        reader = pa.ipc.open_file(source)
        for number in range(reader.num_record_batches):
            batch = reader.get_batch(number)
            held = batch.filter(pc.equal(batch["split"], "holdout"))
            texts += map(question_of, held["input"].to_pylist())
            if not has_labels[item["task"]]:
                texts += held["target"].to_pylist()
    with storage_errors(path.parent):
        HeldOut.write(path, [ngram_hashes(texts, ngram).hashes])
    return {"texts": str(len(texts))}


def select_item(
    item: Row, rows: Rows, held_out: Path | None, ngram: int, has_labels: bool, cuts: Sequence[Path] = ()
) -> Row:
    """Do the pass for one item (bucket: its path, lost as JSON, path); the answer has rows, dropped and changed.

    `cuts` are the files of what repeats in paragraphs, none where they are not compared.
    """
    columns = (column.to_pylist() for column in read_bucket(Path(item["bucket"])).columns)
    bucket = list(map(Candidate._make, zip(*columns, strict=True)))
    tally = Tally()
    left = without_repetitions(bucket, json.loads(item["lost"]), rows, tally)
    of_bucket = cuts_of_bucket(cuts, rows, rows.buckets.index(item["bucket"]))
    cuts_by_id = {bucket[place].id: begins for place, begins in of_bucket.items()}
    left, num_changed = without_repeated_paragraphs(left, cuts_by_id, tally)
    if held_out is not None:
        left = without_contaminated(left, HeldOut.open(held_out, ngram), tally, has_labels=has_labels)
    path = Path(item["path"])
    with storage_errors(path.parent), arrow_writer(path) as writer:
        writer.write_batch(as_batch(left))
    return {"rows": str(len(left)), "dropped": tally.to_json(), "changed": str(num_changed)}


def without_repetitions(
    bucket: list[Candidate], lost: Sequence[tuple[int, str, int]], rows: Rows, tally: Tally
) -> list[Candidate]:
    """Return the rows that stay; `lost` has (row of the bucket, reason, number of the row that it repeats)."""
    kept = rows.values(np.array([number for _, _, number in lost], np.int64), ("where", "input"))
    for (place, reason, _), where, text in zip(lost, *kept, strict=True):
        row = bucket[place]
        tally.add(Drop(row.corpus, reason, row.where, row.input, f"repeats {where}: {text[:SAMPLE_CHARACTERS]}"))
    gone = {place for place, _, _ in lost}
    return [row for place, row in enumerate(bucket) if place not in gone]


def without_contaminated(
    bucket: list[Candidate], held_out: HeldOut, tally: Tally, *, has_labels: bool
) -> list[Candidate]:
    """Return the rows that share no n-gram with a holdout; rows of holdout and dev always stay."""
    train = [row for row in bucket if row.split == "train"]
    shared = shared_ngram([question_of(row.input) for row in train], held_out)
    if not has_labels:
        targets = shared_ngram([row.target for row in train], held_out)
        shared = [one or other for one, other in zip(shared, targets, strict=True)]
    gone: set[str] = set()
    for row, found in zip(train, shared, strict=True):
        if found is not None:
            gone.add(row.id)
            tally.add(Drop(row.corpus, CONTAMINATED, row.where, row.input, f"shares with a holdout: {found}"))
    return [row for row in bucket if row.id not in gone]
