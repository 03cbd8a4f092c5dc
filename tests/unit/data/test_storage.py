"""Files on the disk: written whole or not at all, published in one step, and a full disk told by its name."""

import errno
import fcntl
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from polyloop.data import storage
from polyloop.errors import ArtefactError, DataError, StorageFullError


def test_a_file_is_replaced_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    storage.write_bytes(tmp_path / "a", b"one")
    storage.write_bytes(tmp_path / "a", b"two")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"two")]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    storage.write_bytes(tmp_path / "a", b"one")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        storage.write_bytes(tmp_path / "a", b"two")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"one")]


def test_the_digest_of_a_folder_covers_names_and_contents(tmp_path: Path) -> None:
    digests = set()
    for number, (name, content) in enumerate([("a", "1"), ("a", "2"), ("b", "1")]):
        folder = tmp_path / str(number)
        (folder / "sub").mkdir(parents=True)
        (folder / "sub" / name).write_text(content)
        digests.add(storage.folder_sha256(folder))
    assert len(digests) == 3


def test_a_folder_is_published_once_and_the_second_is_told_so(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / "file").write_text(name)
    assert storage.publish(tmp_path / "first", tmp_path / "final")
    assert not storage.publish(tmp_path / "second", tmp_path / "final")
    assert (tmp_path / "final" / "sub" / "file").read_text() == "first"


def test_the_building_folder_goes_away_with_success_and_with_failure(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with storage.building_folder(home) as work:
        (work / "file").write_text("x")
        assert work.parent == home
    assert list(home.iterdir()) == []

    def fail() -> None:
        with storage.building_folder(home) as work:
            (work / "file").write_text("x")
            raise DataError("broken")

    with pytest.raises(DataError, match="broken"):
        fail()
    assert list(home.iterdir()) == []


def _build_until_killed(home: Path) -> None:
    with storage.building_folder(home) as work:
        (work / "half").write_text("x")
        time.sleep(60)


def test_what_a_killed_builder_left_is_removed_by_the_next_and_a_live_one_is_left_alone(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_build_until_killed, args=(tmp_path,))
    process.start()
    deadline_s = time.monotonic() + 30
    while not list(tmp_path.glob(".building-*/half")):
        assert time.monotonic() < deadline_s, "the builder did not start"
        time.sleep(0.02)
    with storage.building_folder(tmp_path):
        assert list(tmp_path.glob(".building-*/half")), "a live builder's folder was removed"
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with storage.building_folder(tmp_path) as work:
        assert [path for path in tmp_path.glob(".building-*") if path.is_dir()] == [work]
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_a_folder_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(
            ArtefactError, match=r"file/home: the folder cannot be written: Not a directory; set `artefacts`"
        ),
        storage.building_folder(tmp_path / "file" / "home"),
    ):
        pytest.fail("there is no folder to build in")


def test_a_lock_file_that_is_gone_means_abandoned(tmp_path: Path) -> None:
    (tmp_path / ".building-old").mkdir()
    with storage.building_folder(tmp_path):
        assert not (tmp_path / ".building-old").exists()


def test_the_lock_is_held_while_building(tmp_path: Path) -> None:
    with storage.building_folder(tmp_path) as work:
        lock = work.with_name(work.name + storage.LOCK_SUFFIX)
        with lock.open("rb") as stream, pytest.raises(BlockingIOError):
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        OSError("Error writing bytes to file. Detail: [errno 28] No space left on device"),
    ],
)
def test_a_full_disk_is_one_line_that_names_the_folder(error: OSError, tmp_path: Path) -> None:
    with pytest.raises(StorageFullError) as caught, storage.storage_errors(tmp_path):
        raise error
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_errors_pass_unchanged(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), storage.storage_errors(tmp_path):
        raise PermissionError(errno.EACCES, "Permission denied")


def test_a_full_disk_is_found_behind_the_errors_raised_from_it() -> None:
    outer = RuntimeError("outer")
    outer.__cause__ = RuntimeError("middle")
    outer.__cause__.__cause__ = OSError(errno.ENOSPC, "full")
    assert storage.is_disk_full(outer)
    assert not storage.is_disk_full(RuntimeError("something else"))
