"""Draws values with their intervals as inline SVG: a dot on a line for each, row by row, on one common axis. Pure.

Inputs: rows with an interval for each series, in any unit, and a line to compare with where there is one. Output:
markup of a figure (see `figure`). The axis does not begin at 0, as dots are compared by place, not by length. Limits:
rows share one axis, so their values should be of one unit. A plot does not replace a table: give the numbers beside it.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from polyloop.pages.figure import NUM_COLOURS, WIDTH, figure, fitted, legend, text_width

Span = tuple[float, float, float]
"""Low end, value and high end."""

_DOT, _CAP = 4.0, 3.5
_SERIES_HEIGHT, _ROW_GAP, _AXIS_HEIGHT, _GAP = 14, 12, 22, 8
_MAX_NAME_WIDTH = 128
_TICKS = 4
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, kw_only=True)
class IntervalRow:
    """A row of the chart."""

    name: str
    spans: Mapping[str, Span]
    """Series -> its interval; series that a row lacks are left out."""
    text: str
    """What stands at the end of the row."""


@dataclass(frozen=True, kw_only=True)
class _Axis:
    low: float
    high: float
    left: float
    room: float

    def place(self, value: float) -> float:
        return self.left + self.room * (value - self.low) / (self.high - self.low)


def interval_chart(
    title: str, rows: Sequence[IntervalRow], series: Sequence[str], *, line: float | None = None, unit: str = ""
) -> Markup:
    """Return a figure with a dot and its interval for each row and series; `line` is a value to compare with."""
    ends = [end for row in rows for one in series if one in row.spans for end in row.spans[one]]
    ends += [] if line is None else [line]
    ticks = _ticks(min(ends, default=0.0), max(ends, default=1.0))
    left = min(max((text_width(row.name) for row in rows), default=0), _MAX_NAME_WIDTH) + 2 * _GAP
    room = WIDTH - left - max((text_width(row.text) for row in rows), default=0) - 2 * _GAP
    axis = _Axis(low=ticks[0], high=ticks[-1], left=left, room=room)
    height = len(rows) * _row_height(series)
    drawn = [*_axis(axis, ticks, height)]
    if line is not None:
        drawn.append(_vertical(axis.place(line), height, "marker"))
    for number, row in enumerate(rows):
        drawn += _row(row, series, axis, top=number * _row_height(series))
    spoken = "; ".join(f"{row.name}: {_spoken(row, series)}" for row in rows)
    return figure(title + (f" ({unit})" if unit else ""), spoken, height + _AXIS_HEIGHT, drawn, legend(series))


def _row_height(series: Sequence[str]) -> int:
    return _SERIES_HEIGHT * max(len(series), 1) + _ROW_GAP


def _row(row: IntervalRow, series: Sequence[str], axis: _Axis, *, top: float) -> Iterator[Markup]:
    middle = top + _row_height(series) / 2
    yield Markup('<text class="name" x="{:.1f}" y="{:.1f}">{}<title>{}</title></text>').format(
        axis.left - 2 * _GAP, middle, fitted(row.name, _MAX_NAME_WIDTH), row.name
    )
    for number, one in enumerate(series):
        if one in row.spans:
            y = top + _ROW_GAP / 2 + _SERIES_HEIGHT * (number + 0.5)
            yield _span(f"{row.name}, {one}" if one else row.name, row.spans[one], axis, y, number % NUM_COLOURS)
    yield Markup('<text class="value" x="{:.1f}" y="{:.1f}">{}</text>').format(
        axis.left + axis.room + _GAP, middle, row.text
    )


def _span(name: str, span: Span, axis: _Axis, y: float, colour: int) -> Markup:
    low, value, high = (axis.place(end) for end in span)
    return Markup(
        '<g class="span series-{}"><title>{}</title><path d="M{:.1f} {:.1f}V{:.1f}M{:.1f} {:.1f}H{:.1f}M{:.1f} {:.1f}'
        'V{:.1f}"/><circle cx="{:.1f}" cy="{:.1f}" r="{}"/></g>'
    ).format(
        colour,
        f"{name}: {_words(span)}",
        low,
        y - _CAP,
        y + _CAP,
        low,
        y,
        high,
        high,
        y - _CAP,
        y + _CAP,
        value,
        y,
        _DOT,
    )


def _axis(axis: _Axis, ticks: Sequence[float], height: float) -> Iterator[Markup]:
    for tick in ticks:
        yield _vertical(axis.place(tick), height, "grid")
        yield Markup('<text class="tick middle" x="{:.1f}" y="{:.1f}">{}</text>').format(
            axis.place(tick), height + 10, f"{tick:g}"
        )


def _vertical(x: float, height: float, kind: str) -> Markup:
    return Markup('<line class="{0}" x1="{1:.1f}" x2="{1:.1f}" y1="0" y2="{2:.1f}"/>').format(kind, x, height)


def _ticks(low: float, high: float) -> list[float]:
    """Return round numbers, evenly spaced, the first at or below `low` and the last at or above `high`."""
    span = (high - low) or 1.0
    rough = span / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(one * power for one in _STEPS if one * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 10) for number in range(first, max(last, first + 1) + 1)]


def _spoken(row: IntervalRow, series: Sequence[str]) -> str:
    return ", ".join(
        f"{one} {_words(row.spans[one])}" if one else _words(row.spans[one]) for one in series if one in row.spans
    )


def _words(span: Span) -> str:
    low, value, high = span
    return f"{value:.2f} ({low:.2f} to {high:.2f})"
