"""Files of datasets: digests, durable writes, a private folder to build in, and one atomic step to publish.

Inputs: paths. Outputs: files that are on the disk when a function returns. A full disk is a `StorageFullError` of one
line that names the folder. Limits: the folder to build in and the place to publish must be on one file system.
"""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from polyloop.errors import ArtefactError, StorageFullError

BUILDING_PREFIX = ".building-"
LOCK_SUFFIX = ".lock"
FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT})
FULL_TEXT = "no space left on device"
HASH_THREADS = 4


def file_sha256(path: Path) -> str:
    """Return the SHA-256 (hex) of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def file_sha256s(paths: Iterable[Path]) -> list[str]:
    """Return the SHA-256 (hex) of each file, several at a time."""
    with ThreadPoolExecutor(HASH_THREADS) as pool:
        return list(pool.map(file_sha256, paths))


def folder_sha256(folder: Path) -> str:
    """Return the SHA-256 (hex) over names and contents of all files under a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return json_sha256([[path.relative_to(folder).as_posix(), file_sha256(path)] for path in paths])


def json_sha256(value: object) -> str:
    """Return the SHA-256 (hex) of a value's canonical JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file and force it to the disk; the file has either all of the content or its old one."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            _sync(stream)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write a table as Parquet and force it to the disk."""
    with path.open("wb") as stream:
        pq.write_table(table, stream, compression="zstd")
        _sync(stream)


def sync_folders(folder: Path) -> None:
    """Force the names of all files under a folder, and of the folders themselves, to the disk."""
    for path in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def publish(built: Path, final: Path) -> bool:
    """Give a finished folder its final name in one step; False if another process has published it before."""
    sync_folders(built)
    try:
        built.rename(final)
    except OSError as error:
        if error.errno in {errno.EEXIST, errno.ENOTEMPTY} and final.is_dir():
            return False
        raise
    sync_parent(final)
    return True


def sync_parent(path: Path) -> None:
    """Force a folder's own entry to the disk."""
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def building_folder(parent: Path) -> Iterator[Path]:
    """Give a new folder beside the published ones, removed at the end whatever happens.

    What a killed process left behind is removed at the next call: a live builder holds a lock, which dies with it.
    """
    with storage_errors(parent):
        lock_descriptor, lock_name = _new_lock(parent)
        fcntl.flock(lock_descriptor, fcntl.LOCK_EX)
        folder = Path(lock_name.removesuffix(LOCK_SUFFIX))
        try:
            folder.mkdir()
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            Path(lock_name).unlink(missing_ok=True)
            os.close(lock_descriptor)


def _new_lock(parent: Path) -> tuple[int, str]:
    """Make the parent folder and a lock file in it; ArtefactError if that is not allowed."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(parent)
        return tempfile.mkstemp(dir=parent, prefix=BUILDING_PREFIX, suffix=LOCK_SUFFIX)
    except OSError as error:
        if is_disk_full(error):
            raise
        raise ArtefactError(
            f"{parent}: the folder cannot be written: {error.strerror}; set `artefacts` to one that can"
        ) from None


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.glob(f"{BUILDING_PREFIX}*"):
        if not folder.is_dir():
            continue
        lock = folder.with_name(folder.name + LOCK_SUFFIX)
        if not _is_held(lock):
            shutil.rmtree(folder, ignore_errors=True)
            lock.unlink(missing_ok=True)


def _is_held(lock: Path) -> bool:
    try:
        with lock.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except (BlockingIOError, PermissionError):
        return True
    return False


@contextmanager
def storage_errors(folder: Path) -> Iterator[None]:
    """Turn the errors of a full disk into a `StorageFullError` that names the folder."""
    try:
        yield
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise storage_full(folder) from error


def storage_full(folder: Path) -> StorageFullError:
    """Return the error for a disk that is full."""
    return StorageFullError(
        f"no space left to build a dataset in {folder}; nothing was published and what was half-written is removed: "
        "free some space, or set `artefacts` to a folder on another disk"
    )


def is_disk_full(error: BaseException) -> bool:
    """Return whether an error, or one that it was raised from, says that a disk or quota is full.

    Arrow reports errors of the system as text, and Ray wraps what its workers raise, so the text is looked at too.
    """
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        current = pending.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        if isinstance(current, OSError) and current.errno in FULL_ERRNOS:
            return True
        if FULL_TEXT in str(current).lower():
            return True
        pending += [current.__cause__, current.__context__, getattr(current, "cause", None)]
    return False


def _sync(stream: IO[bytes]) -> None:
    stream.flush()
    os.fsync(stream.fileno())
