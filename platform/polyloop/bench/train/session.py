"""A session that measures: what a plain process gives the train function, and notes of looks and checkpoints besides.

Input: the same calls as any session gets. Output: the looks in order, and the seconds that each checkpoint took.
"""

import time
from dataclasses import dataclass, field

from polyloop.training.progress import Progress
from polyloop.training.session import LocalSession, WriteCheckpoint


@dataclass(frozen=True, kw_only=True)
class MeasuringSession(LocalSession):
    """A `LocalSession` that remembers."""

    looks: list[Progress] = field(default_factory=list)
    saves_s: list[float] = field(default_factory=list)
    """Seconds of each checkpoint, from its state in memory to the file that is flushed and published."""

    def report(self, progress: Progress) -> None:
        """Remember the look, and write it down as ever."""
        self.looks.append(progress)
        super().report(progress)

    def save(self, write: WriteCheckpoint) -> None:
        """Keep a checkpoint and remember how long that took."""
        started = time.perf_counter()
        super().save(write)
        self.saves_s.append(time.perf_counter() - started)
