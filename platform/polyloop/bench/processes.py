"""Runs a part of a benchmark in a process of its own, so that nothing of one part is left when the next is measured.

Input: the name of a module with a command line, which prints one JSON object as its last line. Output: that object.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
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
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        last_words = " ".join(done.stderr[-SHOWN_CHARACTERS:].split())
        raise ClusterError(f"the benchmark's process {module} failed: {last_words}")
    printed: Printed = json.loads(done.stdout.splitlines()[-1])
    return printed
