"""Runs the passes of a build as Ray Data jobs and turns what goes wrong in a worker into a named error.

Inputs: items, each an independent piece of work, and the function that does it. Output: what it returned for each, in
any order. Ray must be running. Each item takes half a CPU, so that a build goes on beside training and serving on a
machine of two cores. Nothing is written to the terminal: progress is the caller's to tell.
"""

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import ray.data
from ray.exceptions import OutOfDiskError, RayError, RayTaskError

from polyloop.data.rows import Row
from polyloop.data.storage import is_disk_full, storage_full
from polyloop.errors import ClusterError, PolyloopError, StorageFullError

CPUS_PER_ITEM = 0.5

WORKER_RETRIES = 3
"""How often an item whose worker died is tried again; Ray Data by itself never stops trying."""


def run_pass(work: Callable[[Row], Row], items: Sequence[Row], folder: Path) -> list[Row]:
    """Return `work(item)` for each item, done by Ray's workers side by side.

    Errors that Polyloop raises in a worker arrive as themselves; a full disk is a `StorageFullError` naming `folder`;
    ClusterError if workers keep dying or Ray stops answering.
    """
    if not items:
        return []
    with _quiet():
        source = ray.data.from_items(list(items), override_num_blocks=len(items))
        rows = source.map(work, num_cpus=CPUS_PER_ITEM, max_retries=WORKER_RETRIES)
        try:
            return [dict(row) for row in rows.take_all()]
        except RayError as error:
            named = named_cause(error)
            if isinstance(named, StorageFullError) or isinstance(error, OutOfDiskError) or is_disk_full(error):
                raise storage_full(folder) from None
            if named is not None:
                raise named from None
            if isinstance(error, RayTaskError):
                raise
            reason = str(error).partition("\n")[0]
            raise ClusterError(f"Ray could not finish a pass of the dataset build: {reason}") from error


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
