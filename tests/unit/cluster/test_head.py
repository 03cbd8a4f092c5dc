"""A head is found again by its file, never mistaken for another process, and stopped with all that it started."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from polyloop.cluster import head as head_module
from polyloop.cluster.head import STATE_FILE, Head, find_head, start_head, stop_head
from polyloop.errors import ClusterError


@pytest.fixture
def process() -> Iterator["subprocess.Popen[bytes]"]:
    """A process with a child, in a group of its own."""
    code = "import subprocess, sys, time; subprocess.Popen(['sleep', '60']); print('up', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], start_new_session=True, stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == b"up\n"
        yield started
        started.kill()


def head_of(process: "subprocess.Popen[bytes]") -> Head:
    return Head(
        pid=process.pid,
        started_ticks=head_module._start_ticks(process.pid) or 0,
        gcs_address="127.0.0.1:1",
        dashboard_url="http://127.0.0.1:1",
        log_path="log",
        ray_folder="/nonexistent/ray",
    )


def write(home: Path, head: Head, **changes: Any) -> None:
    (home / STATE_FILE).write_text(json.dumps(asdict(head) | changes))


def test_a_live_head_is_found(tmp_path: Path, process: "subprocess.Popen[bytes]") -> None:
    head = head_of(process)
    write(tmp_path, head)
    assert find_head(tmp_path) == head


def test_there_is_none_in_a_new_home(tmp_path: Path) -> None:
    assert find_head(tmp_path / "missing") is None


def test_a_head_that_has_ended_is_none(tmp_path: Path, process: "subprocess.Popen[bytes]") -> None:
    write(tmp_path, head_of(process))
    process.kill()
    process.wait()
    assert find_head(tmp_path) is None


def test_a_head_that_has_ended_is_none_even_before_its_parent_has_noticed(
    tmp_path: Path, process: "subprocess.Popen[bytes]"
) -> None:
    write(tmp_path, head_of(process))
    process.kill()
    deadline = time.monotonic() + 5
    while find_head(tmp_path) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_recycled_pid_is_not_taken_for_the_head_and_not_stopped(
    tmp_path: Path, process: "subprocess.Popen[bytes]"
) -> None:
    head = head_of(process)
    write(tmp_path, head, started_ticks=head.started_ticks - 1)
    assert find_head(tmp_path) is None
    stop_head(Head(**json.loads((tmp_path / STATE_FILE).read_text())))
    assert process.poll() is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', '{"more": 1}'])
def test_a_file_that_is_damaged_is_as_good_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / STATE_FILE).write_text(content)
    assert find_head(tmp_path) is None


def test_a_second_head_of_a_home_is_refused(tmp_path: Path, process: "subprocess.Popen[bytes]") -> None:
    write(tmp_path, head_of(process))
    with pytest.raises(ClusterError, match="runs already"):
        start_head(tmp_path, num_cpus=1)


def test_a_head_that_ignores_the_polite_way_is_ended_with_its_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_module, "STOP_TIMEOUT_S", 0.5)
    code = (
        "import signal, subprocess, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "child = subprocess.Popen(['sleep', '60']); print(child.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], start_new_session=True, stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        child_pid = int(started.stdout.readline())
        head = head_of(started)
        stop_head(head)
        assert not head.alive
    assert head_module._wait_until(lambda: head_module._start_ticks(child_pid) is None, 5)


def test_stopping_a_head_that_has_ended_does_nothing(process: "subprocess.Popen[bytes]") -> None:
    head = head_of(process)
    process.kill()
    process.wait()
    stop_head(head)


def test_stopping_a_head_that_has_ended_by_itself_still_removes_rays_files(
    tmp_path: Path, process: "subprocess.Popen[bytes]"
) -> None:
    head = replace(head_of(process), ray_folder=str(tmp_path / "ray"))
    (tmp_path / "ray" / "session").mkdir(parents=True)
    process.kill()
    process.wait()

    stop_head(head)

    assert not (tmp_path / "ray").exists()
