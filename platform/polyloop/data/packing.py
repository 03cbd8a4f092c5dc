"""Packs the sequences of a dataset into rows of one length, for training causal language models without padding.

Input: a dataset, or a table with `input_ids` and `target_ids`. Output: Parquet shards with the columns of
`packed_schema`, a manifest.json and the tokenizer, in a folder that is published by one rename. The same dataset gives
the same files.

A sequence is the input's ids, the target's ids where the target is text, and the end token where they do not end with
it. `labels` are the ids to learn at the same place, as causal models of transformers want them (they shift by
themselves), and -100 where nothing is learnt: padding, the first token of each segment (the token before it belongs to
another one), and the input where there is a target, unless `learn_inputs`.

Attention must not cross segments: `segment_ids` say which tokens belong together, `position_ids` begin anew in each.
Limits: a group of `GROUP_TOKENS` is held in memory, about 70 bytes a token. Weights of rows are not carried over.
"""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from polyloop.data import storage
from polyloop.data.dataset import Dataset
from polyloop.data.manifest import MANIFEST_NAME, TOKENIZER_NAME, PartFile
from polyloop.data.rows import Split
from polyloop.data.tokenizer import copy_tokenizer, load_tokenizer
from polyloop.errors import DataError
from polyloop.models.storage import write_bytes
from polyloop.tasks.base import end_id as end_id_of

PACKING_VERSION = 1

IGNORED_LABEL = -100
"""What the losses of PyTorch and transformers skip."""

GROUP_TOKENS = 4_194_304
"""Tokens of the sequences that are packed together into one shard."""

READ_ROWS = 8_192
"""Rows of a dataset that are read at a time."""

TOKEN_COLUMNS = ("input_ids", "labels", "segment_ids", "position_ids")

Ints = NDArray[np.int64]
Tokens = NDArray[np.int32]


class PackingCounts(BaseModel):
    """How sequences fitted into rows."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    sequences: int = 0
    """Sequences that were read."""
    sequences_cut: int = 0
    """Sequences longer than a row; they are cut into segments of a row's length and what is left over."""
    segments_left_out: int = 0
    """Segments without anything to learn, such as a single token."""
    segments: int = 0
    """Segments that were packed."""
    rows: int = 0
    tokens: int = 0
    """Tokens without padding."""
    labels: int = 0
    """Tokens that are learnt."""


class PackingSummary(PackingCounts):
    """What `export_packed` wrote: the content of its manifest.json."""

    format_version: int
    task: str
    dataset_digest: str
    split: Split
    capacity: int
    """Tokens of a row."""
    pad_id: int
    end_id: int
    with_targets: bool
    """Whether sequences go on with the target's text."""
    learn_inputs: bool
    """Whether inputs are learnt where there is a target."""
    files: tuple[PartFile, ...]
    """Shards, in order."""

    @property
    def fill(self) -> float:
        """Share of the rows' places that hold tokens; 0 without rows."""
        return self.tokens / (self.rows * self.capacity) if self.rows else 0.0


@dataclass(frozen=True, kw_only=True)
class Packing:
    """How a table is turned into sequences and rows."""

    capacity: int
    """Tokens of a row."""
    pad_id: int
    end_id: int
    with_targets: bool = True
    """False where `target_ids` are no text; then the input is what is learnt."""
    learn_inputs: bool = False
    """True learns inputs as well where there are targets."""

    def __post_init__(self) -> None:
        """Refuse rows in which nothing can be learnt."""
        if self.capacity < 2:
            raise DataError(f"a row of {self.capacity} tokens is too short to learn from; take at least 2")


@dataclass(frozen=True, kw_only=True)
class _Sequences:
    """Sequences end to end."""

    tokens: Tokens
    labels: Tokens
    lengths: Ints


def packed_schema(capacity: int) -> pa.Schema:
    """Return the columns of a packed table: four lists of `capacity` int32, and `num_tokens`, those without padding."""
    places = pa.list_(pa.int32(), capacity)
    return pa.schema([*((name, places) for name in TOKEN_COLUMNS), ("num_tokens", pa.int32())])


def pack(lengths: Ints, capacity: int) -> Ints:
    """Return the row number of each sequence, so that no row holds more than `capacity` tokens.

    Best-fit decreasing: from the longest on, each goes where the least space is left, as in Ding et al. 2024, "Fewer
    Truncations Improve Language Modeling" (https://arxiv.org/abs/2404.10830). Rows are numbered in the order of their
    first sequences, so rows are in no order of length. ValueError for a length below 1 or above `capacity`.
    """
    if len(lengths) and not 1 <= int(lengths.min()) <= int(lengths.max()) <= capacity:
        raise ValueError(f"lengths must be from 1 to {capacity}, not {lengths.min()} to {lengths.max()}")
    rows = np.empty(len(lengths), np.int64)
    by_space: list[list[int]] = [[] for _ in range(capacity + 1)]
    spaces, num_rows = 0, 0  # bit n of `spaces` is set where a row with n free places exists
    order = np.argsort(-lengths, kind="stable")
    for sequence, length in zip(order.tolist(), lengths[order].tolist(), strict=True):
        fitting = spaces >> length
        if fitting:
            space = length + (fitting & -fitting).bit_length() - 1
            row = by_space[space].pop()
            if not by_space[space]:
                spaces ^= 1 << space
        else:
            space, row, num_rows = capacity, num_rows, num_rows + 1
        rows[sequence] = row
        by_space[space - length].append(row)
        spaces |= 1 << (space - length)
    firsts = np.unique(rows, return_index=True)[1]
    renumbered = np.empty(num_rows, np.int64)
    renumbered[np.argsort(firsts)] = np.arange(num_rows)
    return renumbered[rows]


def packed_table(table: pa.Table, packing: Packing) -> tuple[pa.Table, PackingCounts]:
    """Return the sequences of a table (`input_ids`, `target_ids`: lists of int32) packed into rows, and the counts.

    The result has the columns of `packed_schema`. `segment_ids` are 1, 2, ... within a row and 0 on padding;
    `position_ids` are 0, 1, ... within a segment and 0 on padding; segments of a row are in the order of the table.
    """
    sequences = _sequences(table, packing)
    starts, lengths = _segments(sequences.lengths, packing.capacity)
    labels = sequences.labels.copy()
    labels[starts] = IGNORED_LABEL
    num_labels = np.add.reduceat(labels != IGNORED_LABEL, starts, dtype=np.int64) if len(starts) else starts
    useful = num_labels > 0
    starts, lengths = starts[useful], lengths[useful]
    rows = pack(lengths, packing.capacity)
    counts = PackingCounts(
        sequences=len(sequences.lengths),
        sequences_cut=int((sequences.lengths > packing.capacity).sum()),
        segments_left_out=int((~useful).sum()),
        segments=len(rows),
        rows=int(rows.max(initial=-1)) + 1,
        tokens=int(lengths.sum()),
        labels=int(num_labels.sum()),
    )
    order = np.argsort(rows, kind="stable")
    columns = _columns(sequences.tokens, labels, (starts[order], lengths[order], rows[order]), packing)
    return pa.Table.from_arrays(columns, schema=packed_schema(packing.capacity)), counts


def export_packed(
    dataset: Dataset, split: Split, capacity: int, folder: Path, *, learn_inputs: bool = False
) -> PackingSummary:
    """Write a split as rows of `capacity` tokens into the new `folder`, and return what was written.

    DataError if `folder` exists, `capacity` is too small, or the split holds nothing to learn from.
    """
    if folder.exists():
        raise DataError(f"{folder}: there is something already; name a folder that does not exist")
    tokenizer = load_tokenizer(dataset.tokenizer_dir)
    end = end_id_of(tokenizer)
    packing = Packing(
        capacity=capacity,
        pad_id=tokenizer.pad_token_id if isinstance(tokenizer.pad_token_id, int) else end,
        end_id=end,
        with_targets=not any(dataset.manifest.label_counts.values()),
        learn_inputs=learn_inputs,
    )
    with storage.building_folder(folder.parent, uuid.uuid4().hex) as work:
        built = work / "packed"
        built.mkdir()
        files, counts = _write_shards(_groups(dataset, split, packing), packing, built)
        if not counts.rows:
            raise DataError(f"{dataset.path}: the {split} split holds nothing to learn from")
        summary = PackingSummary(
            **counts.model_dump(),
            format_version=PACKING_VERSION,
            task=dataset.manifest.task,
            dataset_digest=dataset.digest,
            split=split,
            capacity=capacity,
            pad_id=packing.pad_id,
            end_id=end,
            with_targets=packing.with_targets,
            learn_inputs=learn_inputs,
            files=files,
        )
        copy_tokenizer(dataset.tokenizer_dir, built / TOKENIZER_NAME)
        write_bytes(built / MANIFEST_NAME, summary.model_dump_json(indent=2).encode() + b"\n")
        if not storage.publish(built, folder):
            raise DataError(f"{folder}: another process has just written it; name a folder that does not exist")
    return summary


def _write_shards(
    groups: Iterable[pa.Table], packing: Packing, folder: Path
) -> tuple[tuple[PartFile, ...], PackingCounts]:
    files: list[PartFile] = []
    totals = dict.fromkeys(PackingCounts.model_fields, 0)
    for group in groups:
        table, counts = packed_table(group, packing)
        totals = {name: total + getattr(counts, name) for name, total in totals.items()}
        if not table.num_rows:
            continue
        name = f"part-{len(files):05d}.parquet"
        storage.write_parquet(folder / name, table)
        files.append(
            PartFile(
                name=name,
                sha256=storage.file_sha256(folder / name),
                size_bytes=(folder / name).stat().st_size,
            )
        )
    return tuple(files), PackingCounts(**totals)


def _groups(dataset: Dataset, split: Split, packing: Packing) -> Iterator[pa.Table]:
    """Yield the rows of a split in groups of `GROUP_TOKENS`, whatever files they are in."""
    names = sorted(file.name for file in dataset.manifest.files if file.name.startswith(f"{split}/"))
    pending: list[pa.Table] = []
    tokens = 0
    for name in names:
        with pq.ParquetFile(dataset.path / name) as file:
            for batch in file.iter_batches(READ_ROWS, columns=["input_ids", "target_ids"]):
                rows = pa.Table.from_batches([batch])
                while rows.num_rows:
                    sums = tokens + np.cumsum(_sequence_lengths(rows, packing))
                    taken = min(int(np.searchsorted(sums, GROUP_TOKENS)) + 1, rows.num_rows)
                    pending.append(rows.slice(0, taken))
                    rows, tokens = rows.slice(taken), int(sums[taken - 1])
                    if tokens >= GROUP_TOKENS:
                        yield pa.concat_tables(pending)
                        pending, tokens = [], 0
    if pending:
        yield pa.concat_tables(pending)


def _sequence_lengths(table: pa.Table, packing: Packing) -> Ints:
    """Return the tokens of each sequence, but for an end token that it may lack."""
    names = ("input_ids", "target_ids") if packing.with_targets else ("input_ids",)
    lengths = [_list_column(table, name)[1] for name in names]
    total: Ints = np.sum(lengths, axis=0)
    return total


def _sequences(table: pa.Table, packing: Packing) -> _Sequences:
    """Lay inputs, targets and missing end tokens end to end, with what is to be learnt of them."""
    inputs, num_inputs = _list_column(table, "input_ids")
    targets, num_targets = _list_column(table, "target_ids")
    if not packing.with_targets:
        targets, num_targets = targets[:0], np.zeros_like(num_targets)
    ends = np.cumsum(num_inputs + num_targets)
    both = np.empty(len(inputs) + len(targets), np.int32)
    learnt = np.ones(len(both), np.bool_)
    is_input = _repeated_pattern(num_inputs, num_targets)
    both[is_input], both[~is_input] = inputs, targets
    if packing.with_targets and not packing.learn_inputs:
        learnt[is_input] = False
    filled = num_inputs + num_targets > 0
    unended = np.flatnonzero(filled)[both[ends[filled] - 1] != packing.end_id]
    tokens = np.insert(both, ends[unended], packing.end_id)
    learnt = np.insert(learnt, ends[unended], True)
    lengths = num_inputs + num_targets
    lengths[unended] += 1
    labels = np.where(learnt, tokens, np.int32(IGNORED_LABEL))
    return _Sequences(tokens=tokens, labels=labels, lengths=lengths)


def _list_column(table: pa.Table, name: str) -> tuple[Tokens, Ints]:
    """Return the values of a column of lists end to end, and the length of each list."""
    column = table[name].combine_chunks()
    return column.flatten().to_numpy(zero_copy_only=False), np.diff(column.offsets.to_numpy()).astype(np.int64)


def _repeated_pattern(num_true: Ints, num_false: Ints) -> NDArray[np.bool_]:
    """Return for each pair that many True, then that many False."""
    repeats = np.stack([num_true, num_false], axis=1).ravel()
    return np.repeat(np.tile([True, False], len(num_true)), repeats)


def _segments(lengths: Ints, capacity: int) -> tuple[Ints, Ints]:
    """Return where each segment starts and its length: whole sequences, or parts of those that are too long."""
    num_parts = -(-lengths // capacity)
    sequence = np.repeat(np.arange(len(lengths)), num_parts)
    part = np.arange(len(sequence)) - np.repeat(np.cumsum(num_parts) - num_parts, num_parts)
    starts = (np.cumsum(lengths) - lengths)[sequence] + part * capacity
    return starts, np.minimum(lengths[sequence] - part * capacity, capacity)


def _columns(tokens: Tokens, labels: Tokens, segments: tuple[Ints, Ints, Ints], packing: Packing) -> list[pa.Array]:
    """Return the columns of the packed table; `segments` are starts, lengths and rows, ordered by row."""
    starts, lengths, rows = segments
    capacity = packing.capacity
    num_rows = int(rows.max(initial=-1)) + 1
    firsts = np.searchsorted(rows, np.arange(num_rows))
    before = np.cumsum(lengths) - lengths
    places = rows * capacity + before - before[firsts[rows]]
    position = np.arange(int(lengths.sum())) - np.repeat(before, lengths)
    source = np.repeat(starts, lengths) + position
    place = np.repeat(places, lengths) + position
    segment = np.repeat(np.arange(len(rows)) - firsts[rows] + 1, lengths)
    columns = [
        _laid_out(values, place, num_rows, capacity, fill)
        for values, fill in (
            *((tokens[source], packing.pad_id), (labels[source], IGNORED_LABEL)),
            *((segment, 0), (position, 0)),
        )
    ]
    return [*columns, pa.array(np.bincount(rows, lengths, num_rows).astype(np.int32))]


def _laid_out(values: NDArray[np.integer], place: Ints, num_rows: int, capacity: int, fill: int) -> pa.Array:
    flat = np.full(num_rows * capacity, fill, np.int32)
    flat[place] = values
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), capacity)
