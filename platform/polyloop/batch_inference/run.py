"""One batch inference: files in, a folder of answers out.

Inputs: a `Question`, names of files, the folder to write. Output: the folder, which appears in one step when all rows
are answered, and its `Summary`. Ray must be running. The same call goes on where a killed one was, takes a finished
one's answers as they are, and waits for another that writes the same folder. Ray Data reads ahead of the workers as
far as its memory allows. Limits: the folder is on a file system that all nodes see; a file that is packed as a whole
is read by one worker, and answered by all.
"""

import json
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import ray.data

from polyloop.batch_inference.question import Question
from polyloop.batch_inference.sizes import READER_CPUS, Sizes, sizes_for
from polyloop.batch_inference.summary import SUMMARY_FILE, Counts, Summary
from polyloop.batch_inference.worker import COUNTS_FOLDER, PARTS_FOLDER, Answerer, chunks_of
from polyloop.data.read.files import list_files
from polyloop.data.read.reader import read_rows
from polyloop.data.read.row import file_format, shown
from polyloop.data.read.scan import scan_file
from polyloop.data.read.slices import ScannedFile, Slice
from polyloop.data.stages import quiet_job
from polyloop.errors import DataError, StorageFullError
from polyloop.models.storage import named_storage_errors, write_bytes
from polyloop.progress import RestOfWork, Share
from polyloop.training.lock import only_driver

PEEKED_ROWS = 100
"""Rows of each file of JSON Lines in which a column that was named must occur."""
SCAN_THREADS = 8
DIGEST_FILE = "digest"
MARKS_PREFIX = "attempts-"


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where rows come from."""

    patterns: tuple[str, ...]
    """Paths, globs and URLs, as for corpora."""
    form: str = "auto"
    encoding: str = "utf-8"


def predict_files(
    question: Question,
    source: Source,
    output: Path,
    *,
    num_workers: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> Summary:
    """Answer all rows and return what was done.

    DataError for files that cannot be read, columns that are not there, and an `output` that holds something else;
    ClusterError where workers keep dying; StorageFullError. Rows that cannot be answered end nothing: they have an
    `error` in place of an output.
    """
    say = progress or (lambda _: None)
    files = _scanned(source, say)
    _check_columns(files, question)
    pieces = [piece for file in files for piece in file.slices]
    digest = question.digest([(shown(piece.path), piece.sha256) for piece in pieces])
    output = output.absolute()
    work = output.with_name(f".{output.name}.answering")
    with _working_folder(work):
        done = _finished(output, digest)
        if done is not None:
            say(f"{question.task_name}: {output} holds these answers already")
            return done
        _begin(work, digest, say)
        cluster: Any = ray  # whose functions have no annotations
        sizes = sizes_for(cluster.cluster_resources(), question.task.serving, num_workers)
        counts, engine = _answered(replace(question, threads=sizes.threads), files, pieces, work, sizes, say)
        summary = Summary(
            task=question.task_name,
            version=question.version,
            engine=engine,
            digest=digest,
            num_files=len(files),
            counts=counts,
        )
        _publish(work, output, summary)
    return summary


def _scanned(source: Source, say: Callable[[str], None]) -> list[ScannedFile]:
    paths = list_files("--input", source.patterns)
    say(f"scanning {len(paths)} file(s)")
    with ThreadPoolExecutor(SCAN_THREADS) as pool:
        scans = pool.map(lambda path: scan_file(path, file_format(path, source.form), source.encoding), paths)
        return list(scans)


def _check_columns(files: Sequence[ScannedFile], question: Question) -> None:
    """Find wrong names of columns before any work is done, also where each row has columns of its own."""
    named = [*question.columns.values(), *question.keep]
    for file in files:
        first = file.slices[0]
        if first.form != "jsonl" or not named:
            continue
        rows = [row.values for row in islice(read_rows(first, ()), PEEKED_ROWS) if row.values is not None]
        seen = dict.fromkeys(name for row in rows for name in row)
        for name in named:
            if rows and name not in seen:
                raise DataError(
                    f"{shown(file.path)}: none of its first {len(rows)} rows has a column {name!r}; they have "
                    f"{', '.join(map(repr, seen))}"
                )


@contextmanager
def _working_folder(work: Path) -> Iterator[None]:
    """Hold the folder in which answers are made; it goes, and its lock with it, where nothing is left in it."""
    with only_driver(work):
        try:
            yield
        finally:
            if work.is_dir() and not any(work.iterdir()):
                work.rmdir()
            if not work.exists():
                work.with_name(f".{work.name}.lock").unlink(missing_ok=True)


def _finished(output: Path, digest: str) -> Summary | None:
    """Return the summary of an output that holds these answers, None where there is no output yet."""
    if not output.exists():
        return None
    found = Summary.read(output) if output.is_dir() else None
    if found is None or found.digest != digest:
        held = f"the answers of {found.task} {found.version} to other rows or settings" if found else "something else"
        raise DataError(f"{output} holds {held}; remove it, or name another folder with --output")
    return found


def _begin(work: Path, digest: str, say: Callable[[str], None]) -> None:
    """Make the folder ready: what a killed run with the same digest left in it stays, all else goes."""
    with named_storage_errors(f"answers to {work}"):
        work.mkdir(exist_ok=True)  # another run may have ended, and taken it away, while this one waited
        marker = work / DIGEST_FILE
        if any(work.iterdir()) and (not marker.is_file() or marker.read_text() != digest):
            say(f"{work} is what a run with other rows or settings left; it is begun anew")
            shutil.rmtree(work)
            work.mkdir()
        for stale in work.glob(f"{MARKS_PREFIX}*"):
            shutil.rmtree(stale)
        (work / PARTS_FOLDER).mkdir(exist_ok=True)
        (work / COUNTS_FOLDER).mkdir(exist_ok=True)
        write_bytes(marker, digest.encode())


def _answered(
    question: Question,
    files: Sequence[ScannedFile],
    pieces: Sequence[Slice],
    work: Path,
    sizes: Sizes,
    say: Callable[[str], None],
) -> tuple[Counts, str]:
    """Answer what is left, and return the counts of all rows and what answered."""
    marks = work / f"{MARKS_PREFIX}{uuid.uuid4().hex}"
    marks.mkdir()
    look = _Look(question.task_name, files, say)
    with quiet_job("the batch inference", _full(work), target_max_block_size=1):
        # Each chunk is a block of its own, so that the chunks of one file go to different workers.
        numbers = [{"slice": number} for number in range(len(pieces))]
        slices = ray.data.from_items(numbers, override_num_blocks=len(numbers))
        chunks = slices.map_batches(
            partial(chunks_of, pieces=pieces, question=question), batch_size=1, num_cpus=READER_CPUS
        )
        answerer: Any = Answerer  # a class, of which each worker makes its own
        answers = chunks.map(
            answerer,
            fn_constructor_kwargs={"question": question, "folder": work, "marks": marks},
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=sizes.num_workers),
            **sizes.resources,
        )
        for row in answers.iter_rows():
            look.add(row)
    shutil.rmtree(marks)
    return look.counts, look.engine


class _Look:
    """How far a run is: by rows where all files tell their number, else by finished slices."""

    def __init__(self, task: str, files: Sequence[ScannedFile], say: Callable[[str], None]) -> None:
        self._task, self._say = task, say
        self._begun_s, self._rest = time.monotonic(), RestOfWork()
        lines = [piece.num_lines for file in files for piece in file.slices]
        self._num_rows = sum(filter(None, lines)) if None not in lines else None
        self._num_slices, self._slices_done = len(lines), 0
        self.counts, self.engine = Counts(), ""

    @property
    def fraction(self) -> float:
        """Part that is done, 0 to 1."""
        if self._num_rows:
            return min(1.0, self.counts.num_rows / self._num_rows)
        return self._slices_done / self._num_slices

    def add(self, row: dict[str, Any]) -> None:
        """Take in what a worker says of a chunk."""
        self.counts.add(Counts.from_dict(json.loads(row["counts"])))
        self.engine = row["engine"]
        self._slices_done += bool(row["is_last"])
        elapsed_s = time.monotonic() - self._begun_s
        self._say(
            Share(
                f"{self._task}: answering",
                fraction=self.fraction,
                details=f"{self.counts.num_rows:,} rows, {self.counts.num_rows / max(elapsed_s, 1e-3):,.0f} rows/s",
                left_s=self._rest.left_s(self.fraction, elapsed_s),
            )
        )


def _publish(work: Path, output: Path, summary: Summary) -> None:
    """Give the answers their folder in one step."""
    parts = work / PARTS_FOLDER
    with named_storage_errors(f"answers to {work}"):
        write_bytes(parts / SUMMARY_FILE, json.dumps(summary.to_dict(), indent=2).encode() + b"\n")
        parts.rename(output)
    shutil.rmtree(work)


def _full(work: Path) -> StorageFullError:
    return StorageFullError(
        f"no space left for answers in {work}; those that are there stay: free some space, and run it again to go on"
    )
