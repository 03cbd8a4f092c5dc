"""Draws plots as inline SVG: horizontal bars and histograms. Pure, with no word about what is shown.

Inputs: numbers, their names and a description. Outputs: markup of a figure (see `figure`). A plot does not replace a
table: give the numbers beside it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from polyloop.pages.figure import NUM_COLOURS, WIDTH, figure, fitted, legend, short, text_width

_LINE_HEIGHT, _BAR_HEIGHT = 26, 16
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
    name_width = min(max((text_width(bar.name) for bar in bars), default=0), _MAX_NAME_WIDTH)
    end_width = max((text_width(bar.text) for bar in bars), default=0)
    left, room = name_width + _GAP, WIDTH - name_width - end_width - 2 * _GAP
    most = longest or max((sum(bar.parts.get(one, 0) for one in series) for bar in bars), default=0) or 1
    drawn = [
        part
        for row, bar in enumerate(bars)
        for part in _bar(bar, series, y=row * _LINE_HEIGHT, left=left, per_unit=room / most)
    ]
    spoken = description or "; ".join(f"{bar.name}: {bar.text}" for bar in bars)
    return figure(title, spoken, len(bars) * _LINE_HEIGHT, drawn, legend(series))


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


def _bar(bar: Bar, series: Sequence[str], *, y: float, left: float, per_unit: float) -> Iterator[Markup]:
    middle = y + _LINE_HEIGHT / 2
    yield Markup('<text class="name" x="{:.1f}" y="{:.1f}">{}<title>{}</title></text>').format(
        left - _GAP, middle, fitted(bar.name, _MAX_NAME_WIDTH), bar.name
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
                f"{bar.name}, {one}: {short(bar.parts[one])}",
            )
        x += width
    yield Markup('<text class="value" x="{:.1f}" y="{:.1f}">{}</text>').format(x + _GAP, middle, bar.text)


def _column(column: Column, x: float, step: float, top: float, base: float) -> Iterator[Markup]:
    if column.height > 0:
        height = max(_PLOT_HEIGHT * column.height / top, 1)
        yield Markup(
            '<rect class="series-0" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}"><title>{}</title></rect>'
        ).format(x + 0.5, base - height, max(step - 1, 0.5), height, f"{column.name}: {short(column.height)}")
    if column.tick:
        yield Markup('<line class="axis" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>').format(x, base, base + 4)
        side = "before" if x + 2 + text_width(column.tick) > WIDTH else "behind"
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
