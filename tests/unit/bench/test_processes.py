"""A part of a benchmark runs in a process of its own and tells its result, or why it has none."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from polyloop.bench.processes import run_module, started_group
from polyloop.errors import ClusterError
from polyloop.spec.settings import child_environment


def test_what_a_module_prints_last_is_returned(tmp_path: Path):
    (tmp_path / "told.json").write_text('{"rows": 3,\n "name": "part"}')

    assert run_module("json.tool", "--compact", tmp_path / "told.json") == {"rows": 3, "name": "part"}


def test_a_launcher_stands_in_front_and_threads_are_set_before_the_process_starts(tmp_path: Path):
    (tmp_path / "launcher.py").write_text(
        "import json, os, sys\nprint(json.dumps({'threads': os.environ['OMP_NUM_THREADS'], 'arguments': sys.argv[1:]}))"
    )

    told = run_module("some.module", "input", launcher=(str(tmp_path / "launcher.py"), "--twice"), threads=2)

    assert told == {"threads": "2", "arguments": ["--twice", "-m", "some.module", "input"]}


def test_a_process_that_fails_is_named_with_its_last_words(tmp_path: Path):
    with pytest.raises(ClusterError, match=r"json\.tool failed:.*absent\.json"):
        run_module("json.tool", tmp_path / "absent.json")


def test_what_a_process_started_ends_when_its_starter_is_told_to(tmp_path: Path):
    (tmp_path / "child.py").write_text(
        "import pathlib, subprocess, sys, time\n"
        "inner = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "pathlib.Path(sys.argv[1], 'new').write_text(str(inner.pid))\n"
        "pathlib.Path(sys.argv[1], 'new').rename(pathlib.Path(sys.argv[1], 'pid'))\n"
        "time.sleep(60)\n"
    )
    code = (
        "import sys; from polyloop.bench import processes; from polyloop.cli import main; "
        "main.app = lambda: processes.run_group([sys.executable, *sys.argv[1:]], None); main.main()"
    )
    starter = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "child.py"), str(tmp_path)])
    inner = psutil.Process(int(wait_for(tmp_path / "pid")))

    starter.terminate()

    assert starter.wait(30) == 128 + signal.SIGTERM
    gone, _ = psutil.wait_procs([inner], timeout=30)
    assert gone == [inner]


def test_a_server_and_what_it_started_run_inside_the_block_and_end_with_it(tmp_path: Path):
    code = (
        "import pathlib, signal, subprocess, sys, time\n"
        "inner = subprocess.Popen([sys.executable, '-c', 'import signal, time; signal.signal(15, signal.SIG_IGN); "
        "time.sleep(60)'])\n"
        "print('started', flush=True)\n"
        "pathlib.Path(sys.argv[1], 'new').write_text(str(inner.pid))\n"
        "pathlib.Path(sys.argv[1], 'new').rename(pathlib.Path(sys.argv[1], 'pid'))\n"
        "time.sleep(60)\n"
    )
    log = tmp_path / "log"
    with started_group([sys.executable, "-c", code, str(tmp_path)], child_environment(), log) as server:
        inner = psutil.Process(int(wait_for(tmp_path / "pid")))
        assert server.poll() is None
        assert inner.is_running()

    assert server.returncode == -signal.SIGTERM
    gone, _ = psutil.wait_procs([inner], timeout=30)
    assert gone == [inner]
    assert log.read_text() == "started\n"


def wait_for(path: Path) -> str:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} was not written"
        time.sleep(0.05)
    return path.read_text()
