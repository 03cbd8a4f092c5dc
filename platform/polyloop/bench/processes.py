"""Runs a part of a benchmark in a process of its own, so that nothing of one part is left when the next is measured.

Input: the name of a module with a command line, which prints one JSON object as its last line. Output: that object.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from polyloop.errors import ClusterError
from polyloop.spec.settings import child_environment

Printed = dict[str, Any]
"""What a process of a benchmark prints, as JSON."""

END_S = 45.0
"""How long a process may take to end; torch's launcher waits 30 s for its workers before it kills them."""

SHOWN_CHARACTERS = 2000
"""How much of a failed process's last words an error quotes."""


def run_module(module: str, *arguments: object, launcher: Sequence[str] = (), threads: int | None = None) -> Printed:
    """Run a module in a process of its own and return what it printed; ClusterError if it fails.

    `launcher` are arguments of Python in front, such as those of `accelerate launch`; `threads` is what OpenMP may
    use at most, from the start of the process on.
    """
    command = [sys.executable, *launcher, "-m", module, *map(str, arguments)]
    environment = None if threads is None else child_environment({"OMP_NUM_THREADS": str(threads)})
    done = run_group(command, environment)
    if done.returncode:
        raise ClusterError(f"the benchmark's process {module} failed: {last_words(done)}")
    printed: Printed = json.loads(done.stdout.splitlines()[-1])
    return printed


def launcher(num_workers: int) -> tuple[str, ...]:
    """Return arguments of Python in front of `-m MODULE` that start it in several processes; none for one."""
    if num_workers == 1:
        return ()
    # Accelerate starts one process for --cpu, whatever their number; with --multi_gpu they speak gloo without GPUs.
    workers = ("--multi_gpu", "--num_processes", str(num_workers), "--num_machines", "1", "--main_process_port", "0")
    return ("-m", "accelerate.commands.launch", *workers, "--mixed_precision", "no", "--dynamo_backend", "no")


def run_group(command: Sequence[str], environment: Mapping[str, str] | None) -> "subprocess.CompletedProcess[str]":
    """Run a command and return what it said; it ends, with all that it started, where this process is told to end."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as process:
        try:
            stdout, stderr = process.communicate()
        except BaseException:
            _end(process)
            raise
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


@contextmanager
def started_group(
    command: Sequence[str], environment: Mapping[str, str], log: Path
) -> "Iterator[subprocess.Popen[bytes]]":
    """Run a command inside the block, what it says in a file; at the end of the block all that it started ends."""
    with (
        log.open("wb") as stream,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, env=environment, start_new_session=True
        ) as process,
    ):
        try:
            yield process
        finally:
            _end(process)


def last_words(done: "subprocess.CompletedProcess[str]") -> str:
    """Return the end of what a process said on stderr, on one line."""
    return " ".join(done.stderr.split())[-SHOWN_CHARACTERS:]


def _end(process: "subprocess.Popen[Any]") -> None:
    """End a process and what it started; a launcher is given the time to end its workers, which have sessions too."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_S)
        os.killpg(process.pid, signal.SIGKILL)  # what would not end, or was left behind
