"""First pass of a build: each slice of a corpus file is read and cleaned once, and the result kept for later builds.

Input: a slice and the rules of its corpus and task. Output: a shard, an Arrow file of cleaned rows in groups of
neighbouring ids, with a description: where each group is, what was dropped and why, and what each step did. A shard's
name is the hash of everything that decides it, so a build that meets it again takes it as it is: after a kill, and when
other files of the corpus changed. Memory: rows of `FLUSH_CHARACTERS`, whatever the size of the corpus.
"""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any

import polyloop
from polyloop.data.clean import Candidate, Cleaner
from polyloop.data.passes.buckets import LEAVES, arrow_writer, as_batch, leaf_of
from polyloop.data.read.reader import read_rows
from polyloop.data.read.slices import Slice
from polyloop.data.rows import FEEDBACK_CORPUS, Drop, Row, Tally
from polyloop.data.rules import CorpusRules, Rules
from polyloop.data.steps.chain import STEP_FAILED, Accounts, accounts_from_data, accounts_to_data
from polyloop.data.storage import json_sha256, storage_errors
from polyloop.errors import DataError
from polyloop.models.storage import write_bytes

CLEANING_VERSION = 2
"""Raised whenever reading or a step gives other rows than before; shards of another version are not taken."""

FLUSH_ROWS = 50_000
FLUSH_CHARACTERS = 8_000_000
"""Rows, and characters of theirs, that the pass holds in memory at most."""

GROUP_ROWS = 64
"""Rows that a group of neighbouring ids holds at least, on average."""


@dataclass(frozen=True, kw_only=True)
class CleanJob:
    """One slice to clean."""

    piece: Slice
    rules: Rules

    @cached_property
    def key(self) -> str:
        """SHA-256 (hex) over everything that decides what comes out: the slice's rows, their names and the rules."""
        rules = self.rules
        corpus = rules.corpus.model_dump(mode="json", exclude=NOT_DECIDING) if isinstance(rules, CorpusRules) else None
        return json_sha256(
            [
                CLEANING_VERSION,
                polyloop.__version__,
                [self.piece.sha256, self.file_name, self.piece.first_row],
                [rules.name, corpus, rules.cleaning.model_dump(mode="json")],
                [rules.task.task, rules.task.has_label_sets, sorted(rules.task.labels), sorted(rules.task.directions)],
                rules.keeps_lines,
                rules.task.asks_documents,
            ]
        )

    @property
    def file_name(self) -> str:
        """Name of the file without its folders; it is part of `where`."""
        return PurePosixPath(self.piece.path).name


NOT_DECIDING = {"paths", "hub", "hub_split", "sql", "format"}
"""What of a corpus says only where its rows are."""


@dataclass(frozen=True, kw_only=True)
class Shard:
    """What the pass made of a slice."""

    path: str
    corpus: str
    groups: list[tuple[int, int]]
    """First and last leaf of each record batch of the file."""
    holdout_rows: int
    rows_in: int
    tally: Tally
    accounts: Accounts
    found: Counter[str]

    def to_json(self) -> str:
        """Return the shard's description as JSON, for `from_json`; the path is left to the reader."""
        return json.dumps(
            {
                "corpus": self.corpus,
                "groups": self.groups,
                "holdout_rows": self.holdout_rows,
                "rows_in": self.rows_in,
                "tally": self.tally.to_json(),
                "accounts": accounts_to_data(self.accounts),
                "found": self.found,
            }
        )

    @classmethod
    def from_json(cls, text: str, path: Path) -> "Shard":
        """Return the description that `to_json` wrote of the shard in `path`."""
        data: dict[str, Any] = json.loads(text)
        return cls(
            path=str(path),
            corpus=data["corpus"],
            groups=[(first, last) for first, last in data["groups"]],
            holdout_rows=data["holdout_rows"],
            rows_in=data["rows_in"],
            tally=Tally.from_json(data["tally"]),
            accounts=accounts_from_data(data["accounts"]),
            found=Counter(data["found"]),
        )


def clean_item(item: Row, jobs: Sequence[CleanJob], folder: Path) -> Row:
    """Do the pass for one item (job: its number); the answer is its key."""
    job = jobs[int(item["job"])]
    write_shard(job, folder)
    return {"key": job.key}


def kept_shard(folder: Path, key: str) -> Shard | None:
    """Return the shard of a key if it is there, and mark it as used."""
    path = _shard_path(folder, key)
    try:
        description = path.with_suffix(".json").read_text()
        os.utime(path.with_suffix(".json"))
    except FileNotFoundError:
        return None
    return Shard.from_json(description, path) if path.is_file() else None


def write_shard(job: CleanJob, folder: Path) -> Shard:
    """Read and clean a slice and write its rows, group by group; both files appear only when they are whole."""
    cleaner = Cleaner(rules=job.rules)
    tally = Tally()
    groups: list[tuple[int, int]] = []
    rows_in, holdout_rows = count(), 0
    final = _shard_path(folder, job.key)
    with storage_errors(folder):
        with arrow_writer(final) as writer:
            for rows in _chunks(_rows(job, cleaner, rows_in), tally, job.rules):
                holdout_rows += sum(row.split == "holdout" for row in rows)
                for first, last, group in _groups(rows):
                    writer.write_batch(as_batch(group))
                    groups.append((first, last))
        shard = Shard(
            path=str(final),
            corpus=job.rules.name,
            groups=groups,
            holdout_rows=holdout_rows,
            rows_in=next(rows_in),
            tally=tally,
            accounts=cleaner.accounts,
            found=cleaner.found,
        )
        write_bytes(final.with_suffix(".json"), shard.to_json().encode())
    return shard


def _shard_path(folder: Path, key: str) -> Path:
    return folder / f"{key}.arrow"


def _rows(job: CleanJob, cleaner: Cleaner, rows_in: Iterator[int]) -> Iterator[Candidate | Drop]:
    """Yield what becomes of each row of a slice, and count the rows."""
    name = job.file_name
    for row in read_rows(job.piece, job.rules.columns):
        for outcome in cleaner.clean(row, f"{name}:{row.number}"):
            next(rows_in)
            yield outcome


def _chunks(rows: Iterable[Candidate | Drop], tally: Tally, rules: Rules) -> Iterator[list[Candidate]]:
    """Yield the candidates, as many at a time as fit, and count the dropped rows."""
    chunk: list[Candidate] = []
    size = 0
    for row in rows:
        if isinstance(row, Drop):
            tally.add(row)
            if row.reason == STEP_FAILED:
                check_failed_rows(rules.name, rules.cleaning.max_failed_rows, tally)
            continue
        chunk.append(row)
        size += len(row.input) + len(row.target)
        if len(chunk) >= FLUSH_ROWS or size >= FLUSH_CHARACTERS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def check_failed_rows(corpus: str, most: int, tally: Tally) -> None:
    """Raise a `DataError`, with one traceback, if steps failed on more rows of a corpus than its settings allow."""
    failed = tally.counts[corpus, STEP_FAILED]
    if failed > most:
        sample = tally.samples[corpus, STEP_FAILED][0]
        place = corpus if corpus == FEEDBACK_CORPUS else f"corpora.{corpus}"
        raise DataError(
            f"the corpus {corpus!r}: cleaning steps failed on {failed} rows, more than {place}.cleaning."
            f"max_failed_rows allows ({most}); the first: {sample.where}: {sample.detail.splitlines()[-1]} "
            f"({sample.detail.splitlines()[0]})"
        )


def _groups(rows: list[Candidate]) -> Iterator[tuple[int, int, list[Candidate]]]:
    """Yield rows in the order of ids, cut into runs of equally many leaves, with the first and last leaf of each."""
    wanted = max(1, len(rows) // GROUP_ROWS)
    width = LEAVES // min(LEAVES, 1 << (wanted.bit_length() - 1))
    rows.sort(key=lambda row: row.id)
    group: list[Candidate] = []
    first = 0
    for row in rows:
        start = leaf_of(row.id) // width * width
        if group and start != first:
            yield first, first + width - 1, group
            group = []
        first = start
        group.append(row)
    yield first, first + width - 1, group
