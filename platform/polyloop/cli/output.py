"""What commands print: data to stdout (a table, or JSON for machines), messages and progress to stderr.

Cells of tables hold texts of users and corpora, so nothing in them is markup, and what would steer a terminal is made
visible. Limits: on a terminal, progress is one line that changes, with a bar; elsewhere each stage is one plain line,
and the same line is not repeated more often than every `PLAIN_EVERY_S` seconds.
"""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from polyloop.cli.bar import ProgressBar
from polyloop.pages.blocks import shown

PLAIN_EVERY_S = 10.0

messages = Console(stderr=True, highlight=False)


def print_json(data: Any) -> None:
    """Print `data` as one JSON document."""
    sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2, default=str) + "\n")


def print_rows(rows: Sequence[dict[str, Any]], *, as_json: bool, title: str) -> None:
    """Print rows of equal keys as a table, or as a JSON list."""
    if as_json:
        print_json(list(rows))
        return
    print_renderable(table_of(rows, title=title))


def table_of(rows: Sequence[dict[str, Any]], *, title: str) -> Group:
    """Return rows of equal keys as a table under a title."""
    table = Table()
    for name in rows[0] if rows else ["(none yet)"]:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if value is None else shown(str(value))) for value in row.values()))
    # A title of the table's own would be broken where the table is narrow.
    return Group(Text(title, style="italic"), table)


def print_renderable(renderable: Any) -> None:
    """Print a rich object to stdout, at full width where stdout is not a terminal."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=160)
    console.print(renderable)


class ProgressLine:
    """Takes messages of long work and shows the newest, with a bar where the message says which part is done."""

    def __init__(self) -> None:
        self._bar = ProgressBar(messages) if messages.is_terminal else None
        self._last_kind = ""
        self._last_s = 0.0

    def __call__(self, text: str) -> None:
        """Show one message."""
        if self._bar is not None:
            self._bar.show(text)
            return
        kind = "".join(character for character in text if not character.isdigit())[:24]
        now = time.monotonic()
        if kind != self._last_kind or now - self._last_s >= PLAIN_EVERY_S:
            messages.print(text, soft_wrap=True, markup=False)
            self._last_kind, self._last_s = kind, now

    @contextmanager
    def shown(self) -> Iterator["ProgressLine"]:
        """Show the line inside the block."""
        with self._bar if self._bar is not None else nullcontext():
            yield self
