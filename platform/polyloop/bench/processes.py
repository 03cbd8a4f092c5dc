"""Runs a part of a benchmark in a process of its own, so that nothing of one part is left when the next is measured.

Input: the name of a module with a command line, which prints one JSON object as its last line. Output: that object.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from polyloop.errors import ClusterError
from polyloop.spec.settings import child_environment

Printed = dict[str, Any]
"""What a process of a benchmark prints, as JSON."""

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
        last_words = " ".join(done.stderr[-SHOWN_CHARACTERS:].split())
        raise ClusterError(f"the benchmark's process {module} failed: {last_words}")
    printed: Printed = json.loads(done.stdout.splitlines()[-1])
    return printed


def run_group(command: Sequence[str], environment: Mapping[str, str] | None) -> "subprocess.CompletedProcess[str]":
    """Run a command and return what it said; it ends, with all that it started, where this process is told to end."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as process:
        try:
            stdout, stderr = process.communicate()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)
