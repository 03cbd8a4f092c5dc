"""What a report is made of: sections of paragraphs, tables, plots and quoted texts, before any markup.

The template gives them their looks. Every text is plain here and is escaped there; only plots are markup, which
`charts` made. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from markupsafe import Markup

_PICTURES = {code: chr(0x2400 + code) for code in range(0x20) if code not in (0x09, 0x0A)}
_INVISIBLE = dict.fromkeys((0x200B, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))
_VISIBLE = _PICTURES | {0x7F: "␡"} | {code: f"‹U+{code:04X}›" for code in _INVISIBLE}


@dataclass(frozen=True)
class Cell:
    """A cell of a table."""

    text: str
    kind: Literal["text", "number", "quote", "code"] = "text"
    """`quote` is text from the data, in any language and direction."""
    heat: float | None = None
    """0 to 1: how strongly the cell is tinted."""


CellValue = Cell | str | int | float


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows under headings; the first cell of a row is its heading."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    is_folded: bool = False
    """True shows the caption alone until it is opened."""
    kind: Literal["table"] = "table"


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Plots beside each other."""

    charts: tuple[Markup, ...]
    kind: Literal["figures"] = "figures"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A plot with its numbers beside it."""

    chart: Markup
    table: Table
    kind: Literal["pair"] = "pair"


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """Plain text."""

    text: str
    kind: Literal["paragraph"] = "paragraph"


@dataclass(frozen=True, kw_only=True)
class Quotes:
    """Texts from the data, each with where it was; shown once opened."""

    caption: str
    quotes: tuple["Quote", ...]
    kind: Literal["quotes"] = "quotes"


@dataclass(frozen=True)
class Quote:
    """A text from the data."""

    text: str
    facts: tuple[tuple[str, str], ...]
    """Name and value, such as where the text was."""


Block = Table | Figures | Pair | Paragraph | Quotes


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the report with a heading."""

    key: str
    """Anchor in the page."""
    title: str
    blocks: tuple[Block, ...] = field(default_factory=tuple)


def table(
    caption: str, headings: Sequence[str], rows: Sequence[Sequence[CellValue]], *, is_folded: bool = False
) -> Table:
    """Return a table; numbers become cells that are aligned to the right, whole ones with separators."""
    return Table(
        caption=caption,
        headings=tuple(headings),
        rows=tuple(tuple(map(_cell, row)) for row in rows),
        is_folded=is_folded,
    )


def percent(share: float, *, heat: bool = False) -> Cell:
    """Return a share of 1 as a cell in per cent; `heat` tints it by its size."""
    return Cell(percent_text(share), "number", share if heat else None)


def percent_text(share: float) -> str:
    """Return a share of 1 in per cent, such as `12.3 %`; small ones are not shown as nothing."""
    return "< 0.1 %" if 0 < share < 0.001 else f"{100 * share:.1f} %"


def shown(text: str) -> str:
    """Return a text with control characters, and marks that turn its direction, made visible."""
    return text.translate(_VISIBLE).encode("utf-8", errors="replace").decode("utf-8")


def quoted(text: str) -> Cell:
    """Return text from the data as a cell."""
    return Cell(shown(text), "quote")


def _cell(value: CellValue) -> Cell:
    if isinstance(value, Cell):
        return value
    if isinstance(value, str):
        return Cell(shown(value))
    return Cell(f"{value:,}" if isinstance(value, int) else f"{value:,.1f}", "number")
