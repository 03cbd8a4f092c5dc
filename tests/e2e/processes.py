"""Finds and kills processes of an embedded Ray head, and no others: only its descendants are looked at."""

import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

POLL_S = 0.2
WORK_S = 3.0
"""How long a process that had to be waited for may get to work before it is killed."""


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


@dataclass(frozen=True, kw_only=True)
class Kill:
    """When the oldest process whose command line has a pattern is to be killed, in seconds from the start."""

    at_s: float
    pattern: str


@dataclass
class Executioner:
    """Kills (SIGKILL) by a timetable, in a thread, whoever has to be waited for; `killed` tells whom."""

    head_pid: int
    kills: Sequence[Kill]
    killed: list[tuple[Kill, int]] = field(default_factory=list)

    def start(self) -> threading.Thread:
        """Begin; the thread ends with the last kill."""
        thread = threading.Thread(target=self._run, name="executioner", daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        began_s = time.monotonic()
        for kill in self.kills:
            time.sleep(max(0.0, began_s + kill.at_s - time.monotonic()))
            found = self._found(kill)
            if not found:
                while not (found := self._found(kill)):
                    time.sleep(POLL_S)
                time.sleep(WORK_S)
            oldest = min(found, key=started_ticks)
            os.kill(oldest, signal.SIGKILL)
            self.killed.append((kill, oldest))

    def _found(self, kill: Kill) -> list[int]:
        return [pid for pid, command in descendants(self.head_pid).items() if kill.pattern in command]
