"""Draws plots as inline SVG: horizontal bars and histograms. Pure, with no word about what is shown.

Inputs: numbers, their names and a description. Outputs: markup of a figure that is safe to put into a page, takes its
colours from `charts.css` (light and dark), and says the description to screen readers. Figures are drawn 360 units
wide, so that their text keeps its size on a narrow screen. A plot does not replace a table: give the numbers beside it.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup, escape

STYLE = Path(__file__).with_name("charts.css")
"""What a page with charts needs to hold."""

WIDTH = 360
NUM_COLOURS = 8
"""Different colours of `charts.css`; further series begin again with the first."""

_LINE_HEIGHT, _BAR_HEIGHT = 26, 16
_CHARACTER_WIDTH = 6.7
_MAX_NAME_WIDTH, _GAP = 128, 8
_PLOT_HEIGHT, _AXIS_HEIGHT, _TOP = 96, 20, 20


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A row of a bar chart: parts that stand behind one another."""

    name: str
    parts: Mapping[str, float]
    """Series -> length, from 0."""
    text: str
    """What stands at the end of the bar."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a histogram."""

    name: str
    """What it stands for, such as `4 to 5`."""
    height: float
    tick: str = ""
    """What is written under its left edge; nothing for most columns."""


def bar_chart(
    title: str, bars: Sequence[Bar], series: Sequence[str], *, longest: float | None = None, description: str = ""
) -> Markup:
    """Return a figure with one horizontal bar a row; `longest` is the length that fills the width.

    With one series there is no legend. Parts of series that are not in `series` are left out.
    """
    name_width = min(max((_text_width(bar.name) for bar in bars), default=0), _MAX_NAME_WIDTH)
    text_width = max((_text_width(bar.text) for bar in bars), default=0)
    left, room = name_width + _GAP, WIDTH - name_width - text_width - 2 * _GAP
    most = longest or max((sum(bar.parts.get(one, 0) for one in series) for bar in bars), default=0) or 1
    drawn = [
        part
        for row, bar in enumerate(bars)
        for part in _bar(bar, series, y=row * _LINE_HEIGHT, left=left, per_unit=room / most)
    ]
    spoken = description or "; ".join(f"{bar.name}: {bar.text}" for bar in bars)
    legend = legend_of(series) if len(series) > 1 else Markup()
    return figure(title, spoken, len(bars) * _LINE_HEIGHT, drawn, legend)


def histogram(
    title: str, columns: Sequence[Column], *, highest: float | None = None, marker: tuple[float, str] | None = None
) -> Markup:
    """Return a figure with vertical columns of equal width; `marker` is a position (in columns) with its text."""
    top = highest or max((column.height for column in columns), default=0) or 1
    step = WIDTH / max(len(columns), 1)
    base = _TOP + _PLOT_HEIGHT
    drawn = [part for number, one in enumerate(columns) for part in _column(one, number * step, step, top, base)]
    drawn.append(Markup('<line class="axis" x1="0" x2="{}" y1="{}" y2="{}"/>').format(WIDTH, base, base))
    spoken = "; ".join(f"{one.name}: {one.height:,.0f}" for one in columns if one.height)
    if marker is not None:
        drawn += _marker(marker[0] * step, marker[1], base)
        spoken = f"{marker[1]}; {spoken}"
    return figure(title, spoken, base + _AXIS_HEIGHT, drawn, Markup())


def figure(title: str, description: str, height: float, parts: Sequence[Markup], legend: Markup) -> Markup:
    """Return a figure of parts that are drawn WIDTH units wide and `height` high."""
    return Markup(
        '<figure class="chart"><figcaption>{title}</figcaption>{legend}'
        '<svg role="img" aria-label="{label}" viewBox="0 0 {width} {height:.0f}" xmlns="http://www.w3.org/2000/svg">'
        "{parts}</svg></figure>"
    ).format(
        title=title,
        legend=legend,
        label=f"{title}. {description}",
        width=WIDTH,
        height=max(height, 1),
        parts=Markup("").join(parts),
    )


def legend_of(series: Sequence[str]) -> Markup:
    """Return the list of series with their colours."""
    items = (
        Markup('<li><i class="swatch series-{}"></i><bdi>{}</bdi></li>').format(number % NUM_COLOURS, name)
        for number, name in enumerate(series)
    )
    return Markup('<ul class="legend" aria-hidden="true">{}</ul>').format(Markup("").join(items))


def _bar(bar: Bar, series: Sequence[str], *, y: float, left: float, per_unit: float) -> Iterator[Markup]:
    middle = y + _LINE_HEIGHT / 2
    yield Markup('<text class="name" x="{:.1f}" y="{:.1f}">{}<title>{}</title></text>').format(
        left - _GAP, middle, _fitted(bar.name, _MAX_NAME_WIDTH), bar.name
    )
    x = left
    for number, one in enumerate(series):
        width = bar.parts.get(one, 0) * per_unit
        if width > 0:
            yield Markup(
                '<rect class="series-{}" x="{:.1f}" y="{:.1f}" width="{:.2f}" height="{}"><title>{}</title></rect>'
            ).format(
                number % NUM_COLOURS,
                x,
                y + (_LINE_HEIGHT - _BAR_HEIGHT) / 2,
                max(width - 0.6, 0.6),
                _BAR_HEIGHT,
                f"{bar.name}, {one}: {_short(bar.parts[one])}",
            )
        x += width
    yield Markup('<text class="value" x="{:.1f}" y="{:.1f}">{}</text>').format(x + _GAP, middle, bar.text)


def _column(column: Column, x: float, step: float, top: float, base: float) -> Iterator[Markup]:
    if column.height > 0:
        height = max(_PLOT_HEIGHT * column.height / top, 1)
        yield Markup(
            '<rect class="series-0" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}"><title>{}</title></rect>'
        ).format(x + 0.5, base - height, max(step - 1, 0.5), height, f"{column.name}: {_short(column.height)}")
    if column.tick:
        yield Markup('<line class="axis" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>').format(x, base, base + 4)
        side = "before" if x + 2 + _text_width(column.tick) > WIDTH else "behind"
        text_x = x + (-2 if side == "before" else 2)
        yield Markup('<text class="tick {}" x="{:.1f}" y="{:.1f}">{}</text>').format(
            side, text_x, base + 12, column.tick
        )


def _marker(x: float, text: str, base: float) -> list[Markup]:
    side = "before" if x > WIDTH / 2 else "behind"
    return [
        Markup('<line class="marker" x1="{0:.1f}" x2="{0:.1f}" y1="4" y2="{1}"/>').format(x, base),
        Markup('<text class="note {}" x="{:.1f}" y="9">{}</text>').format(
            side, x + (-5 if side == "before" else 5), text
        ),
    ]


def _short(number: float) -> str:
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:,.1f}"


def _columns_of(character: str) -> int:
    """Return how many columns of a typewriter a character takes."""
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _text_width(text: str) -> float:
    return sum(map(_columns_of, text)) * _CHARACTER_WIDTH


def _fitted(text: str, width: float) -> Markup:
    """Return the start of a text that is not wider than `width`, with an ellipsis if that is not all."""
    if _text_width(text) <= width:
        return escape(text)
    kept = text
    while kept and _text_width(kept) + _CHARACTER_WIDTH > width:
        kept = kept[:-1]
    return escape(f"{kept.rstrip()}…")
