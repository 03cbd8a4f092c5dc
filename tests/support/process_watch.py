"""Follows memory and open files of all processes below one, and tells how fast they grow.

Input: a process id. Output: least-squares slopes in MiB and open files a minute, for each process that was there over
all of the counted time. Memory is resident memory without pages of files (RssAnon), which is what leaks.
"""

import re
import statistics
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.processes import descendants

EVERY_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Look:
    """One process at one time."""

    at_s: float
    mib: float
    num_files: int


@dataclass(frozen=True, kw_only=True)
class Growth:
    """How a process grew."""

    command: str
    num_looks: int
    last_mib: float
    mib_a_minute: float
    files_a_minute: float


@dataclass
class ProcessWatch:
    """Looks at processes until it is told to stop."""

    pid: int
    looks: dict[int, list[Look]] = field(default_factory=dict)
    commands: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="process-watch", daemon=True)

    def start(self) -> None:
        """Begin, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._over.set()
        self._thread.join()

    def growth(self, *, from_s: float) -> list[Growth]:
        """Return how the processes that were there throughout grew since a time on the clock `time.monotonic`."""
        counted = {pid: [look for look in looks if look.at_s >= from_s] for pid, looks in self.looks.items()}
        most = max(map(len, counted.values()), default=0)
        return [_growth(self.commands[pid], looks) for pid, looks in counted.items() if len(looks) == most > 1]

    def _run(self) -> None:
        while not self._over.wait(EVERY_S):
            now_s = time.monotonic()
            for pid, command in descendants(self.pid).items():
                if (look := _look(pid, now_s)) is not None:
                    self.looks.setdefault(pid, []).append(look)
                    self.commands[pid] = command


def _look(pid: int, now_s: float) -> Look | None:
    folder = Path(f"/proc/{pid}")
    try:
        found = re.search(r"^RssAnon:\s+(\d+) kB$", (folder / "status").read_text(), re.M)
        num_files = len(list((folder / "fd").iterdir()))
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    return Look(at_s=now_s, mib=int(found[1]) / 1024, num_files=num_files) if found else None


def _growth(command: str, looks: list[Look]) -> Growth:
    minutes = [look.at_s / 60 for look in looks]
    return Growth(
        command=command.strip(),
        num_looks=len(looks),
        last_mib=looks[-1].mib,
        mib_a_minute=statistics.linear_regression(minutes, [look.mib for look in looks]).slope,
        files_a_minute=statistics.linear_regression(minutes, [float(look.num_files) for look in looks]).slope,
    )
