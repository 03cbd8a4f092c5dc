"""Finds and kills processes of an embedded Ray head, and no others: only its descendants are looked at."""

import os
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path


def descendants(pid: int) -> dict[int, str]:
    """Return pid -> command line of every process below `pid`."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
    found: dict[int, str] = {}
    for child in parents:
        ancestor = child
        while ancestor in parents and ancestor != pid:
            ancestor = parents[ancestor]
        if ancestor == pid and child != pid:
            found[child] = _command(child)
    return found


def started_ticks(pid: int) -> int:
    """Return when a process started, in clock ticks since boot; what is gone counts as the newest."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except (FileNotFoundError, ProcessLookupError):
        return sys.maxsize


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


@dataclass
class Killer:
    """Kills (SIGKILL) one process for each of `patterns`, each as soon as it shows up `after_s` seconds from now."""

    head_pid: int
    patterns: tuple[str, ...]
    after_s: float = 3.0
    killed: dict[str, int] = field(default_factory=dict)

    def start(self) -> None:
        """Begin in a thread; `killed` tells what has been done."""
        threading.Thread(target=self._run, name="killer", daemon=True).start()

    def _run(self) -> None:
        time.sleep(self.after_s)
        while len(self.killed) < len(self.patterns):
            for pid, command in descendants(self.head_pid).items():
                for pattern in self.patterns:
                    if pattern in command and pattern not in self.killed:
                        time.sleep(self.after_s)  # let it get to work first
                        self.killed[pattern] = pid
                        os.kill(pid, signal.SIGKILL)
            time.sleep(0.2)
