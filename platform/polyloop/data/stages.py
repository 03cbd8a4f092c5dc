"""Runs the passes of a build as Ray Data jobs and turns what goes wrong in a worker into a named error.

Inputs: items, each an independent piece of work, and the function that does it. Output: what it returned for each, in
any order. Ray must be running. Each item takes half a CPU, so that a build goes on beside training and serving on a
machine of two cores. Nothing is written to the terminal: progress is the caller's to tell.
"""

import logging
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import ray.data
from ray.exceptions import OutOfDiskError, RayError, RayTaskError

from polyloop.data.rows import Row
from polyloop.data.storage import is_disk_full, storage_full
from polyloop.errors import ClusterError, PolyloopError, StorageFullError

CPUS_PER_ITEM = 0.5

ITEM = "item"
"""Key under which an item's number travels."""

MAX_ATTEMPTS = 4
"""How often an item is begun; Ray Data by itself begins one whose worker dies (of hunger for memory, say) for ever."""


def run_pass(work: Callable[[Row], Row], items: Sequence[Row], folder: Path) -> list[Row]:
    """Return `work(item)` for each item, done by Ray's workers side by side; `folder` is the build's own.

    Errors that Polyloop raises in a worker arrive as themselves; a full disk is a `StorageFullError` that names the
    folder around the build's; ClusterError if workers keep dying or Ray stops answering.
    """
    if not items:
        return []
    marks = folder / f"attempts-{uuid.uuid4().hex}"
    marks.mkdir()
    numbered = [{**item, ITEM: str(number)} for number, item in enumerate(items)]
    with _quiet():
        source = ray.data.from_items(numbered, override_num_blocks=len(items))
        attempt = partial(_attempt, work=work, marks=marks, max_attempts=MAX_ATTEMPTS)
        try:
            return [dict(row) for row in source.map(attempt, num_cpus=CPUS_PER_ITEM).take_all()]
        except RayError as error:
            named = named_cause(error)
            if isinstance(named, StorageFullError) or isinstance(error, OutOfDiskError) or is_disk_full(error):
                raise storage_full(folder.parent) from None
            if named is not None:
                raise named from None
            if isinstance(error, RayTaskError):
                raise
            reason = str(error).partition("\n")[0]
            raise ClusterError(f"Ray could not finish a pass of the dataset build: {reason}") from error


def _attempt(item: Row, work: Callable[[Row], Row], marks: Path, max_attempts: int) -> Row:
    """Do the work for an item, unless it has been begun too often; each beginning adds a byte to the item's mark."""
    with (marks / item[ITEM]).open("ab") as mark:
        mark.write(b".")
        attempts = mark.tell()
    if attempts > max_attempts:
        raise ClusterError(
            f"Ray's workers died {max_attempts} times at the same piece of the dataset build: see Ray's logs for the "
            "reason; where it is memory, cut large corpus files into smaller ones"
        )
    return work({key: value for key, value in item.items() if key != ITEM})


def named_cause(error: BaseException) -> PolyloopError | None:
    """Return the Polyloop error that a Ray error was raised from, if there is one.

    Ray's own error is of both classes where it can be, with a traceback for a message; the one inside is wanted.
    """
    current: BaseException | None = error
    while current is not None:
        if isinstance(current, PolyloopError) and not isinstance(current, RayError):
            return current
        cause = getattr(current, "cause", None)
        current = cause if isinstance(cause, BaseException) else current.__cause__
    return None


@contextmanager
def _quiet() -> Iterator[None]:
    """Let Ray Data say nothing on the terminal while a pass runs; errors reach the caller as exceptions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Ray 2.60 warns of defaults that it sets itself
        context = ray.data.DataContext.get_current().copy()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.raise_original_map_exception = True  # otherwise the named error arrives as text alone
    logger = logging.getLogger("ray.data")
    level = logger.level
    with ray.data.DataContext.current(context):
        logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            logger.setLevel(level)
