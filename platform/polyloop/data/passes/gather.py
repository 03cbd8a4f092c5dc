"""Second pass of a build: the rows of a bucket from all shards, one for each id, and what matching needs of them.

Input: where the rows of a bucket are. Output, all named after the bucket: an Arrow file of rows in the order of ids;
and numpy arrays of what decides between rows (traits), of their band hashes and of their paragraphs, the last two
sorted by the partition that will match them. Memory: one bucket.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from polyloop.data.clean import Candidate
from polyloop.data.dedup import Claim, drop_reasons
from polyloop.data.near.bands import band_hashes, banding
from polyloop.data.near.clusters import SPLIT_RANKS
from polyloop.data.near.minhash import signatures, sketches
from polyloop.data.near.shingles import Shingles, shingle_hashes
from polyloop.data.paragraphs import paragraph_hashes, unpack_spans
from polyloop.data.passes.buckets import arrow_writer, as_batch, leaves_of_bucket
from polyloop.data.passes.clean import Shard
from polyloop.data.rows import FEEDBACK_CORPUS, Drop, Row, Tally
from polyloop.data.storage import storage_errors, write_array
from polyloop.tasks.question import question_of

Piece = tuple[str, list[int]]
"""A shard and the numbers of its record batches that hold rows of a bucket."""

SKETCH_ROWS = 4_096
"""Rows that are sketched at a time."""


PARAGRAPH = np.dtype([("hash", np.uint64), ("row", np.int64), ("begin", np.int64), ("train", np.bool_)])
"""What is written of a paragraph: its hash, its row, its first character in the input, and whether it may be cut."""


@dataclass(frozen=True, kw_only=True)
class Sketching:
    """How rows are made ready for near matching."""

    threshold: float
    num_partitions: int
    """Parts into which band hashes are dealt, each matched on its own."""
    has_labels: bool


def pieces_of_bucket(bucket: int, num_buckets: int, shards: Iterable[Shard]) -> list[Piece]:
    """Return where the rows of a bucket are; the batches may hold rows of neighbouring buckets too."""
    leaves = leaves_of_bucket(bucket, num_buckets)
    pieces: list[Piece] = []
    for shard in shards:
        numbers = [
            number for number, (first, last) in enumerate(shard.groups) if first <= leaves[-1] and last >= leaves[0]
        ]
        if numbers:
            pieces.append((shard.path, numbers))
    return pieces


def gather_item(item: Row, num_buckets: int, sketching: "Sketching | None", paragraph_partitions: int = 0) -> Row:
    """Do the pass for one item (bucket, pieces as JSON, path); the answer has rows and dropped.

    `paragraph_partitions` is 0 where paragraphs are not compared.
    """
    bucket, path = int(item["bucket"]), Path(item["path"])
    rows, tally = gather(json.loads(item["pieces"]), leaves_of_bucket(bucket, num_buckets))
    with storage_errors(path.parent):
        with arrow_writer(path, compressed=False) as writer:
            writer.write_batch(as_batch(rows))
        if sketching is not None:
            _write_sketches(rows, path, sketching)
        if paragraph_partitions:
            _write_paragraphs(rows, path, paragraph_partitions)
    return {"rows": str(len(rows)), "dropped": tally.to_json()}


def gather(pieces: Iterable[Piece], leaves: range) -> tuple[list[Candidate], Tally]:
    """Return the rows of a run of leaves, sorted by id and one for each id, and what was dropped."""
    low, end = f"{leaves[0]:03x}", f"{leaves[-1] + 1:03x}" if leaves[-1] < 0xFFF else "g"
    rows = sorted(row for row in _rows(pieces) if low <= row.id[:3] < end)
    tally = Tally()
    kept: list[Candidate] = []
    for _, group in groupby(rows, key=lambda row: row.id):
        same = list(group)
        reasons = drop_reasons([Claim(row.split, row.corpus, row.target, row.weight) for row in same])
        winner = same[reasons.index(None)]
        kept.append(winner)
        for row, reason in zip(same, reasons, strict=True):
            if reason is not None:
                tally.add(Drop(row.corpus, reason, row.where, row.input, f"the row kept is {winner.where}"))
    return kept, tally


def traits_path(path: Path) -> Path:
    """Return where the traits of a bucket's rows are: split ranks, group numbers and order, int64 [rows, 4].

    The columns are split rank, group, whether the row is not of users' feedback, and about how many shingles it has.
    """
    return path.with_suffix(".traits.npy")


def sketches_path(path: Path) -> Path:
    """Return where the sketches of a bucket's rows are: uint8 [rows, hashes]."""
    return path.with_suffix(".sketches.npy")


def bands_path(path: Path) -> Path:
    """Return where the band hashes of a bucket are: uint64 [entries, 2], hash and row, sorted by partition."""
    return path.with_suffix(".bands.npy")


def starts_path(path: Path) -> Path:
    """Return where each partition starts among the band hashes of a bucket: int64 [partitions + 1]."""
    return path.with_suffix(".starts.npy")


def paragraphs_path(path: Path) -> Path:
    """Return where the paragraphs of a bucket are: PARAGRAPH [paragraphs], sorted by partition."""
    return path.with_suffix(".paragraphs.npy")


def paragraph_starts_path(path: Path) -> Path:
    """Return where each partition starts among the paragraphs of a bucket: int64 [partitions + 1]."""
    return path.with_suffix(".paragraph-starts.npy")


def _rows(pieces: Iterable[Piece]) -> Iterator[Candidate]:
    for path, numbers in pieces:
        with pa.memory_map(path) as source:
            reader = pa.ipc.open_file(source)
            for number in numbers:
                columns = [column.to_pylist() for column in reader.get_batch(number).columns]
                yield from map(Candidate._make, zip(*columns, strict=True))


def shingles_of_rows(inputs: Sequence[str], targets: Sequence[str], *, has_labels: bool) -> Shingles:
    """Return the shingles of rows: of the inputs alone where targets are labels, of both sides otherwise.

    Of inputs with a passage the question counts: many good questions share one passage.
    """
    return shingle_hashes(list(map(question_of, inputs)), None if has_labels else targets)


def _write_sketches(rows: list[Candidate], path: Path, sketching: Sketching) -> None:
    bands = banding(sketching.threshold)
    sizes: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    hashes: list[NDArray[np.uint64]] = [np.zeros(0, np.uint64)]
    short: list[NDArray[np.uint8]] = [np.zeros((0, bands.num_hashes), np.uint8)]
    for start in range(0, len(rows), SKETCH_ROWS):
        some = rows[start : start + SKETCH_ROWS]
        shingles = shingles_of_rows(
            [row.input for row in some], [row.target for row in some], has_labels=sketching.has_labels
        )
        sizes.append(np.diff(shingles.offsets))
        numbers = signatures(shingles, bands.num_hashes)
        hashes.append(band_hashes(numbers, bands).ravel())
        short.append(sketches(numbers))
    flat = np.concatenate(hashes)
    entries = np.stack([flat, np.repeat(np.arange(len(rows), dtype=np.uint64), bands.num_bands)], axis=1)
    partition = (flat % np.uint64(sketching.num_partitions)).astype(np.int64)
    sums = np.cumsum(np.bincount(partition, minlength=sketching.num_partitions))
    write_array(bands_path(path), entries[np.argsort(partition, kind="stable")])
    write_array(starts_path(path), np.concatenate([[0], sums]))
    write_array(sketches_path(path), np.concatenate(short))
    write_array(traits_path(path), _traits(rows, np.concatenate(sizes), sketching.has_labels))


def _write_paragraphs(rows: Sequence[Candidate], path: Path, num_partitions: int) -> None:
    """Write the paragraphs of a bucket's rows beside it, sorted by the partition that will compare them."""
    found = [(place, *span) for place, row in enumerate(rows) for span in unpack_spans(row.paragraphs)]
    hashes, long = paragraph_hashes([rows[place].input[begin:end] for place, begin, end in found])
    entries = np.zeros(len(found), PARAGRAPH)
    entries["hash"] = hashes
    entries["row"] = [place for place, _, _ in found]
    entries["begin"] = [begin for _, begin, _ in found]
    entries["train"] = [rows[place].split == "train" for place, _, _ in found]
    entries = entries[long]
    partition = (entries["hash"] % np.uint64(num_partitions)).astype(np.int64)
    sums = np.cumsum(np.bincount(partition, minlength=num_partitions))
    write_array(paragraphs_path(path), entries[np.argsort(partition, kind="stable")])
    write_array(paragraph_starts_path(path), np.concatenate([[0], sums]))


def _traits(rows: list[Candidate], sizes: NDArray[np.int64], has_labels: bool) -> NDArray[np.int64]:
    traits = np.zeros((len(rows), 4), np.int64)
    traits[:, 0] = [SPLIT_RANKS[row.split] for row in rows]
    traits[:, 1] = [_group_number(row, has_labels) for row in rows]
    traits[:, 2] = [row.corpus != FEEDBACK_CORPUS for row in rows]
    traits[:, 3] = sizes
    return traits


def _group_number(row: Candidate, has_labels: bool) -> int:
    """Return a number for what keeps alike train rows apart: label or target locale."""
    group = f"{row.target_locale}\x1f{row.target if has_labels else ''}"
    digest = hashlib.blake2b(group.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") >> 1
