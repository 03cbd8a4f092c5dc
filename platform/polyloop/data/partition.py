"""First and second pass of a build: corpus files into buckets of cleaned rows, and each bucket without duplicates.

First pass, one call a file: read, clean, and write the rows bucket by bucket into one Arrow file (a shard). Second
pass, one call a bucket: gather it from all shards, deduplicate, sort by id and write it. A bucket is a range of ids,
so all rows that share an id meet in one, and buckets in order are the whole dataset in the order of ids.

An exchange through files of the build folder rather than a Ray Data shuffle: those reserve a whole CPU a task, which a
small cluster that also serves may never have free; this one needs half of one, no object store, and a full disk shows
itself where it can be named. Memory: about `FLUSH_ROWS` rows in the first pass, one bucket in the second.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, groupby
from pathlib import Path

import pyarrow as pa

from polyloop.data.clean import FEEDBACK_COLUMNS, Candidate, CorpusRules, TaskRules, clean_feedback
from polyloop.data.dedup import Claim, drop_reasons
from polyloop.data.readers import Format, read_rows
from polyloop.data.rows import CANDIDATE_SCHEMA, Drop, Row, Tally
from polyloop.data.storage import storage_errors

MAX_BUCKETS = 256
"""Buckets divide the first two hexadecimal digits of the id."""

BUCKET_BYTES = 16 * 2**20
"""Corpus bytes, unpacked, that one bucket is meant to hold."""

GZIP_RATIO = 4
"""Guess of how much smaller gzip makes text."""

FLUSH_ROWS = 50_000
"""Rows that the first pass holds in memory."""

Piece = tuple[str, list[int]]
"""An Arrow file and the numbers of its record batches that belong to one bucket."""

_IPC_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


@dataclass(frozen=True, kw_only=True)
class FileJob:
    """One file to read; `rules` is None for a file of curated feedback."""

    number: int
    path: str
    form: Format
    task: TaskRules
    rules: CorpusRules | None

    def rows(self) -> Iterator[Candidate | Drop]:
        """Yield what becomes of each row of the file."""
        name = Path(self.path).name
        if self.rules is None:
            for row in read_rows(self.path, self.form, FEEDBACK_COLUMNS):
                yield clean_feedback(self.task, row, f"{name}:{row.number}")
        else:
            for row in read_rows(self.path, self.form, self.rules.columns):
                yield from self.rules.clean(row, f"{name}:{row.number}")


@dataclass(frozen=True, kw_only=True)
class Shard:
    """What the first pass made of a file: which record batches of `path` hold each bucket, and what was dropped."""

    path: str
    batches: dict[int, list[int]]
    tally: Tally

    def to_json(self) -> str:
        """Return the shard's description as JSON, for `from_json`."""
        return json.dumps({"path": self.path, "batches": list(self.batches.items()), "tally": self.tally.to_json()})

    @classmethod
    def from_json(cls, text: str) -> "Shard":
        """Return the description that `to_json` wrote."""
        data = json.loads(text)
        return cls(path=data["path"], batches=dict(data["batches"]), tally=Tally.from_json(data["tally"]))


def read_item(item: Row, jobs: Sequence[FileJob], folder: Path, num_buckets: int) -> Row:
    """Do the first pass for one item (job: its number); the answer (shard) is a `Shard` as JSON."""
    return {"shard": write_shard(jobs[int(item["job"])], folder, num_buckets).to_json()}


def deduplicate_item(item: Row) -> Row:
    """Do the second pass for one item (pieces as JSON, path); the answer has path, rows and dropped."""
    num_rows, tally = deduplicate(json.loads(item["pieces"]), Path(item["path"]))
    return {"path": item["path"], "rows": str(num_rows), "dropped": tally.to_json()}


def bucket_count(sizes_bytes: Iterable[tuple[str, int]]) -> int:
    """Return how many buckets corpus files (path, size in bytes) need: a power of two from 2 to `MAX_BUCKETS`."""
    total_bytes = sum(size * (GZIP_RATIO if path.lower().endswith(".gz") else 1) for path, size in sizes_bytes)
    wanted = max(2, -(-total_bytes // BUCKET_BYTES))
    return min(MAX_BUCKETS, 1 << (wanted - 1).bit_length())


def bucket_of(example: str, num_buckets: int) -> int:
    """Return the bucket of an id; ids in order are in buckets in order."""
    return int(example[:2], 16) * num_buckets // 256


def write_shard(job: FileJob, folder: Path, num_buckets: int) -> Shard:
    """Read and clean a file and write its rows bucket by bucket."""
    path = folder / f"shard-{job.number:06d}.arrow"
    tally = Tally()
    batches: dict[int, list[int]] = {}
    numbers = count()
    with storage_errors(folder), _arrow_writer(path) as writer:
        for rows in _chunks(job.rows(), tally):
            for bucket, group in groupby(sorted(rows), key=lambda row: bucket_of(row.id, num_buckets)):
                writer.write_batch(_as_batch(list(group)))
                batches.setdefault(bucket, []).append(next(numbers))
    return Shard(path=str(path), batches=batches, tally=tally)


def bucket_pieces(bucket: int, shards: Iterable[Shard]) -> list[Piece]:
    """Return where the rows of a bucket are."""
    return [(shard.path, shard.batches[bucket]) for shard in shards if bucket in shard.batches]


def deduplicate(pieces: Iterable[Piece], path: Path) -> tuple[int, Tally]:
    """Write the rows of a bucket, sorted by id and one for each id; return their number and what was dropped."""
    rows = sorted(_rows(pieces))
    tally = Tally()
    kept: list[Candidate] = []
    for _, group in groupby(rows, key=lambda row: row.id):
        same = list(group)
        reasons = drop_reasons([Claim(row.split, row.corpus, row.target, row.weight) for row in same])
        for row, reason in zip(same, reasons, strict=True):
            if reason is None:
                kept.append(row)
            else:
                tally.add(Drop(row.corpus, reason, row.where, row.input))
    with storage_errors(path.parent), _arrow_writer(path) as writer:
        writer.write_batch(_as_batch(kept))
    return len(kept), tally


def read_bucket(path: Path) -> pa.Table:
    """Return the rows that `deduplicate` wrote."""
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


def _rows(pieces: Iterable[Piece]) -> Iterator[Candidate]:
    for path, numbers in pieces:
        with pa.memory_map(path) as source:
            reader = pa.ipc.open_file(source)
            for number in numbers:
                columns = [column.to_pylist() for column in reader.get_batch(number).columns]
                yield from map(Candidate._make, zip(*columns, strict=True))


def _chunks(rows: Iterable[Candidate | Drop], tally: Tally) -> Iterator[list[Candidate]]:
    """Yield the candidates, `FLUSH_ROWS` at a time, and count the dropped rows."""
    chunk: list[Candidate] = []
    for row in rows:
        if isinstance(row, Drop):
            tally.add(row)
            continue
        chunk.append(row)
        if len(chunk) >= FLUSH_ROWS:
            yield chunk
            chunk = []
    yield chunk


@contextmanager
def _arrow_writer(path: Path) -> Iterator[pa.ipc.RecordBatchFileWriter]:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, CANDIDATE_SCHEMA, options=_IPC_OPTIONS) as writer:
        yield writer


def _as_batch(rows: list[Candidate]) -> pa.RecordBatch:
    columns: list[Sequence[object]] = list(zip(*rows, strict=True)) if rows else [[] for _ in CANDIDATE_SCHEMA]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, CANDIDATE_SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=CANDIDATE_SCHEMA)
