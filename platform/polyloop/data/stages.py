"""Runs the passes of a build as Ray Data jobs, and turns what goes wrong in workers of any such job into named errors.

Inputs: items, each an independent piece of work, and the function that does it. Output: what it returned for each, in
any order. Ray must be running. Each item takes half a CPU, so that a build goes on beside training and serving on a
machine of two cores. Nothing is written to the terminal: progress is the caller's to tell.
"""

import json
import logging
import shutil
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import ray.data
from ray.exceptions import OutOfDiskError, RayError, RayTaskError

from polyloop.data.rows import Row
from polyloop.data.storage import is_disk_full, json_sha256, storage_full
from polyloop.errors import ClusterError, PolyloopError, StorageFullError
from polyloop.models.storage import write_bytes

CPUS_PER_ITEM = 0.5

ITEM = "item"
"""Key under which an item's number travels."""

MAX_ATTEMPTS = 4
"""How often an item is begun; Ray Data by itself begins one whose worker dies (of hunger for memory, say) for ever."""


OnItem = Callable[[int, int], None]
"""Told how many items are done, and of how many."""


def run_pass(
    name: str, work: Callable[[Row], Row], items: Sequence[Row], folder: Path, on_item: OnItem | None = None
) -> list[Row]:
    """Return `work(item)` for each item, in their order, done by Ray's workers side by side.

    `folder` is the build's own. What the pass of this `name` answered for an item is kept there, and a build that was
    killed does not do it again; so what the work writes must be on the disk when it returns.

    Errors that Polyloop raises in a worker arrive as themselves; a full disk is a `StorageFullError` that names the
    folder around the build's; ClusterError if workers keep dying or Ray stops answering.
    """
    answers = folder / f"{name}-answers"
    answers.mkdir(exist_ok=True)
    paths = [answers / f"{json_sha256(item)}.json" for item in items]
    left = [{**item, ITEM: str(number)} for number, item in enumerate(items) if not paths[number].exists()]
    if left:
        _run(partial(_answer, work=work, paths=paths), left, folder, len(items), on_item)
    return [json.loads(path.read_bytes()) for path in paths]


def _answer(item: Row, work: Callable[[Row], Row], paths: Sequence[Path]) -> Row:
    """Do the work for an item and keep its answer."""
    number = int(item[ITEM])
    answer = work({key: value for key, value in item.items() if key != ITEM})
    write_bytes(paths[number], json.dumps(answer).encode())
    return {ITEM: item[ITEM]}


def _run(work: Callable[[Row], Row], left: Sequence[Row], folder: Path, num_items: int, on_item: OnItem | None) -> None:
    marks = folder / f"attempts-{uuid.uuid4().hex}"
    marks.mkdir()
    # No memory is reserved for what items return, a number: until Ray Data has seen how much that is, it begins
    # one item at a time, a second or more of each pass on one CPU alone.
    with quiet_job("a pass of the dataset build", storage_full(folder.parent), op_resource_reservation_enabled=False):
        source = ray.data.from_items(list(left), override_num_blocks=len(left))
        attempt = partial(_attempt, work=work, marks=marks, max_attempts=MAX_ATTEMPTS)
        done = num_items - len(left)
        for _ in source.map(attempt, num_cpus=CPUS_PER_ITEM).iter_rows():
            done += 1
            if on_item is not None:
                on_item(done, num_items)
    shutil.rmtree(marks)


def _attempt(item: Row, work: Callable[[Row], Row], marks: Path, max_attempts: int) -> Row:
    """Do the work for an item, unless it has been begun too often."""
    begin(marks / item[ITEM], "piece of the dataset build", "cut large corpus files into smaller ones", max_attempts)
    return work(item)


def begin(mark: Path, what: str, fix: str, max_attempts: int) -> None:
    """Note that a piece of work begins, one byte in the file `mark`; ClusterError if it has begun too often before."""
    with mark.open("ab") as file:
        file.write(b".")
        attempts = file.tell()
    if attempts > max_attempts:
        raise ClusterError(
            f"Ray's workers died {max_attempts} times at the same {what}: see Ray's logs for the reason; where it is "
            f"memory, {fix}"
        )


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
def quiet_job(what: str, full: StorageFullError, **context_settings: object) -> Iterator[None]:
    """Let Ray Data work inside the block and say nothing on the terminal; what goes wrong is a named error.

    `context_settings` are those of Ray's `DataContext`. Errors that Polyloop raises in a worker arrive as themselves,
    and a full disk as `full`; ClusterError, with `what`, if Ray stops answering.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Ray 2.60 warns of defaults that it sets itself
        context = ray.data.DataContext.get_current().copy()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.raise_original_map_exception = True  # otherwise the named error arrives as text alone
    for name, value in context_settings.items():
        setattr(context, name, value)
    logger = logging.getLogger("ray.data")
    level = logger.level
    with ray.data.DataContext.current(context):
        logger.setLevel(logging.CRITICAL)
        try:
            yield
        except RayError as error:
            named = named_cause(error)
            if isinstance(named, StorageFullError) or isinstance(error, OutOfDiskError) or is_disk_full(error):
                raise full from None
            if named is not None:
                raise named from None
            if isinstance(error, RayTaskError):
                raise
            reason = str(error).partition("\n")[0]
            raise ClusterError(f"Ray could not finish {what}: {reason}") from error
        finally:
            logger.setLevel(level)
