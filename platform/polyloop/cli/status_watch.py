"""`polyloop status --watch`: the tasks of a running service, looked at every other second.

Input: a live status. Output: on a terminal one table that changes, elsewhere a table a look, until it is interrupted.
"""

import itertools
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from rich.console import Console
from rich.live import Live

from polyloop.cli.output import print_renderable, table_of
from polyloop.serving.live_status import WINDOW_S, LiveStatus, TaskStatus

EVERY_S = 2.0


def watch(status: LiveStatus, title: str, *, every_s: float = EVERY_S, looks: int | None = None) -> None:
    """Show the status until Ctrl-C, or for a number of looks."""
    console = Console(highlight=False)
    caption = f"{title}; rates and times of the last {WINDOW_S:g} s"
    with suppress(KeyboardInterrupt):
        if not console.is_terminal:
            for number in itertools.islice(itertools.count(), looks):
                time.sleep(every_s if number else 0)
                print_renderable(table_of(status_rows(status.look()), title=caption))
            return
        with Live(console=console, auto_refresh=False) as live:
            for number in itertools.islice(itertools.count(), looks):
                time.sleep(every_s if number else 0)
                live.update(table_of(status_rows(status.look()), title=caption), refresh=True)


def status_rows(tasks: Sequence[TaskStatus]) -> list[dict[str, Any]]:
    """Return the rows of the table (pure)."""
    return [_row(task) for task in tasks]


def _row(status: TaskStatus) -> dict[str, Any]:
    release, figures = status.release, status.figures
    canary = release.canary and f"{release.canary} {release.canary_weight:.0%}"
    return {
        "task": release.task,
        "champion": release.champion,
        "canary": f"{canary} paused" if status.is_canary_paused else canary,
        "shadow": release.shadow,
        "replicas": " | ".join(", ".join(one.versions) or "loading" for one in status.replicas) or "none",
        "requests/s": figures and f"{figures.requests_per_s:.1f}",
        "failures/s": figures and f"{figures.failures_per_s:.2f}",
        "p50 ms": figures and _ms(figures.p50_s),
        "p99 ms": figures and _ms(figures.p99_s),
        "queue p99 ms": figures and _ms(figures.queue_p99_s),
        "rows/call": figures and figures.rows_per_batch and f"{figures.rows_per_batch:.1f}",
    }


def _ms(seconds: float | None) -> str | None:
    return None if seconds is None else f"{seconds * 1_000:.1f}"
