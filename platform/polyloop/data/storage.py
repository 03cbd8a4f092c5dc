"""Files of datasets: digests, tables and arrays, a private folder to build in, and one atomic step to publish.

Inputs: paths. Outputs: files that are on the disk when a function returns. A full disk is a `StorageFullError` of one
line that names the folder. Limits: the folder to build in and the place to publish must be on one file system.
"""

import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from polyloop.errors import ArtefactError, StorageFullError
from polyloop.models.storage import flush, whole_file

BUILDING_PREFIX = ".building-"
BUILDING_KEY_DIGITS = 16
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


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write an array as a whole .npy file."""
    with whole_file(path) as stream:
        np.save(stream, array)


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write a table as a whole Parquet file."""
    with whole_file(path) as stream:
        pq.write_table(table, stream, compression="zstd")


def sync_folders(folder: Path) -> None:
    """Force the names of all files under a folder, and of the folders themselves, to the disk."""
    for path in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        flush(path)


def publish(built: Path, final: Path) -> bool:
    """Give a finished folder its final name in one step; False if another process has published it before."""
    sync_folders(built)
    try:
        built.rename(final)
    except OSError as error:
        if error.errno in {errno.EEXIST, errno.ENOTEMPTY} and final.is_dir():
            return False
        raise
    flush(final.parent)
    return True


@contextmanager
def building_folder(parent: Path, key: str) -> Iterator[Path]:
    """Give the folder beside the published ones in which a build of this key is made, by one process at a time.

    What a killed build left in it is found again, so that the next one goes on from there. It is removed once the block
    ends, unless the process is interrupted; and folders of other keys that nobody works on are removed then, too.
    """
    folder = parent / f"{BUILDING_PREFIX}{key[:BUILDING_KEY_DIGITS]}"
    with storage_errors(parent):
        descriptor = _locked(folder)
        try:
            folder.mkdir(exist_ok=True)
            yield folder
        except Exception:
            _remove_building(folder)
            raise
        else:
            _remove_building(folder)
            _remove_abandoned(parent)
        finally:
            os.close(descriptor)


def _locked(folder: Path) -> int:
    """Make the parent folder and take the lock of a folder in it, waiting for whoever has it."""
    lock = folder.with_name(folder.name + LOCK_SUFFIX)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        while True:
            descriptor = os.open(lock, os.O_CREAT | os.O_RDWR, 0o666)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_same_file(descriptor, lock):
                return descriptor
            os.close(descriptor)  # the one who had it has removed it in the meantime
    except OSError as error:
        if is_disk_full(error):
            raise
        raise ArtefactError(
            f"{folder.parent}: the folder cannot be written: {error.strerror}; set `artefacts` to one that can"
        ) from None


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _remove_building(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.with_name(folder.name + LOCK_SUFFIX).unlink(missing_ok=True)


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.glob(f"{BUILDING_PREFIX}*"):
        if folder.is_dir():
            _remove_unless_held(folder)


def _remove_unless_held(folder: Path) -> None:
    """Remove a folder whose lock nobody has; the lock is kept meanwhile, so that nobody begins to build in it."""
    lock = folder.with_name(folder.name + LOCK_SUFFIX)
    try:
        with lock.open("ab") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_same_file(stream.fileno(), lock):
                _remove_building(folder)
    except (BlockingIOError, PermissionError):
        return


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
