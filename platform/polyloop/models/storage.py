"""Files that outlive a crash of the machine, and a full disk told from other failures, whichever library met it.

Inputs: paths, or an exception. Output: `StorageFullError`, so that the user reads one line instead of a library's own
words.
"""

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from safetensors import SafetensorError

from polyloop.errors import StorageFullError

FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT)


def is_storage_full(error: BaseException) -> bool:
    """Return True if the exception says that a disk or quota is full.

    safetensors (Rust) tells the error number only in its text.
    """
    if isinstance(error, OSError):
        return error.errno in FULL_ERRNOS
    return isinstance(error, SafetensorError) and any(f"os error {number}" in str(error) for number in FULL_ERRNOS)


def flush(path: Path) -> None:
    """Force a file's content, or a folder's names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to write; it is on the disk once the block ends, and until then it is what it was.

    So a process that is killed leaves no half of it, and of two that write the same file none spoils the other's.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("wb") as stream:
            yield stream
        flush(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file."""
    with whole_file(path) as stream:
        stream.write(content)


@contextmanager
def named_storage_errors(what: str) -> Iterator[None]:
    """Turn a full disk met inside the block into StorageFullError; `what` says what was being written."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        if is_storage_full(error):
            raise StorageFullError(f"no space left while writing {what}; free some and run it again") from error
        raise
