"""Files on the disk: written whole or not at all, published in one step, and a full disk told by its name."""

import errno
import fcntl
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pytest

from polyloop.data import storage
from polyloop.errors import ArtefactError, DataError, StorageFullError


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


KEY = "0123456789abcdef" * 4


def leave(home: Path, key: str, error: BaseException) -> Path:
    """Begin to build, write a file, and end with an error; return where that was."""
    folders = []

    def build() -> None:
        with storage.building_folder(home, key) as work:
            folders.append(work)
            (work / "half").write_text("x")
            raise error

    with pytest.raises(type(error)):
        build()
    return folders[0]


def test_the_building_folder_goes_away_with_success_and_with_failure(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with storage.building_folder(home, KEY) as work:
        (work / "file").write_text("x")
        assert work.parent == home
    assert list(home.iterdir()) == []
    leave(home, KEY, DataError("broken"))
    assert list(home.iterdir()) == []


def test_a_full_disk_is_told_by_its_name_and_nothing_is_left_on_it(tmp_path: Path) -> None:
    with pytest.raises(StorageFullError, match="no space left"), storage.building_folder(tmp_path, KEY):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_what_an_interrupted_build_left_is_found_by_the_next_of_its_key(tmp_path: Path) -> None:
    left = leave(tmp_path, KEY, KeyboardInterrupt())
    assert (left / "half").exists()
    with storage.building_folder(tmp_path, KEY) as work:
        assert work == left
        assert (work / "half").read_text() == "x"
    assert list(tmp_path.iterdir()) == []


def test_a_build_of_another_key_begins_anew_and_removes_what_nobody_works_on_once_it_succeeds(tmp_path: Path) -> None:
    left = leave(tmp_path, KEY, KeyboardInterrupt())
    other = "f" * 64
    with storage.building_folder(tmp_path, other) as work:
        assert list(work.iterdir()) == []
        assert (left / "half").exists()
    assert list(tmp_path.iterdir()) == []
    left = leave(tmp_path, KEY, KeyboardInterrupt())
    leave(tmp_path, other, DataError("broken"))
    assert (left / "half").exists(), "a build that failed says nothing of the others"


def _build_until_killed(home: Path, key: str) -> None:
    with storage.building_folder(home, key) as work:
        (work / "half").write_text("x")
        time.sleep(60)


def _build(home: Path, key: str) -> None:
    with storage.building_folder(home, key) as work:
        (work.parent / "found").write_text(str(sorted(path.name for path in work.iterdir())))


def _wait_for(done: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + 30
    while not done():
        assert time.monotonic() < deadline_s, "the other process did not start"
        time.sleep(0.02)


@pytest.fixture
def live_builder(tmp_path: Path) -> Iterator[SpawnProcess]:
    """A process that builds KEY in the test's folder and never ends by itself."""
    process = multiprocessing.get_context("spawn").Process(target=_build_until_killed, args=(tmp_path, KEY))
    process.start()
    _wait_for(lambda: list(tmp_path.glob(".building-*/half")))
    yield process
    _kill(process)


def _kill(process: SpawnProcess) -> None:
    if process.pid is not None and process.is_alive():
        os.kill(process.pid, signal.SIGKILL)
    process.join()


def test_a_live_builders_folder_is_left_alone_and_a_killed_ones_is_not(
    tmp_path: Path, live_builder: SpawnProcess
) -> None:
    with storage.building_folder(tmp_path, "f" * 64):
        pass
    assert list(tmp_path.glob(".building-*/half")), "a live builder's folder was removed"
    _kill(live_builder)
    with storage.building_folder(tmp_path, "f" * 64):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_second_process_waits_and_goes_on_from_what_a_killed_one_left(
    tmp_path: Path, live_builder: SpawnProcess
) -> None:
    second = multiprocessing.get_context("spawn").Process(target=_build, args=(tmp_path, KEY))
    second.start()
    second.join(timeout=1.5)
    assert second.is_alive()
    assert not (tmp_path / "found").exists(), "two processes build in one folder"
    _kill(live_builder)
    second.join(timeout=30)
    assert second.exitcode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["found"]
    assert (tmp_path / "found").read_text() == "['half']"


def test_who_waited_for_a_build_that_succeeded_gets_a_new_folder_and_a_lock_of_its_own(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        with storage.building_folder(tmp_path, KEY) as work:
            (work / "half").write_text("x")
            waiting = pool.submit(_build, tmp_path, KEY)
            time.sleep(0.2)
            assert not waiting.done()
        waiting.result(timeout=30)
    assert (tmp_path / "found").read_text() == "[]"


def test_a_place_that_cannot_be_a_folder_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(
            ArtefactError, match=r"file/home: the folder cannot be written: Not a directory; set `artefacts`"
        ),
        storage.building_folder(tmp_path / "file" / "home", KEY),
    ):
        pytest.fail("there is no folder to build in")


def test_a_lock_file_that_is_gone_means_abandoned(tmp_path: Path) -> None:
    (tmp_path / ".building-old").mkdir()
    with storage.building_folder(tmp_path, KEY):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_lock_is_held_while_building(tmp_path: Path) -> None:
    with storage.building_folder(tmp_path, KEY) as work:
        lock = work.with_name(work.name + storage.LOCK_SUFFIX)
        with lock.open("rb") as stream, pytest.raises(BlockingIOError):
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_folder_inside_the_block_of_another_is_left_alone(tmp_path: Path) -> None:
    with storage.building_folder(tmp_path, "exports") as exports:
        (exports / "a.parquet").write_text("x")
        with storage.building_folder(tmp_path, KEY):
            pass
        assert (exports / "a.parquet").exists()
    assert list(tmp_path.iterdir()) == []


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
