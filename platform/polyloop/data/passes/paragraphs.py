"""Cuts out of train rows the paragraphs that other rows have, where a task asks for that.

Input: the paragraphs that the second pass found in each bucket. Output of its own pass, which compares one partition of
their hashes at a time: files that say which paragraphs of which rows go; `select` cuts them. A paragraph stays in the
first row that has it, by row number and without near duplicates. Held-out rows come before all train rows and are never
cut, nor is users' feedback. Memory: one partition, or one bucket.

Limits: only inputs are looked at. A row keeps its id, which is that of its whole input, and rows that are alike only
after the cut both stay.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from polyloop.data.clean import INVISIBLE, Candidate
from polyloop.data.paragraphs import MIN_CHARACTERS, repeated, unpack_spans, without_spans
from polyloop.data.passes.gather import PARAGRAPH, paragraph_starts_path, paragraphs_path
from polyloop.data.passes.match import Rows
from polyloop.data.rows import Drop, Row, Tally
from polyloop.data.storage import storage_errors, write_array

REPEATED_PARAGRAPHS = "repeated_paragraphs"
"""Reason of a train row whose paragraphs all stand in other rows, with nothing between them."""

PARTITION_ENTRIES = 1 << 21
"""Paragraphs that a partition holds at most, unless one is repeated more often; comparing them takes about 200 MB."""

Cuts = dict[int, set[int]]
"""Row of a bucket -> first characters of the paragraphs that are cut out of its input."""


def partition_count(num_bytes: int) -> int:
    """Return how many partitions corpora of so many bytes need.

    A paragraph has at least `MIN_CHARACTERS` bytes, in Han, kana and Hangul too: fewer characters, of three bytes each.
    """
    return max(1, -(-num_bytes // (MIN_CHARACTERS * PARTITION_ENTRIES)))


def write_lost(rows: Rows, lost: Mapping[int, str], path: Path) -> None:
    """Write the numbers of the near duplicates, whose paragraphs do not count; `lost` is as `match` decided on it."""
    numbers = [rows.starts[bucket] + place for bucket, items in lost.items() for place, _, _ in json.loads(items)]
    with storage_errors(path.parent):
        np.save(path, np.array(numbers, np.int64))


def paragraphs_item(item: Row, rows: Rows, lost: Path) -> Row:
    """Do the pass for one item (partition: its number, path); the answer has the number of cuts."""
    entries = _entries(rows, int(item["partition"]))
    entries = entries[~np.isin(entries["row"], np.load(lost))]
    order = np.where(entries["train"], entries["row"] + rows.num_rows, entries["row"])
    cut = entries[repeated(entries["hash"], order) & entries["train"]]
    cut = cut[np.lexsort((cut["begin"], cut["row"]))]
    path = Path(item["path"])
    with storage_errors(path.parent):
        write_array(path, np.stack([cut["row"], cut["begin"]]))
    return {"cuts": str(len(cut))}


def cuts_of_bucket(paths: Sequence[Path], rows: Rows, bucket: int) -> Cuts:
    """Return the cuts in the rows of a bucket; `paths` are all files that the pass has written."""
    cuts: Cuts = {}
    for path in paths:
        numbers, begins = np.load(path, mmap_mode="r")
        here = slice(*np.searchsorted(numbers, rows.starts[bucket : bucket + 2]))
        for number, begin in zip(numbers[here].tolist(), begins[here].tolist(), strict=True):
            cuts.setdefault(number - rows.starts[bucket], set()).add(begin)
    return cuts


def without_paragraphs(row: Candidate, begins: set[int]) -> Candidate:
    """Return a row without the paragraphs that begin there."""
    spans = [span for span in unpack_spans(row.paragraphs) if span[0] in begins]
    return row._replace(input=without_spans(row.input, spans), paragraphs=b"")


def without_repeated_paragraphs(
    bucket: Sequence[Candidate], cuts: Mapping[str, set[int]], tally: Tally
) -> tuple[list[Candidate], int]:
    """Return the rows that hold something after their cuts, by id, and how many of them were changed."""
    left: list[Candidate] = []
    num_changed = 0
    for row in bucket:
        if row.id not in cuts:
            left.append(row)
            continue
        shorter = without_paragraphs(row, cuts[row.id])
        if shorter.input.strip(INVISIBLE):
            left.append(shorter)
            num_changed += 1
        else:
            tally.add(Drop(row.corpus, REPEATED_PARAGRAPHS, row.where, row.input))
    return left, num_changed


def _entries(rows: Rows, partition: int) -> NDArray[np.void]:
    """Return the paragraphs of a partition, from all buckets, with the numbers of their rows."""
    parts: list[NDArray[np.void]] = [np.zeros(0, PARAGRAPH)]
    for path, start in zip(map(Path, rows.buckets), rows.starts, strict=False):
        low, high = np.load(paragraph_starts_path(path))[partition : partition + 2]
        part = np.array(np.load(paragraphs_path(path), mmap_mode="r")[low:high])
        part["row"] += start
        parts.append(part)
    return np.concatenate(parts)
